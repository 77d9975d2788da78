"""How powers enter the database: to look as hrx_ops, to act as the one role that may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hrx.kit.errors import Text, Unavailable
from hrx.ops.run.plane import Plane
from hrx.ops.seams.postgres import DatabaseRefused, Door, address_of, call_function, read_rows

#: Ends sessions and calls the functions of schema seam; reads no table.
REPAIR: Final = "hrx_repair"
#: Owns the schema: makes indexes.
OWNER: Final = "hrx_owner"
_LOOK_S: Final = 3.0


class DatabaseNotReached(Unavailable):
    """The database did not answer, or said no."""

    code = "run.database"


# `Any`: columns differ in type.
def look(
    plane: Plane, statement: str, parameters: Mapping[str, object] | None = None
) -> list[dict[str, Any]]:
    """Rows as the watching role, or by a reserved connection when every other is taken.

    Raises DatabaseNotReached."""
    url = plane.settings.ops_database_url
    if url is None:
        raise DatabaseNotReached(
            Text(ja="データベースの URL が設定されていません", en="No database URL is configured")
        )
    try:
        return read_rows(url.get_secret_value(), statement, timeout_s=_LOOK_S, parameters=parameters)
    except DatabaseRefused as error:
        if error.door is not Door.TOO_MANY:
            raise _not_reached(error) from error
    try:
        # It sees what the watching role sees of sessions; what else it may not read is refused.
        return read_rows(_url(plane, REPAIR), statement, timeout_s=_LOOK_S, parameters=parameters)
    except DatabaseRefused as error:
        raise _not_reached(error) from error


# `Any`: columns differ in type.
def act(
    plane: Plane,
    statement: str,
    parameters: Mapping[str, object] | None = None,
    *,
    role: str = REPAIR,
    timeout_s: float = 10.0,
) -> list[dict[str, Any]]:
    """Rows of one statement that changes something. Raises DatabaseNotReached, Unavailable."""
    url = _url(plane, role)
    try:
        return call_function(url, statement, timeout_s=timeout_s, parameters=parameters)
    except DatabaseRefused as error:
        raise _not_reached(error) from error


def _url(plane: Plane, role: str) -> str:
    """Only the database that is watched: what a triage found in one must not be done in another."""
    url = plane.target.database_url(role)
    watched = plane.settings.ops_database_url
    if watched is not None and address_of(watched.get_secret_value()) != address_of(url):
        raise DatabaseNotReached(
            Text(
                ja="監視しているデータベースは、この機械の鍵で入れる場所にありません",
                en="The database that is watched is not the one to which this machine has keys",
            ),
            hint=Text(
                ja="そのデータベースの管理者に、計画の内容を依頼してください。",
                en="Ask whoever administers that database to do what the plan says.",
            ),
        )
    return url


def _not_reached(error: DatabaseRefused) -> DatabaseNotReached:
    return DatabaseNotReached(
        Text(ja=f"データベース: {error.why.ja}", en=f"The database: {error.why.en}"),
        hint=Text(ja="`hrx check` で状態を確かめてください。", en="See where things are: `hrx check`."),
    )
