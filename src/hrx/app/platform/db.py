"""The door to PostgreSQL: one engine a process, one transaction a request or job.

Nothing below the edge commits. A transaction always has a principal or is explicitly anonymous. Statements
are SQLAlchemy's; only the first of a transaction, its COMMIT, and those of hot pages (`fetch_dicts`, `send`)
talk to the driver directly (measured: SQLAlchemy's async session costs 190 µs of CPU a statement and 300 µs a
transaction, psycopg alone 80 µs and 60 µs)."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, LiteralString

import orjson
import psycopg
from prometheus_client import CollectorRegistry
from psycopg.errors import Diagnostic
from psycopg.rows import dict_row, namedtuple_row
from sqlalchemy import MetaData
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from hrx.app.platform.db_figures import DatabaseFigures, operation_of, timed
from hrx.app.platform.tenancy import ACT_AS, Principal, settings_of
from hrx.kit.errors import Text, Unavailable

#: Tables of the product are declared as Core tables on this metadata, each in its own slice's `models`.
metadata = MetaData(schema="app")


#: What the driver itself raises, for those who translate errors.
DriverError = psycopg.Error
DriverDataError = psycopg.DataError


class DatabaseUnavailable(Unavailable):
    """PostgreSQL cannot be reached, or gave no connection in time."""

    code = "database.unavailable"


class CommitUnknown(Unavailable):
    """The server went away between our COMMIT and its answer."""

    code = "database.commit_unknown"


class NotYetSafe(Unavailable):
    """Committed on this server alone: the standby that writes wait for did not confirm it in time."""

    code = "database.not_yet_safe"


#: Where a session keeps its driver's connection.
_DRIVER: Final = "driver"
#: Where a session finds the figures of its engine; nothing there when nobody measures.
_FIGURES: Final = "figures"
#: Where a session finds how long its commit may wait for the standby.
_COMMIT_WAIT: Final = "commit_wait_s"
#: PostgreSQL reports success when such a wait ends early; this beginning of a warning is all that tells.
_NOT_REPLICATED: Final = "canceling wait for synchronous replication"
_CANCELS_WITHIN_S: Final = 2.0
#: `:name`, but not the second half of a cast (`::date`) nor of a time (`12:30`).
_PARAMETER: Final = re.compile(r"(?<![:\w]):([a-z]\w*)")

#: Opens a transaction with `begin_with`, saying who acts in it.
Begin = Callable[[AsyncSession], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Database:
    """The engine with its session factory."""

    engine: AsyncEngine
    sessions: async_sessionmaker[AsyncSession]
    #: After a restart of PostgreSQL at most this many dead connections wait in the pool.
    pool_size: int

    @asynccontextmanager
    async def transaction(self, principal: Principal | None) -> AsyncIterator[AsyncSession]:
        """One transaction as `principal`; commits when the block ends well, rolls back when it raises.

        `None` is the anonymous principal: it sees no tenant's rows. Raises DatabaseUnavailable, CommitUnknown
        when the server went away while it committed, NotYetSafe when the standby did not confirm it."""

        async def begin(session: AsyncSession) -> None:
            if principal is None:
                await begin_with(session, "SELECT 1", {})
            else:
                await begin_with(session, ACT_AS, settings_of(principal))
                session.info["principal"] = principal

        async with self.open(begin) as session:
            yield session

    @asynccontextmanager
    async def open(self, begin: Begin) -> AsyncIterator[AsyncSession]:
        """One transaction that `begin` opens with its first statement, by `begin_with`.

        A connection that died in the pool (PostgreSQL was restarted) is found out by that first statement,
        when nothing has happened yet: a fresh one is taken and nobody notices."""
        session = self.sessions()
        try:
            session = await self._begin(session, begin)
            yield session
            await _commit(session)
            session.info.pop(_DRIVER, None)
        except (PoolTimeout, OperationalError, psycopg.OperationalError) as error:
            await _rollback_quietly(session)
            if not _is_lost_connection(error):
                raise
            raise _unavailable() from error
        except BaseException:
            await _rollback_quietly(session)
            raise
        finally:
            await session.close()

    async def _begin(self, session: AsyncSession, begin: Begin) -> AsyncSession:
        """The session, or another one on a connection that lives."""
        for _ in range(self.pool_size):
            try:
                await begin(session)
            except psycopg.OperationalError as error:
                if not _is_lost_connection(error):
                    raise
                await session.invalidate()
                session = self.sessions()
            else:
                return session
        await begin(session)
        return session

    async def close(self) -> None:
        await self.engine.dispose()


def open_database(
    url: str,
    *,
    pool_size: int = 10,
    pool_timeout_s: float = 5.0,
    connect_timeout_s: int = 3,
    statement_timeout_ms: int = 15_000,
    lock_timeout_ms: int = 5_000,
    commit_wait_s: float = 5.0,
    application_name: str = "hrx-app",
    registry: CollectorRegistry | None = None,
) -> Database:
    """An engine on `postgresql://…` (driver psycopg 3). Connections open when first needed.

    `commit_wait_s`: how long a commit waits for the standby where writes wait for one; no time limit of the
    server's ends that wait. With a registry its statements and its pool are measured."""
    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=pool_timeout_s,
        pool_pre_ping=False,
        pool_recycle=1800,
        # The driver adds no BEGIN of its own: `begin_with` sends it together with the first statement.
        isolation_level="AUTOCOMMIT",
        # Whole pages come as JSON; measured at a quarter of the time of the standard library.
        json_deserializer=orjson.loads,
        # Parameters hold personal data, and messages of errors end up in logs.
        hide_parameters=True,
        connect_args={
            "connect_timeout": connect_timeout_s,
            "application_name": application_name,
            "options": (
                f"-c statement_timeout={statement_timeout_ms} -c lock_timeout={lock_timeout_ms}"
                " -c idle_in_transaction_session_timeout=60000 -c jit=off -c search_path=jobs"
            ),
        },
    )
    info: dict[str, object] = {_COMMIT_WAIT: commit_wait_s}
    if registry is not None:
        info[_FIGURES] = figures = DatabaseFigures(registry, pool_size=pool_size)
        figures.watch(engine)
    sessions = async_sessionmaker(engine, expire_on_commit=False, info=info)
    return Database(engine=engine, sessions=sessions, pool_size=pool_size)


async def begin_with(session: AsyncSession, sql: LiteralString, parameters: Mapping[str, object]) -> Any:
    """Open the transaction and run its first statement in one round trip; gives the row, or None.

    `Any`: a named tuple whose fields are those of `sql`. Parameters are bound by the driver (%(name)s)."""
    driver = await driver_of(session)
    cursor = psycopg.AsyncClientCursor(driver, row_factory=namedtuple_row)
    await timed(figures_of(session), "BEGIN", cursor.execute(b"BEGIN; " + sql.encode(), parameters))
    cursor.nextset()
    return await cursor.fetchone()


async def driver_of(session: AsyncSession) -> psycopg.AsyncConnection[Any]:
    """The driver's connection of this transaction. `Any`: rows of the driver have no type."""
    # Remembered for as long as the transaction lasts: asking SQLAlchemy again costs 60 µs of CPU each time.
    known: psycopg.AsyncConnection[Any] | None = session.info.get(_DRIVER)
    if known is not None:
        return known
    connection = await _take_connection(session)
    driver: psycopg.AsyncConnection[Any] | None = connection.sync_connection.connection.driver_connection  # type: ignore[union-attr]
    if driver is None:
        raise _unavailable()
    session.info[_DRIVER] = driver
    return driver


async def _take_connection(session: AsyncSession) -> AsyncConnection:
    """A connection of the pool, or a new one; the time it took is the first sign of a pool too small."""
    figures = figures_of(session)
    if figures is None:
        return await session.connection()
    figures.pending += 1
    started_s = time.perf_counter()
    try:
        return await session.connection()
    finally:
        figures.pending -= 1
        figures.wait.observe(time.perf_counter() - started_s)


def figures_of(session: AsyncSession) -> DatabaseFigures | None:
    """The figures of the engine behind a session."""
    found: DatabaseFigures | None = session.info.get(_FIGURES)
    return found


async def fetch_dicts(
    session: AsyncSession, sql: str, parameters: Mapping[str, object]
) -> list[dict[str, Any]]:
    """All rows of a read in plain SQL, for hot pages: about 300 µs of CPU less than `session.execute`.

    Parameters are named as everywhere (:name) and bound by the server. `Any`: columns differ in type; ranges
    are psycopg's."""
    driver = await driver_of(session)
    cursor = driver.cursor(row_factory=dict_row)
    await timed(figures_of(session), operation_of(sql), cursor.execute(_in_words_of_driver(sql), parameters))
    return await cursor.fetchall()


async def send(session: AsyncSession, sql: str, parameters: Mapping[str, object]) -> None:
    """Run a statement without rows, for hot pages; parameters as in `fetch_dicts`."""
    driver = await driver_of(session)
    await timed(figures_of(session), operation_of(sql), driver.execute(_in_words_of_driver(sql), parameters))


@lru_cache(maxsize=1_024)
def _in_words_of_driver(sql: str) -> bytes:
    return _PARAMETER.sub(r"%(\1)s", sql.replace("%", "%%")).encode()


async def _commit(session: AsyncSession) -> None:
    """Commit. Raises CommitUnknown when the answer never came: the change may or may not be there; NotYetSafe
    when it is there, but not on the standby."""
    if not session.in_transaction():
        return
    await session.flush()
    driver = await driver_of(session)
    warned: list[str] = []

    def note(said: Diagnostic) -> None:
        if (said.message_primary or "").startswith(_NOT_REPLICATED):
            warned.append(_NOT_REPLICATED)

    ending: list[asyncio.Task[None]] = []
    # A timer rather than a task: nearly every commit is over before it, and this costs a microsecond.
    timer = asyncio.get_running_loop().call_later(
        session.info[_COMMIT_WAIT], lambda: ending.append(asyncio.ensure_future(_end_wait(driver)))
    )
    driver.add_notice_handler(note)
    try:
        await timed(figures_of(session), "COMMIT", driver.commit())
    except psycopg.OperationalError as error:
        if not _is_lost_connection(error):
            raise
        raise CommitUnknown(
            Text(
                ja="保存の途中で接続が切れ、結果を確認できませんでした。",
                en="The connection was lost while saving; whether it was saved is not known.",
            ),
            hint=Text(
                ja="画面を開き直し、変更が反映されているか確かめてください。",
                en="Open the page again and look whether your change is there before repeating it.",
            ),
        ) from error
    finally:
        timer.cancel()
        for one in ending:
            # Its cancel request must not meet the next statement on this connection.
            await one
        driver.remove_notice_handler(note)
    if warned:
        raise _not_yet_safe()


async def _end_wait(driver: psycopg.AsyncConnection[Any]) -> None:
    """Ask the server to end the wait; it then answers, with a warning."""
    try:
        await driver.cancel_safe(timeout=_CANCELS_WITHIN_S)
    except psycopg.Error:
        return


def _not_yet_safe() -> NotYetSafe:
    return NotYetSafe(
        Text(
            ja="保存しましたが、控えのサーバーへの複製をまだ確認できていません。いま障害が起きると失われる"
            "ことがあります。",
            en="Saved here, but not yet confirmed on the second server: a failure now could lose it.",
        ),
        hint=Text(
            ja="同じ操作を繰り返さず、数分後に画面を開き直して変更が残っているか確かめてください。",
            en="Do not repeat it. In a few minutes open the page again and look whether it is there.",
        ),
    )


def _unavailable() -> DatabaseUnavailable:
    return DatabaseUnavailable(
        Text(
            ja="データベースに接続できません。入力内容は保存されていません。",
            en="The database cannot be reached. Nothing was saved.",
        ),
        hint=Text(ja="しばらくしてから、もう一度お試しください。", en="Please try again in a little while."),
    )


def _is_lost_connection(error: Exception) -> bool:
    """Whether the server went away (class 08, 57P0x) rather than refused one statement (lock, time-out)."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    sqlstate = getattr(cause, "sqlstate", None)
    return sqlstate is None or sqlstate.startswith("08") or sqlstate in {"57P01", "57P02", "57P03", "53300"}


async def _rollback_quietly(session: AsyncSession) -> None:
    """Roll back; a connection that is already gone has rolled back by itself."""
    session.info.pop(_DRIVER, None)
    try:
        await session.rollback()
    except (DBAPIError, psycopg.OperationalError):
        await session.invalidate()
