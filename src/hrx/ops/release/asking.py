"""The planner's question put together from what is kept here: manifests, placements, migrations, proofs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hrx.kit.errors import NotFound, Refused, Text, Unavailable
from hrx.ops.release.graph import Migration, ReleaseGraph
from hrx.ops.release.migrations.rehearsing import RehearsalReport
from hrx.ops.release.migrations.revisions import Revision, read_revisions
from hrx.ops.release.proofs import ProofShelf, WayDownProof
from hrx.ops.release.releases import Component, Environment, Release
from hrx.ops.release.rollback.planning import plan_rollback
from hrx.ops.release.rollback.plans import RollbackPlan
from hrx.ops.release.rollback.state import RollbackFacts, SchemaState
from hrx.ops.release.shape_reading import read_revision, read_shape
from hrx.ops.release.shapes import SchemaShape
from hrx.ops.release.store import ReleaseStore, Standing
from hrx.ops.seams.postgres import DatabaseRefused


class NothingLive(NotFound):
    """No release was ever placed in this environment, so there is nothing to go back from."""

    code = "release.nothing_live"


class TablesUnknown(Unavailable):
    """The database was asked which tables it has, and did not answer."""

    code = "release.tables_unknown"


class NothingBefore(Refused):
    """The live release is the first one that may be gone back to."""

    code = "release.nothing_before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a roll-back starts from."""

    graph: ReleaseGraph
    standing: Standing
    live: Release
    schema: SchemaState
    #: Whether the tables were looked at in the database itself; else they are those that were recorded.
    was_looked_at: bool


def read_ground(
    store: ReleaseStore, environment: Environment, *, migrations: Path, database_url: str | None
) -> Ground:
    """Raises NothingLive, ReleaseUnreadable, RevisionsUnreadable, and TablesUnknown when there is a URL but
    no answer: what tables there are is never guessed while a database is there."""
    standing = store.look(environment)
    graph = read_graph(store, environment, migrations=migrations)
    if standing.live is None:
        raise NothingLive(
            Text(
                ja=f"{environment.value} ではまだ何も公開されていません",
                en=f"Nothing was ever live in {environment.value}",
            ),
            hint=Text(
                ja="`hrx release history` で配置の履歴を確かめてください。",
                en="`hrx release history` shows what was placed where.",
            ),
        )
    live = store.get(standing.live)
    revision, shape = _look_at(database_url) if database_url else (None, None)
    own = live.find_version(Component.SCHEMA) or ""
    return Ground(
        graph=graph,
        standing=standing,
        live=live,
        schema=SchemaState(revision=revision or own, shape=shape),
        was_looked_at=shape is not None,
    )


def _look_at(url: str) -> tuple[str | None, SchemaShape | None]:
    try:
        revision = read_revision(url)
        return revision, read_shape(url) if revision else None
    except DatabaseRefused as error:
        raise TablesUnknown(
            Text(
                ja=f"データベースが応答しないため、戻せるか判断できません({error})",
                en=f"The database does not answer, so nobody can say whether there is a way back ({error})",
            ),
            hint=Text(
                ja="`hrx status` で確かめてください。要求だけを戻すのは `hrx release rollback` です。",
                en="See `hrx status`. Requests alone go back with `hrx release rollback`.",
            ),
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What somebody counted, and what is allowed; what was not counted is not known (see `RollbackFacts`)."""

    rows: Mapping[str, int] = field(default_factory=dict)
    breaking: Mapping[str, int] = field(default_factory=dict)
    queued: Mapping[str, int] | None = None
    scheduled: Mapping[str, int] = field(default_factory=dict)
    documents_since: int | None = None
    has_fresh_backup: bool = False
    only: frozenset[Component] = frozenset(Component)
    may_lose: frozenset[str] = frozenset()
    may_stop: bool = False
    #: Releases whose builds are at hand; None where nobody looked, and every one on record counts.
    kept: frozenset[str] | None = None


def plan_way_back(ground: Ground, to: Release | None, counted: Counted) -> RollbackPlan:
    """The plan from what is live here to `to` (None: the release before it).

    Raises RollbackRefused, NothingBefore."""
    target = to if to is not None else _find_before(ground)
    standing = ground.standing
    return plan_rollback(
        ground.graph,
        ground.live,
        target,
        ground.schema,
        RollbackFacts(
            serving=standing.serving,
            warm=standing.warm,
            workers=frozenset({ground.live.id}),
            # Whoever opened a page before the last switch may still have it open.
            tabs=standing.warm | {ground.live.id},
            queued=counted.queued,
            scheduled=counted.scheduled,
            kept=counted.kept if counted.kept is not None else frozenset(ground.graph.releases),
            rows=counted.rows,
            breaking=counted.breaking,
            documents_since=counted.documents_since,
            has_fresh_backup=counted.has_fresh_backup,
            # Prompts lie in the code; models in a store of objects, indexes in the database (`pointers`).
            in_code=frozenset({Component.PROMPT}),
            at_once=frozenset(),
        ),
        only=counted.only,
        may_lose=counted.may_lose,
        may_stop=counted.may_stop,
    )


def _find_before(ground: Ground) -> Release:
    names = ground.graph.list_before(ground.live.id)
    if names:
        return ground.graph.releases[names[0]]
    raise NothingBefore(
        Text(
            ja=f"{ground.live.id} より前のリリースがありません",
            en=f"There is no release before {ground.live.id}",
        ),
        hint=Text(
            ja="直した版を新しいリリースとして出してください。",
            en="Correct it and ship that as a new release.",
        ),
    )


def read_graph(store: ReleaseStore, environment: Environment, *, migrations: Path) -> ReleaseGraph:
    """Raises ReleaseUnreadable, RevisionsUnreadable."""
    shelf = ProofShelf(store.folder)
    history = [
        one.release_id
        for one in store.list_placements(environment)
        if one.release_id is not None and one.weight > 0
    ]
    return ReleaseGraph(
        releases={one.id: one for one in store.list_all()},
        history=history,
        line=_read_line(read_revisions(migrations), shelf),
        proofs=shelf.list_tests(),
    )


def _read_line(revisions: Sequence[Revision], shelf: ProofShelf) -> list[Migration]:
    proven = shelf.list_ways_down()
    line = []
    for one in revisions:
        proof = proven.get(one.id)
        line.append(
            Migration(
                revision=one.id,
                down_revision=one.down_revision,
                has_way_down=_leads_down(one),
                is_proven=proof is not None,
                loses=frozenset(one.declares_loss) | (proof.loses if proof else frozenset()),
                keeps=proof.keeps if proof else frozenset(),
            )
        )
    return line


def _leads_down(revision: Revision) -> bool:
    """A way down that does nothing, while the way up does something, is none."""
    if revision.down_problem:
        # It asks the database first, so it cannot be read here; a proof says whether it works.
        return True
    does_something = bool((revision.up or "").strip()) or bool(revision.up_problem)
    return bool((revision.down or "").strip()) or not does_something


def keep_rehearsed(shelf: ProofShelf, report: RehearsalReport) -> tuple[str, ...]:
    """Note the ways down that a rehearsal took, with what did not survive them; gives their revisions.

    One that showed an open hazard proves nothing."""
    kept = [one for one in report.revisions if not one.open_hazards and not one.performance.failure]
    for one in kept:
        shelf.keep_way_down(WayDownProof(revision=one.revision, loses=frozenset(one.losses)))
    return tuple(one.revision for one in kept)
