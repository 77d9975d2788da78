"""Recovery: what would be lost now, what can be brought back, and the moment to go back to.

Everything here only looks. A restore makes a copy beside the living system (`hrx recover restore`); what
changes the living system is a procedure."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response

from hrx.kit import clock
from hrx.kit.errors import HrxError, Invalid, Text
from hrx.ops.console import recovery_views
from hrx.ops.console.desk import Visit, language_of, needs
from hrx.ops.console.drawing_recovery import Window, draw_lanes, href_of, target_of
from hrx.ops.operators.roles import Permission
from hrx.ops.recovery.copies import check_name
from hrx.ops.recovery.forecasting import METHOD
from hrx.ops.recovery.moments import Moment, finder, list_moments
from hrx.ops.recovery.previewing import preview_restore
from hrx.ops.recovery.standing import Standing
from hrx.ops.recovery.targets import say_last
from hrx.ops.recovery.troubles import list_troubles
from hrx.ops.recovery.wording import say_coverage, say_keys

router: Final = APIRouter()
Looker = Annotated[Visit, Depends(needs(Permission.LOOK))]
Runner = Annotated[Visit, Depends(needs(Permission.PLAN_AND_RUN))]
SpanKey = Annotated[str, Query(alias="span", max_length=12)]
#: How far back the time line goes: what the issue asks for, and an hour for who just began.
SPANS: Final = {
    "1h": (timedelta(hours=1), Text(ja="1 時間", en="1 h")),
    "24h": (timedelta(hours=24), Text(ja="24 時間", en="24 h")),
    "7d": (timedelta(days=7), Text(ja="7 日", en="7 d")),
    "30d": (timedelta(days=30), Text(ja="30 日", en="30 d")),
}
_YOUNG, _DEFAULT = "1h", "24h"
_LISTED: Final = 40
_BACKUPS: Final = 40
_PROCEDURES: Final = (
    "restore-copy",
    "switch-database",
    "switch-database-back",
    "bring-back-rows",
    "erase-person",
    "release-effects",
    "switch-dns",
)


@router.get("/recovery")
def show_recovery(visit: Looker, span: SpanKey = "") -> Response:
    """The figures, the time line, the backups and the copies; says why when the backups cannot be read."""
    desk = visit.desk
    site = desk.standings.site
    values: dict[str, Any] = {"standing": None, "error": None, "span": span}
    try:
        standing = desk.standings.get()
        moments = list_moments(desk.ledger, site.folder, limit=500)
    except HrxError as error:
        values["error"] = error
    else:
        values.update(_picture(visit, standing, moments, span=span if span in SPANS else _fitting(standing)))
    content = {one.id: one for one in desk.plane.content.procedures}
    return visit.page(
        "recovery.html",
        spans=SPANS,
        drilled=recovery_views.find_drilled(desk.plane),
        copies=recovery_views.list_copy_views(site),
        procedures=[content[one] for one in _PROCEDURES if one in content],
        **values,
    )


@router.get("/fragments/recovery")
def show_recovery_now(visit: Looker) -> Response:
    """The figures and the problems alone, asked for every five seconds."""
    try:
        standing = visit.desk.standings.get()
    except HrxError as error:
        return visit.page("fragments/recovery_live.html", error=error)
    return visit.page("fragments/recovery_live.html", error=None, **_live(standing))


@router.get("/recovery/restore")
def show_restore(
    visit: Runner,
    to: Annotated[str, Query(max_length=200)] = "",
    name: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """What a restore to this moment would mean; nothing is restored, shipped or written."""
    desk = visit.desk
    site = desk.standings.site
    said, chosen = to.strip(), name.strip() or recovery_views.suggest_name()
    preview, error = None, None
    if said:
        try:
            check_name(chosen)
            preview = preview_restore(site, said, find_moment=finder(desk.ledger, site.folder))
        except HrxError as found:
            error = found
    return visit.page(
        "restore.html",
        status=200 if error is None else 422 if isinstance(error, Invalid) else 409,
        to=said,
        name=chosen,
        preview=preview,
        last=say_last(preview.meant.last) if preview else None,
        command=recovery_views.command_of(said, name=chosen) if preview else "",
        error=error,
        moments=_list_safely(visit)[:_LISTED],
    )


# `Any`: values for a template.
def _picture(visit: Visit, standing: Standing, moments: list[Moment], *, span: str) -> dict[str, Any]:
    now = clock.now()
    window = Window(begin=now - SPANS[span][0], end=now)
    may = visit.actor.may(Permission.PLAN_AND_RUN)
    return {
        "standing": standing,
        "span": span,
        **_live(standing),
        "lanes": draw_lanes(standing, moments, window, language=language_of(visit.request), is_linked=may),
        "labels": window.labels(),
        "moments": [one for one in moments if window.holds(one.at)][:_LISTED],
        "backups": list(reversed(standing.backups))[:_BACKUPS],
        "coverage_said": say_coverage(standing),
        "keys_said": say_keys(standing),
        "method": METHOD,
        "href_of": href_of,
        "target_of": target_of,
    }


# `Any`: values for a template.
def _live(standing: Standing) -> dict[str, Any]:
    return {"troubles": list_troubles(standing), "figures": recovery_views.list_figures(standing)}


def _fitting(standing: Standing) -> str:
    """A day; an hour where there is nothing older yet."""
    first = next((one.began_at for one in standing.facts.backups), standing.facts.now)
    return _YOUNG if standing.facts.now - first < SPANS[_YOUNG][0] else _DEFAULT


def _list_safely(visit: Visit) -> list[Moment]:
    try:
        return list_moments(visit.desk.ledger, visit.desk.standings.site.folder)
    except HrxError:
        return []
