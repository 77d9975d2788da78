"""A company with documents of every audience, made from a seed; and who may read which, worked out in Python.

What the policies mean is written down here a second time, from the requirement and not from the SQL: chains
are walked person by person, units from the inside out, days are compared as dates."""

from __future__ import annotations

import random
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from hrx.app.demo.bulk import load_crowd
from hrx.app.demo.loading import provide_tenant
from hrx.app.platform.db import Database, fetch_dicts, send
from hrx.app.platform.search_index import PassageRow, put_passages
from hrx.app.platform.tenancy import PersonId, Principal, Role, TenantId, system_principal
from hrx.kit.search.passages import PassageText

WORDS: Final = tuple(
    re.findall(
        r"\w+",
        "休暇 賞与 残業 出張 旅費 育児 介護 住宅 通勤 研修 評価 退職 懲戒 健康 安全 備品 副業 採用 異動 年金"
        " holiday bonus overtime travel expense childcare housing commuting training appraisal retirement",
    )
)
AUDIENCES: Final = ("everyone", "managers", "hr", "person", "chosen")
_SEES_ALL: Final = frozenset({Role.OWNER, Role.HR, Role.AUDITOR, Role.SYSTEM})
_ROLES: Final = (
    (Role.EMPLOYEE,),
    (Role.EMPLOYEE,),
    (Role.EMPLOYEE,),
    (Role.EMPLOYEE, Role.MANAGER),
    (Role.MANAGER,),
    (Role.HR,),
    (Role.AUDITOR,),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """Where somebody stands, and under whom; the end is not part of it."""

    person: int
    manager: int | None
    unit: int
    start: date
    end: date | None

    def holds(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day < self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """`readers`, `units`: of the audience `chosen`. Its version is in force from `start` to before `end`."""

    id: int
    version: int
    passages: tuple[int, ...]
    audience: str
    person: int | None
    readers: frozenset[int]
    units: frozenset[int]
    is_deleted: bool
    state: str
    start: date
    end: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that access depends on. `left`: people of whom every employment that began is over."""

    tenant: TenantId
    today: date
    posts: tuple[Post, ...]
    parents: dict[int, int | None]
    employed: frozenset[int]
    left: frozenset[int]
    documents: tuple[Document, ...]

    @property
    def first(self) -> int:
        """The person of the lowest number: proposals of documents about nobody are about this one."""
        return min(post.person for post in self.posts)

    def chain_above(self, person: int, day: date) -> set[int]:
        """Every manager above a person on a day."""
        found: set[int] = set()
        waiting = [person]
        while waiting:
            at = waiting.pop()
            above = {post.manager for post in self.posts if post.person == at and post.holds(day)}
            new = {one for one in above if one is not None} - found
            found |= new
            waiting += new
        return found

    def units_around(self, person: int) -> set[int]:
        """The units in which a person stands today, with all that hold them."""
        found: set[int] = set()
        for post in self.posts:
            at: int | None = post.unit if post.person == person and post.holds(self.today) else None
            while at is not None and at not in found:
                found.add(at)
                at = self.parents.get(at)
        return found

    def may_see(self, asker: Principal, document: Document, day: date) -> bool:
        """The document itself, whatever its version is."""
        if asker.roles & _SEES_ALL:
            return not document.is_deleted or bool(asker.roles & {Role.OWNER, Role.HR, Role.SYSTEM})
        if document.is_deleted:
            return False
        me = asker.person_id
        if document.audience in ("everyone", "managers"):
            may_read = document.audience == "everyone" or Role.MANAGER in asker.roles
            return may_read and me not in self.left
        if document.audience == "person" and document.person is not None and me is not None:
            is_above = me in self.employed and me in self.chain_above(document.person, day)
            return document.person == me or is_above
        if document.audience == "chosen" and me is not None and me in self.employed:
            return me in document.readers or bool(document.units & self.units_around(me))
        return False

    def list_answering(self, asker: Principal, day: date) -> list[Document]:
        """Those that may answer a question about a day."""
        return [
            one
            for one in self.documents
            if one.state == "ready"
            and one.start <= day
            and (one.end is None or day < one.end)
            and not one.is_deleted
            and self.may_see(asker, one, day)
        ]


async def make_world(database: Database, *, people: int, documents: int, seed: int) -> World:
    """A company of its own, with two passages a document."""
    chance = random.Random(seed)  # noqa: S311 - made-up documents.
    slug = f"access-{secrets.token_hex(6)}"
    await load_crowd(database, slug=slug, people=people, seed=seed)
    tenant = await provide_tenant(database, slug=slug, name="")
    async with database.transaction(system_principal(tenant)) as session:
        [now] = await fetch_dicts(session, "SELECT app.tenant_today() AS today", {})
        posts = await fetch_dicts(
            session,
            "SELECT person_id AS person, manager_person_id AS manager, org_unit_id AS unit,"
            ' lower(valid) AS start, upper(valid) AS "end" FROM app.assignment WHERE upper_inf(known)',
            {},
        )
        parents = await fetch_dicts(
            session,
            "SELECT org_unit_id AS unit, parent_id AS parent FROM app.org_unit_version"
            " WHERE upper_inf(known) AND valid @> app.tenant_today()",
            {},
        )
        spells = await fetch_dicts(
            session,
            'SELECT person_id AS person, lower(employed) AS start, upper(employed) AS "end"'
            " FROM app.employment_version WHERE upper_inf(known)",
            {},
        )
    today: date = now["today"]
    begun = {one["person"] for one in spells if one["start"] < today}
    employed = {
        one["person"]
        for one in spells
        if one["start"] <= today and (one["end"] is None or today < one["end"])
    }
    world = World(
        tenant=tenant,
        today=today,
        posts=tuple(Post(**one) for one in posts),
        parents={one["unit"]: one["parent"] for one in parents},
        employed=frozenset(employed),
        left=frozenset(begun - employed),
        documents=(),
    )
    made = [await _write(database, world, chance, at) for at in range(documents)]
    return replace(world, documents=tuple(made))


_DOCUMENT: Final = """
INSERT INTO app.document (kind, title, audience, person_id)
VALUES ('policy', :title, :audience, :person) RETURNING id
"""
_READERS: Final = """
INSERT INTO app.document_reader (document_id, person_id, org_unit_id)
SELECT :document, r.id, NULL FROM unnest(:readers::bigint[]) AS r (id)
UNION ALL
SELECT :document, NULL, u.id FROM unnest(:units::bigint[]) AS u (id)
"""
_VERSION: Final = """
INSERT INTO app.document_version
  (document_id, number, state, effective, file_name, media_type, file_sha256, size_bytes)
VALUES (:document, 1, :state, daterange(:start, :end), 'f', 'text/plain', '', 0) RETURNING id
"""
_PASSAGES: Final = """
INSERT INTO app.document_passage
  (document_id, version_id, ordinal, language, start_char, end_char, body, body_sha256)
SELECT :document, :version, b.n - 1, 'ja', 0, 1, b.body, repeat('0', 64)
FROM unnest(:bodies::text[]) WITH ORDINALITY AS b (body, n) RETURNING id, body
"""
_TEXT: Final = (
    "INSERT INTO app.document_text (version_id, document_id, body) VALUES (:version, :document, 'x')"
)
_PROPOSAL: Final = """
INSERT INTO app.document_proposal (document_id, version_id, person_id, field, value, start_char, end_char)
VALUES (:document, :version, :person, 'skill', 'x', 0, 1)
"""
_DELETE: Final = "UPDATE app.document SET deleted_at = now() WHERE id = :document"


async def _write(database: Database, world: World, chance: random.Random, number: int) -> Document:
    drawn = _draw(world, chance, number)
    async with database.transaction(system_principal(world.tenant)) as session:
        named = {"title": f"文書 {number}", "audience": drawn.audience, "person": drawn.person}
        [document] = await fetch_dicts(session, _DOCUMENT, named)
        given: dict[str, object] = {
            "document": document["id"],
            "person": drawn.person or world.first,
            "readers": sorted(drawn.readers),
            "units": sorted(drawn.units),
            "state": drawn.state,
            "start": drawn.start,
            "end": drawn.end,
            "bodies": [" ".join(chance.choices(WORDS, k=12)) for _ in range(2)],
        }
        await send(session, _READERS, given)
        [version] = await fetch_dicts(session, _VERSION, given)
        given["version"] = version["id"]
        passages = await fetch_dicts(session, _PASSAGES, given)
        await send(session, _TEXT, given)
        await send(session, _PROPOSAL, given)
        if drawn.is_deleted:
            await send(session, _DELETE, given)
        await put_passages(session, [_row(document["id"], version["id"], one) for one in passages])
    return replace(
        drawn, id=document["id"], version=version["id"], passages=tuple(one["id"] for one in passages)
    )


def _draw(world: World, chance: random.Random, number: int) -> Document:
    """Who may read it, and when it is in force; not written yet."""
    people = sorted({post.person for post in world.posts})
    audience = AUDIENCES[number % len(AUDIENCES)]
    is_chosen = audience == "chosen"
    return Document(
        id=0,
        version=0,
        passages=(),
        audience=audience,
        person=chance.choice(people) if audience == "person" else None,
        readers=frozenset(chance.sample(people, 2)) if is_chosen else frozenset(),
        units=frozenset(chance.sample(sorted(world.parents), 1)) if is_chosen else frozenset(),
        is_deleted=chance.random() < 0.08,
        state=chance.choice((*("ready",) * 5, "reading", "failed", "replaced")),
        start=world.today - timedelta(days=chance.choice((10, 400, 2_000))),
        end=chance.choice((None, None, world.today - timedelta(5), world.today + timedelta(100))),
    )


# `Any`: a row of the driver.
def _row(document: int, version: int, found: dict[str, Any]) -> PassageRow:
    passage = PassageText(headings=(), body=found["body"], language="ja")
    return PassageRow(id=found["id"], document_id=document, version_id=version, passage=passage)


def choose_askers(world: World, *, count: int, seed: int) -> list[Principal]:
    """People of every role: many stand high, so that lines are long, and every fifth has left."""
    chance = random.Random(seed)  # noqa: S311
    managers = sorted({post.manager for post in world.posts if post.manager is not None})
    people = sorted({post.person for post in world.posts})
    gone = sorted(world.left)
    return [
        Principal(
            tenant_id=world.tenant,
            user_id=None,
            person_id=PersonId(chance.choice(gone if at % 5 == 4 else managers if at % 2 else people)),
            roles=frozenset(_ROLES[at % len(_ROLES)]),
        )
        for at in range(count)
    ]


def choose_questions(*, count: int, seed: int) -> Sequence[str]:
    chance = random.Random(seed)  # noqa: S311
    return [" ".join(chance.choices(WORDS, k=chance.randint(1, 4))) for _ in range(count)]
