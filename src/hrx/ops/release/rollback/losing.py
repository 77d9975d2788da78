"""What a way down costs: values that go with a column, columns that come back empty, ways that are shut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from hrx.ops.release.fits import passes_null
from hrx.ops.release.graph import Demand, Migration, ReleaseGraph, find_demand
from hrx.ops.release.releases import Release
from hrx.ops.release.rollback.renaming import says_the_same
from hrx.ops.release.rollback.state import RollbackFacts, SchemaState
from hrx.ops.release.shapes import RuleShape, SchemaShape, table_of


class LossKind(StrEnum):
    """How values are lost."""

    #: The column goes, and what was written into it.
    DROPPED = "dropped"
    #: The column comes back without the values that it had: they went with the migration that dropped it.
    EMPTIED = "emptied"
    #: The values are turned into another type, or the migration says that it loses some.
    CONVERTED = "converted"


class Block(StrEnum):
    """Why there is no way down."""

    NOT_BELOW = "not_below"
    NO_DOWNGRADE = "no_downgrade"
    NEVER_TRIED = "never_tried"
    TABLES_UNKNOWN = "tables_unknown"
    ROWS_IN_THE_WAY = "rows_in_the_way"
    NO_BACKUP = "no_backup"
    LOSES_UNDECLARED = "loses_undeclared"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Loss:
    """`rows`: how many values, None when nobody knows."""

    subject: str
    kind: LossKind
    rows: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """One reason against a way down; `subject` is the migration, rule or column."""

    block: Block
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WayDown:
    """From the schema as it stands to `revision`: what it loses, and what stands against it.

    `count_again`: what was counted as nothing and may be written until everybody is stopped; it is open only
    while nobody runs, once that was counted again."""

    revision: str
    shape: SchemaShape | None
    migrations: tuple[str, ...]
    losses: tuple[Loss, ...]
    blocked: tuple[Blocked, ...]
    count_again: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        return not self.blocked


def list_ways_down(
    graph: ReleaseGraph,
    state: SchemaState,
    *,
    to: str,
    facts: RollbackFacts,
    may_lose: frozenset[str],
    is_closed: bool = False,
) -> list[WayDown]:
    """One way for every revision that a release was tested on, the nearest first, down to `to`. `is_closed`:
    nobody runs while the schema moves.

    The revision itself is always told, even when the way is shut: the reasons are for people."""
    down = graph.list_down(state.revision, to)
    if down is None:
        return [_shut(to, Blocked(block=Block.NOT_BELOW, subject=to))]
    names = [one.down_revision for one in down if one.down_revision is not None]
    known = [name for name in names if name == to or graph.find_shape(name) is not None]
    return [
        _judge_way(graph, state, to=name, facts=facts, may_lose=may_lose, is_closed=is_closed)
        for name in known
    ]


def _judge_way(
    graph: ReleaseGraph,
    state: SchemaState,
    *,
    to: str,
    facts: RollbackFacts,
    may_lose: frozenset[str],
    is_closed: bool,
) -> WayDown:
    migrations = graph.list_down(state.revision, to) or []
    after = graph.find_shape(to)
    blocked = [reason for one in migrations for reason in _judge_migration(one)]
    legs = _list_legs(graph, state, migrations)
    if legs is None:
        blocked.append(Blocked(block=Block.TABLES_UNKNOWN, subject=to if after is None else state.revision))
        legs = []
    writers = _list_valued(graph, facts.serving | facts.workers, state.find_shape(graph))
    losses = _count(_merge(legs), facts.rows, writers)
    counted = _list_broken_soon(graph, legs, facts)
    blocked += _list_uncounted(legs, facts)
    blocked += [] if is_closed else [Blocked(block=Block.ROWS_IN_THE_WAY, subject=one) for one in counted]
    blocked += [
        Blocked(block=Block.LOSES_UNDECLARED, subject=one.subject)
        for one in losses
        if not {one.subject, table_of(one.subject)} & may_lose
    ]
    if losses and not facts.has_fresh_backup:
        blocked.append(Blocked(block=Block.NO_BACKUP, subject=to))
    return WayDown(
        revision=to,
        shape=after,
        migrations=tuple(one.revision for one in migrations),
        losses=losses,
        blocked=tuple(blocked),
        count_again=counted if is_closed else (),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leg:
    """A stretch of the way between two schemas that are known."""

    before: SchemaShape
    after: SchemaShape
    revision: str
    migrations: tuple[Migration, ...]

    @property
    def kept(self) -> frozenset[str]:
        """Columns whose values the way down carries over; of several migrations at once nobody can tell."""
        return self.migrations[0].keeps if len(self.migrations) == 1 else frozenset()


def _list_legs(graph: ReleaseGraph, state: SchemaState, down: list[Migration]) -> list[_Leg] | None:
    """The way in stretches; None when its beginning or its end is not known."""
    before = state.find_shape(graph)
    legs: list[_Leg] = []
    taken: list[Migration] = []
    for one in down:
        taken.append(one)
        after = graph.find_shape(one.down_revision) if one.down_revision is not None else None
        if before is not None and after is not None:
            legs.append(
                _Leg(before=before, after=after, revision=str(one.down_revision), migrations=tuple(taken))
            )
            before, taken = after, []
    return None if taken or before is None else legs


def _judge_migration(one: Migration) -> list[Blocked]:
    if not one.has_way_down:
        return [Blocked(block=Block.NO_DOWNGRADE, subject=one.revision)]
    if not one.is_proven:
        return [Blocked(block=Block.NEVER_TRIED, subject=one.revision)]
    return []


def may_break(graph: ReleaseGraph, names: Iterable[str], *, demand: Demand, columns: frozenset[str]) -> bool:
    """Whether one of these releases may write a row that breaks the demand: then a count is old when told.

    Whose own tests pass where the demand holds writes nothing that it refuses. One that is not on record may
    write anything."""
    return any(
        name not in graph.releases
        or (bool(columns & _list_filled(graph.releases[name])) and not graph.keeps(name, demand))
        for name in names
    )


def _list_filled(release: Release) -> frozenset[str]:
    """Columns that a release may fill, be it with NULL."""
    inserted = release.known_use.inserts
    columns = release.shape.columns if release.shape is not None else ()
    return release.writes | {column for column in columns if table_of(column) in inserted}


def _list_valued(graph: ReleaseGraph, names: Iterable[str], shape: SchemaShape | None) -> frozenset[str]:
    """Columns into which these releases put values; what an INSERT leaves out gets its default, if any. One
    that is not on record may put some into every column."""
    found: set[str] = set()
    for name in names:
        if name not in graph.releases:
            found |= shape.columns.keys() if shape is not None else frozenset()
            continue
        use = graph.releases[name].known_use
        found |= use.writes
        for column, one in shape.columns.items() if shape is not None else ():
            if table_of(column) in use.inserts and (one.default is not None or one.is_generated):
                found.add(column)
    return frozenset(found)


def _merge(legs: list[_Leg]) -> dict[str, LossKind]:
    found: dict[str, LossKind] = {}
    for leg in legs:
        for name, kind in _list_losses(leg):
            found.setdefault(name, kind)
    return found


def _list_losses(leg: _Leg) -> Iterator[tuple[str, LossKind]]:
    for name, column in leg.before.columns.items():
        other = leg.after.columns.get(name)
        if name in leg.kept:
            continue
        if other is None:
            yield name, LossKind.DROPPED
        elif other.type != column.type:
            yield name, LossKind.CONVERTED
    for name in leg.after.columns:
        # A table that comes back comes back empty, too.
        if name not in leg.before.columns and name not in leg.kept:
            yield name, LossKind.EMPTIED
    # What a migration loses by dropping it was said above.
    stays = leg.after.columns.keys() | leg.after.tables
    for one in leg.migrations:
        yield from ((name, LossKind.CONVERTED) for name in sorted(one.loses & stays))


def _count(
    found: Mapping[str, LossKind], rows: Mapping[str, int], writers: frozenset[str]
) -> tuple[Loss, ...]:
    """What was counted as nothing is no loss, unless somebody may still write it."""
    return tuple(
        Loss(subject=name, kind=kind, rows=rows.get(name))
        for name, kind in sorted(found.items())
        if rows.get(name) != 0 or name in writers
    )


def _list_uncounted(legs: list[_Leg], facts: RollbackFacts) -> list[Blocked]:
    """What the older schema demands of rows, and nobody has counted that none breaks it."""
    return [
        Blocked(block=Block.ROWS_IN_THE_WAY, subject=subject)
        for leg in legs
        for subject, _ in _list_returning_rules(leg)
        if facts.breaking.get(subject) != 0
    ]


def _list_broken_soon(graph: ReleaseGraph, legs: list[_Leg], facts: RollbackFacts) -> tuple[str, ...]:
    """What no row breaks, and whoever runs may break at any moment."""
    writers = facts.serving | facts.workers
    found = [
        subject
        for leg in legs
        for subject, columns in _list_returning_rules(leg)
        if facts.breaking.get(subject) == 0
        and may_break(graph, writers, demand=find_demand(leg.after, subject), columns=columns)
    ]
    return tuple(dict.fromkeys(found))


def _list_returning_rules(leg: _Leg) -> list[tuple[str, frozenset[str]]]:
    """What the older schema demands and the present one does not, and the columns that decide."""
    before, after = leg.before, leg.after
    found = [
        (name, frozenset({name}))
        for name, column in sorted(after.columns.items())
        if name in before.columns and before.columns[name].type != column.type and name not in leg.kept
    ]
    found += [
        (name, frozenset({name}))
        for name, column in sorted(after.columns.items())
        if column.not_null and name in before.columns and not before.columns[name].not_null
    ]
    found += [
        (name, frozenset(before.list_columns(table_of(name))))
        for name, column in sorted(after.columns.items())
        if column.not_null
        and column.default is None
        and not column.is_generated
        # A table that comes back has no rows that could lack it.
        and name not in before.columns
        and table_of(name) in before.tables
        and not _is_filled_by_another(leg, name)
    ]
    for name, rule in sorted(after.rules.items()):
        if before.rules.get(name) == rule or rule.table not in before.tables:
            continue
        columns = rule.columns or frozenset(before.list_columns(rule.table))
        if _is_held_under_another_name(leg, rule):
            continue
        if not columns & (before.columns.keys() | leg.kept) and _comes_back_empty(after, rule):
            continue
        if rule.kind.value in {"check", "unique", "reference"}:
            found.append((name, columns))
    return found


def _find_former_name(leg: _Leg, name: str) -> str | None:
    """The column that this one is now: the only one of its table that goes and is carried over, where this is
    the only one that comes so, of the same type."""
    table = table_of(name)
    kept = [one for one in leg.kept if table_of(one) == table]
    going = [one for one in kept if one in leg.before.columns and one not in leg.after.columns]
    coming = [one for one in kept if one in leg.after.columns and one not in leg.before.columns]
    if coming != [name] or len(going) != 1:
        return None
    is_same = leg.before.columns[going[0]].type == leg.after.columns[name].type
    return going[0] if is_same else None


def _is_filled_by_another(leg: _Leg, name: str) -> bool:
    """Whether a column that comes back gets the values of one that is never empty."""
    former = _find_former_name(leg, name)
    return former is not None and leg.before.columns[former].not_null


def _is_held_under_another_name(leg: _Leg, rule: RuleShape) -> bool:
    """Whether the present schema holds the same rule over the column's other name."""
    if len(rule.columns) != 1:
        return False
    (name,) = rule.columns
    former = _find_former_name(leg, name)
    if former is None:
        return False
    return any(
        one.kind is rule.kind
        and one.columns == frozenset({former})
        and says_the_same(
            one.definition,
            rule.definition,
            was=former.rpartition(".")[2],
            now=name.rpartition(".")[2],
        )
        for one in leg.before.rules.values()
    )


def _shut(to: str, why: Blocked) -> WayDown:
    return WayDown(revision=to, shape=None, migrations=(), losses=(), blocked=(why,))


def _comes_back_empty(after: SchemaShape, rule: RuleShape) -> bool:
    """Whether columns that come back hold NULL in every row, which the rule lets pass."""
    returning = [after.columns[name] for name in rule.columns if name in after.columns]
    return all(one.default is None for one in returning) and passes_null(rule.definition)
