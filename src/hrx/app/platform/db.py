"""The door to PostgreSQL: one engine a process, one transaction a request or job.

Nothing below the edge commits. A transaction always has a principal or is explicitly anonymous."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import MetaData
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from hrx.app.platform.tenancy import Principal, act_as
from hrx.kit.errors import Text, Unavailable

#: Tables of the product are declared as Core tables on this metadata, each in its own slice's `models`.
metadata = MetaData(schema="app")


class DatabaseUnavailable(Unavailable):
    """PostgreSQL cannot be reached, or gave no connection in time."""

    code = "database.unavailable"


@dataclass(frozen=True, slots=True)
class Database:
    """The engine with its session factory."""

    engine: AsyncEngine
    sessions: async_sessionmaker[AsyncSession]

    @asynccontextmanager
    async def transaction(self, principal: Principal | None) -> AsyncIterator[AsyncSession]:
        """One transaction as `principal`; commits when the block ends well, rolls back when it raises.

        `None` is the anonymous principal: it sees no tenant's rows. Raises DatabaseUnavailable."""
        async with self.open() as session:
            if principal is not None:
                await act_as(session, principal)
            yield session

    @asynccontextmanager
    async def open(self) -> AsyncIterator[AsyncSession]:
        """One transaction that nobody acts in yet: the edge signs it in with its first statement."""
        session = self.sessions()
        try:
            yield session
            await session.commit()
        except (PoolTimeout, OperationalError) as error:
            await _rollback_quietly(session)
            if isinstance(error, OperationalError) and not _is_lost_connection(error):
                raise
            raise DatabaseUnavailable(
                Text(
                    ja="データベースに接続できません。入力内容は保存されていません。",
                    en="The database cannot be reached. Nothing was saved.",
                ),
                hint=Text(
                    ja="しばらくしてから、もう一度お試しください。", en="Please try again in a little while."
                ),
            ) from error
        except BaseException:
            await _rollback_quietly(session)
            raise
        finally:
            await session.close()

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
    application_name: str = "hrx-app",
) -> Database:
    """An engine on `postgresql://…` (driver psycopg 3). Connections open when first needed."""
    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=pool_timeout_s,
        pool_pre_ping=False,
        pool_recycle=1800,
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
    return Database(engine=engine, sessions=async_sessionmaker(engine, expire_on_commit=False))


def _is_lost_connection(error: DBAPIError) -> bool:
    """Whether the server went away (class 08, 57P0x) rather than refused one statement (lock, time-out)."""
    sqlstate = getattr(error.orig, "sqlstate", None)
    return sqlstate is None or sqlstate.startswith("08") or sqlstate in {"57P01", "57P02", "57P03", "53300"}


async def _rollback_quietly(session: AsyncSession) -> None:
    """Roll back; a connection that is already gone has rolled back by itself."""
    try:
        await session.rollback()
    except DBAPIError:
        await session.invalidate()
