"""The database as its administrator, for drills only: locks, held connections, a wrong password on purpose.

Every session names itself `hrx-drill`, so that what a killed drill left behind can be found and ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, LiteralString

import psycopg

from hrx.kit.errors import Text, Unavailable

APPLICATION: Final = "hrx-drill"
_CONNECT_S: Final = 5
#: What may go wrong on the way to and in the database.
DatabaseError = psycopg.Error


class DrillSession:
    """One session. `lock_timeout_s` limits waiting for a lock."""

    def __init__(self, url: str, *, lock_timeout_s: float = 10.0, autocommit: bool = True) -> None:
        try:
            self._connection = psycopg.connect(
                url,
                autocommit=autocommit,
                connect_timeout=_CONNECT_S,
                application_name=APPLICATION,
                options=f"-c lock_timeout={int(lock_timeout_s * 1000)}",
            )
        except psycopg.Error as error:
            raise _unavailable(error) from error

    # `Any`: columns differ in type.
    def ask(
        self, sql: LiteralString, parameters: Mapping[str, object] | None = None
    ) -> list[tuple[Any, ...]]:
        """Run one statement and give its rows, none when it has none. Raises Unavailable."""
        try:
            cursor = self._connection.execute(sql, parameters)
            return cursor.fetchall() if cursor.description is not None else []
        except psycopg.Error as error:
            raise _unavailable(error) from error

    def close(self) -> None:
        self._connection.close()


def _unavailable(error: psycopg.Error) -> Unavailable:
    said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return Unavailable(
        Text(ja=f"データベースを操作できません: {said}", en=f"The database cannot be worked with: {said}"),
        code="drill.database",
    )
