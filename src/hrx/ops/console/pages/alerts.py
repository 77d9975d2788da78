"""Alerts: what is firing now, what changed lately, and the door through which Alertmanager tells us."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from hrx.kit.errors import Forbidden, Invalid, Text
from hrx.ops.console.desk import Desk, Visit, desk_of, needs
from hrx.ops.console.pages.alert_rules import table_values
from hrx.ops.incidents.intake import TakenIn, take_signals
from hrx.ops.observe.alerts import list_recent, read_notification, record_alerts, to_signals
from hrx.ops.operators.roles import Permission
from hrx.ops.operators.sign_in import is_same_token
from hrx.ops.seams.metrics import AlertSeen
from hrx.ops.targets.rising import is_rising

router: Final = APIRouter()
Looker = Annotated[Visit, Depends(needs(Permission.LOOK))]


@router.get("/alerts")
def show_alerts(visit: Looker, state: str = "", severity: str = "", text: str = "") -> Response:
    return _page(visit, "alerts.html", **table_values(visit.desk, state, severity, text))


@router.get("/fragments/alerts")
def show_alerts_now(visit: Looker) -> Response:
    return _page(visit, "fragments/alerts.html")


@router.post("/hooks/alertmanager")
async def take_alerts(request: Request) -> JSONResponse:
    """Alertmanager's webhook: a shared token, JSON, recorded once for each change of an alert.

    Answers 2xx only when everything is on record; otherwise Alertmanager sends it again."""
    desk = desk_of(request)
    _require_token(desk, request.headers.get("authorization", ""))
    try:
        body = await request.json()
    except ValueError as error:
        raise Invalid(Text(ja="JSON ではありません", en="This is no JSON"), code="alert.no_json") from error
    alerts = read_notification(body)
    desk.rules.ear.hear(alerts)
    # Refused, it would be sent again as it was, when it is long over. What still holds after the start, the
    # watcher finds by itself: it asks Alertmanager at every look.
    if is_rising(desk.plane.settings.var_dir):
        return JSONResponse({"received": len(alerts), "recorded": 0, "incidents": []})
    taken, changed = await run_in_threadpool(_take_in, desk, alerts)
    return JSONResponse({"received": len(alerts), "recorded": changed, "incidents": taken.opened})


def _take_in(desk: Desk, alerts: tuple[AlertSeen, ...]) -> tuple[TakenIn, int]:
    taken = take_signals(desk.plane, to_signals(alerts))
    return taken, record_alerts(desk.ledger, alerts, source="alertmanager")


def _require_token(desk: Desk, header: str) -> None:
    expected = desk.plane.settings.ops_hook_token
    offered = header.removeprefix("Bearer ").strip()
    if expected is None or not is_same_token(offered, expected.get_secret_value()):
        raise Forbidden(
            Text(ja="トークンが違います", en="The token is wrong"),
            hint=Text(ja="HRX_OPS_HOOK_TOKEN を確かめてください。", en="Check HRX_OPS_HOOK_TOKEN."),
            code="alert.wrong_token",
        )


# `Any`: values of a template.
def _page(visit: Visit, template: str, **more: Any) -> Response:
    rules = {rule.name: rule for rule in visit.desk.plane.content.watch.rules}
    recent = list_recent(visit.desk.ledger)
    return visit.page(template, snapshot=visit.desk.snapshot, recent=recent, known=rules, **more)
