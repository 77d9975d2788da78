"""The demo company's own documents, as its HR would upload them, and the questions that they answer.

Whoever opens the assistant after a first start finds rules of both languages, one that changed, one that only
HR may read, résumés, and a set of questions to be evaluated by."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.assistant.evaluation.actions import keeping
from hrx.app.assistant.evaluation.models import Expectation, NewQuestion
from hrx.app.people.documents import jobs
from hrx.app.people.documents.actions.uploading import About, Audience, Days, File, Kind, add_document
from hrx.app.people.documents.unpacking import Taken, or_forgotten
from hrx.app.platform.db import Database
from hrx.app.platform.jobs import enqueue
from hrx.app.platform.storage import Storage, StoredFile, open_storage
from hrx.app.platform.tenancy import Principal
from hrx.app.settings import AppSettings

SHELF: Final = Path(__file__).with_name("shelf")
QUESTION_SET: Final = "社内規程の質問"
_PLACE: Final = "みなと精機"
_LIMIT_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A file of the shelf and the name that it is uploaded by; two of one name are versions of one document.

    `unit`: for a résumé, the section whose first member it is of."""

    file: str
    name: str
    kind: Kind
    audience: Audience = "everyone"
    since: date | None = None
    unit: str | None = None


def _rule(file: str, name: str, since: date, *, audience: Audience = "everyone") -> Paper:
    return Paper(file=file, name=name, kind="policy", audience=audience, since=since)


def _guide(file: str, name: str, since: date) -> Paper:
    return Paper(file=file, name=name, kind="handbook", since=since)


def _career(file: str, unit: str) -> Paper:
    return Paper(file=file, name=f"職務経歴書_{unit}.md", kind="career_history", audience="person", unit=unit)


PAPERS: Final = (
    _rule("work-rules.ja.md", "就業規則.md", date(2024, 4, 1)),
    _rule("leave.ja.md", "休暇規程.md", date(2025, 4, 1)),
    _rule("remote-work.ja.md", "在宅勤務規程.md", date(2024, 10, 1)),
    _rule("business-travel.2023.ja.md", "出張旅費規程.md", date(2023, 4, 1)),
    _rule("business-travel.ja.md", "出張旅費規程.md", date(2025, 10, 1)),
    _rule("childcare.ja.md", "育児・介護休業規程.md", date(2025, 4, 1)),
    _rule("security.ja.md", "情報セキュリティ規程.md", date(2025, 7, 1)),
    _rule("appraisal.ja.md", "人事考課の運用.md", date(2026, 4, 1), audience="hr"),
    _guide("remote-work.en.md", "Remote Work Guide.md", date(2024, 10, 1)),
    Paper(
        file="business-travel.en.md",
        name="Business Travel Guide.md",
        kind="handbook",
        since=date(2025, 10, 1),
    ),
    _guide("welcome.en.md", "Guide for New Colleagues.md", date(2024, 4, 1)),
    _career("career-1.ja.md", "MS-ENG-D-3"),
    _career("career-2.ja.md", "MS-ENG-D-1"),
    _career("career-3.ja.md", "MS-SAL-E-1"),
)

_HAS_ANY: Final = text("SELECT EXISTS (SELECT FROM app.document) OR EXISTS (SELECT FROM app.question_set)")
_FIRST_MEMBER: Final = text(
    "SELECT p.id, p.family_kanji || ' ' || p.given_kanji AS name FROM app.assignment AS a"
    " JOIN app.org_unit AS u ON u.id = a.org_unit_id"
    " JOIN app.person AS p ON p.id = a.person_id"
    " WHERE u.code = :unit AND a.kind = 'primary' AND upper_inf(a.known) AND a.valid @> app.tenant_today()"
    "  AND p.employed @> app.tenant_today()"
    "  AND NOT EXISTS (SELECT FROM app.user_account AS x WHERE x.person_id = p.id)"
    " ORDER BY p.number_key LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A stored paper, and whose it is."""

    paper: Paper
    file: File
    person_id: int | None


async def load_papers(database: Database, settings: AppSettings, *, hr: Principal) -> int:
    """Upload the shelf and keep its questions; all of it or nothing. Gives how many files it was: 0 where the
    company has documents or questions already. They are read by the worker, like everybody's.

    Raises StorageUnavailable."""
    async with database.transaction(hr) as session:
        if await session.scalar(_HAS_ANY):
            return 0
        people = {
            paper.unit: (await session.execute(_FIRST_MEMBER, {"unit": paper.unit})).one_or_none()
            for paper in PAPERS
            if paper.unit is not None
        }
    storage = open_storage(settings.storage_url)
    taken = Taken(files=[])
    async with or_forgotten(storage, taken):
        ready = []
        for paper in PAPERS:
            person = people.get(paper.unit) if paper.unit else None
            if paper.unit and person is None:
                continue
            content = (SHELF / paper.file).read_text(encoding="utf-8")
            stored = await _store(storage, content.format(name=person.name) if person else content, hr=hr)
            file = File(
                name=paper.name,
                media_type="text/markdown",
                stored=stored,
                source_path=f"{_PLACE}/{paper.name}",
            )
            taken.files.append(file)
            ready.append(_Ready(paper, file, person.id if person else None))
        async with database.transaction(hr) as session:
            documents = await _upload(session, ready)
            await _keep_questions(session, documents)
    return len(ready)


async def _store(storage: Storage, content: str, *, hr: Principal) -> StoredFile:
    async def chunks() -> AsyncIterator[bytes]:
        yield content.encode()

    return await storage.put(chunks(), tenant_id=hr.tenant_id, limit_bytes=_LIMIT_BYTES, shelf="documents")


async def _upload(session: AsyncSession, ready: list[_Ready]) -> dict[str, int]:
    """Ids of the documents by file of the shelf."""
    documents = {}
    for one in ready:
        added = await add_document(
            session,
            file=one.file,
            about=About(kind=one.paper.kind, audience=one.paper.audience, person_id=one.person_id),
            days=Days(effective_from=one.paper.since),
        )
        documents[one.paper.file] = added.document_id
        await enqueue(session, jobs.read_document, version_id=added.version_id)
    return documents


async def _keep_questions(session: AsyncSession, documents: dict[str, int]) -> None:
    set_id = await keeping.make_set(session, name=QUESTION_SET, asker_user_id=None, asks_model=False)
    await keeping.add_questions(session, set_id, read_questions(documents), source="written")


def read_questions(documents: dict[str, int]) -> list[NewQuestion]:
    """The shelf's questions; those without a file are answered by nothing. Raises KeyError for a file that
    `documents` does not have."""
    with (SHELF / "questions.csv").open(encoding="utf-8", newline="") as stream:
        return [
            NewQuestion(
                question=row["question"],
                language="ja" if row["language"] == "ja" else "en",
                expects="found" if row["file"] else "not_found",
                expected=(Expectation(document_id=documents[row["file"]], quote=row["quote"]),)
                if row["file"]
                else (),
            )
            for row in csv.DictReader(stream)
        ]
