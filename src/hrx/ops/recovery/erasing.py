"""Erased people stay erased: who is to be forgotten is written down outside the database, and is erased again
in every copy of an earlier moment before anybody gets to see it.

An order holds numbers only (tenant, person), so that it may lie in plain beside the backups and travel with
the copy elsewhere. What stays, on purpose: that a person without a name was employed and where they stood, in
the tenant's history and audit trail. What cannot be reached: backups and change records from before; they are
encrypted and age out with the window of restores (`backup_keep_days`)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import NotFound, Refused, Text
from hrx.ops.recovery import erasing_documents
from hrx.ops.recovery.places import Folder
from hrx.ops.seams.sessions import Session

_FOLDER: Final = "erasures"
_ERASED: Final = "erased-"
#: Shown where a name stood; the schema wants one.
_NOBODY: Final = "削除済み"


class StillReadable(Refused):
    """Something of an erased person can still be found."""

    code = "recovery.still_readable"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureOrder:
    """One person of one tenant, to be forgotten. `by`: the run on the ledger; `reference`: of the request."""

    tenant: int
    person: int
    ordered_at: datetime
    by: str
    reference: str

    @property
    def name(self) -> str:
        return f"{_FOLDER}/t{self.tenant}-p{self.person}.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What one erasure touched: rows by table; `file_keys` of uploads that named the person and of documents
    about them, which the product deletes from its storage at its next tidying."""

    tenant: int
    person: int
    rows: Mapping[str, int]
    file_keys: tuple[str, ...]


def keep_order(folder: Folder, order: ErasureOrder) -> None:
    """Write an order down, durably; a second one for the same person changes nothing."""
    if any(one.tenant == order.tenant and one.person == order.person for one in list_orders(folder)):
        return
    body = {
        "tenant": order.tenant,
        "person": order.person,
        "ordered_at": order.ordered_at.isoformat(),
        "by": order.by,
        "reference": order.reference,
    }
    with folder.writing(order.name) as file:
        file.write(json.dumps(body, ensure_ascii=False, sort_keys=True).encode() + b"\n")


def list_orders(folder: Folder) -> tuple[ErasureOrder, ...]:
    """Every order ever given, oldest first."""
    return tuple(sorted(_read_orders(folder), key=lambda one: (one.ordered_at, one.tenant, one.person)))


def _read_orders(folder: Folder) -> Iterator[ErasureOrder]:
    for kept in folder.list_files(_FOLDER):
        with folder.reading(kept.name) as file:
            body = json.loads(file.read())
        yield ErasureOrder(**{**body, "ordered_at": datetime.fromisoformat(body["ordered_at"])})


def new_order(*, tenant: int, person: int, by: str, reference: str) -> ErasureOrder:
    """An order of now."""
    return ErasureOrder(tenant=tenant, person=person, ordered_at=clock.now(), by=by, reference=reference)


def find_unerased(session: Session, orders: tuple[ErasureOrder, ...]) -> tuple[ErasureOrder, ...]:
    """Orders whose person can still be read in this database. Only reads: a copy may be read-only."""
    return tuple(one for one in orders if _is_readable(session, one))


def replay_orders(
    session: Session, orders: tuple[ErasureOrder, ...], *, correlation_id: str
) -> tuple[Erased, ...]:
    """Erase in a copy whoever was erased since its moment, and prove it. Before any traffic.

    The copy is open for writing, the session a superuser's. Safe to repeat. Raises StillReadable."""
    done = tuple(
        erase_person(session, one, correlation_id=correlation_id) for one in find_unerased(session, orders)
    )
    left = find_unerased(session, orders)
    if left:
        raise _still_readable(left[0], ("app.person",))
    return done


def erase_person(session: Session, order: ErasureOrder, *, correlation_id: str) -> Erased:
    """Everything that tells who the person was, in one transaction, and the proof that none of it is found.

    The session is that of hrx_restore or a superuser. Harmless when it was done before. Raises NotFound,
    StillReadable (then nothing is changed), SessionLost."""
    with session.transaction():
        return erase_within(session, order, correlation_id=correlation_id)


def erase_within(session: Session, order: ErasureOrder, *, correlation_id: str) -> Erased:
    """The same inside the caller's transaction. Leaves triggers on (`session_replication_role`)."""
    who: dict[str, object] = {"tenant": order.tenant, "person": order.person, "nobody": _NOBODY}
    if session.row("SELECT 1 FROM app.person WHERE tenant_id = %(tenant)s AND id = %(person)s", who) is None:
        raise NotFound(
            Text(
                ja=f"テナント {order.tenant} に人物 {order.person} はいません",
                en=f"Tenant {order.tenant} has no person {order.person}",
            ),
            hint=Text(
                ja="人物の番号は製品の画面の URL にあります。",
                en="A person's number is in the address of their page.",
            ),
            code="recovery.no_person",
        )
    # Histories are closed to everybody by triggers; forgetting is the one thing that may open them.
    session.row("SET LOCAL session_replication_role = replica")
    marks = find_marks(session, order)
    who["marks"] = marks
    statements: tuple[tuple[str, str], ...] = _STATEMENTS
    file_keys = tuple(key for (key,) in session.rows(_fill(_FILES), who))
    if _has_documents(session):
        statements = (*erasing_documents.STATEMENTS, *_STATEMENTS)
        file_keys += tuple(key for (key,) in session.rows(_fill(erasing_documents.FILES), who))
    if _has_questions(session):
        statements = (*erasing_documents.QUESTION_STATEMENTS, *statements)
    if _has_scores(session):
        statements = (*erasing_documents.SCORE_STATEMENTS, *statements)
    rows: dict[str, int] = {}
    for table, statement in statements:
        done = _fill(f"WITH done AS ({statement} RETURNING 1) SELECT count(*) FROM done")  # noqa: S608
        row = session.row(done, who)
        rows[table] = rows.get(table, 0) + int(row[0] if row else 0)
    session.row("SET LOCAL session_replication_role = origin")
    session.row(
        "INSERT INTO app.audit_entry (tenant_id, action, subject_person_id, details, correlation_id)"
        " VALUES (%(tenant)s, 'person.erased', %(person)s, %(details)s::jsonb, left(%(id)s, 64))",
        {
            "tenant": order.tenant,
            "person": order.person,
            "details": json.dumps({"ordered_at": order.ordered_at.isoformat(), "rows": sum(rows.values())}),
            "id": correlation_id,
        },
    )
    found = _find_traces(session, marks, tenant=order.tenant)
    if found or _is_readable(session, order):
        raise _still_readable(order, found or ("app.person",))
    return Erased(tenant=order.tenant, person=order.person, rows=rows, file_keys=file_keys)


def _is_readable(session: Session, order: ErasureOrder) -> bool:
    row = session.row(
        "SELECT EXISTS (SELECT FROM app.person WHERE tenant_id = %(tenant)s AND id = %(person)s"
        " AND employee_number <> %(erased)s)"
        " OR EXISTS (SELECT FROM app.person_private WHERE tenant_id = %(tenant)s AND person_id = %(person)s)",
        {"tenant": order.tenant, "person": order.person, "erased": f"{_ERASED}{order.person}"},
    )
    if row and row[0]:
        return True
    if not _has_documents(session):
        return False
    row = session.row(erasing_documents.IS_READABLE, {"tenant": order.tenant, "person": order.person})
    return bool(row and row[0])


def _has_documents(session: Session) -> bool:
    """A copy may be of a moment before the product had documents and conversations."""
    row = session.row("SELECT num_nonnulls(to_regclass('app.document'), to_regclass('app.answer')) = 2")
    return bool(row and row[0])


def _has_questions(session: Session) -> bool:
    """The same before questions were kept to evaluate answers."""
    row = session.row("SELECT to_regclass('app.evaluation_question') IS NOT NULL")
    return bool(row and row[0])


def _has_scores(session: Session) -> bool:
    """The same before what models say was kept."""
    row = session.row("SELECT to_regclass('app.model_score') IS NOT NULL")
    return bool(row and row[0])


def find_marks(session: Session, order: ErasureOrder) -> list[str]:
    """What is the person's alone and can be searched for: addresses and telephone numbers. Names and numbers
    of employees are others' too. They stay in memory: neither told nor logged."""
    rows = session.rows(
        "SELECT work_email FROM app.person WHERE tenant_id = %(tenant)s AND id = %(person)s"
        " UNION SELECT work_email FROM app.person_version"
        " WHERE tenant_id = %(tenant)s AND person_id = %(person)s"
        " UNION SELECT unnest(ARRAY[personal_email, personal_phone]) FROM app.person_private"
        " WHERE tenant_id = %(tenant)s AND person_id = %(person)s"
        " UNION SELECT email FROM app.user_account WHERE tenant_id = %(tenant)s AND person_id = %(person)s",
        {"tenant": order.tenant, "person": order.person},
    )
    return [str(mark) for (mark,) in rows if mark and len(mark) >= 6 and not mark.startswith(_ERASED)]


def _find_traces(session: Session, marks: list[str], *, tenant: int) -> tuple[str, ...]:
    """Tables of the product in which one of the marks can still be read, whatever the column."""
    if not marks:
        return ()
    tables = session.rows(
        "SELECT c.oid::regclass::text FROM pg_class AS c WHERE c.relkind = 'r'"
        " AND c.relnamespace = ANY (ARRAY['app', 'jobs']::regnamespace[]) ORDER BY 1"
    )
    found = []
    for (table,) in tables:
        # Another tenant may know the same address; that is theirs.
        has_tenant = session.row(
            "SELECT 1 FROM pg_attribute WHERE attrelid = %(table)s::regclass AND attname = 'tenant_id'",
            {"table": table},
        )
        condition = "t.tenant_id = %(tenant)s AND " if has_tenant else ""
        row = session.row(
            f"SELECT EXISTS (SELECT FROM {table} AS t WHERE {condition}"  # noqa: S608 - from the catalogue
            " EXISTS (SELECT FROM unnest(%(marks)s::text[]) AS m WHERE strpos(t::text, m) > 0))",
            {"tenant": tenant, "marks": marks},
        )
        if row and row[0]:
            found.append(str(table))
    return tuple(found)


#: What stands in brackets below.
_PARTS: Final = {
    "[of person]": "WHERE tenant_id = %(tenant)s AND person_id = %(person)s",
    "[of users]": "WHERE tenant_id = %(tenant)s AND user_id IN (SELECT id FROM app.user_account"
    " WHERE tenant_id = %(tenant)s AND person_id = %(person)s)",
    # Rows of uploads that tell of the person: by an address, or by the number as a whole cell.
    "[that name the person]": "WHERE tenant_id = %(tenant)s AND ("
    "EXISTS (SELECT FROM unnest(%(marks)s::text[]) AS m WHERE strpos(cells::text || changes::text, m) > 0)"
    " OR strpos(cells::text, (SELECT to_json(p.employee_number)::text FROM app.person AS p"
    " WHERE p.tenant_id = %(tenant)s AND p.id = %(person)s)) > 0)",
    "[is open]": "state IN ('proposed', 'reserved')",
}
_FILES: Final = """
SELECT i.file_key FROM app.data_import AS i
WHERE i.tenant_id = %(tenant)s AND i.file_key IS NOT NULL
  AND i.id IN (SELECT import_id FROM app.data_import_row [that name the person])
"""
#: In this order: what is found by the person's number goes before the number does.
_STATEMENTS: Final = (
    (
        "app.data_import",
        "UPDATE app.data_import SET file_key = NULL WHERE tenant_id = %(tenant)s AND file_key IS NOT NULL"
        " AND id IN (SELECT import_id FROM app.data_import_row [that name the person])",
    ),
    ("app.data_import_row", "DELETE FROM app.data_import_row [that name the person]"),
    ("app.session", "DELETE FROM app.session [of users]"),
    ("app.oidc_identity", "DELETE FROM app.oidc_identity [of users]"),
    ("app.person_private", "DELETE FROM app.person_private [of person]"),
    (
        "app.user_account",
        "UPDATE app.user_account SET email = 'erased-' || id || '@invalid', display_name = %(nobody)s,"
        " password_hash = NULL, totp_secret_sealed = NULL, totp_confirmed_at = NULL, totp_last_step = NULL,"
        " is_active = false, last_signed_in_at = NULL [of person]",
    ),
    (
        "app.change_order",
        "UPDATE app.change_order SET payload = '{}', changes = '[]', reason = '', closing_note = '',"
        " state = CASE WHEN [is open] THEN 'cancelled' ELSE state END,"
        " closed_at = CASE WHEN [is open] THEN now() ELSE closed_at END [of person]",
    ),
    (
        "app.person_version",
        "UPDATE app.person_version SET family_kanji = %(nobody)s, given_kanji = '', family_kana = '',"
        " given_kana = '', family_latin = '', given_latin = '', work_email = NULL, kana_key = ''"
        " [of person]",
    ),
    (
        "app.person",
        "UPDATE app.person SET employee_number = 'erased-' || id, family_kanji = %(nobody)s,"
        " given_kanji = '', family_kana = '', given_kana = '', family_latin = '', given_latin = '',"
        " work_email = NULL, search_text = '', search_grams = ''::tsvector, kana_key = ''"
        " WHERE tenant_id = %(tenant)s AND id = %(person)s",
    ),
)


def _fill(statement: str) -> str:
    for part, sql in (_PARTS | erasing_documents.PARTS).items():
        statement = statement.replace(part, sql)
    return statement


def _still_readable(order: ErasureOrder, tables: tuple[str, ...]) -> StillReadable:
    listed = ", ".join(tables)
    return StillReadable(
        Text(
            ja=f"テナント {order.tenant} の人物 {order.person} が、まだ {listed} で読めます。"
            "何も変えていません",
            en=f"Person {order.person} of tenant {order.tenant} can still be read in {listed}."
            " Nothing was changed",
        ),
        hint=Text(
            ja="その表の行を製品の画面で直してから、もう一度実行します。",
            en="Correct that table's rows in the product, then run it again.",
        ),
    )
