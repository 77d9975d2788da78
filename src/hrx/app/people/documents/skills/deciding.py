"""A person decides whether somebody has a skill; what was decided before stays on record beside it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.documents import queries
from hrx.app.people.documents.problems import DocumentNotFound
from hrx.app.platform import audit
from hrx.app.platform.edge import not_allowed
from hrx.app.platform.tenancy import Principal
from hrx.kit.errors import Text

Verdict = Literal["accepted", "rejected"]

_FIND: Final = text(
    "SELECT s.id, s.version_id, s.model_version, d.verdict, d.decided_at"
    " FROM app.model_score AS s LEFT JOIN LATERAL ("
    "  SELECT c.verdict, c.decided_at FROM app.score_decision AS c WHERE c.score_id = s.id"
    "  ORDER BY c.id DESC LIMIT 1) AS d ON true"
    " WHERE s.id = :id AND s.document_id = :document_id AND s.role_id IS NULL AND NOT s.is_shadow"
)
_DECIDE: Final = text(
    "INSERT INTO app.score_decision (score_id, verdict) VALUES (:id, :verdict) RETURNING decided_at"
)


def may_decide(principal: Principal, document: RowMapping) -> bool:
    """HR, and whom the résumé is about; the mirror of the policy of migration 0020."""
    return principal.may_write_people or (
        principal.person_id is not None and document["person_id"] == principal.person_id
    )


async def decide_skill(
    session: AsyncSession, *, document_id: int, score_id: int, verdict: Verdict
) -> datetime:
    """Whether they have it; gives when that was decided. Another verdict is another row and another entry of
    the audit trail, the same one again changes nothing. Raises DocumentNotFound, Forbidden."""
    document = await queries.get_document(session, document_id=document_id)
    principal: Principal = session.info["principal"]
    found = (
        (await session.execute(_FIND, {"id": score_id, "document_id": document_id})).mappings().one_or_none()
    )
    if found is None:
        raise score_not_found()
    if not may_decide(principal, document):
        raise not_allowed()
    return await keep_verdict(
        session,
        found,
        verdict,
        action=f"document.skill_{verdict}",
        subject_person_id=document["person_id"],
        details={"document_id": document_id},
    )


async def keep_verdict(
    session: AsyncSession,
    found: RowMapping,
    verdict: Verdict,
    *,
    action: str,
    subject_person_id: int | None,
    details: Mapping[str, object],
) -> datetime:
    """When it was decided: a row and an entry of the audit trail, unless the newest row says the same.

    `found`: the score with `id`, `version_id`, `model_version` and the newest `verdict` and `decided_at`."""
    if found["verdict"] == verdict:
        before: datetime = found["decided_at"]
        return before
    values = {"id": found["id"], "verdict": verdict}
    decided_at: datetime = (await session.execute(_DECIDE, values)).scalar_one()
    await audit.record(
        session,
        action=action,
        subject_person_id=subject_person_id,
        details={
            **details,
            "version_id": found["version_id"],
            "score_id": found["id"],
            "model_version": found["model_version"],
            "before": found["verdict"],
        },
    )
    return decided_at


def score_not_found() -> DocumentNotFound:
    return DocumentNotFound(
        Text(ja="この採点は見つかりません。", en="There is no such score."),
        hint=Text(
            ja="モデルが切り替わったか、文書が削除されました。画面を開き直してください。",
            en="The model was switched, or the document was deleted. Open the page again.",
        ),
        code="score.not_found",
    )
