"""The ledger's store: SQLite beside the system, or any SQLAlchemy URL in production.

Several processes write at once (console, command line, runs). Every write transaction begins by excluding the
other writers, so that nobody can read a head that another is about to replace: the chain cannot fork."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from hrx.kit.errors import Text, Unavailable
from hrx.ops.ledger.chain import GENESIS
from hrx.ops.ledger.respond_tables import ALL_TABLES
from hrx.ops.ledger.tables import CORE_TABLES, guards, metadata

#: How long a writer waits for another: appends take about a millisecond, so this is for stuck disks.
BUSY_TIMEOUT_S: Final = 10.0
# Any constant will do, as long as nothing else in that database takes the same advisory lock.
_ADVISORY_KEY: Final = 4_852_581_001
_DUE: Final = "hrx_due"


class Store:
    """Connections to the ledger's database. Cheap to make; holds no open connection while idle."""

    def __init__(self, url: str) -> None:
        self._engine = _make_engine(make_url(url))
        self._is_sqlite = self._engine.dialect.name == "sqlite"
        self._listeners: tuple[Callable[[], None], ...] = ()

    def on_due(self, listener: Callable[[], None]) -> None:
        """Have `listener` called right after a commit of this process that left something to do.

        A short cut only: what is due is in rows, and whoever looks at them every second finds it too."""
        self._listeners = (*self._listeners, listener)

    def create(self) -> None:
        """Make missing tables and triggers; harmless when they exist.

        Raises Unavailable when the database cannot be reached or written."""
        with self.write() as connection:
            # Naming the tables of responding here is what makes them known before they are made.
            metadata.create_all(connection, tables=[*CORE_TABLES, *ALL_TABLES])
            _add_missing_columns(connection)
            for statement in guards(self._engine.dialect.name, genesis=GENESIS):
                connection.exec_driver_sql(statement)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One write transaction that excludes every other writer; committed at the end, durable then.

        Raises Unavailable when the store does not answer, or another writer holds it too long."""
        try:
            with self._engine.begin() as connection:
                if not self._is_sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_KEY})
                # A pooled connection remembers what a transaction that was rolled back had marked.
                connection.info.pop(_DUE, None)
                yield connection
                is_due = bool(connection.info.pop(_DUE, False))
        except (OperationalError, DBAPIError) as error:
            raise _unavailable(error) from error
        if is_due:
            for listener in self._listeners:
                listener()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading; never blocked by a writer."""
        try:
            with self._engine.connect().execution_options(hrx_reads=True) as connection:
                yield connection
        except (OperationalError, DBAPIError) as error:
            raise _unavailable(error) from error

    def close(self) -> None:
        self._engine.dispose()


def _add_missing_columns(connection: Connection) -> None:
    """Columns that came after a ledger was made; such a column may always be empty, so adding it is all."""
    looked = inspect(connection)
    for table in (*CORE_TABLES, *ALL_TABLES):
        there = {column["name"] for column in looked.get_columns(table.name)}
        for column in table.columns:
            if column.name not in there and column.nullable:
                kind = column.type.compile(connection.dialect)
                connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}")


def mark_due(connection: Connection) -> None:
    """Say that this transaction leaves something to do at once; see `Store.on_due`."""
    connection.info[_DUE] = True


def file_of(url: str) -> Path | None:
    """The file of a ledger in SQLite; None for one in a server."""
    parsed = make_url(url)
    is_file = parsed.get_backend_name() == "sqlite" and parsed.database
    return Path(parsed.database or "") if is_file else None


def open_store(url: str) -> Store:
    """The store at `url`, with its tables made when they are missing."""
    path = file_of(url)
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise _unavailable(error) from error
    store = Store(url)
    store.create()
    return store


def _make_engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(
            url,
            pool_size=4,
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": 5,
                "options": "-c statement_timeout=15000 -c lock_timeout=10000",
            },
        )
    # No pool: opening a file takes 0.1 ms, and no thread or forked child can share a handle by accident.
    engine = create_engine(
        url, poolclass=NullPool, connect_args={"timeout": BUSY_TIMEOUT_S, "isolation_level": None}
    )
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


# `Any`: the driver's own connection class depends on the driver.
def _configure_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    # FULL: an approval or a step that was acknowledged survives a power cut.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE takes the write lock before the head is read; the default would take it after.
    reads = connection.get_execution_options().get("hrx_reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _unavailable(error: Exception) -> Unavailable:
    said = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    return Unavailable(
        Text(ja=f"台帳を読み書きできません: {said}", en=f"The ledger cannot be read or written: {said}"),
        hint=Text(
            ja="ディスクの空き容量と HRX_LEDGER_URL を確かめてください(`hrx ledger verify`)。",
            en="Check the free disk space and HRX_LEDGER_URL (`hrx ledger verify`).",
        ),
        code="ledger.unavailable",
    )


__all__ = ["BUSY_TIMEOUT_S", "Connection", "Store", "mark_due", "open_store"]
