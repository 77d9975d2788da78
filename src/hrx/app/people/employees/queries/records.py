"""What writers need to know before they write: a person's record as known now, and what it refers to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from psycopg.types.multirange import Multirange
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.queries.people import person_not_found
from hrx.app.people.employees.record import PersonRecord, Segment, Spell, in_order

_PERSON: Final = text("SELECT p.id FROM app.person AS p WHERE p.id = :person_id")
# Index: employment_version_of_person.
_SPELLS: Final = text(
    "SELECT e.id, e.employment_id, e.kind, lower(e.employed) AS from_on, upper(e.employed) AS until_on,"
    " e.change_order_id"
    " FROM app.employment_version AS e"
    " WHERE e.person_id = :person_id AND upper_inf(e.known)"
    " ORDER BY lower(e.employed)"
)
# Index: assignment_of_person.
_SEGMENTS: Final = text(
    "SELECT a.id, a.employment_id, a.kind, a.org_unit_id, a.position_id, a.manager_person_id, t.grade,"
    " coalesce(t.fte, 1) AS fte, lower(a.valid) AS from_on, upper(a.valid) AS until_on, a.change_order_id"
    " FROM app.assignment AS a"
    " LEFT JOIN app.assignment_terms AS t ON t.assignment_id = a.id"
    " WHERE a.person_id = :person_id AND upper_inf(a.known)"
)


async def get_record(session: AsyncSession, person_id: int) -> PersonRecord:
    """The record as known now, as far as the reader may see it. Raises PersonNotFound."""
    if await session.scalar(_PERSON, {"person_id": person_id}) is None:
        raise person_not_found()
    spells = await session.execute(_SPELLS, {"person_id": person_id})
    segments = await session.execute(_SEGMENTS, {"person_id": person_id})
    return PersonRecord(
        person_id=person_id,
        spells=tuple(
            Spell(
                version_id=row.id,
                employment_id=row.employment_id,
                kind=row.kind,
                from_on=row.from_on,
                until_on=row.until_on,
                order_id=row.change_order_id,
            )
            for row in spells
        ),
        segments=in_order([_segment(row) for row in segments.mappings()]),
    )


def _segment(row: RowMapping) -> Segment:
    return Segment(
        id=row["id"],
        employment_id=row["employment_id"],
        kind=row["kind"],
        org_unit_id=row["org_unit_id"],
        position_id=row["position_id"],
        manager_id=row["manager_person_id"],
        grade=row["grade"],
        fte=Decimal(row["fte"]),
        from_on=row["from_on"],
        until_on=row["until_on"],
        order_id=row["change_order_id"],
    )


ReferenceKind = Literal["org_unit", "position", "manager"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Something that an assignment refers to: its names, and the days on which it is there."""

    kind: ReferenceKind
    id: int
    ja: str
    en: str
    periods: tuple[tuple[date, date | None], ...]

    @property
    def label(self) -> dict[str, object]:
        """As stored in an order's changes, in both languages."""
        return {"id": self.id, "ja": self.ja, "en": self.en}

    def end_of(self, day: date) -> tuple[bool, date | None]:
        """Whether it is there on a day, and the first day afterwards on which it is not (None: no end)."""
        for from_on, until_on in self.periods:
            if from_on <= day and (until_on is None or day < until_on):
                return True, until_on
        return False, None


References = Mapping[tuple[ReferenceKind, int], Reference]

_REFERENCES: Final = text(
    """
SELECT 'org_unit' AS kind, v.org_unit_id AS id, (array_agg(v.name_ja ORDER BY v.valid DESC))[1] AS ja,
       (array_agg(v.name_en ORDER BY v.valid DESC))[1] AS en, range_agg(v.valid) AS days
FROM app.org_unit_version AS v
WHERE v.org_unit_id = ANY(CAST(:org_units AS bigint[])) AND upper_inf(v.known)
GROUP BY v.org_unit_id
UNION ALL
SELECT 'position', v.position_id, (array_agg(v.title_ja ORDER BY v.valid DESC))[1],
       (array_agg(v.title_en ORDER BY v.valid DESC))[1], range_agg(v.valid)
FROM app.position_version AS v
WHERE v.position_id = ANY(CAST(:positions AS bigint[])) AND upper_inf(v.known)
GROUP BY v.position_id
UNION ALL
SELECT 'manager', p.id, concat_ws(' ', nullif(p.family_kanji, ''), nullif(p.given_kanji, '')),
       concat_ws(' ', nullif(p.given_latin, ''), nullif(p.family_latin, '')), p.employed
FROM app.person AS p
WHERE p.id = ANY(CAST(:managers AS bigint[]))
"""
)


async def find_references(session: AsyncSession, segments: Iterable[Segment]) -> References:
    """Units, positions and managers of assignments; those that are not found are absent."""
    wanted = list(segments)
    parameters: dict[str, Sequence[int]] = {
        "org_units": sorted({segment.org_unit_id for segment in wanted}),
        "positions": sorted({s.position_id for s in wanted if s.position_id is not None}),
        "managers": sorted({s.manager_id for s in wanted if s.manager_id is not None}),
    }
    rows = await session.execute(_REFERENCES, parameters)
    return {
        (row.kind, row.id): Reference(
            kind=row.kind, id=row.id, ja=row.ja, en=row.en, periods=_periods(row.days)
        )
        for row in rows
    }


def _periods(days: Multirange[date]) -> tuple[tuple[date, date | None], ...]:
    return tuple((period.lower, period.upper) for period in days if period.lower is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duties:
    """What would be left without its leader from a day on."""

    reports: int
    units: int


_DUTIES: Final = text(
    """
SELECT (SELECT count(DISTINCT a.person_id) FROM app.assignment AS a
        WHERE a.manager_person_id = :person_id AND upper_inf(a.known)
          AND (upper_inf(a.valid) OR upper(a.valid) > :day)) AS reports,
       (SELECT count(DISTINCT v.org_unit_id) FROM app.org_unit_version AS v
        WHERE v.head_person_id = :person_id AND upper_inf(v.known)
          AND (upper_inf(v.valid) OR upper(v.valid) > :day)) AS units
"""
)


async def get_duties(session: AsyncSession, *, person_id: int, day: date) -> Duties:
    """Whom and what a person leads on or after a day. Indexes: assignment_under_manager, *_heads."""
    row = (await session.execute(_DUTIES, {"person_id": person_id, "day": day})).one()
    return Duties(reports=row.reports, units=row.units)


_PROFILE: Final = text(
    "SELECT v.id, v.family_kanji, v.given_kanji, v.family_kana, v.given_kana, v.family_latin, v.given_latin,"
    " v.work_email, v.kana_key, lower(v.valid) AS from_on, v.change_order_id, p.employee_number"
    " FROM app.person AS p"
    " JOIN app.person_version AS v ON v.person_id = p.id AND upper_inf(v.known) AND upper_inf(v.valid)"
    " WHERE p.id = :person_id"
)


async def get_profile(session: AsyncSession, person_id: int) -> RowMapping:
    """The newest names and e-mail of a person, with the version's id and first day. Raises PersonNotFound."""
    row = (await session.execute(_PROFILE, {"person_id": person_id})).mappings().one_or_none()
    if row is None:
        raise person_not_found()
    return row


async def get_today(session: AsyncSession) -> date:
    """The tenant's calendar day."""
    today = await session.scalar(text("SELECT app.tenant_today()"))
    assert isinstance(today, date)  # noqa: S101 - the column's own type
    return today


async def needs_four_eyes(session: AsyncSession) -> bool:
    """Whether HR's own orders wait for a second person too."""
    return bool(await session.scalar(text("SELECT t.needs_four_eyes FROM app.tenant AS t")))
