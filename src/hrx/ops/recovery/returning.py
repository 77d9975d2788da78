"""Bringing one tenant, or one table of it, from a copy back into the living system: accidental deletion is
the commonest loss, and going back with everybody because of it would lose everybody's day.

What is missing is put back to the byte, history as it was known then. What was changed since stays as it
is now, unless the caller says otherwise; history is never rewritten and audit trails are never touched:
that rows were brought back is a new entry in the tenant's trail. Other tenants' rows are neither changed
nor locked.

A plan is the whole work, rolled back at its end: it meets every constraint, rule and reference that the work
will meet, and its figures are exact. One transaction; run twice, the second finds nothing to do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Refused, Text
from hrx.ops.recovery.erasing import ErasureOrder, erase_within
from hrx.ops.recovery.returning_rows import (
    Scope,
    TableReturn,
    WouldContradict,
    check_references,
    choose_tables,
    find_forgotten,
    list_tables,
    order_by_parents,
    return_table,
)
from hrx.ops.seams.sessions import Session

__all__ = ["Returned", "Scope", "TableReturn", "WouldContradict", "bring_back", "plan_return"]

_SAME_TEXT: Final = (
    "SET datestyle = 'ISO, YMD'; SET timezone = 'UTC'; SET intervalstyle = 'postgres';"
    " SET extra_float_digits = 3; SET bytea_output = 'hex'; SET statement_timeout = 0"
)
# What triggers keep in step, for rows that came without them.
_SPELLS: Final = """
UPDATE app.person AS p SET employed = s.employed, hired_on = s.hired_on
FROM (SELECT x.id, coalesce(range_agg(v.employed), '{}'::datemultirange) AS employed,
             max(lower(v.employed)) AS hired_on
      FROM app.person AS x
      LEFT JOIN app.employment_version AS v ON v.person_id = x.id AND upper_inf(v.known)
      WHERE x.tenant_id = %(tenant)s GROUP BY x.id) AS s
WHERE p.id = s.id AND (p.employed, p.hired_on) IS DISTINCT FROM (s.employed, s.hired_on)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What a plan would do, or what was done. `erased_again`: people among the rows who had been erased."""

    scope: Scope
    tables: tuple[TableReturn, ...]
    erased_again: int = 0
    is_done: bool = False
    seconds: float = 0.0

    @property
    def rows(self) -> int:
        """Rows that are or would be written."""
        return sum(one.missing + one.set_back for one in self.tables)

    def as_dict(self) -> dict[str, object]:
        """Plain JSON: counts and names of tables, nothing out of a row."""
        return {
            **self.scope.as_dict(),
            "rows": self.rows,
            "is_done": self.is_done,
            "erased_again": self.erased_again,
            "seconds": self.seconds,
            "tables": {
                one.table: {"missing": one.missing, "set_back": one.set_back, "left": one.left}
                for one in self.tables
            },
        }


class _RolledBack(Exception):
    """A plan's work, taken back."""


def plan_return(
    copy: Session, living: Session, scope: Scope, *, orders: tuple[ErasureOrder, ...] = ()
) -> Returned:
    """What bringing this back would do, exactly; changes nothing. See `bring_back`."""
    found: list[Returned] = []
    try:
        with living.transaction():
            found.append(_work(copy, living, scope, orders=orders, correlation_id="", moment=None))
            raise _RolledBack
    except _RolledBack:
        return found[0]


def bring_back(
    copy: Session,
    living: Session,
    scope: Scope,
    *,
    expected_rows: int,
    correlation_id: str,
    moment: datetime | None,
    orders: tuple[ErasureOrder, ...] = (),
) -> Returned:
    """Do it. `living` is a session of hrx_restore, open for writing; `moment` is the copy's, for the trail;
    `orders`: people erased meanwhile, who are erased among the rows too.

    Raises Refused when it would write another number of rows than `expected_rows`, which is what was
    approved (none is harmless: it was done before); Invalid, WouldContradict, SessionLost."""
    with living.transaction():
        done = _work(copy, living, scope, orders=orders, correlation_id=correlation_id, moment=moment)
        if done.rows not in (0, expected_rows):
            raise Refused(
                Text(
                    ja=f"承認された {expected_rows:,} 行ではなく {done.rows:,} 行になります。"
                    "何も変えていません",
                    en=f"It would be {done.rows:,} rows, not the {expected_rows:,} that were approved. "
                    "Nothing was changed",
                ),
                hint=Text(
                    ja="その後に行が変わりました。`hrx recover bring-back` で計画し直します。",
                    en="Rows have changed since. Plan again with `hrx recover bring-back`.",
                ),
                code="recovery.rows_moved",
            )
    return replace(done, is_done=True)


def _work(
    copy: Session,
    living: Session,
    scope: Scope,
    *,
    orders: tuple[ErasureOrder, ...],
    correlation_id: str,
    moment: datetime | None,
) -> Returned:
    began = clock.monotonic_s()
    for session in (copy, living):
        session.rows(_SAME_TEXT)
        _require_all_rows(session)
    here, there = list_tables(living), list_tables(copy)
    chosen = choose_tables(scope, here, there, order_by_parents(living, list(here)))
    tenant = {"tenant": scope.tenant}
    # Whoever records something takes this row: nobody of this tenant writes people meanwhile.
    living.rows("SELECT 1 FROM app.knowledge_clock WHERE tenant_id = %(tenant)s FOR UPDATE", tenant)
    before = _count_broken_rules(living)
    living.row("SET LOCAL session_replication_role = replica")
    forgotten, absent = find_forgotten(copy, living, orders, scope.tenant)
    tables = tuple(return_table(copy, living, one, scope, forgotten) for one in chosen)
    returned = Returned(
        scope=scope, tables=tuple(one for one in tables if one.missing or one.left or one.set_back)
    )
    if returned.rows:
        living.rows(_SPELLS, tenant)
        erased = _erase_again(living, absent, correlation_id)
        living.row("SET LOCAL session_replication_role = origin")
        check_references(living, [one.table for one in returned.tables], scope.tenant)
        _check_rules(living, before)
        _tell_tenant(living, returned, correlation_id=correlation_id, moment=moment)
        returned = replace(returned, erased_again=erased)
    return replace(returned, seconds=round(clock.monotonic_s() - began, 3))


def _require_all_rows(session: Session) -> None:
    """A role under row-level security would be shown half the rows, and what it cannot see seems missing."""
    sees = session.row("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
    if sees != (True,):
        raise Refused(
            Text(
                ja="この役割では全テナントの行を見られません",
                en="This role does not see every tenant's rows",
            ),
            code="recovery.sees_too_little",
        )


def _erase_again(living: Session, orders: tuple[ErasureOrder, ...], correlation_id: str) -> int:
    """Somebody erased since the copy's moment must not come back with the rows."""
    back = 0
    for order in orders:
        known = living.row(
            "SELECT 1 FROM app.person WHERE tenant_id = %(tenant)s AND id = %(person)s",
            {"tenant": order.tenant, "person": order.person},
        )
        if known:
            erase_within(living, order, correlation_id=correlation_id)
            back += 1
    return back


def _count_broken_rules(living: Session) -> dict[str, int]:
    return dict(tuple(row) for row in living.rows("SELECT check_name, violations FROM seam.integrity"))


def _check_rules(living: Session, before: Mapping[str, int]) -> None:
    """No rule of the product is broken more often than it was. Raises WouldContradict."""
    after = _count_broken_rules(living)
    worse = sorted(name for name, count in after.items() if count > before.get(name, 0))
    if worse:
        raise WouldContradict(
            Text(
                ja=f"戻した行は今の記録と矛盾します({'、'.join(worse)})。何も変えていません",
                en=f"The rows contradict what is recorded by now ({', '.join(worse)}). Nothing was changed",
            ),
            hint=Text(
                ja="表や行を絞るか、製品の画面で今の記録を直してからもう一度計画します。",
                en="Choose fewer rows, or correct what is recorded now in the product, and plan again.",
            ),
        )


def _tell_tenant(
    living: Session, returned: Returned, *, correlation_id: str, moment: datetime | None
) -> None:
    """One entry in the tenant's own trail; whatever was read before is read anew."""
    details = {
        "from": moment.isoformat() if moment else None,
        "tables": {one.table: one.missing + one.set_back for one in returned.tables},
    }
    who: dict[str, object] = {
        "tenant": returned.scope.tenant,
        "details": json.dumps(details),
        "id": correlation_id,
    }
    living.row(
        "INSERT INTO app.audit_entry (tenant_id, action, details, correlation_id)"
        " VALUES (%(tenant)s, 'data.brought_back_by_operations', %(details)s::jsonb, left(%(id)s, 64))",
        who,
    )
    living.row(
        "INSERT INTO app.data_version AS v (tenant_id, version) VALUES (%(tenant)s, 1)"
        " ON CONFLICT (tenant_id) DO UPDATE SET version = v.version + 1",
        who,
    )
    living.row(
        "INSERT INTO app.knowledge_clock AS c (tenant_id, moment) VALUES (%(tenant)s, clock_timestamp())"
        " ON CONFLICT (tenant_id) DO UPDATE"
        " SET moment = greatest(clock_timestamp(), c.moment + interval '1 microsecond')",
        who,
    )
