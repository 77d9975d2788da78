"""Settings in files: this machine's secrets and what its programs were started with, or a `.env` file."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.kit.errors import Text
from hrx.kit.settings import ENV_PREFIX
from hrx.ops.release.environments.source import Reading, refuses
from hrx.ops.targets.machine.secrets import parse_env, read_secrets

#: Marks of the stack itself, no settings.
_NOT_SETTINGS: Final = frozenset({"HRX_STACK", "HRX_PROGRAM", "HRX_DIGEST"})
#: Made by `make up` from its own ports and passwords.
_DERIVED: Final = frozenset({"HRX_DATABASE_URL", "HRX_API_URL", "HRX_SESSION_KEYS", "HRX_SEAL_KEYS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSource:
    """This machine: `var/secrets.env`, the environment of its programs, and the shell's own HRX_*."""

    var: Path
    typed: Mapping[str, str] | None = None

    @property
    def says(self) -> str:
        return f"machine {self.var}"

    def read(self) -> Reading:
        """Later ones win: secrets, what the programs have, the shell. Raises Refused for a readable file."""
        try:
            values = dict(read_secrets(self.var / "secrets.env"))
        except OSError as error:
            raise refuses(
                self.says,
                type(error).__name__,
                hint=Text(ja="所有者として実行してください。", en="Run it as the owner of that file."),
            ) from error
        for path in sorted((self.var / "run" / "env").glob("*.env")):
            values |= _read_program(path)
        values |= dict(os.environ if self.typed is None else self.typed)
        return Reading(values=_only_settings(values), derives=_DERIVED, is_machine=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSource:
    """A file of NAME=value lines that only its owner may read."""

    path: Path

    @property
    def says(self) -> str:
        return f"env-file {self.path}"

    def read(self) -> Reading:
        """Raises SourceRefuses without the file, Refused when others may read it."""
        if not self.path.is_file():
            raise refuses(
                self.says,
                "no such file",
                hint=Text(
                    ja="HRX_SETTINGS_… のパスを確かめてください。", en="Check the path in HRX_SETTINGS_…."
                ),
            )
        read_secrets(self.path)
        return Reading(values=_only_settings(parse_env(self.path.read_text())))


def _read_program(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines)
    return {name: "".join(shlex.split(quoted)) for name, _, quoted in pairs}


def _only_settings(values: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in values.items()
        if name.startswith(ENV_PREFIX) and name not in _NOT_SETTINGS and value
    }
