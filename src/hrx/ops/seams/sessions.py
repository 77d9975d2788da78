"""A session in PostgreSQL that stays open: for copies that are looked through, and for the keeper of backups.

Looks of the plane are one short connection each (`postgres.py`); here several questions belong together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg.conninfo import make_conninfo

from hrx.kit.errors import Text, Unavailable
from hrx.kit.secrets import mask_text

_CONNECT_TIMEOUT_S: Final = 5


class SessionLost(Unavailable):
    """The server could not be reached, went away, or refused the statement."""

    code = "postgres.session_lost"


@dataclass(frozen=True, slots=True)
class Session:
    """One open session; every statement is a transaction of its own unless `transaction` is used."""

    _connection: psycopg.Connection

    # `Any`: columns differ in type.
    def rows(self, statement: str, parameters: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """Every row, empty for a statement that gives none. Raises SessionLost."""
        with _told():
            found = self._connection.execute(statement.encode(), parameters)
            return list(found.fetchall()) if found.description else []

    def row(self, statement: str, parameters: Mapping[str, object] | None = None) -> tuple[Any, ...] | None:
        """The first row. Raises SessionLost."""
        return next(iter(self.rows(statement, parameters)), None)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything in it or nothing. Raises SessionLost."""
        with _told(), self._connection.transaction():
            yield

    def copy_out(self, statement: str) -> Iterator[bytes]:
        """What `COPY … TO STDOUT` gives, in blocks. Raises SessionLost."""
        with _told(), self._connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            for block in copy:
                yield bytes(block)

    def copy_in(self, statement: str, blocks: Iterator[bytes]) -> int:
        """Feed `COPY … FROM STDIN`; gives how many rows arrived. Raises SessionLost."""
        with _told(), self._connection.cursor() as cursor:
            with cursor.copy(statement.encode()) as copy:
                for block in blocks:
                    copy.write(block)
            return cursor.rowcount


@contextmanager
def opened_session(
    conninfo: str, *, timeout_s: float, passfile: str | None = None, is_read_only: bool = True
) -> Iterator[Session]:
    """A session on a URL or connection string, with limits inside the server too. Raises SessionLost.

    A role's password comes in the URL or from `passfile`, never from a command line."""
    milliseconds = max(50, int(timeout_s * 1000))
    known: dict[str, Any] = {
        "connect_timeout": _CONNECT_TIMEOUT_S,
        "application_name": "hrx-recovery",
        "options": f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}"
        f" -c default_transaction_read_only={'on' if is_read_only else 'off'}",
        **({"passfile": passfile} if passfile else {}),
    }
    with _told():
        connection = psycopg.connect(make_conninfo(conninfo, **known), autocommit=True)
    try:
        yield Session(connection)
    finally:
        connection.close()


@contextmanager
def _told() -> Iterator[None]:
    """Errors of the driver as ours, without values of rows."""
    try:
        yield
    except psycopg.Error as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        said = mask_text(lines[0])
        raise SessionLost(
            Text(ja=f"データベースが答えません: {said}", en=f"The database does not answer: {said}"),
            hint=Text(
                ja="`hrx status` でデータベースの状態を確かめます。",
                en="See with `hrx status` how the database is.",
            ),
        ) from error
