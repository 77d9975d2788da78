"""Powers over the application's own keys: new ones in place of what may have leaked. No key is ever shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.ledger.entries import Entry, EntryFilter, Kind
from hrx.ops.run.acting.parts import prove_well
from hrx.ops.run.acting.slots import find_other, find_slot
from hrx.ops.run.acting.spec import ActionSpec, Evidence, Look, wait_until_seen
from hrx.ops.run.looking import find_process
from hrx.ops.run.plane import Plane
from hrx.ops.targets.target import PartState

_SESSION_KEYS: Final = "HRX_SESSION_KEYS"
#: Who signs and checks with them; the worker only holds a copy, which must go too.
_HOLDERS: Final = ("api-blue", "api-green", "worker")
_SERVICE: Final = "api"
_RENEWED: Final = "session_keys_renewed"
_MOVED: Final = "moved_to_new_keys"
#: The edge asks each slot twice a second.
_SWITCH_S: Final = 10.0


def _renew(plane: Plane, _params: Mapping[str, str], _timeout_s: float) -> Evidence:
    parts = plane.target.renew_secret(_SESSION_KEYS)
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
    if before.name not in _list_stale(plane):
        return {"moved": False, "live": [before.name]}
    spare = find_other(plane, before)
    was_resting = find_process(plane, spare.name).state is PartState.STOPPED
    if spare.name in _list_stale(plane):
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
        if name in _list_stale(plane):
            plane.target.restart_part(name, timeout_s=timeout_s / len(_HOLDERS))
            restarted.append(name)
    return {"restarted": restarted}


def _move_back(plane: Plane, _params: Mapping[str, str], timeout_s: float) -> Evidence:
    """As it was before: the slot that took over for a moment rests again. Nothing when it already is."""
    moves = _list_since_renewal(plane, _MOVED)
    live = plane.target.list_live(_SERVICE)
    if not moves or not moves[0].body.get("was_resting") or live != (moves[0].body["to"],):
        return {"moved_back": False, "live": list(live)}
    former, spare = str(moves[0].body["from"]), str(moves[0].body["to"])
    prove_well(plane, {"part": former}, timeout_s / 2)
    plane.target.switch_to(former, timeout_s=_SWITCH_S)
    if find_slot(plane, spare).rests:
        plane.target.stop_part(spare, timeout_s=timeout_s / 4)
    return {"moved_back": True, "live": [former]}


def _prove_fresh(plane: Plane, _params: Mapping[str, str], timeout_s: float) -> Evidence:
    def seen() -> Look:
        stale = _list_stale(plane)
        return Look(
            is_good=not stale,
            evidence={"with_old_keys": stale},
            says=Text(ja=f"古い鍵のまま: {' '.join(stale)}", en=f"still with old keys: {' '.join(stale)}"),
        )

    return wait_until_seen(seen, timeout_s=timeout_s)


def _list_stale(plane: Plane) -> list[str]:
    """Running holders that began before the newest renewal."""
    renewed = _list_changes(plane, _RENEWED)
    if not renewed:
        return []
    stale = []
    for name in _HOLDERS:
        # Before its age is measured: one of about the same age counts as old.
        since_s = (clock.now() - renewed[0].at).total_seconds()
        process = find_process(plane, name)
        if process.state not in (PartState.RUNNING, PartState.STARTING):
            continue
        if process.uptime_s is not None and process.uptime_s >= since_s:
            stale.append(name)
    return stale


def _list_changes(plane: Plane, change: str) -> list[Entry]:
    """The newest entry about a change of keys; empty when there was none."""
    wanted = EntryFilter(kinds=(Kind.CONTAINMENT,), subject="secrets", text=f'"change":"{change}"')
    return plane.ledger.list_entries(wanted, limit=1)


def _list_since_renewal(plane: Plane, change: str) -> list[Entry]:
    renewed, found = _list_changes(plane, _RENEWED), _list_changes(plane, change)
    return [one for one in found if renewed and one.seq > renewed[0].seq]


ACTIONS: Final = (
    ActionSpec(
        id="keys.renew",
        title=Text(ja="鍵を新しくする", en="Renew the keys"),
        only_reads=False,
        perform=_renew,
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
