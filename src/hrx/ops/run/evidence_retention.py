"""How long folders of evidence are kept, and what no clock may remove.

A folder goes when it is old, nobody holds it, and no incident that may need it is still unclosed. What was
removed, and the hash by which a copy elsewhere is still recognised, stays in the ledger for good. What a
triage saw is part of the ledger's chain and is never removed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

import orjson

from hrx.kit import clock
from hrx.kit.errors import Conflict, Invalid, NotFound, Text
from hrx.ops.ledger.entries import Entry, EntryFilter, Kind
from hrx.ops.ledger.incidents import Incident, find_root, list_unclosed
from hrx.ops.operators.roles import Actor, Permission, require
from hrx.ops.run.acting.evidence import MANIFEST, digest_file, home_of
from hrx.ops.run.plane import Plane

ACTOR: Final = "retention"
_HELD: Final = "evidence_held"
_RELEASED: Final = "evidence_released"
_REMOVED: Final = "evidence_removed"
_REASON_CHARS: Final = 500
_GONE: Final = ".removed-"
_EVERY_S: Final = 3600.0


class Why(StrEnum):
    """Why a folder stays, or goes."""

    YOUNG = "young"
    HELD = "held"
    INCIDENT = "incident"
    UNREADABLE = "unreadable"
    OLD = "old"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One folder of evidence. `goes_at` is when it may go at the earliest; None while something holds it."""

    folder: Path
    made_at: datetime | None
    size_bytes: int
    incident_id: int | None
    why: Why
    goes_at: datetime | None
    held_by: str = ""
    held_because: str = ""

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def subject(self) -> str:
        """The name under which ledger entries speak of it."""
        return f"evidence:{self.name}"


def list_kept(plane: Plane) -> list[Kept]:
    """Every folder of evidence, the oldest first, and why it stays."""
    with plane.ledger.store.read() as connection:
        unclosed = list_unclosed(connection)
    folders = sorted(path for path in home_of(plane).glob("*Z-*") if path.is_dir())
    return [_judge(plane, folder, unclosed) for folder in folders]


def hold(plane: Plane, name: str, *, reason: str, actor: Actor) -> Kept:
    """Keep a folder until somebody releases it (a dispute, an auditor). Raises NotFound, Invalid."""
    require(actor, Permission.PLAN_AND_RUN)
    found = _get(plane, name)
    said = _require_reason(reason)
    _record(
        plane, found, _HELD, actor=actor.name, facts={"reason": said}, ja="保留にしました", en="Put on hold"
    )
    return _get(plane, name)


def release(plane: Plane, name: str, *, reason: str, actor: Actor) -> Kept:
    """Let the clock decide again; takes an approver. Raises NotFound, Invalid, Conflict when it is free."""
    require(actor, Permission.APPROVE)
    found = _get(plane, name)
    said = _require_reason(reason)
    if found.why is not Why.HELD:
        raise Conflict(
            Text(ja=f"{name} は保留されていません", en=f"Nobody holds {name}"), code="evidence.not_held"
        )
    _record(
        plane,
        found,
        _RELEASED,
        actor=actor.name,
        facts={"reason": said},
        ja="保留を解きました",
        en="Released",
    )
    return _get(plane, name)


def retain(plane: Plane, *, actor: str = ACTOR, dry_run: bool = False) -> list[Kept]:
    """Remove what may go; gives what went, or would. On record before it is gone; safe to repeat."""
    going = [one for one in list_kept(plane) if one.why is Why.OLD]
    if dry_run:
        return going
    for one in going:
        _remove(plane, one, actor=actor)
    for left in home_of(plane).glob(f"{_GONE}*"):
        _delete(left)
    return going


def _judge(plane: Plane, folder: Path, unclosed: Sequence[Incident]) -> Kept:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    made_at, incident = _read_made_at(folder), _find_incident(plane, folder)
    incident_id = incident.id if incident is not None else None
    held = _find_hold(plane, folder)

    def kept(why: Why, goes_at: datetime | None = None) -> Kept:
        return Kept(
            folder=folder,
            made_at=made_at,
            size_bytes=size,
            incident_id=incident_id,
            why=why,
            goes_at=goes_at,
            held_by=held.actor if held else "",
            held_because=str(held.body.get("reason", "")) if held else "",
        )

    if held is not None:
        return kept(Why.HELD)
    if made_at is None:
        return kept(Why.UNREADABLE)
    # Of what was kept by hand nobody said what for: whatever is unclosed and had begun may need it.
    if any(
        one.id == incident_id or (one.opened_at <= made_at and (one.is_security or incident is None))
        for one in unclosed
    ):
        return kept(Why.INCIDENT)
    begins = max(made_at, incident.closed_at) if incident and incident.closed_at else made_at
    goes_at = begins + timedelta(days=plane.settings.evidence_keep_days)
    return kept(Why.OLD if goes_at <= clock.now() else Why.YOUNG, goes_at)


def _read_made_at(folder: Path) -> datetime | None:
    try:
        return datetime.fromisoformat(orjson.loads((folder / MANIFEST).read_bytes())["made_at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _find_incident(plane: Plane, folder: Path) -> Incident | None:
    """The incident whose plan made the folder, or the one it became part of."""
    wanted = EntryFilter(kinds=(Kind.STEP_DONE,), text=folder.name)
    for step in plane.ledger.list_entries(wanted, limit=1):
        for entry in plane.ledger.list_run(step.run_id):
            if entry.kind is not Kind.RUN_STARTED:
                continue
            number = plane.ledger.get_entry(int(entry.body["plan_seq"])).body.get("incident")
            if number is None:
                return None
            with plane.ledger.store.read() as connection:
                return find_root(connection, int(number))
    return None


def _find_hold(plane: Plane, folder: Path) -> Entry | None:
    wanted = EntryFilter(kinds=(Kind.CONTAINMENT,), subject=f"evidence:{folder.name}")
    newest = next(iter(plane.ledger.list_entries(wanted, limit=1)), None)
    return newest if newest is not None and newest.body.get("change") == _HELD else None


def _get(plane: Plane, name: str) -> Kept:
    found = next((one for one in list_kept(plane) if one.name == name), None)
    if found is None:
        raise NotFound(
            Text(ja=f"証拠 {name} はありません", en=f"There is no evidence {name}"),
            hint=Text(ja="`hrx evidence list` で一覧できます。", en="`hrx evidence list` shows them."),
            code="evidence.not_found",
        )
    return found


def _require_reason(reason: str) -> str:
    said = reason.strip()
    if not said or len(said) > _REASON_CHARS:
        raise Invalid(
            Text(ja="理由は 1~500 文字です", en="A reason has 1 to 500 characters"), code="evidence.no_reason"
        )
    return said


def _remove(plane: Plane, one: Kept, *, actor: str) -> None:
    wanted = EntryFilter(kinds=(Kind.CONTAINMENT,), subject=one.subject, text=f'"change":"{_REMOVED}"')
    # A process that died after writing this down left the folder.
    if not plane.ledger.list_entries(wanted, limit=1):
        facts = {
            "made_at": one.made_at.isoformat() if one.made_at else None,
            "size_bytes": one.size_bytes,
            "files": sum(1 for path in one.folder.rglob("*") if path.is_file()),
            "manifest_sha256": digest_file(one.folder / MANIFEST),
            "incident": one.incident_id,
            "keep_days": plane.settings.evidence_keep_days,
        }
        _record(
            plane,
            one,
            _REMOVED,
            actor=actor,
            facts=facts,
            ja="期限が過ぎたので消しました",
            en="Removed, for it was old",
        )
    # Half of a folder is not found under its name.
    gone = one.folder.with_name(f"{_GONE}{one.name}")
    one.folder.rename(gone)
    _delete(gone)


def _delete(folder: Path) -> None:
    folder.chmod(0o700)
    for path in folder.rglob("*"):
        if path.is_dir():
            path.chmod(0o700)
    shutil.rmtree(folder)


def _record(
    plane: Plane, one: Kept, change: str, *, actor: str, facts: Mapping[str, object], ja: str, en: str
) -> None:
    plane.ledger.append(
        Kind.CONTAINMENT,
        actor=actor,
        subject=one.subject,
        body={
            "change": change,
            **facts,
            "message": {"ja": f"証拠 {one.name}: {ja}", "en": f"Evidence {one.name}: {en}"},
        },
    )


class EvidenceKeeper:
    """The ticker's round: looks once an hour."""

    def __init__(self) -> None:
        self._due_s = 0.0

    def keep(self, plane: Plane) -> None:
        """Remove what may go, when an hour has passed since the last look."""
        now_s = clock.monotonic_s()
        if now_s < self._due_s:
            return
        self._due_s = now_s + _EVERY_S
        retain(plane)
