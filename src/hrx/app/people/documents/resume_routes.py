"""Doors of résumés: what they seem to say, the skills that our model sees in them, and what people decide.

Nothing here is in a person's record before a person has accepted it."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request

from hrx.app.people.documents import queries, views
from hrx.app.people.documents.actions import deciding
from hrx.app.people.documents.skills.deciding import Verdict, decide_skill, may_decide
from hrx.app.people.documents.skills.judging import judge
from hrx.app.people.documents.skills.keeping import keep_scores, list_scores
from hrx.app.people.documents.skills.reading import read_resume
from hrx.app.platform.edge import CurrentPrincipal, Id, Transaction, not_allowed, require, signed_in
from hrx.app.platform.tenancy import Principal, Role
from hrx.kit.errors import Language

router = APIRouter()
_READERS: Final = (Role.OWNER, Role.HR, Role.MANAGER, Role.EMPLOYEE, Role.AUDITOR)
_EVERYBODY = require(*_READERS)


@router.get("/{document_id}/versions/{version_id}/skills")
async def list_document_skills(document_id: Id, version_id: Id, request: Request) -> views.DocumentSkills:
    """Skills that our own model sees in a résumé, why, and what people decided; each score is kept as a row.

    A proposal: nothing of it is in the record. 503 while nobody scores."""
    async with signed_in(request) as session:
        principal: Principal = session.info["principal"]
        if not principal.is_any(*_READERS):
            raise not_allowed()
        resume = await read_resume(session, document_id=document_id, version_id=version_id)
    # The part that scores may keep us waiting; no transaction does.
    judged = await judge(request.app.state.scoring, [resume.shown])
    async with signed_in(request) as session:
        # It may have been deleted meanwhile.
        document = await queries.get_document(session, document_id=document_id)
        await keep_scores(session, judged, [resume])
        rows = await list_scores(session, version_ids=[version_id], model_version=judged.version)
        return views.show_skills(
            rows,
            model_version=judged.version,
            may_decide=may_decide(session.info["principal"], document),
            language=principal.locale,
        )


@router.post("/{document_id}/skills/{score_id}/accept")
async def accept_document_skill(document_id: Id, score_id: Id, session: Transaction) -> views.DecidedScore:
    """They have this skill, says a person: HR, or whom the résumé is about."""
    return await _decide_skill(document_id, score_id, session, "accepted")


@router.post("/{document_id}/skills/{score_id}/reject")
async def reject_document_skill(document_id: Id, score_id: Id, session: Transaction) -> views.DecidedScore:
    """They do not have it, says a person. What was decided before stays on record."""
    return await _decide_skill(document_id, score_id, session, "rejected")


@router.get("/{document_id}/proposals", dependencies=[_EVERYBODY])
async def list_document_proposals(document_id: Id, session: Transaction) -> views.Proposals:
    """What a résumé seems to say about its person, with the places; nothing of it is in the record yet."""
    rows = await queries.list_proposals(session, document_id=document_id)
    return views.Proposals(
        items=[
            views.Proposal(
                **{name: row[name] for name in ("id", "version_id", "person_id", "field", "value", "state")},
                decided_at=row["decided_at"],
                start=row["start_char"],
                end=row["end_char"],
                is_recorded_on_accept=row["field"] in deciding.RECORDED,
            )
            for row in rows
        ]
    )


@router.post("/{document_id}/proposals/{proposal_id}/accept")
async def accept_document_proposal(
    document_id: Id, proposal_id: Id, session: Transaction, principal: CurrentPrincipal
) -> views.DecidedProposal:
    """It is right: where the person's record has such a field, HR's acceptance writes it there."""
    decision = await deciding.accept_proposal(session, document_id=document_id, proposal_id=proposal_id)
    return _decided(proposal_id, decision, principal.locale)


@router.post("/{document_id}/proposals/{proposal_id}/reject")
async def reject_document_proposal(
    document_id: Id, proposal_id: Id, session: Transaction, principal: CurrentPrincipal
) -> views.DecidedProposal:
    """It is wrong, or not wanted; nothing is written."""
    decision = await deciding.reject_proposal(session, document_id=document_id, proposal_id=proposal_id)
    return _decided(proposal_id, decision, principal.locale)


async def _decide_skill(
    document_id: int, score_id: int, session: Transaction, verdict: Verdict
) -> views.DecidedScore:
    decided_at = await decide_skill(session, document_id=document_id, score_id=score_id, verdict=verdict)
    return views.DecidedScore(id=score_id, verdict=verdict, decided_at=decided_at)


def _decided(proposal_id: int, decision: deciding.Decision, language: Language) -> views.DecidedProposal:
    return views.DecidedProposal(
        id=proposal_id,
        state="accepted" if decision.state == "accepted" else "rejected",
        is_recorded=decision.is_recorded,
        note=decision.note.in_language(language) if decision.note else None,
    )
