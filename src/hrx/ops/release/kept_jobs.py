"""Jobs that a worker does not know are kept for one that does; none is taken and failed by the wrong one.

A kept job is due a thousand years later, and its queue says so (`kept:default`): a worker of any age leaves
it alone, and nothing else has to be remembered to give it back as it was. Both ways may be repeated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from hrx.kit.errors import Text, Unavailable
from hrx.ops.seams.migrating import MigratingSession, StatementFailed, migrating_session

MARK: Final = "kept:"
_TIMEOUT_S: Final = 15.0
#: undefined_table: a database that has no queue (yet) has no jobs.
_NO_QUEUE: Final = ("42P01", "3F000")
_WAITING: Final = """
SELECT task_name, count(*)
FROM jobs.procrastinate_jobs
WHERE status IN ('todo', 'doing') AND queue_name NOT LIKE 'kept:%%'
  AND (NOT %(only_due)s OR scheduled_at IS NULL OR scheduled_at <= now())
GROUP BY task_name
"""
_KEPT: Final = """
SELECT task_name, count(*)
FROM jobs.procrastinate_jobs
WHERE status = 'todo' AND queue_name LIKE 'kept:%%'
GROUP BY task_name
"""
# What a worker that is gone had begun is begun anew, beside a job that waits under the same queueing lock.
_KEEP: Final = """
UPDATE jobs.procrastinate_jobs
SET status = 'todo', worker_id = NULL, abort_requested = false, queue_name = 'kept:' || queue_name,
    queueing_lock = CASE WHEN status = 'todo' THEN queueing_lock END,
    scheduled_at = coalesce(scheduled_at, now()) + interval '1000 years'
WHERE (status = 'todo' OR status = 'doing' AND %(with_running)s)
  AND queue_name NOT LIKE 'kept:%%' AND task_name = ANY (%(kinds)s)
RETURNING task_name
"""
_GIVE_BACK: Final = """
UPDATE jobs.procrastinate_jobs
SET queue_name = substr(queue_name, 6), scheduled_at = scheduled_at - interval '1000 years'
WHERE status = 'todo' AND queue_name LIKE 'kept:%%' AND task_name = ANY (%(known)s)
RETURNING task_name
"""


class JobsNotKept(Unavailable):
    """Jobs wait that the worker to come does not know, and they could not be kept for one that does."""

    code = "release.jobs_not_kept"


def count_waiting(url: str, *, only_due: bool = False) -> dict[str, int]:
    """Jobs that wait, for now or for later, and those that run, by kind. `url`: of the schema's owner.
    `only_due`: without those for later.

    Raises DatabaseAway."""
    with _session(url) as session:
        return {
            str(kind): int(str(count)) for kind, count in _rows(session, _WAITING, {"only_due": only_due})
        }


def count_kept(url: str) -> dict[str, int]:
    """Jobs that are kept, by kind. Raises DatabaseAway."""
    with _session(url) as session:
        return {str(kind): int(str(count)) for kind, count in _rows(session, _KEPT)}


def keep_jobs(url: str, *, kinds: frozenset[str], with_running: bool) -> dict[str, int]:
    """Keep every job of these kinds, for now or for later; gives how many, by kind.

    `with_running`: no worker runs any more, so what one had begun is taken as well. Raises DatabaseAway,
    LockNotGranted."""
    with _session(url) as session:
        return _tally(_rows(session, _KEEP, {"kinds": sorted(kinds), "with_running": with_running}))


def give_back(url: str, *, known: frozenset[str]) -> dict[str, int]:
    """Let a worker that knows these kinds have what was kept of them. Raises as `keep_jobs`."""
    with _session(url) as session:
        return _tally(_rows(session, _GIVE_BACK, {"known": sorted(known)}))


def not_kept(kinds: frozenset[str], why: Text) -> JobsNotKept:
    """The refusal to move a worker that would fail these."""
    named = ", ".join(sorted(kinds))
    return JobsNotKept(
        Text(
            ja=f"ワーカーを戻していません。戻した版が知らないジョブ({named})を保管できません: {why.ja}",
            en=f"The worker was not moved: jobs that the older one does not know ({named}) "
            f"cannot be kept for a newer one: {why.en}",
        ),
        hint=Text(
            ja="もう一度実行してください。ジョブが失敗してもよければ `hrx release rollback --anyway`。",
            en="Run it again. If such jobs may fail: `hrx release rollback --anyway`.",
        ),
    )


def _tally(rows: list[tuple[object, ...]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for kind, *_ in rows:
        found[str(kind)] = found.get(str(kind), 0) + 1
    return found


def _rows(
    session: MigratingSession, statement: str, parameters: Mapping[str, object] | None = None
) -> list[tuple[object, ...]]:
    try:
        return list(session.rows(statement, parameters or {}))
    except StatementFailed as error:
        if error.sqlstate in _NO_QUEUE:
            return []
        raise


@contextmanager
def _session(url: str) -> Iterator[MigratingSession]:
    with migrating_session(
        url, application="hrx-jobs", lock_timeout_ms=5_000, statement_timeout_s=_TIMEOUT_S
    ) as session:
        # Triggers of the queue name their tables without a schema.
        session.rows("SET search_path = jobs")
        yield session
