"""What the page of environments shows: how each setting stands in each of them, and never a value.

Not even a setting that is no secret is shown by value here: one page for every environment is read by more
people than each of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import HrxError, Text
from hrx.ops.console.release_views import ENVIRONMENTS
from hrx.ops.release.environments.drift import Drift
from hrx.ops.release.environments.looking import Matrix, list_drifted, look_everywhere, open_desk
from hrx.ops.release.environments.matrix import SettingFinding, Trouble
from hrx.ops.release.environments.schema import KnownSetting
from hrx.ops.release.releases import Environment
from hrx.ops.settings import OpsSettings

TROUBLES: Final = {
    Trouble.MISSING: Text(ja="不足", en="missing"),
    Trouble.UNKNOWN: Text(ja="知らない名前", en="unknown name"),
    Trouble.UNUSED: Text(ja="効いていない", en="unused"),
    Trouble.DEVELOPMENT_ONLY: Text(ja="開発用", en="for development"),
    Trouble.SHARED: Text(ja="環境間で共有", en="shared"),
    Trouble.REUSED: Text(ja="使い回し", en="used twice"),
    Trouble.WEAK: Text(ja="弱い", en="weak"),
    Trouble.TOO_OLD: Text(ja="交換の時期", en="too old"),
}
_SET: Final = Text(ja="設定済み", en="set")
_DERIVED: Final = Text(ja="起動時に決まる", en="made at start")
_DEFAULT: Final = Text(ja="既定値", en="default")
_NOT_SET: Final = Text(ja="未設定", en="not set")
_DRIFTED: Final = Text(ja="環境で違う", en="drifted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One setting in one environment. `print` begins its keyed fingerprint; `says` tells what is wrong."""

    state: Text
    look: str
    print: str
    age: Text | None
    says: tuple[Text, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One setting in each environment that could be seen."""

    name: str
    is_secret: bool
    is_required: bool
    cells: tuple[Cell, ...]
    is_serious: bool
    is_troubled: bool
    is_set: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One environment: where its settings are, or why they cannot be seen."""

    name: Text
    source: str
    taken_at: datetime | None
    error: HrxError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixView:
    """The whole page. `rows` have those with trouble first."""

    columns: tuple[Column, ...]
    silent: tuple[Column, ...]
    rows: tuple[Row, ...]
    serious: int
    lesser: int


def show_matrix(settings: OpsSettings) -> MatrixView:
    """Look everywhere now. Costs one call or file for each environment. Raises Unavailable."""
    desk = open_desk(settings)
    matrix = look_everywhere(desk)
    drifted = list_drifted(matrix, desk.known)
    found: dict[tuple[str, Environment], list[SettingFinding]] = defaultdict(list)
    for finding in matrix.findings:
        found[finding.name, finding.environment].append(finding)
    named = {name for snapshot in matrix.snapshots.values() for name in snapshot.entries}
    rows = [
        _row(name, matrix, found, drifted.get(name, ()), desk.known.get(name))
        for name in {*desk.known, *named}
    ]
    rows.sort(key=lambda row: (not row.is_serious, not row.is_troubled, not row.is_set, row.name))
    serious = sum(finding.is_serious for finding in matrix.findings)
    return MatrixView(
        columns=tuple(
            Column(name=ENVIRONMENTS[one], source=shot.source, taken_at=shot.taken_at, error=None)
            for one, shot in matrix.snapshots.items()
        ),
        silent=tuple(
            Column(name=ENVIRONMENTS[one], source="", taken_at=None, error=error)
            for one, error in matrix.silent.items()
        ),
        rows=tuple(rows),
        serious=serious,
        lesser=len(matrix.findings) - serious + len(drifted),
    )


def _row(
    name: str,
    matrix: Matrix,
    found: Mapping[tuple[str, Environment], list[SettingFinding]],
    drifted: tuple[Drift, ...],
    known: KnownSetting | None,
) -> Row:
    cells = tuple(
        _cell(name, matrix, environment, found.get((name, environment), []), bool(drifted), known)
        for environment in matrix.snapshots
    )
    mine = [finding for environment in matrix.snapshots for finding in found.get((name, environment), ())]
    return Row(
        name=name,
        is_secret=known is None or known.is_secret,
        is_required=known is not None and known.is_required,
        cells=cells,
        is_serious=any(finding.is_serious for finding in mine),
        is_troubled=bool(mine) or bool(drifted),
        is_set=any(name in snapshot.entries for snapshot in matrix.snapshots.values()),
    )


def _cell(
    name: str,
    matrix: Matrix,
    environment: Environment,
    findings: list[SettingFinding],
    has_drifted: bool,
    known: KnownSetting | None,
) -> Cell:
    snapshot = matrix.snapshots[environment]
    entry, age = snapshot.entries.get(name), matrix.ages[environment].get(name)
    state, look = _plain_state(name in snapshot.entries, name in snapshot.derives, known)
    if has_drifted and entry is not None:
        state, look = _DRIFTED, "degraded"
    if findings:
        worst = min(findings, key=lambda finding: not finding.is_serious)
        state, look = TROUBLES[worst.trouble], "down" if worst.is_serious else "degraded"
    days = age.days(clock.now()) if age else 0
    return Cell(
        state=state,
        look=look,
        print=entry.fingerprint[:6] if entry else "",
        age=Text(
            ja=f"{'' if age.is_exact else '少なくとも '}{days} 日 / {age.max_days} 日",
            en=f"{'' if age.is_exact else 'at least '}{days} of {age.max_days} days",
        )
        if age
        else None,
        says=tuple(finding.says for finding in findings),
    )


def _plain_state(is_there: bool, is_derived: bool, known: KnownSetting | None) -> tuple[Text, str]:
    """How it stands when nothing is wrong with it."""
    if is_there:
        return _SET, "ok"
    if is_derived:
        return _DERIVED, "resting"
    return (_DEFAULT if known is not None and known.default is not None else _NOT_SET), "unknown"
