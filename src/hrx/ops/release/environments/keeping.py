"""One secret where it is kept, read and replaced: nobody's change in between is written over.

A place that keeps settings either has the whole new value or the whole former one, whatever happens."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from hrx.kit.errors import Conflict, NotFound, Text
from hrx.ops.targets.machine.secrets import GENERATED, put_value, read_secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One secret as it was read; empty when none is kept. `version` is the place's own word for it."""

    value: str = field(repr=False)
    version: str = ""


class Keeper(Protocol):
    """A place where one secret at a time is read and replaced."""

    @property
    def says(self) -> str:
        """Which place, for messages: `Vault secret/hrx/production`."""

    def read_one(self, name: str) -> Held:
        """The secret now; an empty one when none is kept. Raises SourceRefuses, SourceSilent."""

    def replace(self, name: str, value: str, *, held: Held) -> None:
        """Put `value` in place of what was read, wholly or not at all.

        Raises SecretMoved when it is no longer that, SourceRefuses, SourceSilent. After SourceSilent it may
        or may not have been done: read it again."""


class SecretMoved(Conflict):
    """Somebody else has changed what is kept there since it was read."""

    code = "settings.secret_moved"


def moved(says: str, name: str) -> SecretMoved:
    """The error for a secret that is no longer what was read."""
    return SecretMoved(
        Text(
            ja=f"{says} の {name} が、読んだあとで変わりました。何も書いていません",
            en=f"{name} in {says} has changed since it was read; nothing was written",
        ),
        hint=Text(
            ja=f"誰が変えたかを確かめ、もう一度 `hrx settings rotate {name}` を実行してください。",
            en=f"Find out who changed it, then run `hrx settings rotate {name}` again.",
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKeeper:
    """A file of NAME=value lines that only its owner may read."""

    path: Path

    @property
    def says(self) -> str:
        return f"env-file {self.path}"

    def read_one(self, name: str) -> Held:
        return Held(value=read_secrets(self.path).get(name, ""))

    def replace(self, name: str, value: str, *, held: Held) -> None:
        if self.read_one(name).value != held.value:
            raise moved(self.says, name)
        if not held.value:
            raise NotFound(
                Text(ja=f"{self.says} に {name} はありません", en=f"{self.says} has no {name}"),
                hint=Text(
                    ja=f"{name} をそのファイルに書いてから交換してください。",
                    en=f"Write {name} into that file first; then it can be rotated.",
                ),
                code="settings.not_kept",
            )
        put_value(self.path, name, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineKeeper:
    """This machine: what was made here in its file of secrets, what a person set in the checkout's `.env`."""

    secrets_file: Path
    env_file: Path

    @property
    def says(self) -> str:
        return f"machine {self.secrets_file.parent}"

    def read_one(self, name: str) -> Held:
        return self._file(name).read_one(name)

    def replace(self, name: str, value: str, *, held: Held) -> None:
        self._file(name).replace(name, value, held=held)

    def _file(self, name: str) -> FileKeeper:
        return FileKeeper(path=self.secrets_file if name in GENERATED else self.env_file)


def is_one_secret(value: str) -> bool:
    """Whether this can be one key of a list: no comma, no space, nothing that ends a line."""
    return re.fullmatch(r"[!-+\--~]{8,4096}", value) is not None
