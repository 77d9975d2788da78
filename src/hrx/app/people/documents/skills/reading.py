"""Résumés as a model may be shown them: the text, and what in it tells who somebody is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.documents import queries
from hrx.app.people.documents.actions.uploading import RESUMES
from hrx.app.platform import audit
from hrx.kit.errors import Invalid, Text

#: Longer than any résumé.
MOST_CHARS: Final = 200_000


class NotAResume(Invalid):
    """Skills are read from résumés and career histories only."""

    code = "document.not_a_resume"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """`protected`: what the record and the text itself say of who somebody is (names in every spelling,
    address, birthday); no sign of a skill, whatever it spells."""

    document_id: int
    version_id: int
    body: str
    protected: tuple[str, ...]


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
        body=found["body"],
        protected=told.get(version_id, ()),
    )


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
