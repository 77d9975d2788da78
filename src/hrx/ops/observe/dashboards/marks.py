"""What happened meanwhile, out of the ledger: incidents, releases, runs of procedures, drills."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from hrx.kit.errors import Text, Unavailable
from hrx.ops.ledger.entries import Entry, EntryFilter, Kind, Ledger
from hrx.ops.ledger.incidents import Incident, IncidentState, list_incidents
from hrx.ops.observe.dashboards.spans import Grid
from hrx.ops.runbook.content import Content

#: More lines than this say nothing; the newest are shown.
_MOST: Final = 40
_READ: Final = 200


class MarkKind(StrEnum):
    """What a mark stands for. RELEASE: a version came to people, or was taken back.
    RUN: a procedure was carried out, such as a restart."""

    INCIDENT = "incident"
    RELEASE = "release"
    RUN = "run"
    DRILL = "drill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One moment worth a vertical line, and where to read more. `ends_at` is set when it lasted."""

    kind: MarkKind
    at: datetime
    ends_at: datetime | None
    says: Text
    href: str


def list_marks(ledger: Ledger, content: Content, *, grid: Grid) -> tuple[Mark, ...]:
    """The marks within these moments, oldest first; none while the ledger cannot be read: a plot without
    marks is better than no plot."""
    try:
        found = [*_incidents(ledger), *_releases(ledger), *_runs(ledger, content), *_drills(ledger)]
    except Unavailable:
        return ()
    shown = [mark for mark in found if grid.place_of(mark.at) is not None or _reaches_into(mark, grid)]
    return tuple(sorted(shown, key=lambda mark: mark.at)[-_MOST:])


def _reaches_into(mark: Mark, grid: Grid) -> bool:
    """An incident that began before what is shown and still went on then."""
    if mark.kind is not MarkKind.INCIDENT or mark.at.timestamp() > grid.start_s:
        return False
    return mark.ends_at is None or mark.ends_at.timestamp() >= grid.start_s


def _incidents(ledger: Ledger) -> list[Mark]:
    return [
        Mark(
            kind=MarkKind.INCIDENT,
            at=one.opened_at,
            ends_at=_end_of(one),
            says=Text(ja=f"障害 #{one.id} {one.title.ja}", en=f"Incident #{one.id} {one.title.en}"),
            href=f"/incidents/{one.id}",
        )
        for one in list_incidents(ledger.store, limit=_READ)
        if one.state is not IncidentState.MERGED
    ]


def _end_of(found: Incident) -> datetime | None:
    return found.mitigated_at or found.resolved_at or found.closed_at


#: How a rollout that is over stands → what that means to people.
_CAME: Final = {
    "promoted": Text(ja="リリース {0} を公開", en="Release {0} came to people"),
    "rolled_back": Text(ja="リリース {0} を取り下げ", en="Release {0} was taken back"),
}


def _releases(ledger: Ledger) -> list[Mark]:
    """One for each end of each rollout: what noted the same end again adds nothing."""
    seen: dict[tuple[str, str, str], Mark] = {}
    for entry in ledger.list_entries(EntryFilter(kinds=(Kind.ROLLOUT,)), limit=_READ):
        stand = str(entry.body.get("stand", ""))
        # A wish that was put on record is not yet what happened.
        if stand not in _CAME or "asked" in entry.body:
            continue
        name, told = entry.subject.removeprefix("release:"), _CAME[stand]
        # Entries come newest first: what stays is when it happened.
        seen[name, str(entry.body.get("rollout", "")), stand] = Mark(
            kind=MarkKind.RELEASE,
            at=entry.at,
            ends_at=None,
            says=Text(ja=told.ja.format(name), en=told.en.format(name)),
            href=f"/ledger/{entry.seq}",
        )
    return list(seen.values())


def _runs(ledger: Ledger, content: Content) -> list[Mark]:
    titles = {procedure.id: procedure.name for procedure in content.procedures}
    return [
        Mark(
            kind=MarkKind.RUN,
            at=entry.at,
            ends_at=None,
            says=_name_run(entry, titles),
            href=f"/runs/{entry.run_id}",
        )
        for entry in ledger.list_entries(EntryFilter(kinds=(Kind.RUN_STARTED,)), limit=_READ)
    ]


def _name_run(entry: Entry, titles: Mapping[str, Text]) -> Text:
    procedure = str(entry.body.get("procedure", ""))
    title = titles.get(procedure, Text(ja=procedure, en=procedure))
    about = entry.subject.rpartition(":")[2]
    more = f" ({about})" if about else ""
    return Text(ja=f"実行: {title.ja}{more}", en=f"Run: {title.en}{more}")


def _drills(ledger: Ledger) -> list[Mark]:
    seen: dict[str, Mark] = {}
    for entry in ledger.list_entries(EntryFilter(kinds=(Kind.DRILL,)), limit=_READ):
        name = str(entry.body.get("drill", entry.subject.removeprefix("drill:")))
        title: Mapping[str, str] = entry.body.get("title", {})
        # Entries come newest first: what stays is the drill's first one.
        seen[entry.run_id or str(entry.seq)] = Mark(
            kind=MarkKind.DRILL,
            at=entry.at,
            ends_at=None,
            says=Text(ja=f"訓練: {title.get('ja', name)}", en=f"Drill: {title.get('en', name)}"),
            href=f"/ledger/{entry.seq}",
        )
    return list(seen.values())
