"""What a place that keeps settings gives, whichever it is; and the two ways in which one can say no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from hrx.kit.errors import Refused, Text, Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All names of one environment and their values, which never leave the process that reads them.

    `changed_at` is by name, only where the place tells it of each by itself. `derives` are names that the
    place makes when it starts: missing here is not missing there."""

    values: Mapping[str, str] = field(repr=False)
    changed_at: Mapping[str, datetime] = field(default_factory=dict)
    derives: frozenset[str] = frozenset()
    is_machine: bool = False


class Source(Protocol):
    """A place that keeps the settings of one environment."""

    @property
    def says(self) -> str:
        """Which place, for messages: `Vault secret/hrx/production`."""

    def read(self) -> Reading:
        """Everything that is kept there. Raises SourceRefuses, SourceSilent."""


class SourceRefuses(Refused):
    """It answered and said no: the right is missing, or nothing is kept under that name."""

    code = "settings.source_refuses"


class SourceSilent(Unavailable):
    """It did not answer, or is not able to at the moment."""

    code = "settings.source_silent"


def refuses(says: str, said: str, *, hint: Text) -> SourceRefuses:
    """The error for a place that said no."""
    return SourceRefuses(Text(ja=f"{says} が断りました: {said}", en=f"{says} said no: {said}"), hint=hint)


def silent(says: str, said: str) -> SourceSilent:
    """The error for a place that cannot be asked now."""
    return SourceSilent(
        Text(ja=f"{says} に聞けません: {said}", en=f"{says} cannot be asked: {said}"),
        hint=Text(
            ja="しばらくしてもう一度実行してください。", en="Try again in a while; nothing has been changed."
        ),
    )
