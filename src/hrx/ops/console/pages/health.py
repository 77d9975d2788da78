"""What machines ask of the console: alive, ready, which version, and its figures. No sign-in, no secrets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

import hrx
from hrx.kit import clock
from hrx.kit.errors import HrxError
from hrx.ops.console.desk import Desk, desk_of
from hrx.ops.targets.target import PartState

router: Final = APIRouter()
#: A watcher that has not finished a look for this many intervals hangs.
_LATE_INTERVALS: Final = 10


@router.get("/livez")
def livez() -> JSONResponse:
    return JSONResponse({"status": "alive"})


@router.get("/readyz")
def readyz(request: Request) -> JSONResponse:
    """Ready when the ledger can be read; degraded without a supervisor or with a late watcher."""
    desk = desk_of(request)
    checks = [
        _timed("ledger", lambda: _ledger(desk), required=True, affects=["everything"]),
        _timed("supervisor", lambda: _supervisor(desk), required=False, affects=["procedures"]),
        _timed("watcher", lambda: _watcher(desk), required=False, affects=["overview"]),
    ]
    degraded = [str(check["name"]) for check in checks if check["status"] != "ok"]
    is_down = any(check["status"] != "ok" and check["required"] for check in checks)
    status = "not_ready" if is_down else "degraded" if degraded else "ready"
    return JSONResponse(
        {"status": status, "checks": checks, "degraded": degraded}, status_code=503 if is_down else 200
    )


@router.get("/version")
def version(request: Request) -> JSONResponse:
    return JSONResponse(
        {
            "version": hrx.__version__,
            "commit": desk_of(request).plane.settings.commit,
            "slot": None,
            "schema_revision": None,
            "started_at": request.app.state.started_at.isoformat(),
        }
    )


@router.get("/metrics")
def metrics(request: Request) -> Response:
    registry: CollectorRegistry = request.app.state.registry
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


def _timed(name: str, ask: Callable[[], bool], *, required: bool, affects: list[str]) -> dict[str, object]:
    started = clock.monotonic_s()
    try:
        is_well = ask()
    except HrxError:
        is_well = False
    return {
        "name": name,
        "status": "ok" if is_well else "down",
        "latency_ms": round((clock.monotonic_s() - started) * 1000, 1),
        "required": required,
        "affects": affects,
    }


def _ledger(desk: Desk) -> bool:
    desk.ledger.head()
    return True


def _supervisor(desk: Desk) -> bool:
    states = {status.state for status in desk.plane.target.list_parts()}
    return not states <= {PartState.UNKNOWN, PartState.ABSENT}


def _watcher(desk: Desk) -> bool:
    at = desk.snapshot.at
    if at is None:
        return False
    allowed_s = max(15.0, desk.plane.settings.look_interval_s * _LATE_INTERVALS)
    return (clock.now() - at).total_seconds() < allowed_s
