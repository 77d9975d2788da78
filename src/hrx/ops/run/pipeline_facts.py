"""What the living system says about a deploy now: an import that writes, a restore or a switch under way."""

from __future__ import annotations

from typing import Final

from hrx.kit.errors import HrxError, Text
from hrx.ops.lock import is_abandoned, list_held
from hrx.ops.release.pipeline.calendar import Fact, Known
from hrx.ops.run.acting.bringing import find_effects_state
from hrx.ops.run.acting.database_door import look
from hrx.ops.run.plane import Plane

_IMPORTS: Final = """
SELECT COALESCE(sum(imports), 0)::bigint AS running
  FROM seam.import_count
 WHERE state IN ('checking', 'committing')
"""
#: Locks of runs that bring data back or move the database.
_RECOVERY: Final = ("database", "copy:", "tenant:")


def look_up_facts(plane: Plane) -> tuple[Fact, ...]:
    """What holds a deploy, each known or said not to be; a database that does not answer costs seconds."""
    return (_imports(plane), _recovery(plane), _effects(plane))


def _imports(plane: Plane) -> Fact:
    says = Text(ja="取り込みが実行中", en="an import is running")
    try:
        running = int(look(plane, _IMPORTS)[0]["running"])
    except HrxError:
        return Fact(id="import", known=Known.UNKNOWN, says=says)
    return Fact(id="import", known=Known.YES if running else Known.NO, says=says)


def _recovery(plane: Plane) -> Fact:
    says = Text(ja="復元か切り替えが実行中", en="a restore or a switch is under way")
    try:
        held = [one for one in list_held(plane.ledger) if not is_abandoned(one)]
    except HrxError:
        return Fact(id="recovery", known=Known.UNKNOWN, says=says)
    names = sorted(one.name for one in held if one.name.startswith(_RECOVERY))
    if names:
        says = Text(ja=f"{says.ja}({', '.join(names)})", en=f"{says.en} ({', '.join(names)})")
    return Fact(id="recovery", known=Known.YES if names else Known.NO, says=says)


def _effects(plane: Plane) -> Fact:
    says = Text(ja="復元後の外部への送信を保留中", en="outside effects are held after a restore")
    try:
        known = Known.YES if find_effects_state(plane) == "yes" else Known.NO
    except HrxError:
        known = Known.UNKNOWN
    return Fact(id="effects", known=known, says=says)
