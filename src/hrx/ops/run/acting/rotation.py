"""Powers to rotate the password with which the product's programs enter the database, without a refusal.

Two are valid at every moment in between: programs go to a second login, the role gets its new password while
nobody uses it, programs go back, the second login is removed. Moving over is done by the powers over keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hrx.kit.errors import Conflict, Text
from hrx.ops.ledger.entries import Kind
from hrx.ops.run.acting.keys import LOGIN_CHANGED, find_change, list_stale, start_fallen
from hrx.ops.run.acting.spec import ActionSpec, Evidence, Look, wait_until_seen
from hrx.ops.run.plane import Plane

#: Programs come by the role itself.
_OWN: Final = "own"


def _open(plane: Plane, params: Mapping[str, str], _timeout_s: float) -> Evidence:
    return _note(plane, params["role"], "second", plane.target.open_second_login(params["role"]))


def _renew(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    """Only once nobody uses the role's own password: those who do would be refused. A run that died right
    after has renewed it, and some may have come back by it: it is led to its end, not renewed again."""
    changed = find_change(plane, LOGIN_CHANGED, role=params["role"])
    if changed is not None and changed.body["login"] == _OWN:
        return _lead_back(plane, params, timeout_s)
    stale = list_stale(plane, _list_holders(plane, params["role"]))
    if stale:
        raise Conflict(
            Text(
                ja=f"まだ古い入り方のままです: {' '.join(stale)}",
                en=f"Still signing in the former way: {' '.join(stale)}",
            ),
            hint=Text(
                ja="その部品を再起動してから、もう一度実行してください。",
                en="Restart these parts, then run this again.",
            ),
            code="rotation.still_in_use",
        )
    return _note(plane, params["role"], _OWN, plane.target.renew_database_password(params["role"]))


def _lead_back(plane: Plane, params: Mapping[str, str], _timeout_s: float) -> Evidence:
    """Programs sign in as before from their next start on; the second login stays for those who run by it."""
    return _note(plane, params["role"], _OWN, plane.target.lead_back_to_role(params["role"]))


def _restart(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    """Restart, one by one, what began before the newest change of this role's login, and nothing else."""
    holders = _list_holders(plane, params["role"])
    stale = list_stale(plane, holders)
    for name in stale:
        plane.target.restart_part(name, timeout_s=timeout_s / len(stale) / 2)
    return {"restarted": stale, "started": start_fallen(plane, holders, timeout_s=timeout_s / 2)}


def _prove_moved(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    def seen() -> Look:
        stale = list_stale(plane, _list_holders(plane, params["role"]))
        return Look(
            is_good=not stale,
            evidence={"by_the_former_way": stale},
            says=Text(
                ja=f"古い入り方のまま: {' '.join(stale)}", en=f"still by the former way: {' '.join(stale)}"
            ),
        )

    return wait_until_seen(seen, timeout_s=timeout_s)


def _list_holders(plane: Plane, role: str) -> list[str]:
    """The parts that sign in as this role, by what was recorded when their way in was changed."""
    changed = find_change(plane, LOGIN_CHANGED, role=role)
    return list(changed.body["parts"]) if changed is not None else []


def _close(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    closed: list[bool] = []

    def seen() -> Look:
        try:
            closed.append(plane.target.close_second_login(params["role"]))
        except Conflict as error:
            return Look(is_good=False, evidence={}, says=error.message)
        return Look(is_good=True, evidence={"closed": closed[-1]}, says=Text(ja="閉じました", en="closed"))

    return wait_until_seen(seen, timeout_s=timeout_s)


def _prove_closed(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    def seen() -> Look:
        is_there = plane.target.has_second_login(params["role"])
        return Look(
            is_good=not is_there,
            evidence={"second_login": is_there},
            says=Text(ja="二つ目のログインが残っています", en="the second login is still there"),
        )

    return wait_until_seen(seen, timeout_s=timeout_s)


def _note(plane: Plane, role: str, login: str, parts: tuple[str, ...]) -> Evidence:
    """Record which way in programs have from now on; by this entry those that began earlier are found."""
    entry = plane.ledger.append(
        Kind.CONTAINMENT,
        actor="run",
        subject="secrets",
        body={"change": LOGIN_CHANGED, "role": role, "login": login, "parts": list(parts)},
    )
    return {"role": role, "login": login, "parts": list(parts), "at": entry.at.isoformat()}


_ROLE: Final = ("role",)

ACTIONS: Final = (
    ActionSpec(
        id="rotation.open_second_login",
        title=Text(ja="二つ目のログインを開く", en="Open a second login"),
        only_reads=False,
        perform=_open,
        params=_ROLE,
    ),
    ActionSpec(
        id="rotation.renew_password",
        title=Text(ja="役割のパスワードを新しくする", en="Renew the role's password"),
        only_reads=False,
        perform=_renew,
        params=_ROLE,
    ),
    ActionSpec(
        id="rotation.lead_back",
        title=Text(ja="保管中のパスワードに戻す", en="Lead programs back to the password on file"),
        only_reads=False,
        perform=_lead_back,
        params=_ROLE,
    ),
    ActionSpec(
        id="rotation.restart_holders",
        title=Text(ja="その役割で入るものを動かし直す", en="Restart what signs in as the role"),
        only_reads=False,
        perform=_restart,
        params=_ROLE,
    ),
    ActionSpec(
        id="rotation.prove_moved",
        title=Text(
            ja="古い入り方のものがないことを確かめる", en="Prove that nothing comes by the former way"
        ),
        only_reads=True,
        perform=_prove_moved,
        params=_ROLE,
    ),
    ActionSpec(
        id="rotation.close_second_login",
        title=Text(ja="二つ目のログインを閉じる", en="Close the second login"),
        only_reads=False,
        perform=_close,
        params=_ROLE,
    ),
    ActionSpec(
        id="rotation.prove_closed",
        title=Text(ja="二つ目のログインがないことを確かめる", en="Prove that the second login is gone"),
        only_reads=True,
        perform=_prove_closed,
        params=_ROLE,
    ),
)
