"""A person decides whether a candidate is worth a talk; what was decided before stays on record beside it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.documents.skills.deciding import Verdict, keep_verdict, score_not_found
from hrx.app.people.matching.roles import get_role, may_decide
from hrx.app.platform.edge import not_allowed

_FIND: Final = text(
    "SELECT s.id, s.document_id, s.version_id, s.model_version, t.person_id, d.verdict, d.decided_at"
    " FROM app.model_score AS s JOIN app.document AS t ON t.id = s.document_id LEFT JOIN LATERAL ("
    "  SELECT c.verdict, c.decided_at FROM app.score_decision AS c WHERE c.score_id = s.id"
    "  ORDER BY c.id DESC LIMIT 1) AS d ON true"
    " WHERE s.id = :id AND s.role_id = :role_id AND NOT s.is_shadow"
)


async def decide_candidate(
    session: AsyncSession, *, role_id: int, score_id: int, verdict: Verdict
) -> datetime:
    """Whether they are considered; gives when that was decided. Another verdict is another row and another
    entry of the audit trail, the same one again changes nothing.

    Raises RoleNotFound, DocumentNotFound, Forbidden."""
    role = await get_role(session, role_id=role_id)
    found = (await session.execute(_FIND, {"id": score_id, "role_id": role_id})).mappings().one_or_none()
    if found is None:
        raise score_not_found()
    if not may_decide(session.info["principal"], role):
        raise not_allowed()
    return await keep_verdict(
        session,
        found,
        verdict,
        action=f"role_profile.candidate_{verdict}",
        subject_person_id=found["person_id"],
        details={"role_id": role_id, "document_id": found["document_id"]},
    )
