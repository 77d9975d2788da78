"""Faults put in on purpose, for drills: off unless HRX_FAULTS_FILE names a file, refused in production.

There is no network door: whoever may write the file owns the machine anyway. The process reads it twice a
second and does what it says for as long as it says it; an absent, empty or unreadable file is no fault.
Dependencies are disturbed at their own end (a stand-in that hangs), not in here."""

from __future__ import annotations

import asyncio
import logging
import mmap
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import text
from starlette.types import ASGIApp, Receive, Scope, Send

from hrx.app.platform.db import Database
from hrx.app.settings import AppSettings
from hrx.kit import clock
from hrx.kit.errors import Refused, Text

_logger = logging.getLogger("hrx.faults")
_READ_EVERY_S: Final = 0.5
_PAGE_BYTES: Final = 4096
_MIB: Final = 1024 * 1024
#: No drill may take the machine with it, whatever its file says.
MAX_LEAK_MIB: Final = 1024
MAX_HELD_CONNECTIONS: Final = 200


class FaultInjected(Exception):
    """What a route raises when told to fail: a bug as far as everybody else can see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What is wrong on purpose now. Ratios are shares of requests; every other figure has its unit."""

    #: Path prefix of the route that fails, None for no route.
    route: str | None = None
    route_mode: str = "error"
    route_ratio: float = 1.0
    #: Milliseconds of every second for which the event loop does nothing but spin.
    spin_ms: int = 0
    leak_mib_s: float = 0.0
    leak_max_mib: int = 0
    held_connections: int = 0
    slow_sql_s: float = 0.0
    clock_skew_s: float = 0.0


NONE: Final = Faults()


def read_faults(path: Path) -> Faults:
    """What the file says; nothing when it is absent or wrong, for a drill's typing error is no fault."""
    try:
        found = orjson.loads(path.read_bytes())
        return _read(found) if isinstance(found, dict) else NONE
    except (OSError, ValueError, TypeError):
        return NONE


# `Any`: JSON; a wrong shape raises, and counts as none.
def _read(found: Mapping[str, Any]) -> Faults:
    return Faults(
        route=str(found["route"]) if found.get("route") else None,
        route_mode=str(found.get("route_mode", "error")),
        route_ratio=float(found.get("route_ratio", 1.0)),
        spin_ms=max(0, min(int(found.get("spin_ms", 0)), 1000)),
        leak_mib_s=float(found.get("leak_mib_s", 0.0)),
        leak_max_mib=min(int(found.get("leak_max_mib", 0)), MAX_LEAK_MIB),
        held_connections=min(int(found.get("held_connections", 0)), MAX_HELD_CONNECTIONS),
        slow_sql_s=float(found.get("slow_sql_s", 0.0)),
        clock_skew_s=float(found.get("clock_skew_s", 0.0)),
    )


class FaultSwitch:
    """Reads the file and does what goes on by itself: spinning, leaking, holding connections."""

    def __init__(self, path: Path, *, database: Database) -> None:
        self._path = path
        self._database = database
        self.now = NONE
        self._leaked: list[mmap.mmap] = []
        self._held: list[asyncio.Task[None]] = []
        self._asked = 0

    async def run(self) -> None:
        """Until cancelled. What it took is given back when the file no longer asks for it."""
        try:
            while True:
                before, self.now = self.now, read_faults(self._path)
                if self.now != before:
                    _logger.warning("Faults changed", extra={"fields": {"are_on": self.now != NONE}})
                self._leak()
                await self._hold()
                await self._spin()
        finally:
            await self._let_go(0)

    def should_fail(self, path: str) -> bool:
        """Whether the request for `path` is one of those that fail; every n-th, so that it can be counted."""
        faults = self.now
        if faults.route is None or not path.startswith(faults.route):
            return False
        self._asked += 1
        return int(self._asked * faults.route_ratio) != int((self._asked - 1) * faults.route_ratio)

    async def _spin(self) -> None:
        """Block the loop for the given part of each half second, as an endless loop in a handler would."""
        share = self.now.spin_ms / 1000
        if share > 0:
            end = time.perf_counter() + _READ_EVERY_S * share
            while time.perf_counter() < end:
                pass
        # A loop that spins all the time still has to read that it may stop.
        await asyncio.sleep(max(0.001, _READ_EVERY_S * (1 - share)))

    def _leak(self) -> None:
        faults = self.now
        if faults.leak_mib_s <= 0:
            self._leaked.clear()
            return
        wanted = min(len(self._leaked) + max(1, int(faults.leak_mib_s * _READ_EVERY_S)), faults.leak_max_mib)
        while len(self._leaked) < wanted:
            # Of the kernel, past the heap: pages the process has already would be no leak, nor given back.
            block = mmap.mmap(-1, _MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            # Touched, or the kernel would lend it without giving it.
            for at in range(0, _MIB, _PAGE_BYTES):
                block[at] = 1
            self._leaked.append(block)

    async def _hold(self) -> None:
        self._held = [task for task in self._held if not task.done()]
        if len(self._held) > self.now.held_connections:
            await self._let_go(self.now.held_connections)
        while len(self._held) < self.now.held_connections:
            self._held.append(asyncio.create_task(self._hold_one(), name="fault-held-connection"))

    async def _hold_one(self) -> None:
        # A transaction that does nothing is ended by PostgreSQL after a minute; one that asks is not.
        async with self._database.transaction(None) as session:
            while True:
                await session.execute(text("SELECT 1"))
                await asyncio.sleep(5)

    async def _let_go(self, kept: int) -> None:
        gone, self._held = self._held[kept:], self._held[:kept]
        for task in gone:
            task.cancel()
        if gone:
            await asyncio.wait(gone)


class FaultyRoutes:
    """ASGI middleware inside the telemetry: what fails here looks like a failing route."""

    def __init__(self, app: ASGIApp, *, switch: FaultSwitch, database: Database) -> None:
        self._app = app
        self._switch = switch
        self._database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"].startswith("/api/"):
            await self._disturb(scope["path"])
        with clock.shifted(timedelta(seconds=self._switch.now.clock_skew_s)):
            await self._app(scope, receive, send)

    async def _disturb(self, path: str) -> None:
        faults = self._switch.now
        if faults.slow_sql_s > 0:
            async with self._database.transaction(None) as session:
                await session.execute(text("SELECT pg_sleep(:s)"), {"s": faults.slow_sql_s})
        if not self._switch.should_fail(path):
            return
        if faults.route_mode == "timeout":
            await asyncio.sleep(60)
        raise FaultInjected("told to fail by the faults file")


def find_switch(settings: AppSettings, *, database: Database) -> FaultSwitch | None:
    """The switch when one was asked for. Raises Refused in production."""
    if settings.faults_file is None:
        return None
    if settings.environment == "production":
        raise Refused(
            Text(
                ja="本番環境では HRX_FAULTS_FILE を使えません",
                en="HRX_FAULTS_FILE is refused in production",
            ),
            hint=Text(ja="この変数を外してください。", en="Take that variable away."),
            code="faults.production",
        )
    return FaultSwitch(settings.faults_file, database=database)
