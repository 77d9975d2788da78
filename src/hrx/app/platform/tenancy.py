"""Who acts: the principal of a request or a job, and how PostgreSQL learns of it.

Row-level security reads the settings made here; nothing else in the product filters by tenant."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NewType

from hrx.kit import log
from hrx.kit.errors import Language

TenantId = NewType("TenantId", int)
UserId = NewType("UserId", int)
PersonId = NewType("PersonId", int)
SessionId = NewType("SessionId", int)


class Role(StrEnum):
    """Roles a customer gives to its users. SYSTEM is for jobs only; no row can grant it."""

    OWNER = "owner"
    HR = "hr"
    MANAGER = "manager"
    EMPLOYEE = "employee"
    AUDITOR = "auditor"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who acts in this transaction, on behalf of which tenant."""

    tenant_id: TenantId
    user_id: UserId | None
    person_id: PersonId | None
    roles: frozenset[Role]
    locale: Language = "ja"
    session_id: SessionId | None = None

    def is_any(self, *roles: Role) -> bool:
        return not self.roles.isdisjoint(roles)

    @property
    def sees_everyone(self) -> bool:
        """Mirror of app.sees_everyone(): for showing or hiding doors; the database decides on rows."""
        return self.is_any(Role.OWNER, Role.HR, Role.AUDITOR, Role.SYSTEM)

    @property
    def may_write_people(self) -> bool:
        """Mirror of app.may_write_people()."""
        return self.is_any(Role.OWNER, Role.HR, Role.SYSTEM)


def system_principal(tenant_id: TenantId) -> Principal:
    """The principal of background work for one tenant; it sees that tenant and no other."""
    return Principal(tenant_id=tenant_id, user_id=None, person_id=None, roles=frozenset({Role.SYSTEM}))


#: Tells PostgreSQL who acts, until this transaction ends. The third argument `true` makes each setting local
#: to the transaction, so a pooled connection cannot carry one customer's identity into another's request.
ACT_AS: Final = """
SELECT set_config('hrx.tenant_id', %(tenant_id)s, true) AS tenant_id,
       set_config('hrx.user_id', %(user_id)s, true) AS user_id,
       set_config('hrx.person_id', %(person_id)s, true) AS person_id,
       set_config('hrx.roles', %(roles)s, true) AS roles,
       set_config('hrx.correlation_id', %(correlation_id)s, true) AS correlation_id,
       set_config('application_name', left('hrx ' || %(correlation_id)s, 63), true) AS name
"""


def settings_of(principal: Principal) -> dict[str, object]:
    """The parameters of ACT_AS for a principal."""
    return {
        "tenant_id": str(principal.tenant_id),
        "user_id": "" if principal.user_id is None else str(principal.user_id),
        "person_id": "" if principal.person_id is None else str(principal.person_id),
        "roles": ",".join(sorted(role.value for role in principal.roles)),
        "correlation_id": log.correlation_id.get() or "",
    }
