"""Which skills a résumé shows, as our own model sees them: words in, scores out, nothing kept.

The model is asked outside of any transaction, and never sees the text: only which words of a closed list
stand in it, after what the record knows of the person was taken out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.models import features
from hrx.app.models.client import ScoringClient
from hrx.app.models.lexicon import SKILLS, Skill
from hrx.app.people.documents import queries
from hrx.app.people.documents.actions.uploading import RESUMES
from hrx.app.platform import audit
from hrx.kit.errors import Invalid, Text

MODEL: Final = "skills"
#: Where the model's F1 was measured (app/models/training/fitting.py); below it a skill is not shown.
SURE: Final = 0.5
#: Longer than any résumé.
MOST_CHARS: Final = 200_000
_KNOWN: Final = {one.id: one for one in SKILLS}


class NotAResume(Invalid):
    """Skills are read from résumés and career histories only."""

    code = "document.not_a_resume"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """`protected`: names of the person as the record has them; no sign of a skill, whatever they spell."""

    body: str
    protected: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`skills`: each with its score (SURE to 1), the surest first. `version`: of the model that answered."""

    version: str
    skills: tuple[tuple[Skill, float], ...]


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
    names = await queries.list_names(session, person_id=document["person_id"])
    if document["audience"] == "person":
        await audit.record(
            session,
            action="document.text_read",
            subject_person_id=document["person_id"],
            details={"document_id": document_id, "version_id": version_id, "for": "skills"},
        )
    return Resume(body=found["body"], protected=tuple(names))


async def find_skills(scoring: ScoringClient, resume: Resume) -> Found:
    """What the live model says of it.

    Raises ScoringAway, Unavailable with the reason of the part that scores, Refused when the live model was
    trained with other features."""
    row = await asyncio.to_thread(features.find_features, resume.body, resume.protected)
    scores = await scoring.score([row], model=MODEL, features=features.VERSION)
    told = [
        (_KNOWN[label], round(score, 3))
        for label, score in zip(scores.labels, scores.rows[0], strict=True)
        # A model of before may name a skill that the list has no more.
        if score >= SURE and label in _KNOWN
    ]
    return Found(version=scores.version, skills=tuple(sorted(told, key=lambda one: -one[1])))
