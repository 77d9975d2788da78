"""How much waits in the job queue and for how long: counted by the worker, every few seconds."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.kit import clock
from hrx.kit.catalogue import QUEUE_DEPTH, QUEUE_LOOKED, QUEUE_OLDEST

_STATES: Final = ("waiting", "scheduled", "running", "failed")
# Relies on procrastinate's partial indexes of waiting and of running jobs. A job that was never put off has
# no moment of its own; it is due since it was enqueued, which its first event tells.
_OPEN: Final = text("""
SELECT queue_name, state, count(*) AS jobs, max(extract(epoch FROM :at - due_at)) AS age_s
FROM (
  SELECT j.queue_name,
         CASE WHEN j.scheduled_at > :at THEN 'scheduled' ELSE 'waiting' END AS state,
         coalesce(
           j.scheduled_at,
           (SELECT min(e.at) FROM jobs.procrastinate_events AS e WHERE e.job_id = j.id)
         ) AS due_at
  FROM jobs.procrastinate_jobs AS j
  WHERE j.status = 'todo'
  UNION ALL
  SELECT j.queue_name, 'running', NULL
  FROM jobs.procrastinate_jobs AS j
  WHERE j.status = 'doing' AND j.worker_id IS NOT NULL
) AS open_job
GROUP BY queue_name, state
""")
# No index: asked less often.
_FAILED: Final = text("""
SELECT queue_name, count(*) AS jobs
FROM jobs.procrastinate_jobs
WHERE status = 'failed'
GROUP BY queue_name
""")


class QueueFigures:
    """Depth and age of the queue as last counted; `queues` are shown even when they are empty."""

    def __init__(self, registry: CollectorRegistry, *, queues: tuple[str, ...]) -> None:
        self._queues = queues
        self._depth = QUEUE_DEPTH.gauge(registry)
        self._oldest = QUEUE_OLDEST.gauge(registry)
        self._looked = QUEUE_LOOKED.gauge(registry)
        for queue in queues:
            self._oldest.labels(queue)
            for state in _STATES:
                self._depth.labels(queue, state)

    async def count_open(self, session: AsyncSession) -> None:
        """Count what waits and runs."""
        rows = (await session.execute(_OPEN, {"at": clock.now()})).all()
        found = {(row.queue_name, row.state): row for row in rows}
        for queue in self._queues:
            for state in ("waiting", "scheduled", "running"):
                row = found.get((queue, state))
                self._depth.labels(queue, state).set(row.jobs if row else 0)
            oldest = found.get((queue, "waiting"))
            self._oldest.labels(queue).set(max(0.0, float(oldest.age_s)) if oldest else 0.0)
        self._looked.set(clock.now().timestamp())

    async def count_failed(self, session: AsyncSession) -> None:
        """Count the jobs that failed for good and wait for somebody to look at them."""
        found = {row.queue_name: row.jobs for row in (await session.execute(_FAILED)).all()}
        for queue in self._queues:
            self._depth.labels(queue, "failed").set(found.get(queue, 0))
