"""`passage_access`: what the product finds and shows, held against what may be read by the oracle's word."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from benchmarks.figures import Aim, Figure, Section
from benchmarks.retrieval.company import World, choose_askers, choose_questions, make_world
from benchmarks.servers import House
from hrx.app.assistant.retrieval.finding import find_passages
from hrx.app.assistant.retrieval.retriever import Retriever
from hrx.app.platform.db import Database, fetch_dicts, open_database
from hrx.app.platform.tenancy import Principal, Role

_NONE: Final = Aim(bound=0, is_lower_bound=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What somebody saw and may not see, or may see and did not."""

    what: str
    asker: Principal
    leaked: frozenset[int]
    lost: frozenset[int]


async def check_questions(
    database: Database,
    world: World,
    askers: Sequence[Principal],
    questions: Sequence[str],
    *,
    each: int,
    seed: int,
) -> list[Complaint]:
    """Each asker puts `each` of the questions, about today or another day."""
    chance = random.Random(seed)  # noqa: S311 - a sample.
    retriever, complaints = Retriever(), []
    for asker in askers:
        allowed: dict[date, dict[int, int]] = {}
        for question in chance.sample(questions, each) if each < len(questions) else questions:
            day = world.today - timedelta(days=chance.choice((0, 0, 0, 6, 300)))
            if day not in allowed:
                answering = world.list_answering(asker, day)
                allowed[day] = {passage: one.id for one in answering for passage in one.passages}
            async with database.transaction(asker) as session:
                found = await find_passages(session, question, on=day, limit=50, retriever=retriever)
            seen = frozenset(one.id for one in found.passages)
            documents = frozenset(allowed[day].values())
            wrong = abs(found.searched_documents - len(documents)) + abs(
                found.searched_passages - len(allowed[day])
            )
            if seen - allowed[day].keys() or wrong:
                complaints.append(
                    Complaint(
                        what=f"question {question!r} of {day}, {wrong} counted wrong",
                        asker=asker,
                        leaked=seen - allowed[day].keys(),
                        lost=frozenset(),
                    )
                )
    return complaints


async def check_rows(database: Database, world: World, askers: Sequence[Principal]) -> list[Complaint]:
    """Every table of documents, read whole by each asker today."""
    return [
        complaint
        for asker in askers
        for table, expected in _expect(world, asker).items()
        if (complaint := await _read(database, asker, table, expected)) is not None
    ]


def _expect(world: World, asker: Principal) -> dict[str, frozenset[int]]:
    """By table, the documents of which this asker reads rows there."""
    seen = [one for one in world.documents if world.may_see(asker, one, world.today)]
    sees_all = asker.sees_everyone
    is_work = Role.SYSTEM in asker.roles
    texts = frozenset(one.id for one in seen if not one.is_deleted or is_work)
    about_me = frozenset(
        one.id
        for one in seen
        if not one.is_deleted and (sees_all or (one.person or world.first) == asker.person_id)
    )
    return {
        "document": frozenset(one.id for one in seen),
        "document_version": frozenset(
            one.id for one in seen if sees_all or one.state in ("ready", "replaced")
        ),
        "document_text": texts,
        "document_passage": texts,
        "document_proposal": about_me,
        "document_reader": frozenset(one.id for one in world.documents if one.readers)
        if sees_all
        else frozenset(),
    }


async def _read(
    database: Database, asker: Principal, table: str, expected: frozenset[int]
) -> Complaint | None:
    column = "id" if table == "document" else "document_id"
    async with database.transaction(asker) as session:
        rows = await fetch_dicts(session, f"SELECT DISTINCT {column} AS id FROM app.{table}", {})
    seen = frozenset(one["id"] for one in rows)
    if seen == expected:
        return None
    return Complaint(what=table, asker=asker, leaked=seen - expected, lost=expected - seen)


async def measure_passage_access(
    house: House, *, documents: int = 2_000, askers: int = 200, questions: int = 500, each: int
) -> Section:
    """Each asker puts `each` of the questions."""
    database = open_database(house.settings.database_url.get_secret_value())
    try:
        world = await make_world(database, people=600, documents=documents, seed=11)
        who = choose_askers(world, count=askers, seed=12)
        asked = choose_questions(count=questions, seed=13)
        complaints = await check_questions(database, world, who, asked, each=each, seed=14)
        rows = await check_rows(database, world, who)
    finally:
        await database.close()
    return Section(
        name="passage_access",
        notes=(
            f"{askers} askers of every role, {documents:,} documents of every audience and state, {each} of"
            f" {questions} questions each, about today and days before; held against an oracle in Python",
        ),
        figures=[
            Figure(what="questions asked", value=askers * min(each, questions), unit=""),
            Figure(
                what="passages that leaked",
                value=sum(len(one.leaked) for one in complaints),
                unit="",
                aim=_NONE,
            ),
            Figure(
                what="answers with another count than the oracle's", value=len(complaints), unit="", aim=_NONE
            ),
            Figure(what="tables read otherwise than the oracle says", value=len(rows), unit="", aim=_NONE),
        ],
    )
