"""The HTTP API as one process: `python -m hrx.app.api`; `--openapi` prints its document.

Nothing is decided here: the slices are put together, and the parts they share are opened and closed."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import orjson
import uvicorn
from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from starlette.responses import Response

from hrx.app import health
from hrx.app.assistant import routes as assistant_routes
from hrx.app.assistant.evaluation import routes as evaluation_routes
from hrx.app.assistant.parts import build_assistant
from hrx.app.identity import routes as identity_routes
from hrx.app.identity.keys import read_key_ring
from hrx.app.identity.parts import IdentityParts, build_identity
from hrx.app.models.client import ScoringClient
from hrx.app.people.documents import routes as documents_routes
from hrx.app.people.employees import routes as employees_routes
from hrx.app.people.employees.exporting import routes as exporting_routes
from hrx.app.people.employees.importing import routes as importing_routes
from hrx.app.people.matching import routes as matching_routes
from hrx.app.people.org import routes as org_routes
from hrx.app.platform import beacons, events, faults, problems, route_index
from hrx.app.platform.ai_figures import AiFigures
from hrx.app.platform.cache import open_cache
from hrx.app.platform.db import Database, open_database
from hrx.app.platform.edge import Parts, Reply
from hrx.app.platform.live import LiveHub
from hrx.app.platform.paging import CursorSigner
from hrx.app.platform.telemetry import BodyLimits, Telemetry
from hrx.app.platform.visitors import Visitors
from hrx.app.platform.web_figures import WebFigures
from hrx.app.settings import AppSettings
from hrx.kit import log, metrics
from hrx.kit.loop_lag import LoopLag
from hrx.kit.settings import load
from hrx.kit.tracing import open_tracing

PREFIX: Final = "/api/v1"
#: How routes that answer with rows of JSON in shape already are described.
_OBJECT: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "OK", "content": {"application/json": {"schema": {"type": "object"}}}}
}
#: The routes that take large files; below the folder of documents, uploads of new versions.
IMPORT_PATH: Final = f"{PREFIX}/imports"
DOCUMENTS_PATH: Final = f"{PREFIX}/documents"
#: The one that takes small reports from anybody.
BEACON_PATH: Final = f"{PREFIX}/telemetry/web"
_CANCEL_TRIES: Final = 10
_CLOSE_S: Final = 10.0
_logger = logging.getLogger("hrx.api")


def slice_routers() -> list[APIRouter]:
    """The doors of every slice, in the order in which the OpenAPI document lists them."""
    return [
        identity_routes.router,
        events.router,
        beacons.router,
        employees_routes.router,
        org_routes.router,
        importing_routes.router,
        exporting_routes.router,
        documents_routes.router,
        matching_routes.router,
        assistant_routes.router,
        evaluation_routes.router,
    ]


def _operation_id(route: APIRoute) -> str:
    """Names in generated clients are the names of our functions."""
    return route.name


def create_app(settings: AppSettings, *, registry: CollectorRegistry | None = None) -> FastAPI:
    """The API. Its lifespan opens nothing that must be there: PostgreSQL may come later than the API."""
    registry = registry or metrics.new_registry()
    app = FastAPI(
        title="HRX-AI API",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{PREFIX}/openapi.json",
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        lifespan=_lifespan,
        # FastAPI's own instrumentation costs more than a route; see platform.telemetry.
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    app.state.identity = build_identity(settings, registry=registry)
    app.state.parts = build_parts(settings, identity=app.state.identity, registry=registry)
    app.state.registry = registry
    problems.install(app)
    for router in slice_routers():
        app.include_router(router, prefix=PREFIX, responses=problems.ANSWERS)
    app.state.loop_lag = LoopLag(registry)
    ai = AiFigures(registry)
    app.state.assistant = build_assistant(
        settings, database=app.state.parts.database, ai=ai, registry=registry
    )
    app.state.scoring = ScoringClient(
        settings.scoring_socket, timeout_s=settings.scoring_timeout_s, duration=ai.inference
    )
    _add_health(app, settings=settings)
    route_index.install(app)
    tracing = open_tracing(
        endpoint=settings.otlp_endpoint,
        ratio=settings.trace_ratio,
        service="hrx-api",
        attributes={"hrx.slot": settings.slot},
    )
    app.state.tracing = tracing
    app.state.faults = faults.find_switch(settings, database=app.state.parts.database)
    if app.state.faults is not None:
        app.add_middleware(faults.FaultyRoutes, switch=app.state.faults, database=app.state.parts.database)
    app.add_middleware(
        Telemetry,
        limits=BodyLimits(
            default_bytes=settings.body_limit_bytes,
            by_path={
                IMPORT_PATH: settings.import_limit_bytes,
                DOCUMENTS_PATH: settings.document_limit_bytes,
                f"{DOCUMENTS_PATH}/": settings.document_limit_bytes,
                BEACON_PATH: beacons.LIMIT_BYTES,
            },
        ),
        metrics=metrics.HttpServerMetrics(registry) if settings.http_metrics else None,
        refusals=app.state.identity.refusals,
        tracing=tracing,
        writes_access_log=settings.access_log,
    )
    return app


def build_parts(settings: AppSettings, *, identity: IdentityParts, registry: CollectorRegistry) -> Parts:
    """Everything the routes share; connections open when first used."""
    session_keys = read_key_ring(settings.session_keys, variable="HRX_SESSION_KEYS")
    redis_url = settings.redis_url.get_secret_value() if settings.redis_url else None
    cache = open_cache(
        redis_url,
        timeout_ms=settings.redis_timeout_ms,
        retry_s=settings.redis_retry_s,
        ttl_s=settings.cache_ttl_s,
        registry=registry,
        commit=settings.commit,
    )
    return Parts(
        settings=settings,
        database=open_app_database(settings, application_name=f"hrx-api-{settings.slot}", registry=registry),
        authenticator=identity.gate,
        cursors=CursorSigner(session_keys.keys),
        cache=cache,
        refusals=identity.refusals,
        visitors=Visitors(registry, cache=cache),
        web=WebFigures(registry, beacons_per_minute=settings.web_beacons_per_minute),
        live=LiveHub(
            settings.database_url.get_secret_value(),
            max_connections=settings.events_max_connections,
            registry=registry,
        ),
    )


def open_app_database(
    settings: AppSettings, *, application_name: str, registry: CollectorRegistry
) -> Database:
    return open_database(
        settings.database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        pool_timeout_s=settings.database_pool_timeout_s,
        connect_timeout_s=settings.database_connect_timeout_s,
        statement_timeout_ms=settings.database_statement_timeout_ms,
        lock_timeout_ms=settings.database_lock_timeout_ms,
        commit_wait_s=settings.database_commit_wait_s,
        application_name=application_name,
        registry=registry if settings.http_metrics else None,
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    parts: Parts = app.state.parts
    async with AsyncExitStack() as stack:
        for what, close in (
            ("database", parts.database.close),
            ("cache", parts.cache.close),
            ("providers", app.state.identity.providers.close),
            ("gateway", app.state.assistant.gateway.close),
            ("scoring", app.state.scoring.close),
        ):
            stack.push_async_callback(_close, what, close)
        if app.state.tracing is not None:
            stack.callback(app.state.tracing.close)
        for name, work in (
            ("live-events", parts.live.run()),
            ("loop-lag", app.state.loop_lag.run()),
            ("visitors", parts.visitors.run()),
        ):
            stack.push_async_callback(_cancel, asyncio.create_task(work, name=name))
        if app.state.faults is not None:
            stack.push_async_callback(_cancel, asyncio.create_task(app.state.faults.run(), name="faults"))
        yield


async def _close(what: str, close: Callable[[], Awaitable[None]]) -> None:
    """Close one thing of the lifespan. A shutdown has to end, and says what did not let go."""
    try:
        async with asyncio.timeout(_CLOSE_S):
            await close()
    except TimeoutError:
        _logger.exception("Closing takes too long", extra={"fields": {"what": what}})


async def _cancel(task: asyncio.Task[None]) -> None:
    """End a task of the lifespan. A library may swallow one cancellation, and a shutdown has to end."""
    for _ in range(_CANCEL_TRIES):
        task.cancel()
        done, _waiting = await asyncio.wait([task], timeout=1)
        if done:
            return
    _logger.error("A task does not end", extra={"fields": {"task": task.get_name()}})


def _add_health(app: FastAPI, *, settings: AppSettings) -> None:
    parts: Parts = app.state.parts
    dependencies = (
        health.database_dependency(parts.database),
        health.cache_dependency(parts.cache),
        health.live_dependency(parts.live),
        health.scoring_dependency(app.state.scoring),
    )
    version = health.VersionReport(database=parts.database, commit=settings.commit, slot=settings.slot)

    @app.get("/livez", tags=["health"])
    async def livez() -> dict[str, str]:
        """The process answers; nothing else is asked."""
        return {"status": "alive"}

    @app.get("/readyz", tags=["health"], response_class=Reply, responses=_OBJECT | {503: _OBJECT[200]})
    async def readyz(request: Request) -> Response:
        """Whether requests can be served, with each dependency; 503 when a required one is down."""
        report = await health.check_readiness(dependencies)
        status_code = 503 if report.status is health.Readiness.NOT_READY else 200
        return Reply(report.as_dict(), status_code=status_code)

    @app.get("/version", tags=["health"], response_class=Reply, responses=_OBJECT)
    async def show_version() -> Response:
        """What runs here."""
        return Reply(await version.as_dict())


def openapi_document() -> dict[str, object]:
    """The API's document, made without any environment."""
    settings = AppSettings.model_construct(
        **{
            **{
                name: field.default
                for name, field in AppSettings.model_fields.items()
                if not field.is_required()
            },
            "database_url": SecretStr("postgresql://unused"),
            "session_keys": SecretStr("x" * 32),
            "seal_keys": SecretStr("x" * 32),
        }
    )
    return create_app(settings).openapi()


def main() -> None:
    if "--openapi" in sys.argv[1:]:
        sys.stdout.buffer.write(orjson.dumps(openapi_document(), option=orjson.OPT_INDENT_2) + b"\n")
        return
    settings = load(AppSettings)
    log.configure(process=f"api-{settings.slot}", level=settings.log_level)
    app = create_app(settings)
    stop_metrics = metrics.serve(
        app.state.registry, port=settings.api_metrics_port, address=settings.metrics_bind
    )
    try:
        uvicorn.run(
            app,
            host=settings.api_bind,
            port=settings.api_port,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=True,
            forwarded_allow_ips=settings.trusted_proxies,
            timeout_graceful_shutdown=20,
            timeout_keep_alive=75,
        )
    finally:
        stop_metrics()


if __name__ == "__main__":
    main()
