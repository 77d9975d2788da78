"""The demo's sign-ins: one for each role, tied to a person whose work fits it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.demo.shaping import MAIL_DOMAIN
from hrx.app.identity import actions
from hrx.app.identity.parts import IdentityParts
from hrx.app.platform.tenancy import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoAccount:
    """A sign-in. It belongs to the head of `unit`, or to somebody who works there."""

    role: Role
    unit: str
    is_head: bool = True

    @property
    def email(self) -> str:
        return f"{self.role.value}@{MAIL_DOMAIN}"


ACCOUNTS: Final = (
    DemoAccount(role=Role.OWNER, unit="MS-ADM"),
    DemoAccount(role=Role.HR, unit="MS-ADM-HR"),
    DemoAccount(role=Role.MANAGER, unit="MS-ENG-D"),
    DemoAccount(role=Role.EMPLOYEE, unit="MS-ENG-D-1", is_head=False),
    DemoAccount(role=Role.AUDITOR, unit="MS-AUD"),
)

_OWNER_OF_ACCOUNT = text(
    "SELECT p.id, p.family_kanji || ' ' || p.given_kanji AS name"
    " FROM app.assignment AS a"
    " JOIN app.org_unit AS u ON u.id = a.org_unit_id"
    " JOIN app.person AS p ON p.id = a.person_id"
    " JOIN app.org_unit_version AS v ON v.org_unit_id = u.id AND upper_inf(v.known)"
    "  AND v.valid @> app.tenant_today()"
    " WHERE u.code = :unit AND a.kind = 'primary' AND upper_inf(a.known) AND a.valid @> app.tenant_today()"
    "  AND (v.head_person_id = p.id) = :is_head AND p.employed @> app.tenant_today()"
    "  AND NOT EXISTS (SELECT FROM app.user_account AS x WHERE x.person_id = p.id)"
    " ORDER BY p.number_key LIMIT 1"
)


async def ensure_accounts(session: AsyncSession, identity: IdentityParts, *, password: str) -> int:
    """Create the sign-ins that are missing; gives how many. Existing ones keep their password."""
    known = set(await session.scalars(text("SELECT email FROM app.user_account")))
    made = 0
    for account in ACCOUNTS:
        if account.email in known:
            continue
        person = (
            await session.execute(_OWNER_OF_ACCOUNT, {"unit": account.unit, "is_head": account.is_head})
        ).one_or_none()
        new = actions.NewUser(
            email=account.email,
            display_name=person.name if person else account.role.value,
            roles=frozenset({account.role}),
            person_id=person.id if person else None,
            password=password,
        )
        await actions.create_user(session, identity, new=new)
        made += 1
    return made
