"""The worker as one process: `python -m hrx.app.worker`.

Runs jobs, links audit entries, rescues the jobs of dead workers and tidies up. It outlives PostgreSQL: when
the database goes away it waits, and goes on when it is back."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import psycopg
import uvicorn
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from starlette.responses import Response

from hrx.app import health
from hrx.app.assistant import jobs as assistant_jobs
from hrx.app.assistant.evaluation.jobs import evaluate_now
from hrx.app.gateway.ledger import Ledger
from hrx.app.models.client import ScoringClient
from hrx.app.people.documents import jobs as documents_jobs
from hrx.app.people.documents import score_jobs
from hrx.app.people.documents.skills.judging import MODEL
from hrx.app.people.documents.skills.watching import watch_model
from hrx.app.people.employees import jobs as employees_jobs
from hrx.app.people.employees.importing import jobs as importing_jobs
from hrx.app.platform import audit, faults, jobs
from hrx.app.platform.ai_figures import AiFigures, EvaluationFigures, ModelFigures
from hrx.app.platform.db import Database, open_database
from hrx.app.platform.edge import Reply
from hrx.app.platform.queue_figures import QueueFigures
from hrx.app.platform.tenancy import TenantId, system_principal
from hrx.app.settings import AppSettings
from hrx.kit import clock, log, metrics
from hrx.kit.catalogue import AUDIT_SEALED, EFFECTS_HELD, QUEUE_LOSSES, WORKER_UP
from hrx.kit.errors import Text, Unavailable
from hrx.kit.loop_lag import LoopLag
from hrx.kit.settings import load

_logger = logging.getLogger("hrx.worker")
SEAL_EVERY_S: Final = 1.0
RESCUE_EVERY_S: Final = 10.0
PURGE_EVERY_S: Final = 600.0
#: Calls to language models whose process died; they hold a part of a budget until then.
SETTLE_EVERY_S: Final = 300.0
COUNT_EVERY_S: Final = 5.0
COUNT_FAILED_EVERY_S: Final = 60.0
#: How answers were evaluated, and whether this release has been: Prometheus looks every few seconds.
READ_EVALUATIONS_EVERY_S: Final = 15.0
EVALUATE_RELEASE_EVERY_S: Final = 15.0
#: What our own models say is looked at over thirty days; five minutes more change little.
WATCH_MODELS_EVERY_S: Final = 300.0
#: How often it is looked whether outside effects are held (after a restore), and whether they still are.
LOOK_FOR_HOLD_EVERY_S: Final = 1.0
#: Running jobs get this long to finish when the process is told to stop; supervisord waits longer.
STOP_AFTER_S: Final = 20.0
#: Ended sessions stay visible to their owner for a while, then go.
KEEP_ENDED_SESSIONS: Final = timedelta(days=30)
KEEP_FINISHED_JOBS_H: Final = 72
#: Named, so that the tasks they register when imported are not lost as unused imports.
TASKS: Final = (employees_jobs, importing_jobs, documents_jobs, score_jobs, assistant_jobs)


class WorkerMetrics:
    """What the worker does besides jobs."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.is_working = False
        self._up = WORKER_UP.gauge(registry)
        self.sealed = AUDIT_SEALED.counter(registry)
        self.restarts = QUEUE_LOSSES.counter(registry)
        self.queue = QueueFigures(registry, queues=(jobs.DEFAULT_QUEUE,))
        self._held = EFFECTS_HELD.gauge(registry)
        self._held.set(0)
        self.loop_lag = LoopLag(registry)
        self.ai = AiFigures(registry)
        self.evaluation = EvaluationFigures(registry)
        self.models = ModelFigures(registry)

    def set_working(self, is_working: bool) -> None:
        self.is_working = is_working
        self._up.set(is_working)

    def set_held(self, is_held: bool) -> None:
        self._held.set(is_held)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """The parts of one worker process."""

    settings: AppSettings
    database: Database
    runtime: jobs.JobRuntime
    metrics: WorkerMetrics

    async def run(self) -> None:
        """Everything at once until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._work())
            group.create_task(_repeat(self.seal_audit, every_s=SEAL_EVERY_S))
            group.create_task(_repeat(self.purge, every_s=PURGE_EVERY_S))
            group.create_task(_repeat(self.settle_lost_calls, every_s=SETTLE_EVERY_S))
            group.create_task(_repeat(self.count_queue, every_s=COUNT_EVERY_S))
            group.create_task(_repeat(self.count_failed_jobs, every_s=COUNT_FAILED_EVERY_S))
            group.create_task(_repeat(self.read_evaluations, every_s=READ_EVALUATIONS_EVERY_S))
            group.create_task(_repeat(self.evaluate_release, every_s=EVALUATE_RELEASE_EVERY_S))
            group.create_task(_repeat(self.watch_models, every_s=WATCH_MODELS_EVERY_S))
            group.create_task(self.metrics.loop_lag.run())

    async def _work(self) -> None:
        pause_s = 0.2
        while True:
            try:
                if await self._find_hold():
                    # Held on purpose is well: the process is ready, and takes nothing.
                    self.metrics.set_working(True)
                    await asyncio.sleep(LOOK_FOR_HOLD_EVERY_S)
                    continue
                async with jobs.open_queue(self.runtime) as queue:
                    pause_s = 0.2
                    if await self._work_until_held(queue):
                        continue
                    _logger.warning("Queue lost; opening it again")
            except (Unavailable, DBAPIError, *jobs.QUEUE_LOST) as error:
                _logger.warning("Queue lost", extra={"fields": {"error": type(error).__name__}})
            self.metrics.set_working(False)
            self.metrics.restarts.inc()
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, 5.0)

    async def _find_hold(self) -> bool:
        async with self.database.transaction(None) as session:
            is_held = await jobs.are_effects_held(session)
        self.metrics.set_held(is_held)
        return is_held

    async def _work_until_held(self, queue: jobs.Queue) -> bool:
        """True when somebody held outside effects: running jobs end, no other is taken. False: queue lost."""
        working = asyncio.create_task(self._work_with(queue))
        holding = asyncio.create_task(self._wait_for_hold())
        try:
            await asyncio.wait([working, holding], return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                await working
                return False
            return True
        finally:
            for task in (working, holding):
                task.cancel()
            await asyncio.wait([working, holding])

    async def _wait_for_hold(self) -> None:
        while True:
            await asyncio.sleep(LOOK_FOR_HOLD_EVERY_S)
            # A database that is away is the queue's affair, which notices by itself.
            with suppress(Unavailable, DBAPIError):
                if await self._find_hold():
                    _logger.warning("Outside effects are held; no job is taken until they are released")
                    return

    async def _work_with(self, queue: jobs.Queue) -> None:
        self.metrics.set_working(True)

        async def rescue() -> None:
            await queue.rescue()

        async def forget() -> None:
            await queue.forget_finished(older_than_h=KEEP_FINISHED_JOBS_H)

        side = [
            asyncio.create_task(_repeat(rescue, every_s=RESCUE_EVERY_S)),
            asyncio.create_task(_repeat(forget, every_s=3600.0)),
        ]
        try:
            await queue.work(concurrency=self.settings.worker_concurrency, stop_after_s=STOP_AFTER_S)
        finally:
            for task in side:
                task.cancel()
            await asyncio.wait(side)

    async def seal_audit(self) -> None:
        """Link what was committed since the last time, tenant by tenant."""
        async with self.database.transaction(None) as session:
            tenants = await audit.list_tenants_to_seal(session)
        for tenant_id in tenants:
            async with self.database.transaction(system_principal(tenant_id)) as session:
                self.metrics.sealed.inc(await audit.seal(session, tenant_id=tenant_id))

    async def count_queue(self) -> None:
        """See how much waits, and for how long."""
        async with self.database.transaction(None) as session:
            await self.metrics.queue.count_open(session)

    async def count_failed_jobs(self) -> None:
        """See how many jobs have failed for good."""
        async with self.database.transaction(None) as session:
            await self.metrics.queue.count_failed(session)

    async def read_evaluations(self) -> None:
        """See how well answers were found when customers' questions were last asked."""
        async with self.database.transaction(None) as session:
            await self.metrics.evaluation.read(session)

    async def watch_models(self) -> None:
        """See whether our model's scores lie as when it was trained, and how often people agree with it."""
        if self.settings.scoring_socket is None:
            return
        scoring = ScoringClient(self.settings.scoring_socket, timeout_s=self.settings.scoring_timeout_s)
        try:
            references = await scoring.list_references(MODEL)
        finally:
            await scoring.close()
        async with self.database.transaction(None) as session:
            watched = await watch_model(session, references)
        self.metrics.models.note(MODEL, drift=watched.drift, accuracy=watched.accuracy)

    async def evaluate_release(self) -> None:
        """Have this release asked what those before it were asked, once, so that it can be held."""
        commit = self.settings.commit
        if not commit:
            return
        async with self.database.transaction(None) as session:
            tenants = list(
                await session.scalars(
                    text("SELECT app.list_tenants_to_evaluate(:commit)"), {"commit": commit}
                )
            )
        for tenant in tenants:
            async with self.database.transaction(system_principal(TenantId(tenant))) as session:
                await jobs.enqueue(session, evaluate_now, only_once=f"evaluate:{commit}", cause="release")

    async def purge(self) -> None:
        """Remove sessions that ended long ago, sign-in counters and OIDC flows that are over."""
        async with self.database.transaction(None) as session:
            now = clock.now()
            await session.execute(
                text("SELECT app.purge_sessions(:before)"), {"before": now - KEEP_ENDED_SESSIONS}
            )
            await session.execute(text("SELECT gate.purge(:at)"), {"at": now})

    async def settle_lost_calls(self) -> None:
        """Close the calls to language models whose process died, so that what they reserved is settled."""
        async with self.database.transaction(None) as session:
            tenants = list(await session.scalars(text("SELECT app.list_active_tenants()")))
        ledger = Ledger(self.database)
        for tenant in tenants:
            await ledger.settle_lost(TenantId(tenant))


async def _repeat(action: Callable[[], Awaitable[None]], *, every_s: float) -> None:
    """Do `action` again and again; a database that is away is waited for.

    Anything else is a bug: it is told with its place, but does not take running jobs down with it."""
    while True:
        fields = {"work": action.__name__}
        try:
            await action()
        except (Unavailable, DBAPIError, psycopg.OperationalError, *jobs.QUEUE_LOST) as error:
            _logger.warning(
                "Skipped, will try again", extra={"fields": {**fields, "error": type(error).__name__}}
            )
        except Exception:
            _logger.exception("Failed, will try again", extra={"fields": fields})
        await asyncio.sleep(every_s)


def build_worker(settings: AppSettings, *, registry: CollectorRegistry) -> Worker:
    """The worker with its connections not yet open."""
    database = open_database(
        settings.database_url.get_secret_value(),
        pool_size=max(settings.worker_concurrency + 2, 4),
        pool_timeout_s=settings.database_pool_timeout_s,
        connect_timeout_s=settings.database_connect_timeout_s,
        # Jobs move many rows in one statement; each job has a time limit of its own.
        statement_timeout_ms=max(settings.database_statement_timeout_ms, 600_000),
        lock_timeout_ms=settings.database_lock_timeout_ms,
        commit_wait_s=settings.database_commit_wait_s,
        application_name="hrx-worker",
        registry=registry,
    )
    runtime = jobs.JobRuntime(database=database, settings=settings, metrics=jobs.JobMetrics(registry))
    return Worker(settings=settings, database=database, runtime=runtime, metrics=WorkerMetrics(registry))


def create_health_app(worker: Worker, *, registry: CollectorRegistry) -> FastAPI:
    """/livez, /readyz, /version and /metrics of the worker."""
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    version = health.VersionReport(
        database=worker.database, commit=worker.settings.commit, slot=worker.settings.slot
    )

    async def probe_queue() -> float:
        if not worker.metrics.is_working:
            raise ConnectionError("no jobs are taken")
        return 0.0

    dependencies = (
        health.database_dependency(worker.database),
        health.Dependency(
            name="queue",
            affects=Text(ja="取り込み・予約発令などの処理", en="imports, due changes and other jobs"),
            is_required=True,
            probe=probe_queue,
        ),
    )

    @app.get("/livez")
    async def livez() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz")
    async def readyz() -> Response:
        report = await health.check_readiness(dependencies)
        return Reply(
            report.as_dict(), status_code=503 if report.status is health.Readiness.NOT_READY else 200
        )

    @app.get("/version")
    async def show_version() -> Response:
        return Reply(await version.as_dict())

    @app.get("/metrics")
    async def show_metrics() -> Response:
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4; charset=utf-8")

    return app


class _HealthServer(uvicorn.Server):
    """Answers until told otherwise: signals belong to the worker, whose jobs end first."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(settings: AppSettings) -> None:
    """Run the worker and its health port until SIGTERM or SIGINT, then finish what runs."""
    registry = metrics.new_registry()
    worker = build_worker(settings, registry=registry)
    server = _HealthServer(
        uvicorn.Config(
            create_health_app(worker, registry=registry),
            host=settings.metrics_bind,
            port=settings.worker_port,
            log_config=None,
            access_log=False,
        )
    )
    working = asyncio.create_task(worker.run(), name="worker")
    answering = asyncio.create_task(server.serve(), name="health")
    switch = faults.find_switch(settings, database=worker.database)
    disturbing = asyncio.create_task(switch.run(), name="faults") if switch is not None else None
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([working, answering, stopping], return_when=asyncio.FIRST_COMPLETED)
    _logger.info("Stopping")
    if disturbing is not None:
        disturbing.cancel()
        await asyncio.wait([disturbing])
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    server.should_exit = True
    await answering
    await worker.database.close()


def main() -> None:
    settings = load(AppSettings)
    log.configure(process="worker", level=settings.log_level)
    asyncio.run(serve(settings))


if __name__ == "__main__":
    main()
