"""A look at the settings of every environment at once: what can be seen there, and why the rest cannot.

The command line, the console's page and the gate before a release all look in this one way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from hrx.kit import clock
from hrx.kit.errors import Conflict, HrxError, NotFound, Text
from hrx.ops.release.environments.ages import Age, AgeRecord
from hrx.ops.release.environments.drift import Difference, Drift, compare
from hrx.ops.release.environments.fingerprints import FingerprintKey, load_key
from hrx.ops.release.environments.matrix import SettingFinding, judge_matrix
from hrx.ops.release.environments.opening import find_source
from hrx.ops.release.environments.schema import KnownSetting, list_known
from hrx.ops.release.environments.snapshots import Snapshot, read_snapshot, take_snapshot
from hrx.ops.release.releases import Environment
from hrx.ops.settings import OpsSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What every look at environments needs."""

    settings: OpsSettings
    key: FingerprintKey
    known: Mapping[str, KnownSetting]

    @property
    def ages(self) -> AgeRecord:
        return AgeRecord(self.settings.var_dir / "ops" / "secret-ages.json")

    def file_of(self, environment: Environment) -> Path:
        """Where an imported file of fingerprints is kept."""
        return self.settings.var_dir / "ops" / "fingerprints" / f"{environment}.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """What was seen: no value in it. `silent` are environments that could not be looked at."""

    snapshots: Mapping[Environment, Snapshot]
    silent: Mapping[Environment, HrxError]
    ages: Mapping[Environment, Mapping[str, Age]]
    findings: tuple[SettingFinding, ...]

    def list_serious(self, environment: Environment) -> tuple[SettingFinding, ...]:
        """What must be put right before a release comes to this environment."""
        return tuple(one for one in self.findings if one.is_serious and one.environment is environment)


def open_desk(settings: OpsSettings) -> Desk:
    """Costs one start of the product (about 1 s), once a process. Raises Unavailable."""
    return Desk(
        settings=settings,
        key=load_key(settings.fingerprint_key_location),
        known={known.name: known for known in list_known()},
    )


def look(desk: Desk, environment: Environment) -> Snapshot:
    """The environment's snapshot: from its source, or the file that was taken in.

    Raises NotFound when nobody said where it is, and what the source raises."""
    source = find_source(desk.settings, environment)
    if source is not None:
        snapshot = take_snapshot(
            environment, source.read(), source=source.says, key=desk.key, known=desk.known
        )
        desk.ages.observe(snapshot, known=desk.known)
        return snapshot
    path = desk.file_of(environment)
    if path.exists():
        return read_snapshot(path, key=desk.key)
    raise NotFound(
        Text(
            ja=f"{environment} の設定の置き場所が分かりません",
            en=f"Nobody said where {environment}'s settings are",
        ),
        hint=Text(
            ja=f"HRX_SETTINGS_{environment.upper()} を設定するか、"
            "`hrx settings import` で取り込んでください。",
            en=f"Set HRX_SETTINGS_{environment.upper()}, or take in a file with `hrx settings import`.",
        ),
        code="settings.no_source",
    )


def list_ages(desk: Desk, snapshot: Snapshot) -> dict[str, Age]:
    """The age of each secret of one environment, by name."""
    return desk.ages.list_ages(snapshot, known=desk.known, house_days=desk.settings.secret_max_age_days)


def look_everywhere(desk: Desk) -> Matrix:
    """Every environment that can be seen, judged. Costs one call or file for each."""
    seen: dict[Environment, Snapshot] = {}
    silent: dict[Environment, HrxError] = {}
    for environment in Environment:
        try:
            seen[environment] = look(desk, environment)
        except HrxError as error:
            silent[environment] = error
    ages = {environment: list_ages(desk, snapshot) for environment, snapshot in seen.items()}
    findings = judge_matrix(seen, known=desk.known, ages=ages, now=clock.now())
    return Matrix(snapshots=seen, silent=silent, ages=ages, findings=findings)


def list_drifted(matrix: Matrix, known: Mapping[str, KnownSetting]) -> dict[str, tuple[Drift, ...]]:
    """By name, what differs between two environments and should not. Shared secrets are the matrix's affair.

    Environments whose fingerprints were made with two keys are not compared."""
    found: dict[str, tuple[Drift, ...]] = {}
    for one, other in combinations(matrix.snapshots.values(), 2):
        try:
            drifts = compare(one, other, known=known)
        except Conflict:
            continue
        for drift in drifts:
            if not drift.is_wanted and drift.difference is not Difference.SAME:
                found[drift.name] = (*found.get(drift.name, ()), drift)
    return found
