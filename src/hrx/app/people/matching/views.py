"""How roles and their candidates look to the outside, in the reader's language."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import RowMapping

from hrx.app.people.documents.skills.deciding import Verdict
from hrx.app.people.documents.skills.judging import KNOWN
from hrx.app.people.documents.views import SkillWord, name_skill, show_words
from hrx.app.people.matching.matching import Candidate, Ranking
from hrx.app.people.matching.roles import may_decide, may_delete
from hrx.app.platform.tenancy import Principal
from hrx.kit.errors import Language


class SkillName(BaseModel):
    skill: str
    name: str


class SkillNames(BaseModel):
    items: list[SkillName]


class RoleProfile(BaseModel):
    """`skills`: those that it requires."""

    id: int
    title: str
    description: str
    skills: list[SkillName]
    position_id: int | None
    created_by_name: str | None
    created_at: datetime
    may_delete: bool


class RoleProfiles(BaseModel):
    items: list[RoleProfile]
    next_cursor: str | None


class AskedSkill(BaseModel):
    """`asked`: how much the role asks for it (0.5–1). `is_required`: a person said so; else its text does."""

    skill: str
    name: str
    asked: float
    is_required: bool


class MatchedSkill(BaseModel):
    """`shown`: how sure the model is that the résumé shows it, `share`: what that adds to the match (each
    0–1), `words`: those that it rests on. `verdict`: what people decided of this skill on the résumé."""

    skill: str
    name: str
    shown: float
    share: float
    words: list[SkillWord]
    verdict: Verdict | None


class RoleCandidate(BaseModel):
    """`id`: of the score's row. `place` counts from 1; equals share one. `person_id`: none for applicants."""

    id: int
    place: int
    score: float
    person_id: int | None
    person_name: str | None
    document_id: int
    version_id: int
    title: str
    skills: list[MatchedSkill]
    verdict: Verdict | None
    decided_at: datetime | None


class RoleMatches(BaseModel):
    """A proposal: people decide. `asked` is empty when the role speaks of no skill that the model knows.

    `counted` people were ranked, the best are shown; `waiting` résumés have no scores yet, ask again in ten
    minutes; `is_cut`: older résumés were left out."""

    role: RoleProfile
    asked: list[AskedSkill]
    items: list[RoleCandidate]
    counted: int
    waiting: int
    is_cut: bool
    model_version: str
    may_decide: bool

    model_config = ConfigDict(protected_namespaces=())


def show_skill_names(language: Language) -> SkillNames:
    return SkillNames(items=[SkillName(skill=one, name=name_skill(one, language=language)) for one in KNOWN])


def show_role(role: RowMapping, principal: Principal) -> RoleProfile:
    return RoleProfile(
        **{
            name: role[name]
            for name in ("id", "title", "description", "position_id", "created_by_name", "created_at")
        },
        skills=[
            SkillName(skill=one, name=name_skill(one, language=principal.locale)) for one in role["skills"]
        ],
        may_delete=may_delete(principal, role),
    )


def show_ranking(ranking: Ranking, principal: Principal) -> RoleMatches:
    required = set(ranking.role["skills"])
    return RoleMatches(
        role=show_role(ranking.role, principal),
        asked=[
            AskedSkill(
                skill=skill,
                name=name_skill(skill, language=principal.locale),
                asked=weight,
                is_required=skill in required,
            )
            for skill, weight in sorted(ranking.asked.items(), key=lambda one: (-one[1], one[0]))
        ],
        items=[_candidate(one, principal.locale) for one in ranking.candidates],
        counted=ranking.counted,
        waiting=ranking.waiting,
        is_cut=ranking.is_cut,
        model_version=ranking.model_version,
        may_decide=may_decide(principal, ranking.role),
    )


def _candidate(one: Candidate, language: Language) -> RoleCandidate:
    return RoleCandidate(
        place=one.place,
        **{name: one.kept[name] for name in ("id", "score", "verdict", "decided_at")},
        **{
            name: one.resume[name]
            for name in ("person_id", "person_name", "document_id", "version_id", "title")
        },
        skills=[
            MatchedSkill(
                skill=each["skill"],
                name=name_skill(each["skill"], language=language),
                shown=each["shown"],
                share=each["share"],
                words=show_words(one.skills[each["skill"]]["reasons"]) if each["skill"] in one.skills else [],
                verdict=one.skills[each["skill"]]["verdict"] if each["skill"] in one.skills else None,
            )
            for each in one.kept["reasons"]
        ],
    )
