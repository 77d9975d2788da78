"""The first page: how everything is, live, and what needs a person."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response

from hrx.kit.errors import Text
from hrx.kit.secrets import mask_text
from hrx.ops.check import Status
from hrx.ops.console.desk import Visit, needs
from hrx.ops.console.pages.incidents import list_open_rows
from hrx.ops.console.recovery_views import is_rpo_kept
from hrx.ops.ledger.entries import EntryFilter, Kind
from hrx.ops.lock import list_held
from hrx.ops.observe.watching import Snapshot
from hrx.ops.operators.roles import Permission
from hrx.ops.run.records import list_unfinished
from hrx.ops.runbook.parts import get_part

router: Final = APIRouter()
#: Housekeeping of a run is left out of the short list; the ledger page has everything.
_NEWS: Final = (
    Kind.FINDING,
    Kind.PLAN,
    Kind.APPROVAL,
    Kind.RUN_STARTED,
    Kind.RUN_REFUSED,
    Kind.RUN_FINISHED,
    Kind.LOCK_BROKEN,
    Kind.OPERATOR_CHANGED,
    Kind.ALERT,
)
_LOG_BYTES: Final = 6000
Looker = Annotated[Visit, Depends(needs(Permission.LOOK))]


@router.get("/")
def show_overview(visit: Looker) -> Response:
    return visit.page(
        "overview.html", rows=list_open_rows(visit), **_live_values(visit), **_news_values(visit)
    )


@router.get("/fragments/parts")
def show_parts(visit: Looker) -> Response:
    """The live table alone, asked for every two seconds."""
    return visit.page("fragments/parts.html", **_live_values(visit))


@router.get("/fragments/news")
def show_news(visit: Looker) -> Response:
    return visit.page("fragments/news.html", **_news_values(visit))


@router.get("/parts/{name}")
def show_part(visit: Looker, name: str, request: Request) -> Response:
    """One part: what it is, every finding with its evidence, the end of its log, its history."""
    desk = visit.desk
    info = get_part(desk.plane.content.parts, name)
    history = desk.ledger.list_entries(EntryFilter(subject=f"part:{name}"), limit=15)
    return visit.page(
        "part.html",
        info=info,
        history=history,
        log_tail=mask_text(desk.plane.target.tail_log(name, size_bytes=_LOG_BYTES)),
        **_live_values(visit),
    )


@router.get("/fragments/parts/{name}")
def show_part_now(visit: Looker, name: str) -> Response:
    info = get_part(visit.desk.plane.content.parts, name)
    return visit.page("fragments/part_now.html", info=info, **_live_values(visit))


# `Any`: values for a template.
def _live_values(visit: Visit) -> dict[str, Any]:
    snapshot = visit.desk.snapshot
    _, at_risk = visit.desk.standings.read_risk()
    return {
        "snapshot": snapshot,
        "headline": headline(snapshot),
        "groups": group_views(snapshot),
        "last_restart": _last_restarts(visit),
        "at_risk": at_risk,
        "is_rpo_kept": is_rpo_kept(at_risk),
        "memory_total": sum(snapshot.memory_bytes.values()) or None,
    }


def _news_values(visit: Visit) -> dict[str, Any]:
    plane = visit.desk.plane
    return {
        "unfinished": list_unfinished(plane),
        "locks": list_held(plane.ledger),
        "news": plane.ledger.list_entries(EntryFilter(kinds=_NEWS), limit=8),
    }


def headline(snapshot: Snapshot) -> Text:
    """One sentence that tells whether a person is needed."""
    if snapshot.at is None:
        return Text(ja="確認しています", en="Looking")
    down = [view for view in snapshot.views if view.status is Status.DOWN]
    degraded = [view for view in snapshot.views if view.status is Status.DEGRADED]
    if down:
        names_ja = "、".join(view.info.title.ja for view in down[:3])
        more, verb = len(down) - 3, "is" if len(down) == 1 else "are"
        names_en = [view.info.title.en for view in down[:3]] + ([f"{more} more"] if more > 0 else [])
        return Text(
            ja=f"{names_ja}{f'ほか {more} 件' if more > 0 else ''}が止まっています",
            en=f"{_enumerate(names_en)} {verb} down",
        )
    if degraded:
        return Text(
            ja=f"{degraded[0].info.title.ja}の機能が低下しています",
            en=f"{degraded[0].info.title.en} is degraded",
        )
    if any(view.status is Status.UNKNOWN and view.is_required for view in snapshot.views):
        return Text(ja="状態の分からない部品があります", en="Some parts cannot be seen")
    return Text(ja="すべて動いています", en="Everything is working")


def _enumerate(names: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def group_views(snapshot: Snapshot) -> list[tuple[str, list[Any]]]:
    """Views by group, in the order of the content. `Any`: PartView, for the template."""
    groups: dict[str, list[Any]] = {}
    for view in snapshot.views:
        groups.setdefault(view.info.group, []).append(view)
    return list(groups.items())


def _last_restarts(visit: Visit) -> dict[str, datetime]:
    """When each part was last restarted by a procedure."""
    wanted = EntryFilter(kinds=(Kind.RUN_FINISHED,))
    found: dict[str, datetime] = {}
    for entry in visit.desk.ledger.list_entries(wanted, limit=100):
        found.setdefault(entry.subject.removeprefix("part:"), entry.at)
    return found
