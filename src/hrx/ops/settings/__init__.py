"""Every setting of the operations plane: typed, with a unit, explained in both languages.

Built once in a `main` and passed down. Secrets have no default; a part whose URL or secret is missing is
shown as unknown rather than stopping the plane, for the plane must work when everything else is broken."""

from __future__ import annotations

from pathlib import Path

from hrx.kit.search.encoders.settings import EncoderSettings
from hrx.ops.settings.channels import ChannelSettings
from hrx.ops.settings.checks import CheckSettings
from hrx.ops.settings.console import ConsoleSettings
from hrx.ops.settings.dns import DnsSettings
from hrx.ops.settings.environments import EnvironmentSettings
from hrx.ops.settings.limits import LimitSettings
from hrx.ops.settings.logs import LogSettings
from hrx.ops.settings.models import ModelSettings
from hrx.ops.settings.parts import PartSettings
from hrx.ops.settings.places import HOME, PlaceSettings
from hrx.ops.settings.probe import ProbeSettings
from hrx.ops.settings.recovery import RecoverySettings
from hrx.ops.settings.releasing import ReleasingSettings
from hrx.ops.settings.status import StatusSettings
from hrx.ops.settings.targets import TargetSettings
from hrx.ops.settings.triage import TriageSettings

__all__ = ["HOME", "OpsSettings"]


# The generated reference lists the fields of the last base first.
class OpsSettings(
    EncoderSettings,
    ModelSettings,
    LimitSettings,
    LogSettings,
    ChannelSettings,
    TriageSettings,
    StatusSettings,
    DnsSettings,
    CheckSettings,
    TargetSettings,
    ReleasingSettings,
    EnvironmentSettings,
    RecoverySettings,
    ProbeSettings,
    PartSettings,
    ConsoleSettings,
    PlaceSettings,
):
    """Settings of console, runs and the `hrx` command."""

    @property
    def fingerprint_key_location(self) -> Path:
        """The key of fingerprints; beside the running system when none was named."""
        return self.fingerprint_key_file or self.var_dir / "fingerprint.key"

    @property
    def model_store_location(self) -> str:
        """The registry's URL; a folder beside the running system when none was named."""
        return self.model_store_url or f"file:{self.var_dir.resolve() / 'models'}"

    @property
    def model_signing_key_location(self) -> Path:
        """The key that signs models; beside the running system when none was named."""
        return self.model_signing_key_file or self.var_dir / "model-signing.key"
