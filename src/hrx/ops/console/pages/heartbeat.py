"""Whether the plane does its work: when it last ticked and last looked. No sign-in, no secrets.

Ready is not enough: a console can answer pages while the thread that pages people is dead."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from hrx.kit import clock
from hrx.ops.console.desk import desk_of
from hrx.ops.tick import Ticker

router: Final = APIRouter()


@router.get("/heartbeat")
def heartbeat(request: Request) -> JSONResponse:
    """Ages in seconds; null when it has not happened since the start."""
    ticker: Ticker | None = getattr(request.app.state, "ticker", None)
    started_at: datetime = request.app.state.started_at
    ticked_at = (ticker.ticked_at or started_at) if ticker is not None else None
    return JSONResponse(
        {
            "at": clock.now().isoformat(),
            "started_at": started_at.isoformat(),
            "tick_age_s": _age_s(ticked_at),
            "look_age_s": _age_s(desk_of(request).snapshot.at or started_at),
            "rules_age_s": _age_s(desk_of(request).rules.board.at or started_at),
            "watchdog_age_s": _age_s(desk_of(request).rules.ear.heard_at),
        }
    )


def _age_s(at: datetime | None) -> float | None:
    return None if at is None else round((clock.now() - at).total_seconds(), 3)
