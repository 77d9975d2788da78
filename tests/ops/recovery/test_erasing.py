"""Somebody who was erased stays erased, also in a copy of the day before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hrx.kit.errors import NotFound
from hrx.ops.recovery.checks.checking import check_copy
from hrx.ops.recovery.erasing import (
    StillReadable,
    erase_person,
    find_unerased,
    keep_order,
    list_orders,
    new_order,
    replay_orders,
)
from hrx.ops.recovery.places import Folder
from hrx.ops.seams.sessions import SessionLost, opened_session
from tests.conftest import PostgresServer
from tests.ops.recovery.product import Product, copied, product_database

pytestmark = pytest.mark.req("R6.2-1")
PERSON = 107
ORDER = new_order(tenant=1, person=PERSON, by="aoki", reference="R-2026-11")
#: A résumé of the person, what HR was told from it, and what the person asked.
_DOCUMENTS = f"""
INSERT INTO app.document (id, tenant_id, kind, title, source_path, audience, person_id)
OVERRIDING SYSTEM VALUE
VALUES (51, 1, 'resume', '山田太郎7の履歴書', '履歴書/山田太郎7.pdf', 'person', {PERSON}),
       (52, 1, 'handbook', '就業規則', NULL, 'everyone', NULL);
INSERT INTO app.document_version
  (id, tenant_id, document_id, number, state, effective, file_name, media_type, file_key, file_sha256,
   size_bytes)
OVERRIDING SYSTEM VALUE
SELECT id + 10, 1, id, 1, 'ready', '[2026-01-01,)', title || '.pdf', 'application/pdf',
       't1/files/resume' || id, 'x', 1
FROM app.document WHERE tenant_id = 1;
INSERT INTO app.document_text (version_id, tenant_id, document_id, body)
SELECT id, 1, document_id, document_id || ' 海外駐在 090-0000-107'
FROM app.document_version WHERE document_id = 51;
INSERT INTO app.document_passage
  (tenant_id, document_id, version_id, ordinal, language, headings, start_char, end_char, body, body_sha256)
SELECT 1, document_id, version_id, 0, 'ja', ARRAY['山田太郎7の履歴書'], 0, 9, body, repeat('a', 64)
FROM app.document_text WHERE document_id = 51;
INSERT INTO app.document_proposal
  (tenant_id, document_id, version_id, person_id, field, value, start_char, end_char)
VALUES (1, 51, 61, {PERSON}, 'email', 'home107@mail.example', 0, 4);
INSERT INTO app.conversation (id, tenant_id, user_id) OVERRIDING SYSTEM VALUE
SELECT 70 + n, 1, (SELECT id FROM app.user_account WHERE tenant_id = 1 AND person_id = 100 + n)
FROM generate_series(7, 8) AS n;
INSERT INTO app.answer (id, tenant_id, conversation_id, question, language, asked_on, mode)
OVERRIDING SYSTEM VALUE
VALUES (81, 1, 77, '離婚の手続きは', 'ja', '2026-11-01', 'quotes'),
       (82, 1, 78, 'p7@t1.example はどこに', 'ja', '2026-11-01', 'quotes'),
       (83, 1, 78, '有休は何日', 'ja', '2026-11-01', 'quotes');
INSERT INTO app.answer_sentence (answer_id, ordinal, tenant_id, body, is_supported, document_ids)
VALUES (81, 0, 1, '離婚の届は人事へ', true, '{{52}}'), (82, 0, 1, '海外駐在 3 年', true, '{{51}}'),
       (83, 0, 1, '有休は 10 日', true, '{{52}}');
INSERT INTO app.answer_citation
  (answer_id, number, tenant_id, document_id, version_id, start_char, end_char, body_sha256, quote_start,
   quote_end, quote_sha256, headings)
VALUES (82, 1, 1, 51, 61, 0, 9, repeat('a', 64), 0, 4, repeat('a', 64), ARRAY['山田太郎7の履歴書']);
INSERT INTO app.question_set (id, tenant_id, name, asker_user_id, created_by) OVERRIDING SYSTEM VALUE
SELECT 91, 1, '就業規則の質問', id, id FROM app.user_account WHERE tenant_id = 1 AND person_id = {PERSON};
INSERT INTO app.evaluation_question
  (id, tenant_id, set_id, language, question, expects, state, source, created_by)
OVERRIDING SYSTEM VALUE
SELECT n, 1, CASE WHEN n = 93 THEN NULL ELSE 91 END, 'ja', told, 'found',
       CASE WHEN n = 93 THEN 'proposed' ELSE 'active' END, source, u.id
FROM (VALUES (92, 7, '介護のため転勤を断れるか', 'feedback'), (93, 7, '転籍の内密な相談先は', 'feedback'),
             (94, 7, '賞与はいつ払うか', 'written'), (95, 8, 'p7@t1.example の上司は', 'feedback'),
             (96, 8, '日当はいくらか', 'feedback')) AS q (n, who, told, source)
JOIN app.user_account AS u ON u.tenant_id = 1 AND u.person_id = 100 + who;
INSERT INTO app.evaluation_expectation (tenant_id, question_id, document_id, quote)
VALUES (1, 94, 51, '海外駐在'), (1, 96, 52, '日当は 2,500 円');
INSERT INTO app.role_profile (id, tenant_id, title, description, created_by) OVERRIDING SYSTEM VALUE
SELECT n, 1, title, told, (SELECT id FROM app.user_account WHERE tenant_id = 1 AND person_id = 100 + who)
FROM (VALUES (97, 7, '経理の課長', '月次決算'), (98, 8, '後任', 'p7@t1.example の後任'))
  AS r (n, who, title, told);
INSERT INTO app.model_score
  (id, tenant_id, model, model_version, document_id, version_id, role_id, label, score, reasons)
OVERRIDING SYSTEM VALUE
VALUES (99, 1, 'skills', 'skills-1', 51, 61, NULL, 'payroll', 0.9, '[{{"word": "特殊な資格"}}]'),
       (100, 1, 'skills', 'skills-1', 51, 61, 97, 'match', 0.8, '[{{"skill": "payroll"}}]'),
       (101, 1, 'skills', 'skills-1', 52, 62, NULL, 'payroll', 0.7, '[{{"word": "年末調整"}}]');
SELECT setval(pg_get_serial_sequence('app.' || name, 'id'), 1000)
FROM unnest(ARRAY['document', 'document_version', 'conversation', 'answer', 'question_set',
                  'evaluation_question', 'role_profile', 'model_score']) AS name;
"""


@pytest.fixture(scope="module")
def living(postgres: PostgresServer) -> Iterator[Product]:
    with product_database(postgres) as product:
        product.do(
            "INSERT INTO app.data_import (tenant_id, file_name, file_key, file_sha256, size_bytes, encoding,"
            " delimiter)"
            " VALUES (1, 'people.csv', 't1/files/abc', 'x', 1, 'utf-8', ',')",
            "INSERT INTO app.data_import_row (tenant_id, import_id, row_number, action, has_problems, cells,"
            " problems, changes)"
            " SELECT 1, max(id), n, 'create', false, jsonb_build_object('number', 'E' || n),"
            " '[]', '[]' FROM app.data_import, generate_series(5, 9) AS n GROUP BY n",
            "INSERT INTO app.change_order (tenant_id, kind, state, person_id, effective_on, payload, reason)"
            f" VALUES (1, 'departure', 'proposed', {PERSON}, '2027-01-01', '{{\"why\": \"home\"}}',"
            " '家庭の事情')",
            _DOCUMENTS,
        )
        yield product


def everything_of(product: Product, tenant: int) -> str:
    tables = product.ask(
        "SELECT a.attrelid::regclass::text FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid"
        " WHERE c.relkind = 'r' AND a.attname = 'tenant_id' AND c.relnamespace = 'app'::regnamespace"
    )
    rows = "SELECT string_agg(t::text, E'\\n' ORDER BY t::text) FROM {} AS t WHERE tenant_id = {}"
    return "\n".join(str(product.ask(rows.format(table, tenant))) for (table,) in sorted(map(tuple, tables)))


def test_an_erased_person_is_found_nowhere_and_nobody_else_changes(
    postgres: PostgresServer, living: Product, tmp_path: Path
) -> None:
    folder = Folder(tmp_path)
    with copied(postgres, living) as yesterday:
        others = everything_of(living, 2)
        with opened_session(living.restore, timeout_s=30, is_read_only=False) as session:
            done = erase_person(session, ORDER, correlation_id="run-1")
            again = erase_person(session, ORDER, correlation_id="run-2")
        keep_order(folder, ORDER)
        keep_order(folder, ORDER)
        left = everything_of(living, 1)
        for mark in (
            "p7@t1", "home107@", "090-0000-107", "太郎7", "家庭の事情", "E7,", "海外駐在", "離婚",
            "転勤", "内密", "特殊な資格", "の後任",
        ):  # fmt: skip
            assert mark not in left, mark
        stays = (
            "有休は 10 日",
            "有休は何日",
            "賞与はいつ払うか",
            "日当はいくらか",
            "日当は 2,500 円",
            "年末調整",
        )
        assert [mark for mark in stays if mark not in left] == []
        assert [tuple(row) for row in living.ask(
            "SELECT id, state, created_by IS NULL FROM app.evaluation_question ORDER BY id"
        )] == [
            (92, "retired", True), (93, "retired", True), (94, "active", True), (95, "retired", True),
            (96, "active", False),
        ]  # fmt: skip
        assert [tuple(row) for row in living.ask("SELECT id, score FROM app.model_score ORDER BY id")] == [
            (99, 0.0), (100, 0.0), (101, 0.7),
        ]  # fmt: skip
        assert [tuple(row) for row in living.ask(
            "SELECT id, title, created_by IS NULL FROM app.role_profile ORDER BY id"
        )] == [(97, "経理の課長", True), (98, "削除済み", False)]  # fmt: skip
        assert (done.rows["app.person"], done.rows["app.data_import_row"], done.file_keys) == (
            1,
            1,
            ("t1/files/abc", "t1/files/resume51"),
        )
        assert again.rows["app.person_private"] == 0
        assert "p8@t1" in left
        assert everything_of(living, 2) == others
        with opened_session(living.admin, timeout_s=30) as session:
            assert [one.said.en for one in check_copy(session, is_copy=False) if not one.is_well] == []
        # And the copy of a moment before it: readable there, until the order is replayed.
        orders = list_orders(folder)
        assert [(one.tenant, one.person) for one in orders] == [(1, PERSON)]
        with opened_session(yesterday.admin, timeout_s=30) as session:
            assert find_unerased(session, orders) == orders
        with opened_session(yesterday.admin, timeout_s=30, is_read_only=False) as session:
            assert [one.person for one in replay_orders(session, orders, correlation_id="switch")] == [PERSON]
            assert replay_orders(session, orders, correlation_id="switch") == ()
        assert "p7@t1" not in everything_of(yesterday, 1)
        assert everything_of(yesterday, 2) == others
        with opened_session(yesterday.admin, timeout_s=30) as session:
            assert [one.said.en for one in check_copy(session, is_copy=False) if not one.is_well] == []


def test_what_can_still_be_read_takes_the_whole_erasure_back(living: Product) -> None:
    order = new_order(tenant=1, person=112, by="aoki", reference="R-2")
    living.do(
        "SET session_replication_role = replica;"
        "UPDATE app.org_unit_version SET name_en = 'ask p12@t1.example' WHERE tenant_id = 1"
    )
    with (
        opened_session(living.restore, timeout_s=30, is_read_only=False) as session,
        pytest.raises(StillReadable, match="org_unit_version"),
    ):
        erase_person(session, order, correlation_id="run-3")
    assert "p12@t1" in everything_of(living, 1)


def test_a_person_of_another_tenant_is_not_found(living: Product) -> None:
    order = new_order(tenant=2, person=PERSON, by="aoki", reference="R-3")
    with (
        opened_session(living.restore, timeout_s=30, is_read_only=False) as session,
        pytest.raises(NotFound),
    ):
        erase_person(session, order, correlation_id="run-4")


def test_the_application_itself_cannot_erase(living: Product) -> None:
    with (
        opened_session(living.app, timeout_s=30, is_read_only=False) as session,
        pytest.raises((SessionLost, NotFound)),
    ):
        erase_person(session, new_order(tenant=1, person=101, by="x", reference="x"), correlation_id="x")


def test_an_order_names_nobody(tmp_path: Path) -> None:
    keep_order(Folder(tmp_path), ORDER)
    (path,) = tmp_path.rglob("*.json")
    assert set(json.loads(path.read_text())) == {"by", "ordered_at", "person", "reference", "tenant"}
