"""Résumés as a model may be shown them: the text, and what in it tells who somebody is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.documents import queries
from hrx.app.people.documents.actions.uploading import RESUMES
from hrx.app.people.documents.skills.judging import Shown
from hrx.app.platform import audit
from hrx.kit.errors import Invalid, Text

#: Longer than any résumé.
MOST_CHARS: Final = 200_000


class NotAResume(Invalid):
    """Skills are read from résumés and career histories only."""

    code = "document.not_a_resume"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """A version of a résumé, and what of it a model may be shown."""

    document_id: int
    version_id: int
    shown: Shown


async def read_resume(session: AsyncSession, *, document_id: int, version_id: int) -> Resume:
    """The text as far as the asker may see it; who read a person's own document is recorded.

    Raises DocumentNotFound, NotAResume."""
    document = await queries.get_document(session, document_id=document_id)
    if document["kind"] not in RESUMES:
        raise NotAResume(
            Text(
                ja="スキルを読み取れるのは履歴書と職務経歴書だけです",
                en="Skills are read from résumés and career histories only",
            ),
            hint=Text(ja="文書の種類を確かめてください。", en="See to the document's kind."),
        )
    found = await queries.get_text(
        session, document_id=document_id, version_id=version_id, start=0, end=MOST_CHARS
    )
    told = await list_identity(session, version_ids=[version_id])
    if document["audience"] == "person":
        await audit.record(
            session,
            action="document.text_read",
            subject_person_id=document["person_id"],
            details={"document_id": document_id, "version_id": version_id, "for": "skills"},
        )
    return Resume(
        document_id=document_id,
        version_id=version_id,
        shown=Shown(body=found["body"], protected=told.get(version_id, ())),
    )


# Indexes: document_newest, ready_versions_do_not_overlap. Whoever has left is no candidate.
_IN_FORCE: Final = """
FROM app.document AS d
JOIN app.document_version AS v
  ON v.document_id = d.id AND v.state = 'ready' AND v.effective @> app.tenant_today()
LEFT JOIN app.person AS p ON p.id = d.person_id
WHERE d.deleted_at IS NULL AND d.kind IN ('resume', 'career_history')
  AND (d.person_id IS NULL OR p.employed @> app.tenant_today())
"""
_UNSCORED: Final = f"""
{_IN_FORCE}
  AND NOT EXISTS (SELECT FROM app.model_score AS s
                  WHERE s.version_id = v.id AND s.role_id IS NULL AND s.model_version = :model_version
                    AND s.is_shadow = :is_shadow)
"""


async def list_in_force(session: AsyncSession, *, limit: int) -> Sequence[RowMapping]:
    """Résumés in force today that the asker may see: document_id, version_id, title, kind, audience,
    person_id, person_name; the newest documents first."""
    found = await session.execute(
        text(
            f"SELECT d.id AS document_id, v.id AS version_id, d.title, d.kind, d.audience,"
            f" d.person_id, {queries.PERSON_NAME} AS person_name {_IN_FORCE} ORDER BY d.id DESC LIMIT :limit"
        ),
        {"limit": limit},
    )
    return found.mappings().all()


async def list_unscored(
    session: AsyncSession, *, model_version: str, limit: int, is_shadow: bool = False
) -> list[Resume]:
    """The next résumés in force without scores by that version, as far as the asker may see them."""
    found = await session.execute(
        text(
            "SELECT d.id AS document_id, v.id AS version_id,"  # noqa: S608
            f" (SELECT left(t.body, {MOST_CHARS}) FROM app.document_text AS t"
            "   WHERE t.version_id = v.id) AS body"
            f" {_UNSCORED} ORDER BY d.id DESC LIMIT :limit"
        ),
        {"model_version": model_version, "is_shadow": is_shadow, "limit": limit},
    )
    rows = found.all()
    told = await list_identity(session, version_ids=[row.version_id for row in rows])
    return [
        Resume(
            document_id=row.document_id,
            version_id=row.version_id,
            shown=Shown(body=row.body or "", protected=told.get(row.version_id, ())),
        )
        for row in rows
    ]


async def count_unscored(session: AsyncSession, *, model_version: str) -> int:
    """How many résumés in force wait for their first scores by that version."""
    counted = await session.scalar(
        text(f"SELECT count(*) {_UNSCORED}"),
        {"model_version": model_version, "is_shadow": False},
    )
    return int(counted or 0)


async def list_identity(session: AsyncSession, *, version_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """What tells who somebody is, by version; the same whoever asks, so that no score depends on that.

    Of versions that the asker was shown; it stays inside and is told to nobody."""
    found = await session.execute(
        text("SELECT version_id, told FROM app.tell_identity(:versions) ORDER BY version_id, told"),
        {"versions": list(version_ids)},
    )
    told: dict[int, list[str]] = {}
    for row in found:
        told.setdefault(row.version_id, []).append(row.told)
    return {version_id: tuple(words) for version_id, words in told.items()}
