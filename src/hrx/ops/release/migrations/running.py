"""Migrations run with patience: one revision at a time, short waits for locks, tries until one fits.

A change that waits for its lock makes everybody wait who comes after it; so it waits briefly, lets go, and
tries again. Alembic itself runs as a process of the release's own folder, never in this one. Afterwards the
database is asked where it stands: a migration that says it is done may have done nothing."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Text, Unavailable
from hrx.kit.secrets import mask_text
from hrx.ops.release.migrations.deciding import VerifiedBackup, check_downgrade, check_upgrade
from hrx.ops.release.migrations.linting import lint_folder
from hrx.ops.release.migrations.revisions import Revision, list_between, read_revisions
from hrx.ops.release.migrations.statements import read_statements
from hrx.ops.seams.migrating import (
    LockNotGranted,
    MigratingSession,
    StatementFailed,
    migrating_session,
    only_migration,
)

#: Below the first revision, in Alembic's own word.
BASE: Final = "base"
#: Beside the lock that env.py takes for the time of one revision: this one is for the whole run.
ADVISORY_LOCK: Final = 4_873_120_552
#: What PostgreSQL's driver says when a lock was not granted in time, or a deadlock was resolved against us.
_PASSING: Final = ("LockNotAvailable", "DeadlockDetected")
_REVISION_SQL: Final = "SELECT version_num FROM public.schema_revision"
_INVALID_SQL: Final = """
SELECT n.nspname, c.relname
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relname = ANY (%(names)s)
"""


class MigrationFailed(Unavailable):
    """A revision failed; the ones before it stand, it does not."""

    code = "release.migration_failed"


class SchemaElsewhere(Unavailable):
    """After the run the database stands at another revision than it should."""

    code = "release.schema_elsewhere"


class AlembicFailed(Unavailable):
    """Alembic did not do what it was told; `said` is the end of what it said."""

    code = "release.alembic_failed"

    def __init__(self, order: tuple[str, ...], said: str) -> None:
        last = said.strip().splitlines()[-1:] or ["-"]
        what = " ".join(order)
        super().__init__(
            Text(ja=f"alembic {what} に失敗しました: {last[0]}", en=f"alembic {what} failed: {last[0]}")
        )
        self.said = said


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a change waits for its lock, and how it tries again.

    200 ms is what people at most wait behind it; thirty tries with waits that grow to 10 s are about four
    minutes of trying, which outlasts most reports and backups."""

    lock_timeout_ms: int = 200
    tries: int = 30
    first_wait_s: float = 0.25
    longest_wait_s: float = 10.0
    revision_timeout_s: float = 900.0

    def wait_s(self, tried: int) -> float:
        """Seconds until the next try, after `tried` of them: doubled each time, and spread by half."""
        wait = min(self.longest_wait_s, self.first_wait_s * 2.0 ** min(tried - 1, 16))
        return wait * (0.5 + random.random() / 2)  # noqa: S311


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One revision that was run: how often it was tried, and how long that took with the waits between."""

    revision: str
    tries: int
    took_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationRun:
    """A finished run. `before` and `after` are revisions; None is an empty database."""

    before: str | None
    after: str | None
    ran: tuple[Ran, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """Where and how revisions are run."""

    url: str
    folder: Path
    patience: Patience
    tell: Callable[[Text], None]
    python: str


def upgrade_to(
    url: str,
    revision: str = "head",
    *,
    folder: Path,
    backup: VerifiedBackup | None,
    rpo: timedelta,
    reads: frozenset[str] | None = None,
    patience: Patience | None = None,
    tell: Callable[[Text], None] = lambda _: None,
    python: str = sys.executable,
) -> MigrationRun:
    """Bring the database of `url` (role of the owner) to `revision`; safe to repeat, also after a kill.

    `folder` holds env.py and the versions of the release that is coming; `reads` what releases that run or
    may come back read. Raises FindingsOpen, LossUndeclared, BackupNeeded before anything is changed;
    MigrationLockHeld; MigrationFailed, SchemaElsewhere afterwards."""
    report = lint_folder(folder, reads=reads)
    revisions = tuple(one.revision for one in report.revisions)
    way = _Way(url=url, folder=folder, patience=patience or Patience(), tell=tell, python=python)
    with only_migration(url, key=ADVISORY_LOCK) as session:
        before = read_revision(session)
        pending = list_between(revisions, after=before, until=revision)
        check_upgrade(report, pending, backup=backup, rpo=rpo, now=clock.now())
        ran = []
        for one in pending:
            tell(Text(ja=f"移行 {one.id}: {one.title}", en=f"Migration {one.id}: {one.title}"))
            ran.append(_run(session, one, ("upgrade", one.id), way))
        target = pending[-1].id if pending else before
        return _verified(session, before=before, target=target, ran=tuple(ran))


def downgrade_to(
    url: str,
    revision: str,
    *,
    folder: Path,
    approved_loss: frozenset[str],
    backup: VerifiedBackup | None,
    rpo: timedelta,
    patience: Patience | None = None,
    tell: Callable[[Text], None] = lambda _: None,
    python: str = sys.executable,
) -> MigrationRun:
    """Bring the database back to `revision`, newest revision first.

    `folder` is of the newest release: an older one does not know the way. What the revisions declare as lost
    must be in `approved_loss`. Raises LossNotApproved, NoWayDown, BackupNeeded before anything is changed;
    otherwise as `upgrade_to`."""
    revisions = read_revisions(folder)
    way = _Way(url=url, folder=folder, patience=patience or Patience(), tell=tell, python=python)
    with only_migration(url, key=ADVISORY_LOCK) as session:
        before = read_revision(session)
        undone = tuple(reversed(_list_above(revisions, revision, before)))
        check_downgrade(undone, approved_loss=approved_loss, backup=backup, rpo=rpo, now=clock.now())
        ran = []
        for one in undone:
            tell(Text(ja=f"移行 {one.id} を戻します", en=f"Undoing migration {one.id}"))
            ran.append(_run(session, one, ("downgrade", one.down_revision or BASE), way))
        return _verified(session, before=before, target=revision if undone else before, ran=tuple(ran))


def read_current(url: str) -> str | None:
    """The revision at which the database stands; None when it was never migrated. Raises DatabaseAway."""
    with migrating_session(url, application="hrx-migrate", statement_timeout_s=10) as session:
        return read_revision(session)


def read_revision(session: MigratingSession) -> str | None:
    """The revision at which the database stands; None when it has never been migrated."""
    try:
        found = session.rows(_REVISION_SQL)
    except StatementFailed as error:
        # undefined_table: Alembic makes it with the first revision.
        if error.sqlstate == "42P01":
            return None
        raise
    return str(found[0][0]) if found else None


def _list_above(revisions: tuple[Revision, ...], floor: str, current: str | None) -> tuple[Revision, ...]:
    """The revisions that stand above `floor`, oldest first."""
    if current is None:
        return ()
    return list_between(revisions, after=None if floor == BASE else floor, until=current)


def _run(session: MigratingSession, revision: Revision, order: tuple[str, ...], way: _Way) -> Ran:
    """One revision, tried until its locks are granted."""
    limits = way.patience
    started = clock.monotonic_s()
    for tried in range(1, limits.tries + 1):
        _drop_unfinished_indexes(session, revision)
        said = _call_alembic(order, way)
        if said is None:
            return Ran(revision=revision.id, tries=tried, took_s=clock.monotonic_s() - started)
        if not any(mark in said for mark in _PASSING):
            raise _failed(revision, said)
        if tried < limits.tries:
            wait_s = limits.wait_s(tried)
            so_far = f"{tried}/{limits.tries}"
            way.tell(
                Text(
                    ja=f"移行 {revision.id}: ロックを取れません。{wait_s:.1f} 秒後に再試行します({so_far})",
                    en=f"Migration {revision.id}: no lock; trying again in {wait_s:.1f} s ({so_far})",
                )
            )
            time.sleep(wait_s)
    raise _failed(revision, f"no lock within {limits.tries} tries")


def _call_alembic(order: tuple[str, ...], way: _Way) -> str | None:
    try:
        call_alembic(order, url=way.url, folder=way.folder, patience=way.patience, python=way.python)
    except AlembicFailed as error:
        return error.said
    return None


def call_alembic(
    order: tuple[str, ...], *, url: str, folder: Path, patience: Patience, python: str = sys.executable
) -> None:
    """Run one order of Alembic (`upgrade`, a revision) in the release's own folder. Raises AlembicFailed."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    try:
        done = subprocess.run(
            [python, "-m", "alembic", "-x", f"lock_timeout_ms={patience.lock_timeout_ms}", *order],
            cwd=folder.resolve().parent,
            env={
                **kept,
                "HRX_OWNER_DATABASE_URL": url.replace("postgresql://", "postgresql+psycopg://", 1),
                "PGAPPNAME": "hrx-migrate",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=patience.revision_timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise AlembicFailed(order, f"not done within {patience.revision_timeout_s:g} s") from error
    if done.returncode != 0:
        raise AlembicFailed(order, mask_text((done.stderr or done.stdout).strip()[-2_000:]))


def _drop_unfinished_indexes(session: MigratingSession, revision: Revision) -> None:
    """An index that CONCURRENTLY began and did not finish is in the way of its own next try."""
    names = [
        str(one.node.get("idxname"))
        for one in read_statements(revision.up or "")
        if one.kind == "index_stmt" and one.node.get("concurrent")
    ]
    for schema, name in session.rows(_INVALID_SQL, {"names": names}) if names else ():
        try:
            session.rows(f'DROP INDEX CONCURRENTLY IF EXISTS "{schema}"."{name}"')
        except LockNotGranted:
            return


def _verified(
    session: MigratingSession, *, before: str | None, target: str | None, ran: tuple[Ran, ...]
) -> MigrationRun:
    after = read_revision(session)
    if after != (None if target == BASE else target):
        raise SchemaElsewhere(
            Text(
                ja=f"移行後のスキーマは {after or '空'} にあり、{target} ではありません",
                en=f"After the run the schema stands at {after or 'nothing'}, not at {target}",
            ),
            hint=Text(
                ja="`hrx release migrations check` で確かめます。", en="See `hrx release migrations check`."
            ),
        )
    return MigrationRun(before=before, after=after, ran=ran)


def _failed(revision: Revision, said: str) -> MigrationFailed:
    last = next((line for line in reversed(said.splitlines()) if "Error" in line or "psycopg" in line), said)
    return MigrationFailed(
        Text(
            ja=f"移行 {revision.id} に失敗しました(それより前の移行は済んでいます): {last[-400:]}",
            en=f"Migration {revision.id} failed (those before it are done): {last[-400:]}",
        ),
        hint=Text(
            ja="原因を直してから同じ命令を実行すると、続きから進みます。",
            en="Mend the cause and give the same command: it goes on from there.",
        ),
    )
