"""Roles that people described. None is ever changed: another description is another role."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.documents.skills.judging import KNOWN
from hrx.app.platform import audit
from hrx.app.platform.edge import not_allowed
from hrx.app.platform.tenancy import Principal, Role
from hrx.kit.errors import Invalid, NotFound, Text

#: Who looks for people; the mirror of the policy of migration 0020.
SEEKERS: Final = (Role.OWNER, Role.HR, Role.MANAGER)
#: And who may read what they found.
READERS: Final = (*SEEKERS, Role.AUDITOR)
_COLUMNS: Final = (
    "r.id, r.title, r.description, r.skills, r.position_id, r.created_by, r.created_at,"
    " u.display_name AS created_by_name"
)
_FROM: Final = "FROM app.role_profile AS r LEFT JOIN app.user_account AS u ON u.id = r.created_by"


class RoleNotFound(NotFound):
    """There is no such role, or it is somebody else's."""

    code = "role_profile.not_found"


class SkillUnknown(Invalid):
    """A skill that the model's list does not have."""

    code = "role_profile.skill_unknown"


class PositionUnknown(Invalid):
    """A position that is not there today."""

    code = "role_profile.position_unknown"


async def describe_role(
    session: AsyncSession,
    *,
    title: str | None,
    description: str,
    skills: Sequence[str],
    position_id: int | None,
) -> int:
    """A new role; its title is that of the position unless told. Raises Invalid."""
    unknown = sorted(set(skills) - KNOWN.keys())
    if unknown:
        raise SkillUnknown(
            Text(ja=f"「{unknown[0]}」というスキルはありません。", en=f"There is no skill “{unknown[0]}”."),
            hint=Text(ja="一覧から選んでください。", en="Choose from the list."),
        )
    if position_id is not None:
        found = await _title_of(session, position_id=position_id)
        title = title or found
    if not title:
        raise Invalid(
            Text(ja="役割の名前を入力してください。", en="Say what the role is called."),
            code="role_profile.no_title",
        )
    made = await session.execute(
        text(
            "INSERT INTO app.role_profile (title, description, skills, position_id)"
            " VALUES (:title, :description, :skills, :position_id) RETURNING id"
        ),
        {
            "title": title,
            "description": description,
            "skills": sorted(set(skills)),
            "position_id": position_id,
        },
    )
    role_id: int = made.scalar_one()
    await audit.record(session, action="role_profile.described", details={"role_id": role_id})
    return role_id


async def get_role(session: AsyncSession, *, role_id: int) -> RowMapping:
    """Raises RoleNotFound for absent ones and those of others."""
    found = await session.execute(text(f"SELECT {_COLUMNS} {_FROM} WHERE r.id = :id"), {"id": role_id})
    row = found.mappings().one_or_none()
    if row is None:
        raise RoleNotFound(
            Text(ja="この役割は見つかりません。", en="There is no such role."),
            hint=Text(
                ja="削除されたか、閲覧できない役割です。一覧から開き直してください。",
                en="It was deleted, or you may not see it. Open it from the list again.",
            ),
        )
    return row


async def list_roles(session: AsyncSession, *, before_id: int | None, limit: int) -> Sequence[RowMapping]:
    """The newest first. Index: role_profile_newest."""
    found = await session.execute(
        text(
            f"SELECT {_COLUMNS} {_FROM}"
            " WHERE CAST(:before_id AS bigint) IS NULL OR r.id < CAST(:before_id AS bigint)"
            " ORDER BY r.id DESC LIMIT :limit"
        ),
        {"before_id": before_id, "limit": limit},
    )
    return found.mappings().all()


async def delete_role(session: AsyncSession, *, role_id: int) -> None:
    """The role goes with its scores and what was decided of them. Raises RoleNotFound, Forbidden."""
    found = await get_role(session, role_id=role_id)
    if not may_delete(session.info["principal"], found):
        raise not_allowed()
    await session.execute(text("DELETE FROM app.role_profile WHERE id = :id"), {"id": role_id})
    await audit.record(session, action="role_profile.deleted", details={"role_id": role_id})


def may_delete(principal: Principal, role: RowMapping) -> bool:
    return principal.may_write_people or role["created_by"] == principal.user_id


def may_decide(principal: Principal, role: RowMapping) -> bool:
    """HR, and a manager for the roles that they described; the mirror of the policy of migration 0020."""
    return principal.may_write_people or (
        principal.is_any(Role.MANAGER) and role["created_by"] == principal.user_id
    )


async def _title_of(session: AsyncSession, *, position_id: int) -> str:
    found = (
        await session.execute(
            text(
                "SELECT v.title_ja, v.title_en FROM app.position_version AS v WHERE v.position_id = :id"
                " AND upper_inf(v.known) AND v.valid @> app.tenant_today()"
            ),
            {"id": position_id},
        )
    ).one_or_none()
    if found is None:
        raise PositionUnknown(
            Text(ja="この職位は見つかりません。", en="There is no such position."),
            hint=Text(ja="一覧から選び直してください。", en="Choose from the list again."),
        )
    principal: Principal = session.info["principal"]
    return str(found.title_ja if principal.locale == "ja" else found.title_en or found.title_ja)
