"""The door to the job queue: work that follows a change is enqueued in the transaction that makes the change.

A rollback leaves no job, a restore brings data and queue back together. Every job may run twice: a worker
that dies in the middle has its jobs run again by another. A job acts for one tenant as its system principal.

    @jobs.task("imports.check", timeout_s=1800)
    async def check_import(job: JobContext, *, import_id: int) -> None:
        async with job.transaction() as session: ...

    await jobs.enqueue(session, check_import, import_id=7)          # inside a request's transaction

    @jobs.every_tenant("change_orders.apply_due", cron="*/10 * * * *")
    async def apply_due(job: JobContext) -> None: ...
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Concatenate, Final

import procrastinate
import psycopg_pool
from procrastinate import exceptions as queue_errors
from procrastinate.jobs import Job
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from prometheus_client import CollectorRegistry
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.platform.db import Database, driver_of
from hrx.app.platform.tenancy import Principal, TenantId, system_principal
from hrx.app.settings import AppSettings
from hrx.kit import log
from hrx.kit.catalogue import JOB_DURATION, JOBS_RESCUED
from hrx.kit.errors import Unavailable

DEFAULT_QUEUE: Final = "default"
MAX_ATTEMPTS: Final = 8
#: A worker that has not been heard of for this long is dead, and its jobs are run again.
STALLED_AFTER_S: Final = 20.0
HEARTBEAT_S: Final = 5.0
#: Key of our own objects in procrastinate's context.
_RUNTIME: Final = "hrx"

AlreadyEnqueued = queue_errors.AlreadyEnqueued
#: What the queue's connections raise when PostgreSQL is away.
QUEUE_LOST: Final = (queue_errors.ConnectorException, psycopg_pool.PoolTimeout)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext:
    """What a job is given: who it acts for, and the parts it may use. `attempt` counts from 1."""

    principal: Principal
    database: Database
    settings: AppSettings
    attempt: int

    def transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A transaction as this job's tenant; a job may use several, one after the other."""
        return self.database.transaction(self.principal)


#: An async function of a JobContext and keyword arguments that JSON can hold.
JobFunction = Callable[Concatenate[JobContext, ...], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A registered kind of job."""

    name: str
    registered: Any  # procrastinate.tasks.Task, generic in ways that do not matter here.


class JobMetrics:
    """How long jobs take, and how they end."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.duration = JOB_DURATION.histogram(registry)
        self.rescued = JOBS_RESCUED.counter(registry)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRuntime:
    """What a worker process lends to its jobs."""

    database: Database
    settings: AppSettings
    metrics: JobMetrics


class _RetryWhatMayPass(BaseRetryStrategy):
    """Again, with growing pauses (2 s … 4 min), when a dependency was away or the worker had to stop.

    Anything else is a bug and fails at once: trying again would give the same answer."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if job.attempts >= MAX_ATTEMPTS:
            return None
        if isinstance(exception, Unavailable | TimeoutError):
            return RetryDecision(retry_in={"seconds": 2 ** (job.attempts + 1)})
        if isinstance(exception, asyncio.CancelledError | queue_errors.JobAborted):
            return RetryDecision(retry_in={"seconds": 0})
        return None


#: Tasks are registered here at import; a worker lends it a connection with `open_queue`.
_app = procrastinate.App(connector=procrastinate.PsycopgConnector())


def task(name: str, *, queue: str = DEFAULT_QUEUE, timeout_s: float = 600.0) -> Callable[[JobFunction], Task]:
    """Register a kind of job under a stable name: jobs outlive the release that enqueued them."""

    def register(function: JobFunction) -> Task:
        async def run(context: procrastinate.JobContext, /, **args: Any) -> None:
            await _run(context, function=function, timeout_s=timeout_s, args=args)

        run.__name__ = name
        registered = _app.task(name=name, queue=queue, pass_context=True, retry=_RetryWhatMayPass())(run)
        return Task(name=name, registered=registered)

    return register


async def _run(
    context: procrastinate.JobContext, *, function: JobFunction, timeout_s: float, args: dict[str, Any]
) -> None:
    runtime: JobRuntime = context.additional_context[_RUNTIME]
    tenant_id = TenantId(args.pop("tenant_id"))
    log.correlation_id.set(args.pop("correlation_id", None))
    job = JobContext(
        principal=system_principal(tenant_id),
        database=runtime.database,
        settings=runtime.settings,
        attempt=context.job.attempts + 1,
    )
    started = time.perf_counter()
    outcome = "failed"
    try:
        async with asyncio.timeout(timeout_s):
            await function(job, **args)
        outcome = "succeeded"
    finally:
        runtime.metrics.duration.labels(context.job.task_name, outcome).observe(time.perf_counter() - started)


def task_elsewhere(name: str) -> Task:
    """A task that a higher layer registers under this name, for work that a lower one causes."""
    return Task(name=name, registered=_Named(name))


@dataclass(frozen=True, slots=True)
class _Named:
    """Configured by its name alone, like a registered task."""

    name: str

    # `Any`: procrastinate's own words.
    def configure(self, **options: Any) -> Any:
        return _app.configure_task(self.name, queue=DEFAULT_QUEUE, **options)


async def enqueue(
    session: AsyncSession,
    task: Task,
    /,
    *,
    run_at: datetime | None = None,
    lock: str | None = None,
    only_once: str | None = None,
    **args: Any,
) -> int | None:
    """Add a job for the tenant of this transaction; it exists when, and only when, that commits.

    Jobs with the same `lock` run one after the other. While a job with the same `only_once` waits, no second
    one is added, and None is returned. Both are kept apart by tenant. `args` must be JSON."""
    principal: Principal = session.info["principal"]
    tenant_id = principal.tenant_id
    deferrer = task.registered.configure(
        connection=await driver_of(session),
        schedule_at=run_at,
        lock=f"{tenant_id}:{lock}" if lock else None,
        queueing_lock=f"{tenant_id}:{only_once}" if only_once else None,
    )
    payload = {"tenant_id": tenant_id, "correlation_id": log.correlation_id.get(), **args}
    if only_once is None:
        job_id: int = await deferrer.defer_async(**payload)
        return job_id
    try:
        # A refused insert would spoil the caller's transaction; the savepoint takes the refusal.
        async with (await session.connection()).begin_nested():
            job_id = await deferrer.defer_async(**payload)
    except AlreadyEnqueued:
        return None
    return job_id


async def are_effects_held(session: AsyncSession) -> bool:
    """Whether a restore has left outside effects held: whatever leaves the product goes through a job, and
    none is taken until a person has seen what waits (migration 0008)."""
    return bool(await session.scalar(text("SELECT app.effects_are_held()")))


def every_tenant(name: str, *, cron: str, timeout_s: float = 600.0) -> Callable[[JobFunction], Task]:
    """Register a job that is enqueued for each active tenant at the times of `cron` (UTC).

    However many workers run, each tenant gets one job a time, and none while the last one still waits."""

    def register(function: JobFunction) -> Task:
        of_one_tenant = task(name, timeout_s=timeout_s)(function)

        async def spread(context: procrastinate.JobContext, timestamp: int) -> None:
            runtime: JobRuntime = context.additional_context[_RUNTIME]
            await enqueue_for_every_tenant(runtime.database, of_one_tenant)

        spread.__name__ = f"{name}.spread"
        registered = _app.task(name=spread.__name__, pass_context=True, retry=_RetryWhatMayPass())(spread)
        _app.periodic(cron=cron)(registered)
        return of_one_tenant

    return register


async def enqueue_for_every_tenant(database: Database, task: Task) -> int:
    """Add one job for each active tenant that has none waiting; gives how many were added."""
    async with database.transaction(None) as session:
        tenants = list(await session.scalars(text("SELECT app.list_active_tenants()")))
    added = 0
    for tenant_id in tenants:
        async with database.transaction(system_principal(TenantId(tenant_id))) as session:
            added += await enqueue(session, task, only_once=task.name) is not None
    return added


@dataclass(slots=True, kw_only=True)
class Queue:
    """The opened queue of one worker process."""

    app: procrastinate.App
    runtime: JobRuntime
    is_running: asyncio.Event = field(default_factory=asyncio.Event)

    async def work(self, *, concurrency: int, stop_after_s: float) -> None:
        """Run jobs until cancelled, then wait `stop_after_s` for running ones; raises QUEUE_LOST."""
        self.is_running.set()
        try:
            await self.app.run_worker_async(
                concurrency=concurrency,
                additional_context={_RUNTIME: self.runtime},
                install_signal_handlers=False,
                shutdown_graceful_timeout=stop_after_s,
                fetch_job_polling_interval=5.0,
                update_heartbeat_interval=HEARTBEAT_S,
                stalled_worker_timeout=STALLED_AFTER_S,
                delete_jobs="never",
            )
        finally:
            self.is_running.clear()

    async def work_until_idle(self) -> None:
        """Run what waits, then return; for tests and one-off loading."""
        await self.app.run_worker_async(
            wait=False,
            concurrency=1,
            additional_context={_RUNTIME: self.runtime},
            install_signal_handlers=False,
            listen_notify=False,
        )

    async def rescue(self) -> int:
        """Put the jobs of dead workers back into the queue; gives how many."""
        manager = self.app.job_manager
        stalled = list(await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_S))
        for job in stalled:
            await manager.retry_job(job)
        self.runtime.metrics.rescued.inc(len(stalled))
        return len(stalled)

    async def forget_finished(self, *, older_than_h: int) -> None:
        """Delete jobs that succeeded long ago; failed ones stay for people to look at."""
        await self.app.job_manager.delete_old_jobs(nb_hours=older_than_h)


@asynccontextmanager
async def open_queue(runtime: JobRuntime) -> AsyncIterator[Queue]:
    """The queue with a connection pool of its own. Raises one of QUEUE_LOST when PostgreSQL is away."""
    connector = procrastinate.PsycopgConnector(
        conninfo=runtime.settings.database_url.get_secret_value(),
        kwargs={"options": "-c search_path=jobs", "application_name": "hrx-queue", "connect_timeout": 3},
        min_size=1,
        max_size=4,
        timeout=5.0,
    )
    with _app.replace_connector(connector):
        async with _app.open_async():
            yield Queue(app=_app, runtime=runtime)
