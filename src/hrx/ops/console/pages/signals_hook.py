"""The door for signals of other programs: the outside probe, a customer's own monitoring, a script.

One token with Alertmanager's door; a body of signals; 2xx only when everything is on record."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, Field

from hrx.kit.errors import Forbidden, Text
from hrx.ops.console.desk import desk_of, refuse_while_rising
from hrx.ops.incidents.intake import take_signals
from hrx.ops.operators.sign_in import is_same_token
from hrx.ops.signal import Severity, Signal, SignalSource, SignalState

router: Final = APIRouter()
_MAX_SIGNALS: Final = 1000
#: Who may speak here. Alertmanager, the watcher and people have doors of their own.
_SPEAKERS: Final = frozenset(
    {SignalSource.PROBE, SignalSource.WEBHOOK, SignalSource.DETECTOR, SignalSource.DRILL}
)
Short = Annotated[str, Field(min_length=1, max_length=200)]


class Said(BaseModel):
    """A sentence in both languages."""

    ja: Annotated[str, Field(min_length=1, max_length=1000)]
    en: Annotated[str, Field(min_length=1, max_length=1000)]


class SignalBody(BaseModel):
    """One signal, as `hrx.ops.probe.reporting` writes it."""

    source: SignalSource = SignalSource.WEBHOOK
    key: Short
    name: Short
    state: SignalState
    started_at: AwareDatetime
    summary: Said
    part: Annotated[str | None, Field(max_length=100)] = None
    severity: Severity | None = None
    sop: Annotated[str | None, Field(max_length=20)] = None
    labels: Annotated[dict[Short, Annotated[str, Field(max_length=500)]], Field(max_length=30)] = {}
    is_security: bool = False


class SignalsBody(BaseModel):
    signals: Annotated[list[SignalBody], Field(max_length=_MAX_SIGNALS)]


@router.post("/hooks/signals")
def take(request: Request, body: SignalsBody) -> JSONResponse:
    """Take signals in. Telling the same twice changes nothing."""
    desk = desk_of(request)
    expected = desk.plane.settings.ops_hook_token
    offered = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    if expected is None or not is_same_token(offered, expected.get_secret_value()):
        raise Forbidden(
            Text(ja="トークンが違います", en="The token is wrong"),
            hint=Text(ja="HRX_OPS_HOOK_TOKEN を確かめてください。", en="Check HRX_OPS_HOOK_TOKEN."),
            code="signal.wrong_token",
        )
    signals = [_to_signal(one) for one in body.signals]
    if any(one.source is SignalSource.PROBE for one in signals):
        refuse_while_rising(desk)
    taken = take_signals(desk.plane, signals)
    return JSONResponse({"received": taken.received, "new": taken.new, "incidents": list(taken.opened)})


def _to_signal(body: SignalBody) -> Signal:
    started_at: datetime = body.started_at
    return Signal(
        source=body.source if body.source in _SPEAKERS else SignalSource.WEBHOOK,
        key=body.key,
        name=body.name,
        state=body.state,
        started_at=started_at,
        summary=Text(ja=body.summary.ja, en=body.summary.en),
        part=body.part,
        severity=body.severity,
        sop=body.sop,
        labels=dict(body.labels),
        is_security=body.is_security,
    )
