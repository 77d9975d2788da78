"""The floor: the very statements that the product sends, by bare psycopg behind a bare Starlette route.

No validation, no models, no telemetry; one connection pool of the same size, the same database role, the
same first statement that signs the transaction in, the same COMMIT. Every row that comes back is answered as
JSON. What the product costs above this is what its edge, its shaping and its typed answers cost.

Statements come from a file, recorded from the product itself: see `recording`."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import orjson
import psycopg
import psycopg_pool
import uvicorn
from psycopg.rows import dict_row
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.recording import COMMIT, Statement, unpack

POOL_SIZE: Final = 10
#: The session settings of the product's own connections (hrx.app.platform.db).
_OPTIONS: Final = (
    "-c statement_timeout=15000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=60000"
    " -c jit=off -c search_path=jobs"
)
Connection = psycopg.AsyncConnection[dict[str, Any]]


def create_floor(*, database_url: str, recorded: Mapping[str, list[Statement]]) -> Starlette:
    """An application that answers each recorded path by running its statements."""
    pool: psycopg_pool.AsyncConnectionPool[Connection] = psycopg_pool.AsyncConnectionPool(
        database_url,
        connection_class=psycopg.AsyncConnection[dict[str, Any]],
        # Statements bring their own BEGIN.
        kwargs={"autocommit": True, "options": _OPTIONS, "row_factory": dict_row},
        min_size=POOL_SIZE,
        max_size=POOL_SIZE,
        open=False,
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await pool.open(wait=True)
        yield
        await pool.close()

    async def answer(request: Request) -> Response:
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        async with pool.connection() as connection:
            rows = [await _run(connection, statement) for statement in recorded[path]]
        return Response(orjson.dumps(rows, default=str), media_type="application/json")

    return Starlette(routes=[Route("/{path:path}", answer)], lifespan=lifespan)


async def _run(connection: Connection, statement: Statement) -> list[dict[str, Any]]:
    if statement.sql == COMMIT:
        await connection.commit()
        return []
    cursor: psycopg.AsyncCursor[dict[str, Any]] = (
        psycopg.AsyncClientCursor(connection, row_factory=dict_row)
        if statement.binds_on_client
        else connection.cursor()
    )
    await cursor.execute(statement.sql.encode(), statement.parameters)
    while cursor.nextset():
        pass
    return await cursor.fetchall() if cursor.description else []


def main() -> None:
    """`python -m benchmarks.floor`: HRX_DATABASE_URL, HRX_API_PORT, HRX_BENCH_STATEMENTS (a file)."""
    recorded = unpack(Path(os.environ["HRX_BENCH_STATEMENTS"]).read_bytes())
    app = create_floor(database_url=os.environ["HRX_DATABASE_URL"], recorded=recorded)
    uvicorn.run(
        app, host="127.0.0.1", port=int(os.environ["HRX_API_PORT"]), log_level="warning", access_log=False
    )


if __name__ == "__main__":
    main()
