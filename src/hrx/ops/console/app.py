"""The console as an ASGI application: pages, the guard around them, and errors as pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from hrx.kit import clock, log
from hrx.kit.errors import (
    Conflict,
    Expected,
    Forbidden,
    HrxError,
    Invalid,
    NotFound,
    NotSignedIn,
    Refused,
    Text,
    TooMany,
    Unavailable,
)
from hrx.kit.metrics import HttpServerMetrics, new_registry
from hrx.ops.console import rendering
from hrx.ops.console.copies_figures import CopiesFigures
from hrx.ops.console.desk import Desk, desk_of, find_visitor, language_of, render_page
from hrx.ops.console.duties import make_rule_watch, make_ticker
from hrx.ops.console.figures import PlaneFigures
from hrx.ops.console.guard import Guard
from hrx.ops.console.log_figures import LogFigures
from hrx.ops.console.machine_figures import MachineFigures
from hrx.ops.console.pages import (
    account,
    alert_rules,
    alerts,
    chapters,
    communication,
    contacts,
    dashboards,
    drills,
    health,
    heartbeat,
    incidents,
    ledger,
    logs,
    maintenance,
    on_call,
    operators,
    overview,
    pipelines,
    post_mortems,
    procedures,
    recovery,
    releases,
    settings,
    sign_in,
    signals_hook,
    slack_hook,
    sops,
)
from hrx.ops.console.pointer_watch import PointerWatch
from hrx.ops.console.recovery_figures import RecoveryFigures
from hrx.ops.console.rule_figures import RuleFigures
from hrx.ops.console.standings import Standings
from hrx.ops.console.telling_figures import TellingFigures
from hrx.ops.observe.dashboards.asking import Asker
from hrx.ops.observe.watching import Watcher
from hrx.ops.operators import passwords
from hrx.ops.operators.sign_in import Session
from hrx.ops.recovery.site import open_site
from hrx.ops.run.plane import Plane

PAGES: Final = (
    health,
    sign_in,
    overview,
    chapters,
    procedures,
    recovery,
    pipelines,
    releases,
    ledger,
    logs,
    operators,
    account,
    settings,
    alerts,
    alert_rules,
    heartbeat,
    signals_hook,
    slack_hook,
    incidents,
    on_call,
    communication,
    post_mortems,
    maintenance,
    contacts,
    drills,
    sops,
    dashboards,
)
_STATUS: Final[tuple[tuple[type[HrxError], int], ...]] = (
    (NotSignedIn, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Invalid, 422),
    (TooMany, 429),
    (Conflict, 409),
    (Refused, 409),
    (Unavailable, 503),
    (Expected, 400),
)
# Files change only with the version in their address.
_STATIC_CACHE: Final = "public, max-age=3600"


def build_console(plane: Plane, watcher: Watcher) -> FastAPI:
    """The console on an opened plane. Its threads are started and stopped with the application."""
    ticker, rules = make_ticker(plane), make_rule_watch(plane)
    asker = Asker(plane.settings.prometheus_url)
    passwords.get_ready()

    @asynccontextmanager
    async def live(_app: FastAPI) -> AsyncIterator[None]:
        watcher.start()
        ticker.start()
        rules.start()
        yield
        rules.stop()
        ticker.stop()
        watcher.stop()
        asker.close()

    app = FastAPI(title="HRX-AI Ops", docs_url=None, redoc_url=None, openapi_url=None, lifespan=live)
    desk = Desk(
        plane=plane,
        watcher=watcher,
        rules=rules,
        templates=rendering.make_environment(),
        asker=asker,
        standings=Standings(open_site(plane.settings)),
        pointers=PointerWatch(plane),
    )
    registry = new_registry()
    registry.register(PlaneFigures(desk))
    registry.register(MachineFigures(desk))
    registry.register(CopiesFigures(desk))
    registry.register(RecoveryFigures(desk.standings))
    registry.register(RuleFigures(desk))
    registry.register(LogFigures(desk))
    registry.register(TellingFigures(desk, ticker))
    app.state.desk = desk
    app.state.ticker = ticker
    app.state.registry = registry
    app.state.started_at = clock.now()
    for page in PAGES:
        app.include_router(page.router)
    app.mount("/static", _Static(directory=rendering.STATIC), name="static")
    app.add_exception_handler(HrxError, _show_error)
    app.add_exception_handler(RequestValidationError, _show_bad_request)
    app.add_exception_handler(HTTPException, _show_http_error)
    is_https = (plane.settings.ops_public_url or "").startswith("https:")
    app.add_middleware(Guard, metrics=HttpServerMetrics(registry), is_https=is_https)
    return app


class _Static(StaticFiles):
    """Our own files, kept by browsers for an hour."""

    async def get_response(self, path: str, scope: object) -> Response:
        response = await super().get_response(path, scope)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = _STATIC_CACHE
        return response


def status_of(error: HrxError) -> int:
    """Class of error → HTTP status; the only place of this plane that knows."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def _show_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HrxError):
        raise error
    if isinstance(error, NotSignedIn) and request.method == "GET" and "hx-request" not in request.headers:
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/sign-in?next={quote(here, safe='')}", status_code=303)
    response = _render_error(request, error)
    if isinstance(error, NotSignedIn):
        # A polling fragment of a page whose session ended: htmx follows this instead of swapping.
        response.headers["HX-Redirect"] = "/sign-in"
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _show_bad_request(request: Request, _error: Exception) -> Response:
    return _render_error(
        request,
        Invalid(Text(ja="入力の形が正しくありません", en="The input is malformed"), code="console.malformed"),
    )


def _show_http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        return _render_error(request, NotFound(Text(ja="このページはありません", en="There is no such page")))
    shown = Expected(Text(ja=f"受け付けられません({status})", en=f"Not accepted ({status})"))
    return _render_error(request, shown, status=status)


def _render_error(request: Request, error: HrxError, *, status: int | None = None) -> Response:
    """A page for browsers, problem+json for programs; both with the correlation id to ask about."""
    code = status or status_of(error)
    if "text/html" not in request.headers.get("accept", "") and "hx-request" not in request.headers:
        language = language_of(request)
        return JSONResponse(
            {
                "type": "about:blank",
                "title": error.message.in_language(language),
                "status": code,
                "code": error.stable_code,
                "hint": error.hint.in_language(language) if error.hint else None,
                "correlation_id": log.correlation_id.get(),
            },
            status_code=code,
            media_type="application/problem+json",
        )
    return render_page(
        desk_of(request),
        request,
        "error.html",
        session=_visitor_if_possible(request),
        status=code,
        values={"error": error, "status": code, "correlation_id": log.correlation_id.get()},
    )


def _visitor_if_possible(request: Request) -> Session | None:
    """The error may be that the ledger cannot be read; its page must be shown all the same."""
    try:
        return find_visitor(request)
    except Unavailable:
        return None
