"""Every text that the ledger holds, table by table, for those who look for what must not be in it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from hrx.ops.ledger.respond_tables import ALL_TABLES
from hrx.ops.ledger.store import Store
from hrx.ops.ledger.tables import CORE_TABLES


def stream_texts(store: Store) -> Iterator[tuple[str, str]]:
    """A name (`entry 12`) and the words of each row; not the columns of signing in.

    Raises Unavailable when the store does not answer."""
    with store.read() as connection:
        for table in (*CORE_TABLES, *ALL_TABLES):
            columns = [column for column in table.c if not _is_of_sign_in(column.name)]
            for row in connection.execution_options(yield_per=500).execute(select(*columns)):
                words = "\n".join(f"{name}: {value}" for name, value in row._mapping.items() if value)
                yield f"{table.name} {row[0]}", words


def _is_of_sign_in(name: str) -> bool:
    return any(part in name for part in ("hash", "digest", "totp", "csrf"))
