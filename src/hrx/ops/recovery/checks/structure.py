"""The structure of indexes and tables, looked through by PostgreSQL's own amcheck: every entry of a B-tree in
its order, every row of a table in its index, every header of a row possible.

The product's own server does not bring amcheck. Where nobody has it nothing is claimed: the finding says "not
checked". It finds what counting rows cannot: an index whose entries lie in the wrong order answers wrongly
for some keys alone."""

from __future__ import annotations

from typing import Final

from hrx.kit.errors import Text
from hrx.ops.recovery.checks.findings import Finding, name_some
from hrx.ops.seams.sessions import Session, SessionLost

CODE: Final = "structure"
_TITLE: Final = Text(ja="索引と表の構造", en="Structure of indexes and tables")
_IS_OFFERED: Final = "SELECT 1 FROM pg_available_extensions WHERE name = 'amcheck'"
_IS_THERE: Final = "SELECT 1 FROM pg_extension WHERE extname = 'amcheck'"
_INDEXES: Final = """
SELECT c.oid, c.oid::regclass::text FROM pg_class AS c JOIN pg_am AS a ON a.oid = c.relam
  JOIN pg_index AS i ON i.indexrelid = c.oid
 WHERE a.amname = 'btree' AND c.relkind = 'i' AND i.indisvalid AND c.relpersistence = 'p' ORDER BY 2
"""
_TABLES: Final = """
SELECT c.oid, c.oid::regclass::text FROM pg_class AS c JOIN pg_am AS a ON a.oid = c.relam
 WHERE a.amname = 'heap' AND c.relkind IN ('r', 'm', 't') AND c.relpersistence = 'p' ORDER BY 2
"""
_CHECK_INDEX: Final = "SELECT bt_index_check(%(oid)s::oid, true)"
_CHECK_TABLE: Final = "SELECT count(*) FROM verify_heapam(%(oid)s::oid, on_error_stop => true)"


def is_offered(session: Session) -> bool:
    """Whether this server could do it, when it may be written to."""
    return session.row(_IS_OFFERED) is not None


def install(session: Session) -> None:
    """Into a copy that is thrown away afterwards, never into the living system. Raises SessionLost."""
    session.rows("CREATE EXTENSION IF NOT EXISTS amcheck")


def check_structure(session: Session) -> Finding:
    """Raises SessionLost when the server goes away."""
    if session.row(_IS_THERE) is None:
        return Finding(
            code=CODE,
            is_well=True,
            is_checked=False,
            title=_TITLE,
            said=Text(
                ja="調べていません。このサーバーには amcheck がありません(HRX_POSTGRES_MODULES_DIR)",
                en="Not checked: this server has no amcheck (HRX_POSTGRES_MODULES_DIR)",
            ),
        )
    indexes = [(oid, name) for oid, name in session.rows(_INDEXES)]
    tables = [(oid, name) for oid, name in session.rows(_TABLES)]
    broken = [name for oid, name in indexes if not _is_sound(session, _CHECK_INDEX, oid)]
    broken += [name for oid, name in tables if not _is_sound(session, _CHECK_TABLE, oid)]
    figures: dict[str, int | float | str] = {
        "indexes": len(indexes), "tables": len(tables), "broken": len(broken),
    }  # fmt: skip
    if broken:
        some = name_some(broken)
        said = Text(
            ja=f"構造が壊れています: {some.ja}。索引なら `REINDEX` で作り直せます",
            en=f"Broken: {some.en}. An index can be made anew with `REINDEX`",
        )
    else:
        said = Text(
            ja=f"索引 {len(indexes)} 個と表 {len(tables)} 個をすべてたどりました",
            en=f"{len(indexes)} indexes and {len(tables)} tables were walked through",
        )
    is_well = not broken and bool(indexes)
    return Finding(code=CODE, is_well=is_well, title=_TITLE, said=said, figures=figures)


def _is_sound(session: Session, statement: str, oid: object) -> bool:
    try:
        row = session.row(statement, {"oid": oid})
    except SessionLost:
        # Damage is raised as an error; a server that went away is not damage.
        session.row("SELECT 1")
        return False
    return row is None or row[0] in (None, "", 0)
