"""Releases and migrations in their order: who needs what, and what may go.

Built from manifests, migration files and proofs; it reads none of them itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from hrx.ops.release.contracts import USES
from hrx.ops.release.fits import Problem, judge_fit
from hrx.ops.release.releases import Component, Release
from hrx.ops.release.shapes import RuleShape, SchemaShape, table_of

#: How many releases before the live one may be rolled back to; older ones must be shipped anew.
KEEP: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One Alembic revision's way down. `is_proven`: up → down → up was run and its data looked at.

    `loses`: columns whose values its downgrade loses besides those it drops. `keeps`: columns whose values it
    carries over although their name or type changes (shown by rows that survived)."""

    revision: str
    down_revision: str | None
    has_way_down: bool = True
    is_proven: bool = False
    loses: frozenset[str] = frozenset()
    keeps: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a schema asks of rows: values of this type in a column, filled where it says so, or (`rule`) a
    rule."""

    subject: str
    type: str = ""
    not_null: bool = False
    rule: RuleShape | None = None

    def is_made_by(self, shape: SchemaShape) -> bool:
        if self.rule is not None:
            return shape.rules.get(self.subject) == self.rule
        column = shape.columns.get(self.subject)
        return column is not None and column.type == self.type and column.not_null >= self.not_null


def find_demand(shape: SchemaShape, subject: str) -> Demand:
    """What `shape` asks under this name, of a rule or a column."""
    column = shape.columns.get(subject)
    if column is None:
        return Demand(subject=subject, rule=shape.rules.get(subject))
    return Demand(subject=subject, type=column.type, not_null=column.not_null)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseGraph:
    """`history`: ids in the order in which they went live in one environment, newest last.

    `line`: migrations from the first to the last. `proofs`: whether a release's own tests passed on a
    revision other than its own. `withdrawn`: releases that nobody may go back to."""

    releases: Mapping[str, Release]
    history: Sequence[str]
    line: Sequence[Migration] = ()
    proofs: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    withdrawn: frozenset[str] = frozenset()
    keep: int = KEEP

    def find_shape(self, revision: str) -> SchemaShape | None:
        """The tables of a revision, as the releases that were tested on it recorded them."""
        return next(
            (
                one.shape
                for one in self.releases.values()
                if one.shape is not None and one.find_version(Component.SCHEMA) == revision
            ),
            None,
        )

    def list_before(self, live: str) -> list[str]:
        """Releases that may be rolled back to from `live`, newest first."""
        seen: list[str] = []
        for name in reversed(list(self.history)):
            if name in self.releases and name not in seen:
                seen.append(name)
        after = seen[seen.index(live) + 1 :] if live in seen else seen
        return [name for name in after if name not in self.withdrawn][: self.keep]

    def list_down(self, start: str, end: str) -> list[Migration] | None:
        """The migrations that lie between, in the order in which they would be taken back.

        None when `end` does not lie below `start` on this line."""
        names = [one.revision for one in self.line]
        if start not in names or end not in names or names.index(end) > names.index(start):
            return None
        return list(reversed(self.line[names.index(end) + 1 : names.index(start) + 1]))

    def judge_fit(self, release: Release, *, revision: str, shape: SchemaShape | None) -> frozenset[Problem]:
        """What speaks against running `release` on this revision; its own is what it was tested on, also
        where nobody kept what its tables looked like."""
        if release.find_version(Component.SCHEMA) == revision and None in (shape, release.shape):
            return frozenset()
        return judge_fit(release, shape, proof=self.proofs.get((release.id, revision)))

    def keeps(self, name: str, demand: Demand) -> bool:
        """Whether this release's own tests passed on a schema that makes this demand."""
        release = self.releases[name]
        passed = {revision for (who, revision), is_good in self.proofs.items() if who == name and is_good}
        own = release.find_version(Component.SCHEMA)
        if release.use is not None and own is not None and self.proofs.get((name, own)) is not False:
            # It was watched while they ran there.
            passed.add(own)
        shapes = (self.find_shape(revision) for revision in passed)
        return any(shape is not None and demand.is_made_by(shape) for shape in shapes)

    def were_together(self, user: Component, version: str, used: Component, other: str) -> bool:
        """Whether some release had both, and so was tested with both."""
        return any(
            one.find_version(user) == version and one.find_version(used) == other
            for one in self.releases.values()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DropVerdict:
    """Whether a column, or a whole table, may go. `readers`: by release, which of its columns it uses."""

    columns: frozenset[str]
    readers: Mapping[str, frozenset[str]]
    unknown: frozenset[str]

    @property
    def is_allowed(self) -> bool:
        return not self.readers and not self.unknown


def judge_drop(graph: ReleaseGraph, columns: frozenset[str], *, live: frozenset[str]) -> DropVerdict:
    """Allowed when no live release, and none that may still be rolled back to, uses any of these columns.

    `live`: every release that serves or is about to. A release that nobody watched uses everything it was
    tested on; one whose schema nobody knows either is in `unknown`, and forbids too. A name without a column
    (`app.person`) means the whole table."""
    names = set(live)
    for one in live:
        names.update(graph.list_before(one))
    readers: dict[str, frozenset[str]] = {}
    unknown: set[str] = set()
    for name in sorted(names):
        release = graph.releases.get(name)
        if release is None or (release.use is None and release.shape is None):
            unknown.add(name)
            continue
        use = release.known_use
        used = use.columns | use.inserts.keys() | use.deletes | use.tables
        hit = frozenset(one for one in used if one in columns or table_of(one) in columns)
        if hit:
            readers[name] = hit
    return DropVerdict(columns=columns, readers=readers, unknown=frozenset(unknown))


def used_by(component: Component) -> tuple[Component, ...]:
    """The components that this one uses."""
    return USES.get(component, ())
