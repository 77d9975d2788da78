"""Carrying a plan out in a few statements: what ends is closed first, then everything new is inserted.

Runs inside the caller's transaction, after `app.new_moment()` has made writers of the tenant take turns.
Nothing recorded is overwritten: what no longer stands is closed, what stands instead is inserted, and both
name the order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.importing.bulk import (
    BATCH,
    Load,
    insert_rows,
    run_batched,
    run_loads,
    take_ids,
)
from hrx.app.people.employees.importing.loads import VERSION_COLUMNS, Ids, PlanRows
from hrx.app.people.employees.importing.state import NAME_FIELDS, ImportPlan, Record
from hrx.app.people.employees.names import Names
from hrx.app.people.employees.search import index_person
from hrx.kit.errors import Conflict, Text

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
#: Tables whose rows are counted as progress.
_COUNTED: Final = frozenset({"person", "assignment"})


class RecordMovedOn(Conflict):
    """Something that the plan rests on was changed by somebody else; nothing was written."""

    code = "import.drifted"


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
        await self._write_changed_people(ids)
        await self._close_what_ends()
        rows = PlanRows(self.plan, ids, self.order_id, self.import_id)
        await run_loads(self.session, rows.loads(), after_load=self._count)
        # Checks that span rows are deferred to the commit; here they can still be told to people.
        await self.session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))

    def _count(self, load: Load) -> None:
        if load.table in _COUNTED:
            self.on_progress(load.rows)

    async def _take_ids(self) -> Ids:
        plan = self.plan
        new_people = [person.number for person in plan.people if person.person_id is None]
        new_spells = [spell for person in plan.people for spell in person.spells if spell.spell_id is None]
        new_posts = sum(len(spell.opened) for person in plan.people for spell in person.spells)
        taken = {
            table: await take_ids(self.session, table, count)
            for table, count in (
                ("person", len(new_people)),
                ("org_unit", len(plan.new_units)),
                ("position", len(plan.new_positions)),
                ("employment", len(new_spells)),
                ("assignment", new_posts),
            )
        }
        return Ids(
            people={**self.record.person_ids, **dict(zip(new_people, taken["person"], strict=True))},
            units=dict(zip((unit.key for unit in plan.new_units), taken["org_unit"], strict=True)),
            positions=dict(zip((p.key for p in plan.new_positions), taken["position"], strict=True)),
            spells=dict(zip(map(id, new_spells), taken["employment"], strict=True)),
            posts=list(taken["assignment"]),
        )

    async def _write_changed_people(self, ids: Ids) -> None:
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
            await insert_rows(self.session, "person_version", VERSION_COLUMNS, versions)
            columns = ("id", *NAME_FIELDS, "work_email", "search_text", "kana_key")
            values = dict(zip(columns, map(list, zip(*updates, strict=True)), strict=True))
            await run_batched(self.session, _UPDATE_PEOPLE, values)

    async def _close_what_ends(self) -> None:
        spells = [spell for person in self.plan.people for spell in person.spells]
        posts = [post_id for spell in spells for post_id in spell.closed]
        versions = [s.version_id for s in spells if s.is_changed and s.version_id is not None]
        for statement, closed in ((_CLOSE_ASSIGNMENTS, posts), (_CLOSE_EMPLOYMENTS, versions)):
            touched = await run_batched(self.session, statement, {"ids": closed}, order_id=self.order_id)
            _expect(touched, len(closed))

    @property
    def _order(self) -> tuple[int, int]:
        return self.order_id, self.order_id


def _expect(touched: int, planned: int) -> None:
    if touched != planned:
        raise RecordMovedOn(
            Text(
                ja="取り込みの途中でほかの人が同じ社員を変更しました。何も取り込んでいません。",
                en="Somebody else changed the same people during the import. Nothing was imported.",
            ),
            hint=Text(ja="もう一度「確認」を実行してください。", en="Run the check again."),
        )
