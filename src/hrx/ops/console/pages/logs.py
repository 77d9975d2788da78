"""Logs: search everything that was written, follow what is being written, and what one request left where.

Who looks is noted in the console's own access line, as with every page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Response

from hrx.kit import clock
from hrx.kit.errors import HrxError, Text
from hrx.ops.console.desk import Visit, needs
from hrx.ops.ledger.incidents import Incident
from hrx.ops.observe.logs.asking import ask
from hrx.ops.observe.logs.records import LEVELS, Level, LogRecord
from hrx.ops.observe.logs.searching import LogQuery, read_cursor
from hrx.ops.observe.logs.wishes import read_level, read_moment
from hrx.ops.operators.roles import Permission

router: Final = APIRouter()
#: Lines are evidence of what people did: for those who respond, not for those who only look.
Reader = Annotated[Visit, Depends(needs(Permission.PLAN_AND_RUN))]
_PAGE: Final = 100
_PANEL: Final = 12
_AROUND: Final = (timedelta(minutes=2), timedelta(minutes=3))
SPANS: Final = {
    "15m": Text(ja="15 分", en="15 minutes"),
    "1h": Text(ja="1 時間", en="1 hour"),
    "1d": Text(ja="1 日", en="1 day"),
    "7d": Text(ja="7 日", en="7 days"),
    "30d": Text(ja="30 日", en="30 days"),
    "": Text(ja="すべて", en="All"),
}

Moment = Annotated[str, Query(max_length=40)]
Word = Annotated[str, Query(max_length=64)]


def _read_chosen(
    text: Annotated[str, Query(max_length=200)] = "",
    id: Word = "",
    part: Word = "",
    level: Word = "",
    since: Moment = "1h",
    until: Moment = "",
) -> dict[str, str]:
    """What the form's fields say, by their names."""
    return {"text": text, "id": id, "part": part, "level": level, "since": since, "until": until}


Chosen = Annotated[dict[str, str], Depends(_read_chosen)]


@router.get("/logs")
def show_logs(visit: Reader, chosen: Chosen, after: Word = "") -> Response:
    return visit.page("logs.html", **_values(visit, chosen, after=after))


@router.get("/fragments/logs")
def show_lines(visit: Reader, chosen: Chosen) -> Response:
    """The lines alone, asked for every two seconds while somebody follows."""
    return visit.page("fragments/log_lines.html", **_values(visit, chosen, after=""))


# `Any`: values for a template.
def _values(visit: Visit, chosen: Mapping[str, str], *, after: str) -> dict[str, Any]:
    parts = visit.desk.plane.content.parts
    shown: dict[str, Any] = {
        "chosen": chosen,
        "parts": [(part.name, part.title) for part in parts],
        "services": [
            (name, None) for name in sorted({part.service for part in parts} - {part.name for part in parts})
        ],
        "levels": list(LEVELS),
        "spans": SPANS,
        "is_following": not after and not chosen["until"],
        "link": lambda **more: f"/logs?{urlencode({**chosen, **more})}",
    }
    try:
        page = ask(visit.desk.plane.settings, _read_query(chosen, after=after))
    except HrxError as error:
        # What was typed is shown again beside what is wrong with it.
        return {**shown, "page": None, "error": error, "is_following": False}
    return {**shown, "page": page, "error": None}


def _read_query(chosen: Mapping[str, str], *, after: str) -> LogQuery:
    return LogQuery(
        text=chosen["text"].strip() or None,
        correlation_id=chosen["id"].strip() or None,
        parts=(chosen["part"],) if chosen["part"] else (),
        level=read_level(chosen["level"]),
        # One request is asked for as a whole, whenever it was.
        since=None if chosen["id"].strip() else read_moment(chosen["since"]),
        until=read_moment(chosen["until"]),
        after=read_cursor(after) if after else None,
        limit=_PAGE,
    )


# `Any`: values for the panel's template.
def show_incident_lines(visit: Visit, incident: Incident) -> dict[str, Any]:
    """What the incident's part wrote around its start, errors first; all parts when it has none."""
    if not visit.actor.may(Permission.PLAN_AND_RUN):
        return {"may_read": False, "lines": (), "error": None, "link": ""}
    since, until = incident.opened_at - _AROUND[0], incident.opened_at + _AROUND[1]
    values = {"since": since.isoformat(), "until": until.isoformat(), "part": incident.part or ""}
    shown: dict[str, Any] = {
        "may_read": True,
        "lines": (),
        "error": None,
        "link": f"/logs?{urlencode(values)}",
    }
    # The page of an incident asks every two seconds; what was written around its start hardly changes.
    known = _remembered.get(incident.id)
    if known is not None and clock.monotonic_s() - known[0] < _REMEMBERED_S:
        return {**shown, "lines": known[1]}
    query = LogQuery(
        since=since,
        until=until,
        parts=(incident.part,) if incident.part else (),
        level=Level.WARNING,
        limit=_PANEL * 4,
    )
    settings = visit.desk.plane.settings
    try:
        found = ask(settings, query).records
        if not found:
            found = ask(settings, replace(query, level=None, limit=_PANEL)).records
    except HrxError as error:
        return {**shown, "error": error}
    lines = tuple(sorted(found, key=lambda one: -one.level)[:_PANEL])
    if len(_remembered) >= _REMEMBERED:
        _remembered.clear()
    _remembered[incident.id] = (clock.monotonic_s(), lines)
    return {**shown, "lines": lines}


_REMEMBERED_S: Final = 15.0
_REMEMBERED: Final = 64
_remembered: dict[int, tuple[float, tuple[LogRecord, ...]]] = {}
