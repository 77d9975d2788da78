"""Moments that mean something to people: starts of a new version, incidents, named points, switches.

What a restore goes back to is “before” one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hrx.kit.errors import Text
from hrx.ops import words
from hrx.ops.ledger.entries import Entry, EntryFilter, Kind, Ledger
from hrx.ops.recovery.places import Folder
from hrx.ops.recovery.points import RestorePoint, list_points

_LOOK_BACK: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One of them; `target` is what `hrx recover restore --to` takes."""

    at: datetime
    what: str
    name: str
    says: Text
    target: str


def list_moments(ledger: Ledger, folder: Folder, *, limit: int = 100) -> list[Moment]:
    """The newest first."""
    kinds = tuple(_TELLERS)
    entries = ledger.list_entries(EntryFilter(kinds=kinds), limit=_LOOK_BACK)
    found = [_TELLERS[one.kind](one) for one in entries]
    found += [_tell_point(point) for point in list_points(folder)]
    return sorted(found, key=lambda one: one.at, reverse=True)[:limit]


def finder(ledger: Ledger, folder: Folder) -> Callable[[str, str], datetime | None]:
    """Looks up the moment of what a person named ("deploy", "8a338cc")."""

    def find(what: str, name: str) -> datetime | None:
        wanted = "deploy" if what == "migration" else what
        return next(
            (
                one.at
                for one in list_moments(ledger, folder, limit=_LOOK_BACK)
                if one.what == wanted and (one.name == name or (wanted == "deploy" and name in one.says.en))
            ),
            None,
        )

    return find


def note_version(ledger: Ledger, *, commit: str, schema: str, actor: str, began_at: datetime) -> bool:
    """Record that another version or schema began to run; nothing when it is the one that ran before.

    `began_at` is from before the migration: to stop there is to stop before it."""
    last = next(iter(ledger.list_entries(EntryFilter(kinds=(Kind.DEPLOYED,)), limit=1)), None)
    if last is not None and (last.body.get("commit"), last.body.get("schema")) == (commit, schema):
        return False
    body = {
        "commit": commit,
        "schema": schema,
        "former_commit": last.body.get("commit") if last else None,
        "former_schema": last.body.get("schema") if last else None,
        "began_at": began_at.isoformat(),
    }
    ledger.append(Kind.DEPLOYED, actor=actor, subject=f"version:{commit}", body=body)
    return True


def _tell_version(entry: Entry) -> Moment:
    body = entry.body
    began = datetime.fromisoformat(str(body.get("began_at", entry.at.isoformat())))
    commit, schema = str(body["commit"]), str(body["schema"])
    migrated = body.get("former_schema") not in (None, schema)
    return Moment(
        at=began,
        what="deploy",
        name=commit,
        says=Text(
            ja=f"版 {commit}" + (f"、移行 {schema}" if migrated else ""),
            en=f"version {commit}" + (f", migration {schema}" if migrated else ""),
        ),
        target=f"before deploy {commit}",
    )


def _tell_incident(entry: Entry) -> Moment:
    number = entry.subject.partition(":")[2]
    severity = entry.body.get("severity", "?")
    return Moment(
        at=entry.at,
        what="incident",
        name=number,
        says=Text(ja=f"障害 {number}(SEV{severity})", en=f"incident {number} (SEV{severity})"),
        target=f"before incident {number}",
    )


def _tell_point(point: RestorePoint) -> Moment:
    by = words.find_actor(point.made_by)
    return Moment(
        at=point.made_at,
        what="point",
        name=point.name,
        says=Text(
            ja=f"復元ポイント {point.name}、作成 {by.ja}", en=f"restore point {point.name}, made by {by.en}"
        ),
        target=f"point:{point.name}",
    )


def _tell_switch(entry: Entry) -> Moment:
    name = str(entry.body.get("copy", ""))
    return Moment(
        at=entry.at,
        what="switch",
        name=name,
        says=Text(ja=f"写し {name} に切り替え", en=f"switched to copy {name}"),
        target=entry.at.isoformat(),
    )


_TELLERS: Final[Mapping[Kind, Callable[[Entry], Moment]]] = {
    Kind.DEPLOYED: _tell_version,
    Kind.INCIDENT_OPENED: _tell_incident,
    Kind.DATABASE_SWITCHED: _tell_switch,
}
