"""What the jobs do to an import: keep a check's findings, commit a plan, note why a step stopped, forget.

Part of the import's actions; every function runs inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Final

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.importing.actions import forget_rows, lock_import, update_import
from hrx.app.people.employees.importing.bulk import BATCH, Load, prepare_inserts, run_loads
from hrx.app.people.employees.importing.queries import ImportRow
from hrx.app.people.employees.importing.reading import Table
from hrx.app.people.employees.importing.state import ImportPlan
from hrx.app.people.employees.importing.validating import ParsedRow, raw_cells
from hrx.app.people.employees.importing.writing import PlanWriter
from hrx.app.platform import audit
from hrx.app.platform.live import EventKind, publish
from hrx.kit import clock
from hrx.kit.errors import HrxError

_ROW_COLUMNS: Final = (
    ("import_id", "bigint"),
    ("row_number", "integer"),
    ("action", "text"),
    ("has_problems", "boolean"),
    ("cells", "jsonb"),
    ("problems", "jsonb"),
    ("changes", "jsonb"),
)


async def save_check(
    session: AsyncSession,
    *,
    found: ImportRow,
    table: Table,
    rows: Sequence[ParsedRow],
    plan: ImportPlan,
) -> bool:
    """Keep what the dry run found, row by row; False when the import was changed meanwhile."""
    current = await lock_import(session, found["id"])
    if (current["state"], current["revision"]) != ("checking", found["revision"]):
        return False
    await forget_rows(session, found["id"])
    await run_loads(session, _checked_rows(found, table, rows, plan))
    await update_import(
        session,
        found["id"],
        state="checked",
        counts=plan.counts(),
        creations={
            "units": [unit.key for unit in plan.new_units][:200],
            "positions": [position.title for position in plan.new_positions][:200],
        },
        plan_digest=plan.digest,
        rows_total=len(rows),
        rows_done=len(rows),
        checked_at=clock.now(),
    )
    await publish(session, kind=EventKind.IMPORT_PROGRESS, ref_id=found["id"])
    return True


async def stop_import(
    session: AsyncSession, *, import_id: int, revision: int, state: str, error: HrxError
) -> None:
    """Note why a step stopped, unless the import was changed meanwhile."""
    current = await lock_import(session, import_id)
    if current["revision"] != revision or current["state"] not in ("checking", "committing"):
        return
    await update_import(session, import_id, state=state, problem=problem_json(error), rows_done=0)
    await publish(session, kind=EventKind.IMPORT_PROGRESS, ref_id=import_id)


async def open_order(
    session: AsyncSession,
    *,
    reason: str,
    payload: Mapping[str, object],
    effective_on: date,
    requested_by: int | None = None,
    approved_by: int | None = None,
) -> int:
    """The change order that every row of a load will name; approved by whoever confirmed the load."""
    order_id = await session.scalar(
        text(
            "INSERT INTO app.change_order (kind, state, effective_on, reason, payload, requested_by,"
            " needs_second_person, approved_by, approved_at, applied_at)"
            " VALUES ('import', 'applied', :effective_on, :reason, CAST(:payload AS jsonb), :requested_by,"
            " :needs_second_person, :approved_by, now(), now()) RETURNING id"
        ),
        {
            "effective_on": effective_on,
            "reason": reason,
            "payload": _dump(dict(payload)),
            "requested_by": requested_by,
            "needs_second_person": requested_by != approved_by,
            "approved_by": approved_by,
        },
    )
    if not isinstance(order_id, int):
        raise TypeError("the change order has no id")
    return order_id


async def commit_plan(session: AsyncSession, *, found: ImportRow, writer: PlanWriter) -> None:
    """Write everything, and the import's own end, in this one transaction.

    The import's row comes last: progress is reported from outside for as long as it is not held."""
    await writer.write()
    plan = writer.plan
    await audit.record(
        session,
        action="import.committed",
        details={"import_id": found["id"], "change_order_id": writer.order_id, **plan.counts()},
    )
    if plan.new_units:
        await publish(session, kind=EventKind.ORG_CHANGED)
    await publish(session, kind=EventKind.PEOPLE_CHANGED)
    await update_import(
        session,
        found["id"],
        state="committed",
        counts=plan.counts(),
        rows_done=found["rows_total"],
        committed_at=clock.now(),
        change_order_id=writer.order_id,
        problem=None,
    )
    await publish(session, kind=EventKind.IMPORT_PROGRESS, ref_id=found["id"])


async def forget_before(session: AsyncSession, *, moment: datetime) -> list[str]:
    """Drop rows and file keys of imports uploaded before; gives the keys of the files to delete."""
    keys = await session.scalars(
        text(
            "WITH old AS (SELECT id, file_key FROM app.data_import"
            "             WHERE created_at < :moment AND file_key IS NOT NULL"
            "               AND state NOT IN ('checking', 'committing') FOR UPDATE),"
            " emptied AS (UPDATE app.data_import AS i SET file_key = NULL FROM old WHERE i.id = old.id),"
            " gone AS (DELETE FROM app.data_import_row AS r USING old WHERE r.import_id = old.id)"
            " SELECT file_key FROM old"
        ),
        {"moment": moment},
    )
    return [key for key in keys if key is not None]


async def report_progress(session: AsyncSession, *, import_id: int, state: str, rows_done: int) -> None:
    """Tell browsers how far a running step has come, in a transaction of its own."""
    touched = await session.execute(
        text(
            "UPDATE app.data_import SET rows_done = :rows_done WHERE id = :import_id AND state = :state"
            " AND rows_done < :rows_done"
        ),
        {"rows_done": rows_done, "import_id": import_id, "state": state},
    )
    if getattr(touched, "rowcount", 0):
        await publish(session, kind=EventKind.IMPORT_PROGRESS, ref_id=import_id)


def problem_json(error: HrxError) -> dict[str, object]:
    """An error as the import keeps it: readable in either language later."""
    return {
        "code": error.stable_code,
        "message": asdict(error.message),
        "hint": asdict(error.hint) if error.hint else None,
    }


def _checked_rows(
    found: ImportRow, table: Table, rows: Sequence[ParsedRow], plan: ImportPlan
) -> Iterator[Load]:
    cells = raw_cells(table, found["mapping"])
    for at in range(0, len(rows), BATCH):
        batch = [_row_values(found["id"], row, plan, cells(row.number)) for row in rows[at : at + BATCH]]
        yield from prepare_inserts("data_import_row", _ROW_COLUMNS, batch)


def _row_values(
    import_id: int, row: ParsedRow, plan: ImportPlan, cells: dict[str, str]
) -> tuple[object, ...]:
    changes = plan.changes.get(row.number, ())
    return (
        import_id,
        row.number,
        plan.actions[row.number],
        bool(row.problems),
        _dump(cells),
        _dump([problem.to_json() for problem in row.problems[:50]]),
        _dump([asdict(change) for change in changes]),
    )


def _dump(value: object) -> str:
    return orjson.dumps(value).decode()
