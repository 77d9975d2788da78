"""Powers over the application's own keys: new ones in place of what may have leaked. No key is ever shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.ledger.entries import EntryFilter, Kind
from hrx.ops.run.acting.spec import ActionSpec, Evidence, Look, wait_until_seen
from hrx.ops.run.looking import find_process
from hrx.ops.run.plane import Plane
from hrx.ops.targets.target import PartState

_SESSION_KEYS: Final = "HRX_SESSION_KEYS"
#: Who signs and checks with them; the worker only holds a copy, which must go too.
_HOLDERS: Final = ("api-blue", "api-green", "worker")
_RENEWED: Final = "session_keys_renewed"


def _renew(plane: Plane, _params: Mapping[str, str], _timeout_s: float) -> Evidence:
    parts = plane.target.renew_secret(_SESSION_KEYS)
    entry = plane.ledger.append(
        Kind.CONTAINMENT, actor="run", subject="secrets", body={"change": _RENEWED, "parts": list(parts)}
    )
    return {"renewed": True, "parts": list(parts), "at": entry.at.isoformat()}


def _apply(plane: Plane, _params: Mapping[str, str], timeout_s: float) -> Evidence:
    """Restart what runs with the old keys, one by one; what rests gets the new ones when it starts."""
    restarted = []
    for name in _HOLDERS:
        if name in _list_stale(plane):
            plane.target.restart_part(name, timeout_s=timeout_s / len(_HOLDERS))
            restarted.append(name)
    return {"restarted": restarted}


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
    wanted = EntryFilter(kinds=(Kind.CONTAINMENT,), text=f'"change":"{_RENEWED}"')
    renewed = plane.ledger.list_entries(wanted, limit=1)
    if not renewed:
        return []
    stale = []
    for name in _HOLDERS:
        process = find_process(plane, name)
        if process.state not in (PartState.RUNNING, PartState.STARTING):
            continue
        since_s = (clock.now() - renewed[0].at).total_seconds()
        # The supervisor counts whole seconds: one that began in the same second counts as old.
        if process.uptime_s is not None and process.uptime_s >= since_s:
            stale.append(name)
    return stale


ACTIONS: Final = (
    ActionSpec(
        id="keys.renew",
        title=Text(ja="鍵を新しくする", en="Renew the keys"),
        only_reads=False,
        perform=_renew,
    ),
    ActionSpec(
        id="keys.apply",
        title=Text(ja="新しい鍵で動かし直す", en="Restart with the new keys"),
        only_reads=False,
        perform=_apply,
    ),
    ActionSpec(
        id="keys.prove_fresh",
        title=Text(ja="古い鍵で動くものがないことを確かめる", en="Prove that nothing runs with old keys"),
        only_reads=True,
        perform=_prove_fresh,
    ),
)
