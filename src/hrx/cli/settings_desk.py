"""What every command on environments needs: the settings, the key of fingerprints, the known names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hrx.cli.up import join_stack
from hrx.kit.settings import load
from hrx.ops.release.environments.ages import AgeRecord
from hrx.ops.release.environments.fingerprints import FingerprintKey, load_key
from hrx.ops.release.environments.schema import KnownSetting, list_known
from hrx.ops.release.releases import Environment
from hrx.ops.settings import OpsSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What every command here needs."""

    settings: OpsSettings
    key: FingerprintKey
    known: Mapping[str, KnownSetting]

    @property
    def ages(self) -> AgeRecord:
        return AgeRecord(self.settings.var_dir / "ops" / "secret-ages.json")

    def file_of(self, environment: Environment) -> Path:
        """Where an imported file of fingerprints is kept."""
        return self.settings.var_dir / "ops" / "fingerprints" / f"{environment}.json"


def open_desk() -> Desk:
    """As the running stack sees it. Costs one start of the product (about 1 s). Raises Unavailable."""
    join_stack()
    settings = load(OpsSettings)
    return Desk(
        settings=settings,
        key=load_key(settings.fingerprint_key_location),
        known={known.name: known for known in list_known()},
    )
