"""Powers that take the schema down for older code, and up again. What is lost is counted once more before:
more than was approved is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Refused, Text
from hrx.ops.recovery.living import opened_living
from hrx.ops.recovery.site import open_site
from hrx.ops.recovery.standing import read_standing
from hrx.ops.release.asking import read_graph
from hrx.ops.release.building.building import find_code, is_built
from hrx.ops.release.migrations.deciding import RPO, VerifiedBackup
from hrx.ops.release.migrations.running import MigrationRun, downgrade_to, read_current, upgrade_to
from hrx.ops.release.rollback.counting import count_rows, count_values
from hrx.ops.release.shape_reading import read_shape
from hrx.ops.release.shapes import table_of
from hrx.ops.run.acting.spec import ActionSpec, Evidence
from hrx.ops.run.plane import Plane
from hrx.ops.run.rollouts import find_this_place

_OWNER: Final = "hrx_owner"

Params = Mapping[str, str]


class LosesMore(Refused):
    """Since the approval more was written into what would be lost."""

    code = "rollback.loses_more"


class RowsInTheWay(Refused):
    """Rows were written that the older release cannot have."""

    code = "rollback.rows_in_the_way"


def find_backup(plane: Plane) -> VerifiedBackup | None:
    """What a restore has shown to come back. Raises PlaceUnavailable."""
    proven_at = read_standing(open_site(plane.settings)).newest_proven_at
    if proven_at is None:
        return None
    return VerifiedBackup(id="proven", covers_until=proven_at, verified_at=proven_at)


def has_fresh_backup(plane: Plane) -> bool:
    """Whether it covers all but the last minutes (`RPO`): the runner of migrations asks for no less."""
    found = find_backup(plane)
    return found is not None and clock.now() - found.covers_until <= RPO


def read_losses(said: str) -> dict[str, int | None]:
    """`app.person.nickname=12,app.person.kana=` back from a plan's parameter; None where nobody knows."""
    pairs = (one.partition("=") for one in said.split(",") if one)
    return {name: int(count) if count else None for name, _, count in pairs}


def say_losses(losses: Mapping[str, int | None]) -> str:
    return ",".join(f"{name}={'' if count is None else count}" for name, count in sorted(losses.items()))


def _count(plane: Plane, params: Params, _timeout_s: float) -> Evidence:
    """Nobody runs by now, so what is counted stays true. Raises RowsInTheWay."""
    place, subjects = find_this_place(plane.settings), params["subjects"].split(",")
    older = [one.shape for one in place.store.list_all() if one.id == params["to"] and one.shape is not None]
    graph = read_graph(place.store, place.environment, migrations=_find_migrations(plane, params["live"])[0])
    floor = graph.find_shape(params["floor"]) if params["floor"] else None
    older += [floor] if floor is not None else []
    url = plane.target.database_url(_OWNER)
    with opened_living(open_site(plane.settings)) as session:
        found = count_rows(session, read_shape(url), older).breaking
    in_the_way = {one: found.get(one) for one in subjects if found.get(one) != 0}
    if in_the_way:
        named = ", ".join(f"{one} {'?' if count is None else count}" for one, count in in_the_way.items())
        raise RowsInTheWay(
            Text(
                ja=f"止めるまでの間に、戻した版を壊す行が書かれました: {named}",
                en=f"Until the stop rows were written that break the older release: {named}",
            ),
            hint=Text(ja="計画を作り直してください。", en="Plan again."),
        )
    return {"counted": subjects}


def _downgrade(plane: Plane, params: Params, _timeout_s: float) -> Evidence:
    url = plane.target.database_url(_OWNER)
    losses = read_losses(params["losses"])
    if read_current(url) == params["schema"]:
        _require_no_more(plane, losses)
    folder, python = _find_migrations(plane, params["live"])
    allowed = set(losses) | {table_of(name) for name in losses}
    allowed |= set(params["lose"].split(","))
    done = downgrade_to(
        url,
        params["floor"],
        folder=folder,
        python=python,
        approved_loss=frozenset(allowed),
        backup=find_backup(plane) if losses else None,
        rpo=RPO,
    )
    return {**_evidence(done), "lost": dict(losses)}


def _upgrade(plane: Plane, params: Params, _timeout_s: float) -> Evidence:
    folder, python = _find_migrations(plane, params["live"])
    url = plane.target.database_url(_OWNER)
    done = upgrade_to(url, params["schema"], folder=folder, python=python, backup=None, rpo=RPO)
    return _evidence(done)


def _evidence(done: MigrationRun) -> Evidence:
    return {"before": done.before, "after": done.after, "ran": [one.revision for one in done.ran]}


def _require_no_more(plane: Plane, losses: Mapping[str, int | None]) -> None:
    """Raises LosesMore. What comes back empty was lost long ago."""
    counted = {name: count for name, count in losses.items() if count is not None}
    if not counted:
        return
    with opened_living(open_site(plane.settings)) as session:
        now = count_values(session, sorted(counted))
    more = {name: now[name] for name in counted if now[name] > counted[name]}
    if more:
        named = ", ".join(f"{name} {counted[name]:,} → {count:,}" for name, count in sorted(more.items()))
        raise LosesMore(
            Text(
                ja=f"承認のあとに値が増えました: {named}",
                en=f"More would be lost than was approved: {named}",
            ),
            hint=Text(
                ja="計画を作り直し、もう一度承認を受けてください。",
                en="Plan again and have that approved.",
            ),
        )


def _find_migrations(plane: Plane, live: str) -> tuple[Path, str]:
    """Those of the newest release: an older one does not know the way."""
    place = find_this_place(plane.settings)
    release = place.store.get(live)
    if not is_built(place.store, release):
        raise Refused(
            Text(
                ja=f"{live} のビルドが残っていないため、戻すマイグレーションがありません",
                en=f"The build of {live} is gone, and with it the migrations that lead down",
            ),
            code="rollback.no_migrations",
        )
    code = find_code(place.store, release)
    return code.code / "migrations", str(code.python)


ACTIONS: Final = (
    ActionSpec(
        id="rollback.count",
        title=Text(ja="もう一度数える", en="Count once more what the older release relies on"),
        only_reads=True,
        perform=_count,
        params=("to",),
    ),
    ActionSpec(
        id="rollback.downgrade",
        title=Text(ja="スキーマを戻す", en="Take the schema down"),
        only_reads=False,
        perform=_downgrade,
        params=("to", "lose"),
    ),
    ActionSpec(
        id="rollback.upgrade",
        title=Text(ja="スキーマを上げ直す", en="Take the schema up again"),
        only_reads=False,
        perform=_upgrade,
        params=("to",),
    ),
)
