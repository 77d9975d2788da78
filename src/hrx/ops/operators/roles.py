"""Roles of operators and what each may do; every door asks here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hrx.kit.errors import Forbidden, Text


class Role(StrEnum):
    """From least to most; each may do what the ones before it may."""

    VIEWER = "viewer"
    RESPONDER = "responder"
    APPROVER = "approver"
    ADMIN = "admin"


class Permission(StrEnum):
    """What a door can ask for."""

    LOOK = "look"
    PLAN_AND_RUN = "plan_and_run"
    APPROVE = "approve"
    BREAK_LOCK = "break_lock"
    MANAGE_OPERATORS = "manage_operators"


_ORDER: Final = (Role.VIEWER, Role.RESPONDER, Role.APPROVER, Role.ADMIN)
_LEAST: Final = {
    Permission.LOOK: Role.VIEWER,
    Permission.PLAN_AND_RUN: Role.RESPONDER,
    Permission.APPROVE: Role.APPROVER,
    Permission.BREAK_LOCK: Role.APPROVER,
    Permission.MANAGE_OPERATORS: Role.ADMIN,
}
ROLE_NAMES: Final = {
    Role.VIEWER: Text(ja="閲覧者", en="Viewer"),
    Role.RESPONDER: Text(ja="対応者", en="Responder"),
    Role.APPROVER: Text(ja="承認者", en="Approver"),
    Role.ADMIN: Text(ja="管理者", en="Administrator"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Whoever does something, as the ledger names them.

    `is_operator` is False for the shell user of this machine, who has rights by holding the files but is no
    signed-in person: such an actor can never give the second word that an irreversible plan needs."""

    name: str
    role: Role
    is_operator: bool

    def may(self, permission: Permission) -> bool:
        return _ORDER.index(self.role) >= _ORDER.index(_LEAST[permission])


def require(actor: Actor, permission: Permission) -> None:
    """Raises Forbidden, naming the role that would suffice."""
    if actor.may(permission):
        return
    needed = ROLE_NAMES[_LEAST[permission]]
    raise Forbidden(
        Text(
            ja=f"{actor.name} にはこの操作の権限がありません({needed.ja}以上が必要です)",
            en=f"{actor.name} may not do this: it takes the role {needed.en.lower()} or above",
        ),
        hint=Text(
            ja="管理者に次を依頼してください: "
            f"`hrx operator set-role {actor.name} --role {_LEAST[permission]}`",
            en=f"Ask an administrator for `hrx operator set-role {actor.name} --role {_LEAST[permission]}`.",
        ),
        code="operator.forbidden",
    )
