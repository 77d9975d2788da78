"""Doors of roles: described in words, matched with the résumés that the asker may see, decided by people."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from hrx.app.people.documents.skills.deciding import Verdict
from hrx.app.people.documents.views import DecidedScore
from hrx.app.people.matching import roles, views
from hrx.app.people.matching.deciding import decide_candidate
from hrx.app.people.matching.matching import rank_candidates
from hrx.app.platform.edge import (
    MAX_ID,
    CurrentPrincipal,
    CursorParam,
    EdgeParts,
    Id,
    LimitParam,
    Transaction,
    not_allowed,
    require,
    signed_in,
)
from hrx.app.platform.paging import DEFAULT_LIMIT
from hrx.app.platform.tenancy import Principal

router = APIRouter(prefix="/role-profiles", tags=["role-profiles"])
_SEEKERS = require(*roles.SEEKERS)
_READERS = require(*roles.READERS)

_Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
_Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20_000)]
_Skill = Annotated[str, StringConstraints(min_length=1, max_length=60)]


class RoleDescription(BaseModel):
    """A role in words. `title` is that of the position unless told; `skills` are those it requires."""

    model_config = ConfigDict(extra="forbid")

    title: _Title | None = None
    description: _Description = ""
    skills: Annotated[list[_Skill], Field(max_length=50)] = Field(default_factory=list)
    position_id: Annotated[int | None, Field(ge=1, le=MAX_ID)] = None


@router.get("", dependencies=[_READERS])
async def list_role_profiles(
    session: Transaction,
    principal: CurrentPrincipal,
    parts: EdgeParts,
    cursor: CursorParam = None,
    limit: LimitParam = DEFAULT_LIMIT,
) -> views.RoleProfiles:
    """Roles that the caller described, of everybody for HR; the newest first."""
    before = parts.cursors.read(cursor, listing="role_profiles")[0] if cursor else None
    rows = await roles.list_roles(
        session, before_id=before if isinstance(before, int) else None, limit=limit + 1
    )
    page = rows[:limit]
    return views.RoleProfiles(
        items=[views.show_role(row, principal) for row in page],
        next_cursor=parts.cursors.sign(listing="role_profiles", after=[page[-1]["id"]])
        if len(rows) > limit
        else None,
    )


@router.post("", status_code=201, dependencies=[_SEEKERS])
async def describe_role_profile(
    body: RoleDescription, session: Transaction, principal: CurrentPrincipal
) -> views.RoleProfile:
    """Describe a role; its matches are asked for by its id. Another description is another role."""
    role_id = await roles.describe_role(
        session,
        title=body.title,
        description=body.description,
        skills=body.skills,
        position_id=body.position_id,
    )
    return views.show_role(await roles.get_role(session, role_id=role_id), principal)


@router.get("/skills", dependencies=[_READERS])
async def list_skill_names(principal: CurrentPrincipal) -> views.SkillNames:
    """Skills that the model knows, to choose the required ones from."""
    return views.show_skill_names(principal.locale)


@router.delete("/{role_id}", status_code=204, response_class=Response, dependencies=[_SEEKERS])
async def delete_role_profile(role_id: Id, session: Transaction) -> None:
    """The role goes with its scores and what was decided of them."""
    await roles.delete_role(session, role_id=role_id)


@router.get("/{role_id}/matches")
async def list_role_matches(role_id: Id, request: Request) -> views.RoleMatches:
    """Résumés that match, the best first, each with its reasons and kept as a row. 503 while nobody scores.

    Names, sexes, ages and addresses count nothing. A proposal: people decide."""
    async with signed_in(request) as session:
        principal: Principal = session.info["principal"]
        if not principal.is_any(*roles.READERS):
            raise not_allowed()
    ranking = await rank_candidates(lambda: signed_in(request), request.app.state.scoring, role_id=role_id)
    return views.show_ranking(ranking, principal)


@router.post("/{role_id}/matches/{match_id}/accept", dependencies=[_SEEKERS])
async def accept_role_match(role_id: Id, match_id: Id, session: Transaction) -> DecidedScore:
    """They are considered for the role, says a person."""
    return await _decide(role_id, match_id, session, "accepted")


@router.post("/{role_id}/matches/{match_id}/reject", dependencies=[_SEEKERS])
async def reject_role_match(role_id: Id, match_id: Id, session: Transaction) -> DecidedScore:
    """They are not considered, says a person. What was decided before stays on record."""
    return await _decide(role_id, match_id, session, "rejected")


async def _decide(role_id: int, match_id: int, session: Transaction, verdict: Verdict) -> DecidedScore:
    decided_at = await decide_candidate(session, role_id=role_id, score_id=match_id, verdict=verdict)
    return DecidedScore(id=match_id, verdict=verdict, decided_at=decided_at)
