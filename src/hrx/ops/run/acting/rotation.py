"""Powers to rotate the password with which the product's programs enter the database, without a refusal.

Two are valid at every moment in between: programs go to a second login, the role gets its new password while
nobody uses it, programs go back, the second login is removed. Moving over is done by the powers over keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hrx.kit.errors import Conflict, Text
from hrx.ops.ledger.entries import Kind
from hrx.ops.run.acting.keys import LOGIN_CHANGED, list_stale
from hrx.ops.run.acting.spec import ActionSpec, Evidence, Look, wait_until_seen
from hrx.ops.run.plane import Plane


def _open(plane: Plane, params: Mapping[str, str], _timeout_s: float) -> Evidence:
    return _note(plane, params["role"], "second", plane.target.open_second_login(params["role"]))


def _renew(plane: Plane, params: Mapping[str, str], _timeout_s: float) -> Evidence:
    """Only once nobody uses the role's own password: those who do would be refused."""
    stale = list_stale(plane)
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
    return _note(plane, params["role"], "own", plane.target.renew_database_password(params["role"]))


def _lead_back(plane: Plane, params: Mapping[str, str], _timeout_s: float) -> Evidence:
    """Programs sign in as before from their next start on; the second login stays for those who run by it."""
    return _note(plane, params["role"], "own", plane.target.lead_back_to_role(params["role"]))


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
