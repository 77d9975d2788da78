"""Filling a generation in batches, tenant by tenant, and catching up with what changed since.

Where it stands is written in the same transaction as the batch it tells of: whatever kills the process, the
next start goes on behind it. A tenant's rows are read and written as that tenant, under its policies."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from hrx.kit.errors import HrxError, Refused, Text, Unavailable
from hrx.kit.search.passages import LACKING
from hrx.ops.release.indexes.definitions import Encoder, IndexDefinition
from hrx.ops.release.indexes.generations import (
    APPLICATION,
    Generation,
    begin_generation,
    drop_unused,
    ensure_schema,
    finish,
    list_generations,
)
from hrx.ops.release.indexes.layouts import Row, layout_of
from hrx.ops.seams.migrating import MigratingSession, migrating_session, only_migration

BATCH_ROWS: Final = 500
#: A look at what changed, and the rows found, so often at most: writers may be faster for ever.
_PASSES: Final = 10
_STATEMENT_S: Final = 120.0


class SourceHidden(Refused):
    """The role that builds sees no tenant: it would build an empty index and call it whole."""

    code = "index.source_hidden"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaughtUp:
    """Rows that were written anew and rows that were taken out, in one go over all tenants."""

    written: int
    removed: int


@contextmanager
def building_session(url: str, index: str) -> Iterator[MigratingSession]:
    """A session of the owner's, while nobody else builds or switches this index.

    Raises MigrationLockHeld, DatabaseAway."""
    key = _lock_key(index)
    with only_migration(url, key=key) as holder:
        try:
            with migrating_session(
                url, application=APPLICATION, lock_timeout_ms=10_000, statement_timeout_s=_STATEMENT_S
            ) as session:
                ensure_schema(session)
                yield session
        finally:
            # The server notices a closed session a moment later: whoever comes next would be refused.
            with suppress(HrxError):
                holder.rows("SELECT pg_advisory_unlock(%(key)s)", {"key": key})


class CountStopped(Unavailable):
    """Nobody waited for the count to end."""

    code = "index.count_stopped"


def build(
    session: MigratingSession,
    definition: IndexDefinition,
    encoder: Encoder,
    *,
    batch_rows: int = BATCH_ROWS,
    is_stopped: Callable[[], bool] = lambda: False,
    tell: Callable[[Generation], None] = lambda _: None,
) -> Generation:
    """The generation of this definition and encoder, filled and caught up; goes on where an earlier run
    stood, and only catches up where it was finished. Generations that nobody needs any more are dropped.

    Raises SourceHidden; StatementFailed, LockNotGranted and DatabaseAway of the session."""
    tenants = list_tenants(session, definition)
    made = begin_generation(session, definition, encoder)
    drop_unused(session, definition.name, keep=made.number)
    if not made.is_finished:
        _count_total(session, definition, made, tenants)
        for tenant in tenants:
            while _fill_batch(session, definition, encoder, made, tenant, batch_rows=batch_rows):
                tell(_again(session, made))
                if is_stopped():
                    return _again(session, made)
    catch_up(session, encoder, made, batch_rows=batch_rows)
    return finish(session, made)


def catch_up(
    session: MigratingSession, encoder: Encoder, generation: Generation, *, batch_rows: int = BATCH_ROWS
) -> CaughtUp:
    """Write what is missing or was changed in the source, take out what is gone from it. Harmless to repeat.

    `encoder` is the generation's own."""
    definition = generation.definition
    written = removed = 0
    for tenant in list_tenants(session, definition):
        removed += _remove_gone(session, definition, generation, tenant)
        for _ in range(_PASSES):
            found = _read_changed(session, definition, generation, tenant, limit=batch_rows)
            _write(session, generation, tenant, found, encoder)
            written += len(found)
            if len(found) < batch_rows:
                break
    return CaughtUp(written=written, removed=removed)


def count_behind(
    session: MigratingSession, generation: Generation, *, is_stopped: Callable[[], bool] = lambda: False
) -> int:
    """Rows of the source that this generation lacks or has otherwise, and rows it has too many. Reads both
    whole, one tenant after the other.

    Raises CountStopped when `is_stopped` says so between two tenants."""
    definition = generation.definition
    behind = 0
    for tenant in list_tenants(session, definition):
        if is_stopped():
            raise _count_stopped(generation)
        with _as_tenant(session, tenant):
            [(missing,)] = session.rows(
                f"SELECT count(*) FROM {_source(definition)} AS s"  # noqa: S608
                f" LEFT JOIN {generation.table} AS i ON i.tenant_id = %(tenant)s AND i.key = s.key"
                f" WHERE {_differs(generation)}",
                {"tenant": tenant},
            )
            [(gone,)] = session.rows(
                f"SELECT count(*) FROM {generation.table} AS i WHERE i.tenant_id = %(tenant)s"  # noqa: S608
                f" AND NOT EXISTS (SELECT FROM {_source(definition)} AS s WHERE s.key = i.key)",
                {"tenant": tenant},
            )
        behind += int(missing) + int(gone)
    return behind


def count_lacking(
    session: MigratingSession, generation: Generation, *, is_stopped: Callable[[], bool] = lambda: False
) -> int:
    """Rows whose vectors are still to be made by the worker; 0 for generations that are written whole.

    Raises CountStopped when `is_stopped` says so between two tenants."""
    if not generation.is_late:
        return 0
    lacking = 0
    for tenant in list_tenants(session, generation.definition):
        if is_stopped():
            raise _count_stopped(generation)
        with _as_tenant(session, tenant):
            [(count,)] = session.rows(
                f"SELECT count(*) FROM {generation.table} AS i WHERE i.tenant_id = %(tenant)s"  # noqa: S608
                f" AND starts_with(i.digest, '{LACKING}')",
                {"tenant": tenant},
            )
        lacking += int(count)
    return lacking


def _count_stopped(generation: Generation) -> CountStopped:
    return CountStopped(
        Text(
            ja=f"{generation.index} の遅れを数え終わりませんでした",
            en=f"How far {generation.index} is behind was not counted to its end",
        )
    )


def list_tenants(session: MigratingSession, definition: IndexDefinition) -> list[int]:
    """Every tenant of the product. Raises SourceHidden where the role sees none at all."""
    found = [int(one) for (one,) in session.rows("SELECT id FROM app.tenant ORDER BY id")]
    [(is_super,)] = session.rows("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    if not found and not is_super:
        raise SourceHidden(
            Text(
                ja=f"{definition.source} を読む役割に、テナントが 1 つも見えません",
                en=f"The role that reads {definition.source} sees no tenant at all",
            ),
            hint=Text(
                ja="所有者(hrx_owner)の URL で実行してください。", en="Use the URL of the owner: hrx_owner."
            ),
        )
    return found


def _fill_batch(
    session: MigratingSession,
    definition: IndexDefinition,
    encoder: Encoder,
    generation: Generation,
    tenant: int,
    *,
    batch_rows: int,
) -> bool:
    """The next rows of a tenant by key; gives False when there were none."""
    values: dict[str, object] = {"index": generation.index, "number": generation.number, "tenant": tenant}
    known = session.rows(
        "SELECT last_key FROM search.progress"
        " WHERE index_name = %(index)s AND number = %(number)s AND tenant_id = %(tenant)s",
        values,
    )
    after = known[0][0] if known else None
    with _as_tenant(session, tenant):
        found = session.rows(
            f"SELECT s.* FROM {_source(definition)} AS s"  # noqa: S608
            f" {'' if after is None else 'WHERE s.key > %(after)s'} ORDER BY s.key LIMIT %(rows)s",
            {"tenant": tenant, "after": after, "rows": batch_rows},
        )
    if not found:
        return False
    # An encoder may take long: no transaction is open meanwhile.
    layout = layout_of(definition)
    encoded = layout.encode(encoder, found)
    with _as_tenant(session, tenant):
        layout.write(session, generation.table, tenant, found, encoded)
        session.rows(
            "INSERT INTO search.progress (index_name, number, tenant_id, last_key, rows_done)"
            " VALUES (%(index)s, %(number)s, %(tenant)s, %(last)s, %(done)s)"
            " ON CONFLICT (index_name, number, tenant_id) DO UPDATE"
            " SET last_key = excluded.last_key, rows_done = progress.rows_done + excluded.rows_done",
            {**values, "last": found[-1][0], "done": len(found)},
        )
    return True


def _read_changed(
    session: MigratingSession, definition: IndexDefinition, generation: Generation, tenant: int, *, limit: int
) -> list[Row]:
    with _as_tenant(session, tenant):
        return session.rows(
            f"SELECT s.* FROM {_source(definition)} AS s"  # noqa: S608
            f" LEFT JOIN {generation.table} AS i ON i.tenant_id = %(tenant)s AND i.key = s.key"
            f" WHERE {_differs(generation)} ORDER BY s.key LIMIT %(rows)s",
            {"tenant": tenant, "rows": limit},
        )


def _remove_gone(
    session: MigratingSession, definition: IndexDefinition, generation: Generation, tenant: int
) -> int:
    with _as_tenant(session, tenant):
        gone = session.rows(
            f"DELETE FROM {generation.table} AS i WHERE i.tenant_id = %(tenant)s"  # noqa: S608
            f" AND NOT EXISTS (SELECT FROM {_source(definition)} AS s WHERE s.key = i.key) RETURNING i.key",
            {"tenant": tenant},
        )
    return len(gone)


def _write(
    session: MigratingSession,
    generation: Generation,
    tenant: int,
    found: list[Row],
    encoder: Encoder,
) -> None:
    if not found:
        return
    layout = layout_of(generation.definition)
    encoded = layout.encode(encoder, found)
    with _as_tenant(session, tenant):
        layout.write(session, generation.table, tenant, found, encoded)


def _count_total(
    session: MigratingSession, definition: IndexDefinition, generation: Generation, tenants: list[int]
) -> None:
    total = 0
    for tenant in tenants:
        with _as_tenant(session, tenant):
            [(count,)] = session.rows(
                f"SELECT count(*) FROM {_source(definition)} AS s",  # noqa: S608
                {"tenant": tenant},
            )
        total += int(count)
    session.rows(
        "UPDATE search.generation SET rows_total = %(total)s"
        " WHERE index_name = %(index)s AND number = %(number)s",
        {"total": total, "index": generation.index, "number": generation.number},
    )


@contextmanager
def _as_tenant(session: MigratingSession, tenant: int) -> Iterator[None]:
    """One transaction in which the policies let exactly this tenant's rows through."""
    session.rows("BEGIN")
    try:
        session.rows(
            "SELECT set_config('hrx.tenant_id', %(tenant)s, true), set_config('hrx.roles', 'system', true)",
            {"tenant": str(tenant)},
        )
        yield
    except BaseException:
        session.rows("ROLLBACK")
        raise
    session.rows("COMMIT")


def _differs(generation: Generation) -> str:
    """Of a source `s` and the index `i`. A row of the right text that waits for the worker is well."""
    waits = f" AND i.digest IS DISTINCT FROM '{LACKING}' || s.digest" if generation.is_late else ""
    return f"i.digest IS DISTINCT FROM s.digest{waits}"


def _source(definition: IndexDefinition) -> str:
    """The rows of one tenant with what is searched and its digest; `where` is our own, its percent signs are
    the driver's."""
    schema, table = definition.source.split(".")
    text, columns = layout_of(definition).source(definition)
    where = definition.where.replace("%", "%%")
    return (
        f'(SELECT t."{definition.key}" AS key, md5({text}) AS digest, {columns}'  # noqa: S608
        f' FROM "{schema}"."{table}" AS t'
        f' WHERE t."{definition.tenant}" = %(tenant)s AND ({where}))'
    )


def _again(session: MigratingSession, generation: Generation) -> Generation:
    return next(one for one in list_generations(session, generation.index) if one.number == generation.number)


def _lock_key(index: str) -> int:
    """A key of its own among the advisory locks of the database, for this index."""
    return int.from_bytes(hashlib.sha256(f"hrx search {index}".encode()).digest()[:8], "big", signed=True)
