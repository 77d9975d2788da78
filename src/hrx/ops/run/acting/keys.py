"""Powers over the application's own keys: new ones in place of what may have leaked. No key is ever shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.ledger.entries import Entry, EntryFilter, Kind
from hrx.ops.run.acting.parts import prove_well
from hrx.ops.run.acting.slots import find_other, find_slot
from hrx.ops.run.acting.spec import ActionSpec, Evidence, Look, wait_until_seen
from hrx.ops.run.looking import find_process, may_rest
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.parts import get_part
from hrx.ops.targets.target import PartState

_SESSION_KEYS: Final = "HRX_SESSION_KEYS"
#: Who signs and checks with them; the worker only holds a copy, which must go too.
_HOLDERS: Final = ("api-blue", "api-green", "worker")
_SERVICE: Final = "api"
_RENEWED: Final = "session_keys_renewed"
#: Programs have another way into the database from their next start on.
LOGIN_CHANGED: Final = "database_login_changed"
#: Programs are given another key of a vendor or of a caller, or one key less.
KEY_CHANGED: Final = "key_changed"
#: Each says of which parts it is true.
CHANGES: Final = (_RENEWED, LOGIN_CHANGED, KEY_CHANGED)
#: More than a rotation of everything writes; what came before is done with.
_LOOKS_BACK: Final = 500
#: So often is a holder asked how old it is, when the answer is too late to tell.
_LOOKS_AT_AGE: Final = 5
_MOVED: Final = "moved_to_new_keys"
#: The edge asks each slot twice a second.
_SWITCH_S: Final = 10.0


def _renew(plane: Plane, _params: Mapping[str, str], _timeout_s: float) -> Evidence:
    return _note(plane, plane.target.renew_secret(_SESSION_KEYS))


def _add(plane: Plane, _params: Mapping[str, str], _timeout_s: float) -> Evidence:
    """A new key signs from each program's next start on; what the one before signed still counts."""
    return _note(plane, plane.target.renew_secret(_SESSION_KEYS, keeps_former=True))


def _drop(plane: Plane, _params: Mapping[str, str], _timeout_s: float) -> Evidence:
    return _note(plane, plane.target.drop_former_secret(_SESSION_KEYS))


def _take_back(plane: Plane, _params: Mapping[str, str], _timeout_s: float) -> Evidence:
    """What runs has not begun with the new key yet: the one that it signs with goes on to count."""
    return _note(plane, plane.target.take_back_secret(_SESSION_KEYS))


def _note(plane: Plane, parts: tuple[str, ...]) -> Evidence:
    entry = plane.ledger.append(
        Kind.CONTAINMENT, actor="run", subject="secrets", body={"change": _RENEWED, "parts": list(parts)}
    )
    return {"renewed": True, "parts": list(parts), "at": entry.at.isoformat()}


def _move_over(plane: Plane, _params: Mapping[str, str], timeout_s: float) -> Evidence:
    """Give people's requests to a slot that began with the new keys; the one before goes on until then.

    When the other slot does not come up, nothing has changed for people, and the old keys still count."""
    live = plane.target.list_live(_SERVICE)
    if not live:
        return {"moved": False, "live": []}
    if len(live) > 1:
        plane.target.switch_to(live[0], timeout_s=_SWITCH_S)
    before = find_slot(plane, live[0])
    if before.name not in list_stale(plane):
        return {"moved": False, "live": [before.name]}
    spare = find_other(plane, before)
    was_resting = find_process(plane, spare.name).state is PartState.STOPPED
    if spare.name in list_stale(plane):
        plane.target.restart_part(spare.name, timeout_s=timeout_s / 2)
    else:
        plane.target.start_part(spare.name, timeout_s=timeout_s / 2)
    prove_well(plane, {"part": spare.name}, timeout_s / 2)
    plane.target.switch_to(spare.name, timeout_s=_SWITCH_S)
    plane.ledger.append(
        Kind.CONTAINMENT,
        actor="run",
        subject="secrets",
        body={
            "change": _MOVED,
            "from": before.name,
            "to": spare.name,
            "was_resting": was_resting,
            "message": {
                "ja": f"要求を {before.name} から {spare.name} へ移しました",
                "en": f"Requests went from {before.name} to {spare.name}",
            },
        },
    )
    return {"moved": True, "before": before.name, "live": [spare.name]}


def _retire(plane: Plane, _params: Mapping[str, str], timeout_s: float) -> Evidence:
    """Restart what still runs with the old keys, one by one; what rests gets the new ones when it starts."""
    restarted = []
    for name in _HOLDERS:
        if name in list_stale(plane):
            plane.target.restart_part(name, timeout_s=timeout_s / len(_HOLDERS))
            restarted.append(name)
    return {"restarted": restarted, "started": start_fallen(plane, _HOLDERS, timeout_s=timeout_s / 2)}


def start_fallen(plane: Plane, holders: Sequence[str], *, timeout_s: float) -> list[str]:
    """Start those that stand still and may not: a run that died in a restart left them so. Gives them."""
    fallen = [
        name
        for name in holders
        if find_process(plane, name).state is PartState.STOPPED
        and not may_rest(plane, get_part(plane.content.parts, name))
    ]
    for name in fallen:
        plane.target.start_part(name, timeout_s=timeout_s / len(fallen))
    return fallen


def _move_back(plane: Plane, _params: Mapping[str, str], timeout_s: float) -> Evidence:
    """As it was before: the former slot has the requests, and the other rests if it did. Nothing when it
    already is so."""
    moves = _list_since_renewal(plane, _MOVED)
    live = plane.target.list_live(_SERVICE)
    if not moves or live != (moves[0].body["to"],):
        return {"moved_back": False, "live": list(live)}
    former, spare = str(moves[0].body["from"]), str(moves[0].body["to"])
    prove_well(plane, {"part": former}, timeout_s / 2)
    plane.target.switch_to(former, timeout_s=_SWITCH_S)
    if moves[0].body.get("was_resting") and may_rest(plane, find_slot(plane, spare)):
        plane.target.stop_part(spare, timeout_s=timeout_s / 4)
    return {"moved_back": True, "live": [former]}


def _prove_fresh(plane: Plane, _params: Mapping[str, str], timeout_s: float) -> Evidence:
    def seen() -> Look:
        stale = list_stale(plane)
        return Look(
            is_good=not stale,
            evidence={"with_old_keys": stale},
            says=Text(ja=f"古い鍵のまま: {' '.join(stale)}", en=f"still with old keys: {' '.join(stale)}"),
        )

    return wait_until_seen(seen, timeout_s=timeout_s)


def list_stale(plane: Plane, holders: Sequence[str] = _HOLDERS) -> list[str]:
    """Running holders that began before the newest change of what they hold."""
    changes = _list_changes(plane)
    stale = []
    for name in holders:
        changed = next((entry for entry in changes if name in entry.body["parts"]), None)
        if changed is not None and _began_before(plane, name, changed):
            stale.append(name)
    return stale


def _began_before(plane: Plane, name: str, changed: Entry) -> bool:
    """Whether a holder runs that is as old as the change or older; one of about its age counts as old."""
    for _ in range(_LOOKS_AT_AGE):
        asked_at = clock.now()
        process = find_process(plane, name)
        told_at = clock.now()
        if process.state not in (PartState.RUNNING, PartState.STARTING) or process.uptime_s is None:
            return False
        if process.uptime_s < (asked_at - changed.at).total_seconds():
            return False
        if process.uptime_s >= (told_at - changed.at).total_seconds():
            return True
        # On a busy machine its age is told late: one that has just begun with the new key would look old, and
        # be restarted under the people who use it.
    return True


def find_change(plane: Plane, change: str, **said: str) -> Entry | None:
    """The newest entry about one kind of change of which all of this is said."""
    return next(
        (
            entry
            for entry in _list_changes(plane, (change,))
            if all(entry.body.get(name) == value for name, value in said.items())
        ),
        None,
    )


def _list_changes(plane: Plane, changes: Sequence[str] = CHANGES) -> list[Entry]:
    """Entries about changes of keys and logins, the newest first."""
    wanted = EntryFilter(kinds=(Kind.CONTAINMENT,), subject="secrets")
    entries = plane.ledger.list_entries(wanted, limit=_LOOKS_BACK)
    return [entry for entry in entries if entry.body.get("change") in changes]


def _list_since_renewal(plane: Plane, change: str) -> list[Entry]:
    """The newest entry of this kind, unless what the application's programs hold has changed since."""
    newest = next((one for one in _list_changes(plane) if set(_HOLDERS) & set(one.body["parts"])), None)
    found = _list_changes(plane, (change,))[:1]
    return [one for one in found if newest is not None and one.seq > newest.seq]


ACTIONS: Final = (
    ActionSpec(
        id="keys.renew",
        title=Text(ja="鍵を新しくする", en="Renew the keys"),
        only_reads=False,
        perform=_renew,
    ),
    ActionSpec(
        id="keys.add",
        title=Text(ja="新しい鍵を加える", en="Add a new key"),
        only_reads=False,
        perform=_add,
    ),
    ActionSpec(
        id="keys.drop_former",
        title=Text(ja="古い鍵を外す", en="Drop the former key"),
        only_reads=False,
        perform=_drop,
    ),
    ActionSpec(
        id="keys.take_back",
        title=Text(ja="加えた鍵を取り消す", en="Take the new key back"),
        only_reads=False,
        perform=_take_back,
    ),
    ActionSpec(
        id="keys.move_over",
        title=Text(ja="新しい鍵のスロットへ要求を移す", en="Give the requests to a slot with the new keys"),
        only_reads=False,
        perform=_move_over,
    ),
    ActionSpec(
        id="keys.retire",
        title=Text(ja="古い鍵のものを動かし直す", en="Restart what holds the old keys"),
        only_reads=False,
        perform=_retire,
    ),
    ActionSpec(
        id="keys.move_back",
        title=Text(ja="元のスロットへ戻す", en="Go back to the former slot"),
        only_reads=False,
        perform=_move_back,
    ),
    ActionSpec(
        id="keys.prove_fresh",
        title=Text(ja="古い鍵で動くものがないことを確かめる", en="Prove that nothing runs with old keys"),
        only_reads=True,
        perform=_prove_fresh,
    ),
)
