"""The floor: the very statements that the product sends, by bare psycopg behind a bare Starlette route.

No validation, no models, no telemetry, no sign-in; one connection pool of the same size. What the product
costs above this is what its edge, its principal and its typed answers cost.

Statements come from a JSON file: {path: [[sql, parameters], ...]}, recorded from the product itself."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import psycopg_pool
import uvicorn
from psycopg.rows import dict_row
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def create_floor(
    *, database_url: str, statements: dict[str, list[tuple[str, dict[str, object]]]]
) -> Starlette:
    """An application that answers each recorded path by running its statements in one transaction."""
    pool = psycopg_pool.AsyncConnectionPool(database_url, min_size=10, max_size=10, open=False)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await pool.open()
        yield
        await pool.close()

    async def answer(request: Request) -> Response:
        key = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        rows: list[dict[str, object]] = []
        async with pool.connection() as connection:
            for sql, parameters in statements[key]:
                cursor = connection.cursor(row_factory=dict_row)
                await cursor.execute(sql.encode(), parameters)
                if cursor.description:
                    rows = await cursor.fetchall()
        return Response(orjson.dumps(rows, default=str), media_type="application/json")

    return Starlette(routes=[Route("/{path:path}", answer)], lifespan=lifespan)


def main() -> None:
    recorded = json.loads(Path(os.environ["HRX_BENCH_STATEMENTS"]).read_text())
    app = create_floor(database_url=os.environ["HRX_DATABASE_URL"], statements=recorded)
    uvicorn.run(
        app, host="127.0.0.1", port=int(os.environ["HRX_API_PORT"]), log_level="warning", access_log=False
    )


if __name__ == "__main__":
    main()
