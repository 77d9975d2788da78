"""Sessions that change the schema, or watch while it changes, with errors that say whether to try again.

Looks of the plane are one short read-only connection each (`postgres.py`); a migration needs its own limits,
its own transactions, and to know a lock that was not granted from a statement that is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import psycopg

from hrx.kit.errors import Conflict, Expected, Text, Unavailable
from hrx.kit.secrets import mask_text

_CONNECT_S: Final = 5
#: lock_not_available, deadlock_detected, serialization_failure: another try may succeed.
_PASSING: Final = frozenset({"55P03", "40P01", "40001"})


class LockNotGranted(Unavailable):
    """Somebody else held the lock for longer than the limit, or a deadlock was resolved against us."""

    code = "migration.lock_not_granted"


class StatementFailed(Expected):
    """The server refused a statement; `sqlstate` says why."""

    code = "migration.statement_failed"

    def __init__(self, message: Text, *, sqlstate: str | None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


class DatabaseAway(Unavailable):
    """The server cannot be reached, or went away."""

    code = "migration.database_away"


class MigrationLockHeld(Conflict):
    """Another migration of this database is under way."""

    code = "migration.lock_held"


class MigratingSession:
    """One session in autocommit; BEGIN and COMMIT are statements like any other."""

    def __init__(
        self, url: str, *, application: str, lock_timeout_ms: int = 0, statement_timeout_s: float = 0
    ) -> None:
        """Raises DatabaseAway. 0 means no limit."""
        try:
            self._connection = psycopg.connect(
                url.replace("postgresql+psycopg://", "postgresql://", 1),
                autocommit=True,
                connect_timeout=_CONNECT_S,
                application_name=application,
                options=f"-c lock_timeout={lock_timeout_ms}"
                f" -c statement_timeout={int(statement_timeout_s * 1000)}",
            )
        except (psycopg.Error, ValueError, OSError) as error:
            raise _away(error) from error
        # Each statement is planned as it comes: a prepared one would fail when its table changes underneath.
        self._connection.prepare_threshold = None
        self.pid: int = self._connection.info.backend_pid

    # `Any`: columns differ in type.
    def rows(self, statement: str, parameters: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """Run one statement; its rows, none when it has none.

        Raises LockNotGranted, StatementFailed, DatabaseAway."""
        try:
            found = self._connection.execute(statement.encode(), parameters)
            return list(found.fetchall()) if found.description else []
        except psycopg.Error as error:
            raise _told(error) from error

    def copy_rows(self, statement: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a long answer, in portions held by the server. Raises as `rows` does."""
        try:
            with self._connection.transaction(), self._connection.cursor(name="hrx_rows") as cursor:
                cursor.itersize = 5_000
                yield from cursor.execute(statement.encode())
        except psycopg.Error as error:
            raise _told(error) from error

    def cancel(self) -> None:
        """Stop what runs in this session now, from another thread."""
        self._connection.cancel_safe(timeout=_CONNECT_S)

    def close(self) -> None:
        self._connection.close()


@contextmanager
def migrating_session(
    url: str, *, application: str, lock_timeout_ms: int = 0, statement_timeout_s: float = 0
) -> Iterator[MigratingSession]:
    """A session that is closed at the end. Raises DatabaseAway."""
    session = MigratingSession(
        url,
        application=application,
        lock_timeout_ms=lock_timeout_ms,
        statement_timeout_s=statement_timeout_s,
    )
    try:
        yield session
    finally:
        session.close()


@contextmanager
def only_migration(url: str, *, key: int) -> Iterator[MigratingSession]:
    """Holds the advisory lock `key` of the database; it goes with the session, also when this is killed.

    Raises MigrationLockHeld, DatabaseAway."""
    with migrating_session(url, application="hrx-migrate-lock") as session:
        [(is_mine,)] = session.rows("SELECT pg_try_advisory_lock(%(key)s)", {"key": key})
        if not is_mine:
            raise MigrationLockHeld(
                Text(
                    ja="このデータベースでは、別の移行が動いています",
                    en="Another migration of this database is under way",
                ),
                hint=Text(
                    ja="終わるのを待つか、`hrx status` で様子を見ます。",
                    en="Wait until it ends; see `hrx status`.",
                ),
            )
        yield session


def _told(error: psycopg.Error) -> LockNotGranted | StatementFailed | DatabaseAway:
    said = mask_text(next(iter(str(error).strip().splitlines()), type(error).__name__))
    if error.sqlstate in _PASSING:
        return LockNotGranted(Text(ja=f"ロックを取れませんでした: {said}", en=f"No lock: {said}"))
    if error.sqlstate is None or error.sqlstate.startswith(("57P", "08")):
        return _away(error)
    return StatementFailed(
        Text(ja=f"データベースが断りました: {said}", en=f"The database refused: {said}"),
        sqlstate=error.sqlstate,
    )


def _away(error: Exception) -> DatabaseAway:
    said = mask_text(next(iter(str(error).strip().splitlines()), type(error).__name__))
    return DatabaseAway(
        Text(ja=f"データベースに接続できません: {said}", en=f"The database cannot be reached: {said}"),
        hint=Text(ja="`hrx status` で確かめます。", en="See `hrx status`."),
    )
