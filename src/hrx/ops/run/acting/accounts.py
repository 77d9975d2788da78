"""Powers of containment over sessions and accounts, through the functions that the database lends us.

Numbers only: operations know no names. The correlation id leads from the tenant's audit trail to ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hrx.kit import log
from hrx.kit.errors import NotFound, Text
from hrx.ops.run.acting.database_door import act
from hrx.ops.run.acting.spec import ActionSpec, Evidence, Look, wait_until_seen
from hrx.ops.run.plane import Plane

# All accounts of all tenants may be many; the statement is one, and so is its transaction.
_REVOKE_S: Final = 30.0
_OPEN: Final = "SELECT seam.count_open_sessions(%(tenant)s::bigint, %(user)s::bigint) AS sessions"
_REVOKE: Final = "SELECT seam.revoke_sessions(%(tenant)s::bigint, %(user)s::bigint, %(id)s) AS sessions"
_STATE: Final = "SELECT seam.account_state(%(user)s::bigint) AS state"
_SET_ACTIVE: Final = "SELECT seam.set_account_active(%(user)s::bigint, %(active)s, %(id)s) AS is_changed"


def count_open_sessions(plane: Plane, of: str) -> int:
    """Open sessions of `account:N`, `tenant:N` or `all` that began before the last revocation."""
    return int(act(plane, _OPEN, _scope(of))[0]["sessions"])


def find_account_state(plane: Plane, account: str) -> str:
    """`active` or `locked`. Raises NotFound."""
    state = act(plane, _STATE, {"user": int(account)})[0]["state"]
    if state is None:
        raise NotFound(
            Text(ja=f"アカウント {account} はありません", en=f"There is no account {account}"),
            hint=Text(
                ja="番号は製品の監査記録か、切り分けの top_user_id にあります。",
                en="Its number is in the product's audit trail, or top_user_id of the triage.",
            ),
            code="run.no_account",
        )
    return str(state)


def _scope(of: str) -> dict[str, object]:
    noun, _, number = of.partition(":")
    return {
        "tenant": int(number) if noun == "tenant" else None,
        "user": int(number) if noun == "account" else None,
    }


def _correlation() -> str:
    return log.correlation_id.get() or ""


def _revoke(plane: Plane, params: Mapping[str, str], _timeout_s: float) -> Evidence:
    rows = act(plane, _REVOKE, {**_scope(params["of"]), "id": _correlation()}, timeout_s=_REVOKE_S)
    return {"of": params["of"], "sessions_ended": int(rows[0]["sessions"])}


def _prove_revoked(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    return _prove_none_open(plane, params["of"], timeout_s=timeout_s)


def _look_at_account(plane: Plane, params: Mapping[str, str], _timeout_s: float) -> Evidence:
    account = params["account"]
    return {
        "account": account,
        "state": find_account_state(plane, account),
        "open_sessions": count_open_sessions(plane, f"account:{account}"),
    }


def _lock(plane: Plane, params: Mapping[str, str], _timeout_s: float) -> Evidence:
    """Shut out, and its sessions ended: they must not come to life again when the account is let in."""
    is_changed = _set_active(plane, params["account"], to=False)
    rows = act(plane, _REVOKE, {**_scope(f"account:{params['account']}"), "id": _correlation()})
    return {
        "account": params["account"],
        "changed": is_changed,
        "sessions_ended": int(rows[0]["sessions"]),
    }


def _unlock(plane: Plane, params: Mapping[str, str], _timeout_s: float) -> Evidence:
    return {"account": params["account"], "changed": _set_active(plane, params["account"], to=True)}


def _set_active(plane: Plane, account: str, *, to: bool) -> bool:
    find_account_state(plane, account)
    rows = act(plane, _SET_ACTIVE, {"user": int(account), "active": to, "id": _correlation()})
    return bool(rows[0]["is_changed"])


def _prove_locked(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    seen = _prove_state(plane, params["account"], wanted="locked", timeout_s=timeout_s)
    return {**seen, **_prove_none_open(plane, f"account:{params['account']}", timeout_s=timeout_s)}


def _prove_unlocked(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    return _prove_state(plane, params["account"], wanted="active", timeout_s=timeout_s)


def _prove_state(plane: Plane, account: str, *, wanted: str, timeout_s: float) -> Evidence:
    def seen() -> Look:
        state = find_account_state(plane, account)
        return Look(
            is_good=state == wanted,
            evidence={"account": account, "state": state},
            says=Text(ja=f"アカウントの状態: {state}", en=f"the account is {state}"),
        )

    return wait_until_seen(seen, timeout_s=timeout_s)


def _prove_none_open(plane: Plane, of: str, *, timeout_s: float) -> Evidence:
    def seen() -> Look:
        left = count_open_sessions(plane, of)
        return Look(
            is_good=left == 0,
            evidence={"of": of, "open_sessions": left},
            says=Text(ja=f"まだ開いているセッション {left}", en=f"sessions still open: {left}"),
        )

    return wait_until_seen(seen, timeout_s=timeout_s)


_OF_ACCOUNT: Final = ("account",)

ACTIONS: Final = (
    ActionSpec(
        id="sessions.revoke",
        title=Text(ja="セッションを無効にする", en="Revoke sessions"),
        only_reads=False,
        perform=_revoke,
        params=("of",),
    ),
    ActionSpec(
        id="sessions.prove_revoked",
        title=Text(ja="開いたセッションがないことを確かめる", en="Prove that no session is left open"),
        only_reads=True,
        perform=_prove_revoked,
        params=("of",),
    ),
    ActionSpec(
        id="account.look",
        title=Text(ja="アカウントの状態を見る", en="Look at an account's state"),
        only_reads=True,
        perform=_look_at_account,
        params=_OF_ACCOUNT,
    ),
    ActionSpec(
        id="account.lock",
        title=Text(ja="アカウントを停止する", en="Lock an account"),
        only_reads=False,
        perform=_lock,
        params=_OF_ACCOUNT,
    ),
    ActionSpec(
        id="account.unlock",
        title=Text(ja="アカウントの停止を解く", en="Unlock an account"),
        only_reads=False,
        perform=_unlock,
        params=_OF_ACCOUNT,
    ),
    ActionSpec(
        id="account.prove_locked",
        title=Text(ja="アカウントが使えないことを確かめる", en="Prove that an account is shut out"),
        only_reads=True,
        perform=_prove_locked,
        params=_OF_ACCOUNT,
    ),
    ActionSpec(
        id="account.prove_unlocked",
        title=Text(ja="アカウントが使えることを確かめる", en="Prove that an account may enter"),
        only_reads=True,
        perform=_prove_unlocked,
        params=_OF_ACCOUNT,
    ),
)
