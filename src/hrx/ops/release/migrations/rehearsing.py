"""A migration rehearsed: up under traffic with its locks traced, down, up again, and what all that did.

On a copy that may be spoiled: a restored backup, or a scratch database. What is shown here is what the same
revision will do to people, except for size: a lock that was held for 20 ms here may be held for 20 s there,
which is why reading all rows under a lock counts however fast it was."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Invalid, Refused, Text
from hrx.ops.release.migrations.judging import (
    HazardSeen,
    judge_compatibility,
    judge_performance,
    judge_rows,
    judge_survival,
    judge_walls,
    judge_way_down,
    take_acceptances,
)
from hrx.ops.release.migrations.known import name_of
from hrx.ops.release.migrations.picture import Picture, count_rows, take_picture
from hrx.ops.release.migrations.revisions import Revision, list_between, read_revisions
from hrx.ops.release.migrations.running import ADVISORY_LOCK, BASE, Patience, call_alembic, read_revision
from hrx.ops.release.migrations.statements import find_nodes, read_statements
from hrx.ops.release.migrations.survival import compare_digests, digest_tables, write_on_new_schema
from hrx.ops.release.migrations.tracing import Performance, perform
from hrx.ops.release.migrations.traffic import (
    OldStatement,
    Stalls,
    find_working,
    list_old_statements,
    running_traffic,
    try_once,
)
from hrx.ops.seams.migrating import MigratingSession, migrating_session, only_migration

#: So many relations get traffic at once; the ones that the revision names first.
_MOST_UNDER_TRAFFIC: Final = 4
#: Without pg_monitor a role sees of other sessions only whose they are; the server's own have no user.
_USERS_SQL: Final = """
SELECT coalesce(a.usename, '-') || ' ' || coalesce(a.application_name, '')
FROM pg_stat_activity AS a
WHERE a.datname = current_database() AND a.usesysid IS NOT NULL
  AND a.application_name NOT LIKE 'hrx-rehearsal%' AND a.application_name NOT LIKE 'hrx-migrate%'
"""
#: As Alembic 1.20 makes it.
_VERSION_TABLE_SQL: Final = """
CREATE TABLE IF NOT EXISTS public.schema_revision (
  version_num varchar(32) NOT NULL,
  CONSTRAINT schema_revision_pkc PRIMARY KEY (version_num)
)
"""


class DatabaseInUse(Refused):
    """Somebody works with the database: it is no copy that may be spoiled."""

    code = "release.database_in_use"


class NotToBeRehearsed(Invalid):
    """The revision's SQL cannot be read without a database, so its locks cannot be traced."""

    code = "release.not_to_be_rehearsed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """The way up as it was seen, with the pictures around it."""

    performance: Performance
    before: Picture
    after: Picture
    stalls: Stalls
    hazards: tuple[HazardSeen, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionRehearsal:
    """What rehearsing one revision showed. `losses` is data that did not survive down and up again, declared
    or not; `unproven` is what is new and could not be filled, so that nothing is known of its survival."""

    revision: str
    title: str
    performance: Performance
    stalls: Stalls
    hazards: tuple[HazardSeen, ...]
    losses: tuple[str, ...]
    declares_loss: tuple[str, ...]
    unproven: tuple[str, ...]
    took_s: float

    @property
    def open_hazards(self) -> tuple[HazardSeen, ...]:
        return tuple(seen for seen in self.hazards if seen.accepted_because is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalReport:
    """A finished rehearsal of every pending revision, up to the first that failed."""

    rehearsed_at: datetime
    before: str | None
    revisions: tuple[RevisionRehearsal, ...]

    @property
    def is_passed(self) -> bool:
        return not any(one.open_hazards for one in self.revisions)


def rehearse(
    url: str,
    *,
    folder: Path,
    revision: str = "head",
    admin_url: str | None = None,
    reads: frozenset[str] | None = None,
    patience: Patience | None = None,
    tell: Callable[[Text], None] = lambda _: None,
    python: str = sys.executable,
) -> RehearsalReport:
    """Rehearse every revision between where the database stands and `revision`, on a database to be spoiled.

    `url` is of the owner, who migrates; `admin_url` of a role that passes row-level security, for traffic and
    looks (the same when None). Raises DatabaseInUse, NotToBeRehearsed, RevisionNotFound, MigrationLockHeld,
    DatabaseAway."""
    limits = patience or Patience()
    revisions = read_revisions(folder)
    done: list[RevisionRehearsal] = []
    with only_migration(url, key=ADVISORY_LOCK) as session:
        _require_unused(admin_url or url)
        before = read_revision(session)
        if before is None:
            # Alembic makes its own table before the first revision, which may already name it.
            session.rows(_VERSION_TABLE_SQL)
        for one in list_between(revisions, after=before, until=revision):
            tell(Text(ja=f"予行 {one.id}: {one.title}", en=f"Rehearsing {one.id}: {one.title}"))
            stage = _Stage(
                url=url,
                admin_url=admin_url or url,
                folder=folder,
                patience=limits,
                reads=reads,
                python=python,
            )
            done.append(stage.rehearse(one))
            if done[-1].performance.failure:
                break
    return RehearsalReport(rehearsed_at=clock.now(), before=before, revisions=tuple(done))


def try_script(
    url: str,
    revision: Revision,
    *,
    admin_url: str,
    reads: frozenset[str] | None,
    patience: Patience,
) -> Tried:
    """The way up of one revision under traffic, judged; the database keeps what it did."""
    with (
        migrating_session(admin_url, application="hrx-rehearsal-look") as looking,
        migrating_session(url, application="hrx-migrate", lock_timeout_ms=patience.lock_timeout_ms) as mover,
    ):
        before = take_picture(looking)
        touched = _touched(revision, before)
        statements = find_working(looking, list_old_statements(before, list(before.relations), reads=reads))
        rows = count_rows(looking, [table for table in touched if before.relations[table].kind in "rp"])
        under_traffic = [one for one in statements if one.table in touched[:_MOST_UNDER_TRAFFIC]]
        with running_traffic(admin_url, under_traffic, before, migration_pid=mover.pid) as traffic:
            performance = perform(mover, revision.up or "", patience=patience)
        stalls = traffic.stalls()
        after = take_picture(looking)
        left = count_rows(looking, [table for table in rows if table in after.relations])
        hazards = (
            *judge_performance(performance, before=before, after=after, stalls=stalls),
            *judge_rows(rows, left, declared=revision.declares_loss),
            *judge_walls(before, after),
            *judge_compatibility(_broken(looking, statements), before=before, after=after, reads=reads),
        )
    return Tried(performance=performance, before=before, after=after, stalls=stalls, hazards=hazards)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    """Where the rehearsal plays."""

    url: str
    admin_url: str
    folder: Path
    patience: Patience
    reads: frozenset[str] | None
    python: str

    def rehearse(self, revision: Revision) -> RevisionRehearsal:
        if revision.up is None:
            raise NotToBeRehearsed(
                Text(
                    ja=f"移行 {revision.id} の SQL は、データベースなしには読めません: {revision.up_problem}",
                    en=f"The SQL of {revision.id} cannot be read without a database: {revision.up_problem}",
                )
            )
        started = clock.monotonic_s()
        tried = try_script(
            self.url, revision, admin_url=self.admin_url, reads=self.reads, patience=self.patience
        )
        hazards = list(tried.hazards)
        losses: tuple[str, ...] = ()
        unproven: tuple[str, ...] = ()
        if not tried.performance.failure:
            more, losses, unproven = self._down_and_up(revision, tried)
            hazards += more
        return RevisionRehearsal(
            revision=revision.id,
            title=revision.title,
            performance=tried.performance,
            stalls=tried.stalls,
            hazards=take_acceptances(hazards, revision.accepts),
            losses=losses,
            declares_loss=revision.declares_loss,
            unproven=unproven,
            took_s=clock.monotonic_s() - started,
        )

    def _down_and_up(
        self, revision: Revision, tried: Tried
    ) -> tuple[list[HazardSeen], tuple[str, ...], tuple[str, ...]]:
        """Hazards, losses and what is unproven, of the way down and up again by Alembic itself."""
        with migrating_session(self.admin_url, application="hrx-rehearsal-look") as looking:
            self._alembic("stamp", revision.id)
            unproven = write_on_new_schema(looking, tried.before, tried.after)
            written = digest_tables(looking, tried.after, tried.after.tables)
            self._alembic("downgrade", revision.down_revision or BASE)
            hazards = list(judge_way_down(tried.before, take_picture(looking)))
            self._alembic("upgrade", revision.id)
            again = take_picture(looking)
            survived = digest_tables(
                looking, again, [name for name in tried.after.tables if name in again.relations]
            )
        losses = compare_digests(written, survived)
        hazards += judge_survival(losses, declared=revision.declares_loss)
        return hazards, losses, unproven

    def _alembic(self, verb: str, to: str) -> None:
        call_alembic((verb, to), url=self.url, folder=self.folder, patience=self.patience, python=self.python)


def _require_unused(admin_url: str) -> None:
    with migrating_session(admin_url, application="hrx-rehearsal-look", statement_timeout_s=10) as session:
        users = sorted({str(row[0]) for row in session.rows(_USERS_SQL)})
    if users:
        named = ", ".join(users)
        raise DatabaseInUse(
            Text(
                ja=f"このデータベースは使われています({named})。予行は、壊してよい複製でだけ行います",
                en=f"This database is in use ({named}); a rehearsal spoils what it runs on and wants a copy",
            ),
            hint=Text(
                ja="`hrx recover restore --to latest --name n` で複製を作り、`--copy n` を付けます。",
                en="Make one: `hrx recover restore --to latest --name n`, and add `--copy n`.",
            ),
        )


def _touched(revision: Revision, before: Picture) -> list[str]:
    """Relations that stood before and that the revision names, in the order of its text."""
    found: dict[str, None] = {}
    for statement in read_statements(revision.up or ""):
        whole = {statement.kind: statement.node}
        for kind in ("relation", "range_var", "pktable", "table"):
            for node in find_nodes(whole, kind):
                if "relname" in node:
                    found.setdefault(name_of(node))
        for items in find_nodes(whole, "list"):
            words = [item["string"]["sval"] for item in items.get("items", []) if "string" in item]
            found.setdefault(".".join(words[:2]))
    return [name for name in found if name in before.relations]


def _broken(session: MigratingSession, statements: Sequence[OldStatement]) -> dict[str, str]:
    """The statements of today's code that no longer work, with what the server says."""
    found: dict[str, str] = {}
    for one in statements:
        said = try_once(session, one)
        if said is not None:
            found.setdefault(one.table, f"{one.kind}: {said}")
    return found
