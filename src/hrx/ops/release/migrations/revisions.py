"""A folder of Alembic revisions as data: the SQL that each really emits, and what it says about itself.

Each revision runs here against nothing: Alembic writes its SQL instead of sending it. A revision that must
ask a database before it knows its SQL cannot be read this way and says so."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError

from hrx.kit.errors import Invalid, NotFound, Text

#: `# hrx: accept RULE because …`, or `# hrx: accept RULE on app.table because …`; SQL files say `--`.
_ACCEPT: Final = re.compile(
    r"^\s*(?:#|--)\s*hrx:\s*accept\s+(?P<rule>[a-z-]+)(?:\s+on\s+(?P<table>\S+))?"
    r"(?:\s+because\s+(?P<reason>.*))?$",
    re.MULTILINE,
)


class RevisionsUnreadable(Invalid):
    """The folder is no chain of revisions."""

    code = "release.revisions_unreadable"


class RevisionNotFound(NotFound):
    """No revision of that name in the folder."""

    code = "release.revision_not_found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """A finding that the revision's author takes upon themselves. `table` None means every table."""

    rule: str
    table: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One revision. `up` and `down` are SQL scripts; None with `*_problem` set when they cannot be read.

    `declares_loss` names what is lost on the way down (`app.table` or `app.table.column`), or lost at once
    by the way up of a destructive revision. `ends_contract` names what may be dropped although releases on
    record still read it: nobody will go back to them."""

    id: str
    down_revision: str | None
    path: str
    title: str
    up: str | None
    down: str | None
    up_problem: str = ""
    down_problem: str = ""
    accepts: tuple[Acceptance, ...] = ()
    declares_loss: tuple[str, ...] = ()
    ends_contract: tuple[str, ...] = ()


def read_revisions(folder: Path) -> tuple[Revision, ...]:
    """Every revision of the folder, oldest first.

    Raises RevisionsUnreadable: no folder, broken code, several heads."""
    try:
        script = ScriptDirectory(str(folder))
        heads = script.get_heads()
        if len(heads) > 1:
            raise RevisionsUnreadable(
                Text(
                    ja=f"移行の先頭が {len(heads)} つあります: {', '.join(heads)}",
                    en=f"There are {len(heads)} heads: {', '.join(heads)}",
                ),
                hint=Text(
                    ja="`alembic merge heads` で一つにまとめます。", en="Join them: `alembic merge heads`."
                ),
            )
        return tuple(_read(found) for found in reversed(list(script.walk_revisions())))
    except (CommandError, SyntaxError, ImportError, OSError) as error:
        raise RevisionsUnreadable(
            Text(ja=f"移行のフォルダ {folder} を読めません: {error}", en=f"Cannot read {folder}: {error}")
        ) from error


def list_between(
    revisions: tuple[Revision, ...], *, after: str | None, until: str = "head"
) -> tuple[Revision, ...]:
    """The revisions that bring a schema from `after` (None: an empty one) to `until`, in order.

    Raises RevisionNotFound when either is not in the folder, or when `until` comes before `after`."""
    ids = [revision.id for revision in revisions]
    start = 0 if after is None else _place(ids, after) + 1
    end = len(ids) if until == "head" else _place(ids, until) + 1
    if end < start:
        raise RevisionNotFound(
            Text(
                ja=f"{until} は {after} より前のリビジョンです",
                en=f"Revision {until} comes before {after}, where the schema already is",
            ),
            hint=Text(
                ja="戻すには `hrx release rollback` を使います。", en="To go back: `hrx release rollback`."
            ),
        )
    return revisions[start:end]


def parse_acceptances(source: str) -> tuple[Acceptance, ...]:
    """The accept lines of a file; one without a reason has an empty one, and the lint says so."""
    return tuple(
        Acceptance(rule=found["rule"], table=found["table"], reason=(found["reason"] or "").strip())
        for found in _ACCEPT.finditer(source)
    )


def _place(ids: list[str], wanted: str) -> int:
    if wanted not in ids:
        raise RevisionNotFound(
            Text(ja=f"リビジョン {wanted} はありません", en=f"There is no revision {wanted}"),
            hint=Text(
                ja=f"最新は {ids[-1] if ids else '-'} です。", en=f"The newest is {ids[-1] if ids else '-'}."
            ),
        )
    return ids.index(wanted)


def _read(script: Script) -> Revision:
    source = Path(script.path).read_text()
    module = script.module
    up, up_problem = _emit(module.upgrade)
    down, down_problem = _emit(module.downgrade)
    below = script.down_revision
    return Revision(
        id=script.revision,
        down_revision=below if isinstance(below, str) else None,
        path=script.path,
        title=(script.doc or "").strip(),
        up=up,
        down=down,
        up_problem=up_problem,
        down_problem=down_problem,
        accepts=parse_acceptances(source),
        declares_loss=tuple(getattr(module, "declares_loss", ())),
        ends_contract=tuple(getattr(module, "ends_contract", ())),
    )


def _emit(step: Callable[[], None]) -> tuple[str | None, str]:
    """The script that `upgrade` or `downgrade` writes, in the transaction that env.py runs it in."""
    written = io.StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql",
        # Any other style doubles every percent sign.
        dialect_opts={"paramstyle": "named"},
        opts={"as_sql": True, "output_buffer": written, "transaction_per_migration": True},
    )
    # What a revision sends past Alembic, in the driver's own spelling, belongs to its SQL as well.
    driver: Any = context.connection
    driver.exec_driver_sql = lambda sql, *_: written.write(f"{sql.replace('%%', '%')};\n")
    try:
        with Operations.context(context):
            step()
    # A revision is somebody's program: whatever it raises without a database is what has to be told.
    except Exception as error:  # noqa: BLE001
        return None, f"{type(error).__name__}: {error}"
    body = written.getvalue().strip()
    return (f"BEGIN;\n{body}\nCOMMIT;\n" if body else ""), ""
