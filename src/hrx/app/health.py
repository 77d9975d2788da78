"""Whether a process lives, is ready, and what it is: three different questions.

/livez asks nothing of anybody. /readyz asks every dependency, with its own time limit, and says which feature
suffers. /version says what runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from importlib.metadata import version as installed_version
from typing import Final

from sqlalchemy import text

from hrx.app.models.client import ScoringClient
from hrx.app.platform.cache import Cache
from hrx.app.platform.db import Database
from hrx.app.platform.live import LiveHub
from hrx.kit import clock
from hrx.kit.errors import Text

PROBE_TIMEOUT_S: Final = 2.0


class CheckStatus(StrEnum):
    UP = "up"
    DOWN = "down"
    OFF = "off"


class Readiness(StrEnum):
    READY = "ready"
    DEGRADED = "degraded"
    NOT_READY = "not_ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """One thing this process depends on; `probe` gives milliseconds, None when switched off, or raises."""

    name: str
    affects: Text
    is_required: bool
    probe: Callable[[], Awaitable[float | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    dependency: Dependency
    status: CheckStatus
    latency_ms: float | None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The answer of /readyz."""

    status: Readiness
    checks: Sequence[CheckResult]

    def as_dict(self) -> dict[str, object]:
        return {
            "status": self.status.value,
            "checks": [
                {
                    "name": result.dependency.name,
                    "status": result.status.value,
                    "latency_ms": result.latency_ms,
                    "affects": {"ja": result.dependency.affects.ja, "en": result.dependency.affects.en},
                    "required": result.dependency.is_required,
                    "error": result.error,
                }
                for result in self.checks
            ],
            "degraded": [
                result.dependency.name for result in self.checks if result.status is CheckStatus.DOWN
            ],
        }


async def check_readiness(dependencies: Sequence[Dependency]) -> Report:
    """Ask every dependency at the same time, each for PROBE_TIMEOUT_S at most."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_check(dependency)) for dependency in dependencies]
    results = [task.result() for task in tasks]
    down = [result for result in results if result.status is CheckStatus.DOWN]
    if any(result.dependency.is_required for result in down):
        return Report(status=Readiness.NOT_READY, checks=results)
    return Report(status=Readiness.DEGRADED if down else Readiness.READY, checks=results)


async def _check(dependency: Dependency) -> CheckResult:
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            latency_ms = await dependency.probe()
    # A probe may fail in any way its library knows; each of them means the same here: it is down.
    except Exception as error:  # noqa: BLE001
        return CheckResult(
            dependency=dependency, status=CheckStatus.DOWN, latency_ms=None, error=type(error).__name__
        )
    if latency_ms is None:
        return CheckResult(dependency=dependency, status=CheckStatus.OFF, latency_ms=None)
    return CheckResult(dependency=dependency, status=CheckStatus.UP, latency_ms=round(latency_ms, 2))


def database_dependency(database: Database) -> Dependency:
    async def probe() -> float:
        started = clock.monotonic_s()
        async with database.transaction(None) as session:
            await session.execute(text("SELECT 1"))
        return (clock.monotonic_s() - started) * 1000

    return Dependency(
        name="postgresql",
        affects=Text(ja="すべての機能", en="everything"),
        is_required=True,
        probe=probe,
    )


def cache_dependency(cache: Cache) -> Dependency:
    async def probe() -> float | None:
        return None if cache.client is None else await cache.ping_ms()

    return Dependency(
        name="redis",
        affects=Text(ja="応答の速さ(組織図など)", en="speed of some pages (such as the org chart)"),
        is_required=False,
        probe=probe,
    )


def live_dependency(live: LiveHub) -> Dependency:
    async def probe() -> float:
        if not live.is_listening.is_set():
            raise ConnectionError("not listening")
        return 0.0

    return Dependency(
        name="live_events",
        affects=Text(ja="開いている画面の自動更新", en="automatic updates of open pages"),
        is_required=False,
        probe=probe,
    )


def scoring_dependency(scoring: ScoringClient) -> Dependency:
    return Dependency(
        name="scoring",
        affects=Text(ja="履歴書から読み取るスキル", en="skills read from résumés"),
        is_required=False,
        probe=scoring.ping_ms,
    )


@dataclass(slots=True, kw_only=True)
class VersionReport:
    """What runs, for /version; the schema revision is asked once a minute at most."""

    database: Database
    commit: str
    slot: str
    started_at: datetime = field(default_factory=clock.now)
    _revision: str | None = field(default=None, init=False)
    _asked_at_s: float = field(default=-60.0, init=False)

    async def as_dict(self) -> dict[str, object]:
        return {
            "version": installed_version("hrx"),
            "commit": self.commit,
            "slot": self.slot,
            "schema_revision": await self._schema_revision(),
            "started_at": self.started_at.isoformat(),
            # What this process thinks the time is: operations compare it with their own clock.
            "now": clock.now().isoformat(),
        }

    async def _schema_revision(self) -> str | None:
        """None while PostgreSQL is away: /version must answer then, too."""
        if clock.monotonic_s() - self._asked_at_s < 60:
            return self._revision
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S), self.database.transaction(None) as session:
                self._revision = await session.scalar(text("SELECT version_num FROM public.schema_revision"))
        # Whatever is wrong with the database, this page says what runs here.
        except Exception:  # noqa: BLE001
            return None
        self._asked_at_s = clock.monotonic_s()
        return self._revision
