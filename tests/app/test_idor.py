"""Another tenant's ids at every place of every operation: answered exactly as ids that never existed.

The walk is made from the OpenAPI document: an operation or a kind of id that is new has to be added here, or
these tests fail."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import text

from hrx.app.api import PREFIX, openapi_document
from hrx.app.platform.db import Database
from hrx.app.platform.edge import MAX_ID
from hrx.app.platform.tenancy import Role, UserId
from tests.app.assistant.asking import ask as ask_assistant
from tests.app.clients import Browser, create_user, open_browser
from tests.app.people.company import Company, create_tenant
from tests.conftest import PostgresServer

pytestmark = pytest.mark.req("R2-1")

#: No sequence gets there.
NEVER = 2**62 + 12345
#: What each name of an id in the document means.
KINDS = {
    "person_id": "person",
    "subject_person_id": "person",
    "manager_id": "person",
    "head_person_id": "person",
    "org_unit_id": "unit",
    "parent_id": "unit",
    "root_id": "unit",
    "position_id": "position",
    "assignment_id": "assignment",
    "order_id": "order",
    "user_id": "user",
    "actor": "user",
    "session_id": "session",
    "import_id": "import",
    "document_id": "document",
    "version_id": "version",
    "proposal_id": "proposal",
    "score_id": "score",
    "role_id": "role",
    "match_id": "match",
    "conversation_id": "conversation",
    "answer_id": "answer",
    "set_id": "question_set",
    "question_id": "question",
    "run_id": "run",
    "asker_user_id": "user",
}
DAY = "2024-04-01"
#: A body that is right in everything but the id under test; `{kind}` is an own id.
BODIES: dict[str, dict[str, Any]] = {
    "POST /users": {"email": "new@example.co.jp", "display_name": "新規", "roles": ["employee"]},
    "PUT /users/{user_id}/roles": {"roles": ["employee"]},
    "POST /people": {
        "employee_number": "X-1", "family_kanji": "新", "hired_on": DAY, "org_unit_id": "{unit}",
    },
    "POST /people/{person_id}/transfers": {"effective_on": DAY, "grade": "G9"},
    "POST /people/{person_id}/concurrent-posts": {"from_on": DAY, "org_unit_id": "{unit}"},
    "POST /people/{person_id}/concurrent-post-ends": {
        "assignment_id": "{assignment}", "ends_on": "2024-09-30",
    },
    "POST /people/{person_id}/departures": {"left_on": "2024-09-30"},
    "POST /people/{person_id}/rehires": {"hired_on": DAY, "org_unit_id": "{unit}"},
    "POST /people/{person_id}/corrections": {"valid_from": DAY, "grade": "G9"},
    "PUT /people/{person_id}/names": {"family_kanji": "改"},
    "PUT /people/{person_id}/private": {"personal_phone": "090-0000-0000"},
    "POST /change-orders/{order_id}/approve": {},
    "POST /change-orders/{order_id}/reject": {},
    "POST /change-orders/{order_id}/cancel": {},
    "POST /org-units": {"code": "NEW", "name_ja": "新設部", "effective_on": DAY},
    "POST /org-units/{org_unit_id}/renames": {"name_ja": "改称部", "effective_on": DAY},
    "POST /org-units/{org_unit_id}/moves": {"parent_id": None, "effective_on": DAY},
    "POST /org-units/{org_unit_id}/heads": {"head_person_id": None, "effective_on": DAY},
    "POST /org-units/{org_unit_id}/closures": {"effective_on": "2030-04-01"},
    "PUT /imports/{import_id}/mapping": {"mapping": {"社員番号": "employee_number"}},
    "POST /imports/{import_id}/commit": {},
    "PATCH /documents/{document_id}": {"title": "改題"},
    "POST /documents": {"kind": "resume", "audience": "person", "person_id": "{person}"},
    "POST /documents/{document_id}/versions": {},
    "POST /role-profiles": {"title": "経理課長", "skills": ["accounting"]},
    "POST /assistant/questions": {"question": "年次有給休暇は何日ですか"},
    "POST /assistant/answers/{answer_id}/feedback": {"verdict": "up"},
    "POST /assistant/evaluation/sets": {"name": "新しい質問集"},
    "PATCH /assistant/evaluation/sets/{set_id}": {"name": "改題"},
    "POST /assistant/evaluation/sets/{set_id}/questions": {
        "questions": [{"question": "社用車はありますか", "expects": "not_found"}],
    },
    "POST /assistant/evaluation/sets/{set_id}/import": {},
    "PUT /assistant/evaluation/questions/{question_id}": {
        "question": "社用車はありますか", "expects": "not_found",
    },
    "POST /assistant/evaluation/questions/{question_id}/accept": {
        "set_id": "{question_set}", "expects": "not_found",
    },
}  # fmt: skip
#: These take a file with their fields.
UPLOADS = {
    "POST /documents": "規程",
    "POST /documents/{document_id}/versions": "規程",
    "POST /assistant/evaluation/sets/{set_id}/import": "question,expects\n社用車はありますか,not_found\n",
}
#: Whoever left may come back: the one operation whose person must not be employed.
NOT_EMPLOYED = "POST /people/{person_id}/rehires"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an operation takes an id."""

    operation: str
    where: str
    name: str


def list_places() -> list[Place]:
    """Every place of the document where an id of a row is taken."""
    document: Any = openapi_document()
    schemas = document["components"]["schemas"]
    return [
        Place(f"{method.upper()} {path.removeprefix(PREFIX)}", where, name)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        for where, name in _ids_of(operation, schemas)
    ]


def _ids_of(operation: Any, schemas: Any) -> Iterator[tuple[str, str]]:
    for parameter in operation.get("parameters", ()):
        if _is_id(parameter["schema"]):
            yield parameter["in"], parameter["name"]
    for content in operation.get("requestBody", {}).get("content", {}).values():
        for name in _ids_in_body(content["schema"], schemas):
            yield "body", name


def _ids_in_body(schema: Any, schemas: Any) -> Iterator[str]:
    for part in (schema, *schema.get("anyOf", ())):
        named = schemas[part["$ref"].rsplit("/", 1)[-1]] if "$ref" in part else part
        for name, inner in named.get("properties", {}).items():
            if _is_id(inner):
                yield name
            else:
                yield from _ids_in_body(inner, schemas)


def _is_id(schema: Any) -> bool:
    """Ids are the integers that may be as large as a bigint; the document may round that to a float."""
    return any(part.get("maximum", 0) >= MAX_ID for part in (schema, *schema.get("anyOf", ())))


PLACES = list_places()


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A tenant with one of everything, and somebody there who may do everything."""

    company: Company
    browser: Browser
    ids: dict[str, tuple[int, ...]]


async def make_side(app: FastAPI, database: Database, *, leaves_on: date | None = None) -> Side:
    company = Company(database=database, tenant_id=await create_tenant(database))
    unit, position = await company.unit(), await company.position()
    head = await company.hire(unit)
    person = await company.hire(unit, manager_id=head, position_id=position)
    if leaves_on is not None:
        await company.depart(person, leaves_on)
    browser = await _sign_in(app, company, Role.OWNER, Role.HR, Role.AUDITOR, person_id=person)
    assert browser.user is not None
    ids: dict[str, tuple[int, ...]] = {
        "unit": (unit,),
        "position": (position,),
        "person": (person, head),
        "user": (browser.user.id,),
        "session": tuple(each["id"] for each in (await browser.get("/sessions")).json()["items"]),
        "import": (await _insert_import(company),),
        **await _insert_document(company, person=person),
    }
    ids |= await _insert_role(company, user=browser.user.id, document=ids["document"], version=ids["version"])
    meta = (await ask_assistant(browser, "年次有給休暇は何日ですか")).only("meta")
    ids["conversation"], ids["answer"] = (meta["conversation_id"],), (meta["answer_id"],)
    ids |= await _insert_evaluation(company, user=browser.user.id)
    if leaves_on is None:
        second = await company.unit("開発部")
        post = {"from_on": "2022-01-01", "org_unit_id": second}
        assert (await browser.post(f"/people/{person}/concurrent-posts", post)).status_code == 201
        ids["assignment"] = await _assignments(company, person)
        ids["order"] = await _orders(app, company, browser, person=person, head=head)
        other = await create_user(
            app, database, tenant_id=company.tenant_id, roles=frozenset({Role.EMPLOYEE})
        )
        ids["user"] = (other.id, browser.user.id)
    return Side(company=company, browser=browser, ids=ids)


async def _sign_in(app: FastAPI, company: Company, *roles: Role, person_id: int | None = None) -> Browser:
    browser = open_browser(app, address=f"203.0.113.{secrets.randbelow(250) + 1}")
    user = await create_user(
        app, company.database, tenant_id=company.tenant_id, roles=frozenset(roles), person_id=person_id
    )
    await browser.sign_in(user)
    return browser


async def _assignments(company: Company, person: int) -> tuple[int, ...]:
    """The concurrent post first: it is the one that can be ended."""
    async with company.acting() as session:
        rows = await session.scalars(
            text("SELECT id FROM app.assignment WHERE person_id = :id AND upper_inf(known) ORDER BY kind"),
            {"id": person},
        )
        return tuple(rows)


async def _orders(app: FastAPI, company: Company, hr: Browser, *, person: int, head: int) -> tuple[int, ...]:
    """A proposed order, a reserved one and an applied one."""
    ahead = await company.today() + timedelta(days=200)
    manager = await _sign_in(app, company, Role.MANAGER, person_id=head)
    body = {"effective_on": (ahead + timedelta(days=30)).isoformat(), "grade": "G5"}
    proposed = await manager.post(f"/people/{person}/transfers", body)
    await manager.http.aclose()
    reserved = await hr.post(
        f"/people/{person}/transfers", {"effective_on": ahead.isoformat(), "grade": "G4"}
    )
    assert (proposed.status_code, reserved.status_code) == (201, 201), proposed.text + reserved.text
    applied = (await hr.get("/change-orders", params={"state": "applied"})).json()["items"]
    return proposed.json()["id"], reserved.json()["id"], applied[0]["id"]


async def _insert_import(company: Company) -> int:
    async with company.acting() as session:
        found = await session.scalar(
            text(
                "INSERT INTO app.data_import"
                " (file_name, file_sha256, size_bytes, encoding, delimiter, mapping, columns)"
                " VALUES ('社員.csv', repeat('0', 64), 10, 'utf-8', ',',"
                """ '{"社員番号": "employee_number"}',"""
                """ '[{"name": "社員番号", "samples": [], "guessed_field": null, "confidence": 0}]')"""
                " RETURNING id"
            )
        )
        await session.execute(
            text(
                "INSERT INTO app.data_import_row"
                " (import_id, row_number, action, has_problems, cells, problems, changes)"
                " VALUES (:id, 2, 'error', true, '{}', '[]', '{}')"
            ),
            {"id": found},
        )
    assert isinstance(found, int)
    return found


async def _insert_document(company: Company, *, person: int) -> dict[str, tuple[int, ...]]:
    """A résumé that was read, with a proposal and a score."""
    async with company.acting() as session:
        document = await session.scalar(
            text(
                "INSERT INTO app.document (kind, title, audience, person_id)"
                " VALUES ('resume', '履歴書', 'person', :person) RETURNING id"
            ),
            {"person": person},
        )
        version = await session.scalar(
            text(
                "INSERT INTO app.document_version (document_id, number, state, effective, file_name,"
                " media_type, file_key, file_sha256, size_bytes)"
                " VALUES (:document, 1, 'ready', '[2020-01-01,)', 'a.txt', 'text/plain', 't1/files/none',"
                " repeat('0', 64), 3) RETURNING id"
            ),
            {"document": document},
        )
        of = {"document": document, "version": version, "person": person}
        await session.execute(
            text(
                "INSERT INTO app.document_text (version_id, document_id, body)"
                " VALUES (:version, :document, '氏名 佐藤')"
            ),
            of,
        )
        proposal = await session.scalar(
            text(
                "INSERT INTO app.document_proposal (document_id, version_id, person_id, field, value,"
                " start_char, end_char) VALUES (:document, :version, :person, 'name', '佐藤', 3, 5)"
                " RETURNING id"
            ),
            of,
        )
        score = await session.scalar(
            text(
                "INSERT INTO app.model_score (model, model_version, document_id, version_id, label, score)"
                " VALUES ('skills', 'skills-1', :document, :version, 'payroll', 0.9) RETURNING id"
            ),
            {"document": document, "version": version},
        )
    made = {"document": document, "version": version, "proposal": proposal, "score": score}
    found: dict[str, tuple[int, ...]] = {}
    for kind, row_id in made.items():
        assert isinstance(row_id, int)
        found[kind] = (row_id,)
    return found


async def _insert_role(
    company: Company, *, user: int, document: tuple[int, ...], version: tuple[int, ...]
) -> dict[str, tuple[int, ...]]:
    """A role that somebody described, and how well the résumé matches it."""
    acting = replace(company.principal(Role.HR), user_id=UserId(user))
    async with company.acting(acting) as session:
        role = await session.scalar(
            text("INSERT INTO app.role_profile (title, skills) VALUES ('経理', '{accounting}') RETURNING id")
        )
        match = await session.scalar(
            text(
                "INSERT INTO app.model_score (model, model_version, document_id, version_id, role_id, label,"
                " score) VALUES ('skills', 'skills-1', :document, :version, :role, 'match', 0.9) RETURNING id"
            ),
            {"document": document[0], "version": version[0], "role": role},
        )
    assert isinstance(role, int)
    assert isinstance(match, int)
    return {"role": (role,), "match": (match,)}


async def _insert_evaluation(company: Company, *, user: int) -> dict[str, tuple[int, ...]]:
    """A question set, a question that was shared, and a run."""
    found: dict[str, tuple[int, ...]] = {}
    async with company.acting() as session:
        for kind, statement in (
            (
                "question_set",
                "INSERT INTO app.question_set (name, asker_user_id, created_by)"
                " VALUES ('就業規則', :user, :user) RETURNING id",
            ),
            (
                "question",
                "INSERT INTO app.evaluation_question (language, question, expects, state, source, created_by)"
                " VALUES ('ja', '駐車場は', 'found', 'proposed', 'feedback', :user) RETURNING id",
            ),
            (
                "run",
                "INSERT INTO app.evaluation_run (cause, state)"
                " SELECT 'nightly', 'done' WHERE :user > 0 RETURNING id",
            ),
        ):
            made = await session.scalar(text(statement), {"user": user})
            assert isinstance(made, int)
            found[kind] = (made,)
    return found


@pytest_asyncio.fixture(scope="module")
async def victim(app: FastAPI, database: Database) -> Side:
    return await make_side(app, database)


def everything_of(postgres: PostgresServer, tenant_id: int) -> dict[str, str]:
    """A digest of each table's rows of one tenant, seen past all walls."""
    with psycopg.connect(postgres.admin_url.replace("/postgres", "/hrx")) as admin:
        tables = admin.execute(
            "SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid"
            " WHERE c.relnamespace = 'app'::regnamespace AND c.relkind = 'r' AND a.attname = 'tenant_id'"
        ).fetchall()
        digests = {}
        for (table,) in tables:
            row = admin.execute(
                f"SELECT md5(coalesce(string_agg(md5(t::text), '' ORDER BY t::text), ''))"
                f" FROM app.{table} AS t WHERE tenant_id = %s",
                [tenant_id],
            ).fetchone()
            assert row is not None
            digests[table] = row[0]
    return digests


async def ask(side: Side, place: Place, row_id: int) -> tuple[int, Any]:
    """The operation with own ids everywhere, and `row_id` at the place; status and what was said."""
    method, path = place.operation.split(" ", 1)
    params: dict[str, Any] = {}
    for name in re.findall(r"\{(\w+)\}", path):
        chosen = row_id if (place.where, place.name) == ("path", name) else side.ids[KINDS[name]][0]
        path = path.replace(f"{{{name}}}", str(chosen))
    if place.where == "query":
        params[place.name] = row_id
    body = _filled(BODIES.get(place.operation), side)
    if place.where == "body":
        body = {**(body or {}), place.name: row_id}
    if place.operation in UPLOADS:
        sent: dict[str, Any] = {"data": body, "files": {"file": ("a.txt", UPLOADS[place.operation].encode())}}
    else:
        sent = {"json": body}
    answer = await side.browser.request(method, path, params=params, **sent)
    said = answer.text
    if answer.headers.get("content-type", "").endswith("json"):
        said = answer.json()
        said.pop("correlation_id", None)
    return answer.status_code, _without(said, row_id)


def _filled(body: dict[str, Any] | None, side: Side) -> dict[str, Any] | None:
    if body is None:
        return None
    own = {f"{{{kind}}}": ids[0] for kind, ids in side.ids.items()}
    return {name: own.get(value, value) if isinstance(value, str) else value for name, value in body.items()}


def _without(said: Any, row_id: int) -> str:
    return re.sub(rf"\b{row_id}\b", "ID", str(said))


def test_every_place_is_known_and_every_body_has_an_example() -> None:
    assert {place.where for place in PLACES} == {"path", "query", "body"}
    assert len(PLACES) >= 55
    assert {place.name for place in PLACES} <= set(KINDS)
    with_body = {place.operation for place in PLACES if place.where == "body"}
    assert with_body <= set(BODIES)
    # A path names nothing but ids of rows, or the walk would miss it.
    document: Any = openapi_document()
    others = {
        name
        for path in document["paths"]
        for name in re.findall(r"\{(\w+)\}", path)
        if name not in {place.name for place in PLACES if place.where == "path"}
    }
    assert others == {"provider"}


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place.operation}:{place.where}.{place.name}")
async def test_another_tenants_id_is_answered_as_one_that_never_existed(
    app: FastAPI, database: Database, postgres: PostgresServer, victim: Side, place: Place
) -> None:
    leaves_on = date(2022, 3, 31) if place.operation == NOT_EMPLOYED else None
    attacker = await make_side(app, database, leaves_on=leaves_on)
    before = everything_of(postgres, victim.company.tenant_id)
    status, said = await ask(attacker, place, NEVER)
    assert status in ({200, 404} if place.where == "query" else {404, 422}), said
    for row_id in victim.ids[KINDS[place.name]]:
        assert await ask(attacker, place, row_id) == (status, said)
    assert everything_of(postgres, victim.company.tenant_id) == before
    # The same request with an own id goes through (or says what state is in its way): it was the id.
    own = attacker.ids[KINDS[place.name]][0]
    status, said = await ask(attacker, place, own)
    assert status not in {403, 404, 422} or any(code in said for code in _ABOUT_ITSELF), said
    await attacker.browser.http.aclose()


#: The own id at hand may be the very thing that the operation is about; then it was recognised, too.
_ABOUT_ITSELF = ("nothing_changes", "manager.is_oneself", "manager.not_there", "org_unit_version_check")


WRITES = [place for place in PLACES if place.where == "path" and not place.operation.startswith("GET")]


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.AUDITOR])
async def test_colleagues_without_the_right_change_nothing_through_any_operation(
    app: FastAPI, postgres: PostgresServer, victim: Side, role: Role
) -> None:
    colleague = replace(victim, browser=await _sign_in(app, victim.company, role))
    before = everything_of(postgres, victim.company.tenant_id)
    for place in WRITES:
        for row_id in victim.ids[KINDS[place.name]]:
            status, said = await ask(colleague, place, row_id)
            assert status in {403, 404}, (place, status, said)
    assert everything_of(postgres, victim.company.tenant_id) == before
    await colleague.browser.http.aclose()
