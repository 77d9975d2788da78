"""Carrying a plan out: units and positions first, then people, spells and posts, in a few statements.

Runs inside the caller's transaction, after `app.new_moment()` has made writers of the tenant take turns.
Nothing recorded is overwritten: what no longer stands is closed, what stands instead is inserted, and both
name the order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.importing.bulk import BATCH, insert_rows, run_batched, take_ids
from hrx.app.people.employees.importing.references import NewUnit
from hrx.app.people.employees.importing.state import NAME_FIELDS, ImportPlan, Record, SpellPlan
from hrx.app.people.employees.importing.timeline import FOREVER, Ref
from hrx.app.people.employees.names import Names
from hrx.app.people.employees.search import index_person
from hrx.kit.errors import Conflict, Text

_PROVENANCE: Final = (("change_order_id", "bigint"), ("opened_by", "bigint"))
_NAMES: Final = tuple((name, "text") for name in NAME_FIELDS)

_VERSION_COLUMNS: Final = (
    ("person_id", "bigint"),
    *_NAMES,
    ("work_email", "text"),
    ("kana_key", "text"),
    ("valid", "daterange"),
    *_PROVENANCE,
)
_ASSIGNMENT_COLUMNS: Final = (
    ("id", "bigint"),
    ("employment_id", "bigint"),
    ("person_id", "bigint"),
    ("kind", "text"),
    ("org_unit_id", "bigint"),
    ("position_id", "bigint"),
    ("manager_person_id", "bigint"),
    ("valid", "daterange"),
    *_PROVENANCE,
)

_CLOSE_ASSIGNMENTS = text(
    "UPDATE app.assignment SET known = known, closed_by = :order_id"
    " WHERE id = ANY (CAST(:ids AS bigint[])) AND upper_inf(known)"
)
_CLOSE_EMPLOYMENTS = text(
    "UPDATE app.employment_version SET known = known, closed_by = :order_id"
    " WHERE id = ANY (CAST(:ids AS bigint[])) AND upper_inf(known)"
)
_CLOSE_NAMES = text(
    "UPDATE app.person_version SET known = known, closed_by = :order_id"
    " WHERE person_id = ANY (CAST(:ids AS bigint[])) AND upper_inf(known) AND valid @> CAST(:today AS date)"
    " RETURNING person_id, family_kanji, given_kanji, family_kana, given_kana, family_latin, given_latin,"
    " work_email, kana_key, lower(valid), upper(valid), change_order_id"
)
_UPDATE_PEOPLE = text(
    "UPDATE app.person AS p SET family_kanji = x.family_kanji, given_kanji = x.given_kanji,"
    " family_kana = x.family_kana, given_kana = x.given_kana, family_latin = x.family_latin,"
    " given_latin = x.given_latin, work_email = x.work_email, search_text = x.search_text,"
    " kana_key = x.kana_key"
    " FROM unnest(CAST(:id AS bigint[]), CAST(:family_kanji AS text[]), CAST(:given_kanji AS text[]),"
    " CAST(:family_kana AS text[]), CAST(:given_kana AS text[]), CAST(:family_latin AS text[]),"
    " CAST(:given_latin AS text[]), CAST(:work_email AS text[]), CAST(:search_text AS text[]),"
    " CAST(:kana_key AS text[]))"
    " AS x (id, family_kanji, given_kanji, family_kana, given_kana, family_latin, given_latin, work_email,"
    " search_text, kana_key)"
    " WHERE p.id = x.id"
)
_PRIVATE: Final = (
    ("birth_on", "birth_on", "date"),
    ("gender", "gender", "text"),
    ("postal_code", "postal_code", "text"),
    ("prefecture", "prefecture", "text"),
    ("city", "city", "text"),
    ("line1", "address_line1", "text"),
    ("line2", "address_line2", "text"),
    ("personal_email", "personal_email", "text"),
    ("personal_phone", "personal_phone", "text"),
)
_REPLACE_PRIVATE: Final = "ON CONFLICT (person_id) DO UPDATE SET updated_at = now(), " + ", ".join(
    f"{column} = excluded.{column}" for column, _, _ in _PRIVATE
)
_AUDIT = text(
    "INSERT INTO app.audit_entry (action, subject_person_id, details)"
    " SELECT x.action, x.person_id, jsonb_build_object('import_id', CAST(:import_id AS bigint))"
    " FROM unnest(CAST(:action AS text[]), CAST(:person_id AS bigint[])) AS x (action, person_id)"
)


class RecordMovedOn(Conflict):
    """Something that the plan rests on was changed by somebody else; nothing was written."""

    code = "import.drifted"


@dataclass(slots=True)
class _Ids:
    """Ids of everything that the plan refers to: recorded and new."""

    people: dict[str, int]
    units: dict[str, int]
    positions: dict[str, int]
    #: New spells by identity: the plan holds each once, and they are not hashable.
    spells: dict[int, int]

    def unit(self, ref: Ref) -> int:
        return self.units[ref] if isinstance(ref, str) else ref

    def spell(self, spell: SpellPlan) -> int:
        return self.spells[id(spell)] if spell.spell_id is None else spell.spell_id

    def position(self, ref: Ref | None) -> int | None:
        return self.positions[ref] if isinstance(ref, str) else ref


@dataclass(frozen=True, slots=True)
class PlanWriter:
    """Writes one plan in the name of one change order."""

    session: AsyncSession
    plan: ImportPlan
    record: Record
    order_id: int
    #: None for loads that are no upload, such as the demo company.
    import_id: int | None
    #: Hears how many more rows were written, of those that `ImportPlan.count_writes` gives.
    on_progress: Callable[[int], None]

    async def write(self) -> None:
        """All of it. Raises RecordMovedOn; constraints of the database speak for themselves."""
        ids = await self._take_ids()
        await self._write_new_people(ids)
        await self._write_units(ids)
        await self._write_positions(ids)
        await self._write_changed_people(ids)
        await self._write_private(ids)
        await self._close_what_ends()
        await self._write_employments(ids)
        await self._write_assignments(ids)
        await self._write_audit(ids)
        # Checks that span rows are deferred to the commit; here they can still be told to people.
        await self.session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))

    async def _take_ids(self) -> _Ids:
        plan = self.plan
        new_people = [person.number for person in plan.people if person.person_id is None]
        new_spells = [spell for person in plan.people for spell in person.spells if spell.spell_id is None]
        taken = {
            table: await take_ids(self.session, table, count)
            for table, count in (
                ("person", len(new_people)),
                ("org_unit", len(plan.new_units)),
                ("position", len(plan.new_positions)),
                ("employment", len(new_spells)),
            )
        }
        return _Ids(
            people={**self.record.person_ids, **dict(zip(new_people, taken["person"], strict=True))},
            units=dict(zip((unit.key for unit in plan.new_units), taken["org_unit"], strict=True)),
            positions=dict(zip((p.key for p in plan.new_positions), taken["position"], strict=True)),
            spells=dict(zip(map(id, new_spells), taken["employment"], strict=True)),
        )

    async def _write_units(self, ids: _Ids) -> None:
        units = self.plan.new_units
        rows = [(ids.units[unit.key], unit.code) for unit in units]
        await insert_rows(self.session, "org_unit", (("id", "bigint"), ("code", "text")), rows)
        versions = [
            (
                ids.units[unit.key],
                unit.name,
                unit.name_en,
                None if unit.parent is None else ids.unit(unit.parent),
                unit.kind,
                None if head is None else ids.people[head],
                start,
                _open(end),
                *self._order,
            )
            for unit in units
            for start, end, head in _headships(unit)
        ]
        columns = (
            ("org_unit_id", "bigint"),
            ("name_ja", "text"),
            ("name_en", "text"),
            ("parent_id", "bigint"),
            ("kind", "text"),
            ("head_person_id", "bigint"),
            ("valid", "daterange"),
            *_PROVENANCE,
        )
        await insert_rows(self.session, "org_unit_version", columns, versions)

    async def _write_positions(self, ids: _Ids) -> None:
        positions = self.plan.new_positions
        rows = [(ids.positions[position.key], position.code) for position in positions]
        await insert_rows(self.session, "position", (("id", "bigint"), ("code", "text")), rows)
        versions = [
            (
                ids.positions[position.key],
                position.title,
                position.title_en,
                position.rank,
                position.start,
                None,
                *self._order,
            )
            for position in positions
        ]
        columns = (
            ("position_id", "bigint"),
            ("title_ja", "text"),
            ("title_en", "text"),
            ("rank", "integer"),
            ("valid", "daterange"),
            *_PROVENANCE,
        )
        await insert_rows(self.session, "position_version", columns, versions)

    async def _write_new_people(self, ids: _Ids) -> None:
        rows, versions = [], []
        for person in self.plan.people:
            if person.person_id is not None or person.names is None:
                continue
            names = tuple(person.names.values())
            index = index_person(
                Names(**person.names), work_email=person.work_email, employee_number=person.number
            )
            employed = ",".join(_range_text(spell) for spell in person.spells)
            hired = max((spell.hired for spell in person.spells), default=None)
            person_id = ids.people[person.number]
            rows.append(
                (
                    person_id,
                    person.number,
                    *names,
                    person.work_email,
                    index.search_text,
                    index.kana_key,
                    f"{{{employed}}}",
                    hired,
                )
            )
            # The first name of a person has no first day: it was theirs before they came.
            versions.append((person_id, *names, person.work_email, index.kana_key, None, None, *self._order))
        await insert_rows(
            self.session,
            "person",
            (
                ("id", "bigint"),
                ("employee_number", "text"),
                *_NAMES,
                ("work_email", "text"),
                ("search_text", "text"),
                ("kana_key", "text"),
                ("employed", "datemultirange"),
                ("hired_on", "date"),
            ),
            rows,
            after_batch=self.on_progress,
        )
        await insert_rows(self.session, "person_version", _VERSION_COLUMNS, versions)

    async def _write_changed_people(self, ids: _Ids) -> None:
        """New names and e-mail count from today; the version of the days before stays as it was."""
        changed = [p for p in self.plan.people if p.person_id is not None and (p.names or p.is_email_changed)]
        by_id = {ids.people[person.number]: person for person in changed}
        for at in range(0, len(changed), BATCH):
            batch = [ids.people[person.number] for person in changed[at : at + BATCH]]
            closed = (
                await self.session.execute(
                    _CLOSE_NAMES,
                    {"ids": batch, "today": self.record.today, "order_id": self.order_id},
                )
            ).all()
            _expect(len(closed), len(batch))
            versions: list[tuple[object, ...]] = []
            updates: list[tuple[object, ...]] = []
            for row in closed:
                person = by_id[row[0]]
                names = person.names or dict(zip(NAME_FIELDS, row[1:7], strict=True))
                email = person.work_email if person.is_email_changed else row[7]
                index = index_person(Names(**names), work_email=email, employee_number=person.number)
                if row[9] is None or row[9] < self.record.today:
                    versions.append((*row[:9], row[9], self.record.today, row[11], self.order_id))
                versions.append(
                    (row[0], *names.values(), email, index.kana_key, self.record.today, row[10], *self._order)
                )
                updates.append((row[0], *names.values(), email, index.search_text, index.kana_key))
            await insert_rows(self.session, "person_version", _VERSION_COLUMNS, versions)
            columns = ("id", *NAME_FIELDS, "work_email", "search_text", "kana_key")
            values = dict(zip(columns, map(list, zip(*updates, strict=True)), strict=True))
            await run_batched(self.session, _UPDATE_PEOPLE, values)

    async def _write_private(self, ids: _Ids) -> None:
        rows = [
            (ids.people[person.number], *(person.private[field] for _, field, _ in _PRIVATE))
            for person in self.plan.people
            if person.private is not None
        ]
        columns = (("person_id", "bigint"), *((column, kind) for column, _, kind in _PRIVATE))
        await insert_rows(self.session, "person_private", columns, rows, on_conflict=_REPLACE_PRIVATE)

    async def _close_what_ends(self) -> None:
        spells = [spell for person in self.plan.people for spell in person.spells]
        posts = [post_id for spell in spells for post_id in spell.closed]
        versions = [s.version_id for s in spells if s.is_changed and s.version_id is not None]
        for statement, closed in ((_CLOSE_ASSIGNMENTS, posts), (_CLOSE_EMPLOYMENTS, versions)):
            touched = await run_batched(self.session, statement, {"ids": closed}, order_id=self.order_id)
            _expect(touched, len(closed))

    async def _write_employments(self, ids: _Ids) -> None:
        rows, versions = [], []
        for person in self.plan.people:
            person_id = ids.people[person.number]
            for spell in person.spells:
                if spell.spell_id is None:
                    rows.append((ids.spell(spell), person_id))
                if spell.is_changed:
                    days = (spell.hired, _open(spell.end))
                    versions.append((ids.spell(spell), person_id, spell.kind, *days, *self._order))
        await insert_rows(self.session, "employment", (("id", "bigint"), ("person_id", "bigint")), rows)
        columns = (
            ("employment_id", "bigint"),
            ("person_id", "bigint"),
            ("kind", "text"),
            ("employed", "daterange"),
            *_PROVENANCE,
        )
        await insert_rows(self.session, "employment_version", columns, versions)

    async def _write_assignments(self, ids: _Ids) -> None:
        opened = [
            (ids.people[person.number], ids.spell(spell), segment)
            for person in self.plan.people
            for spell in person.spells
            for segment in spell.opened
        ]
        fresh = await take_ids(self.session, "assignment", len(opened))
        rows: list[tuple[object, ...]] = []
        terms: list[tuple[object, ...]] = []
        for (person_id, spell_id, segment), assignment_id in zip(opened, fresh, strict=True):
            said = segment.terms
            rows.append(
                (
                    assignment_id,
                    spell_id,
                    person_id,
                    segment.kind,
                    ids.unit(said.unit),
                    ids.position(said.position),
                    None if said.manager is None else ids.people[said.manager],
                    segment.start,
                    _open(segment.end),
                    # A row that is only cut keeps the order that its facts come from.
                    segment.order_id or self.order_id,
                    self.order_id,
                )
            )
            terms.append((assignment_id, said.grade, said.fte))
        await insert_rows(self.session, "assignment", _ASSIGNMENT_COLUMNS, rows, after_batch=self.on_progress)
        columns = (("assignment_id", "bigint"), ("grade", "text"), ("fte", "numeric"))
        await insert_rows(self.session, "assignment_terms", columns, terms)

    async def _write_audit(self, ids: _Ids) -> None:
        """One entry for each person, so that "who changed this record" finds the import."""
        people = [ids.people[person.number] for person in self.plan.people]
        actions = [
            "person.imported" if person.person_id is None else "person.changed_by_import"
            for person in self.plan.people
        ]
        await run_batched(
            self.session, _AUDIT, {"person_id": people, "action": actions}, import_id=self.import_id
        )

    @property
    def _order(self) -> tuple[int, int]:
        return self.order_id, self.order_id


def _headships(unit: NewUnit) -> Iterator[tuple[date, date, str | None]]:
    """The days of a unit cut by who heads it, days without a head included."""
    at = unit.start
    for start, end, head in unit.heads:
        if start > at:
            yield at, start, None
        yield start, end, head
        at = end
    if at < FOREVER:
        yield at, FOREVER, None


def _range_text(spell: SpellPlan) -> str:
    return f"[{spell.hired},{_open(spell.end) or ''})"


def _open(end: date) -> date | None:
    """FOREVER as the database writes it: no bound."""
    return None if end == FOREVER else end


def _expect(touched: int, planned: int) -> None:
    if touched != planned:
        raise RecordMovedOn(
            Text(
                ja="取り込みの途中でほかの人が同じ社員を変更しました。何も取り込んでいません。",
                en="Somebody else changed the same people during the import. Nothing was imported.",
            ),
            hint=Text(ja="もう一度「確認」を実行してください。", en="Run the check again."),
        )
