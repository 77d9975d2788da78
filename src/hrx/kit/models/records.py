"""What is known of a model's version, and of each move of its aliases, as plain values and back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import orjson

from hrx.kit.errors import Conflict, Invalid, NotFound, Refused, Text, Unavailable

FORMAT: Final = 1
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_VERSION: Final = re.compile(r"[a-z][a-z0-9-]{0,39}-[0-9a-f]{12}")


class ModelInvalid(Invalid):
    """A model's name, facts or file are not what a model has."""

    code = "model.invalid"


class ModelNotFound(NotFound):
    """No such version, or an alias that names none."""

    code = "model.not_found"


class ModelNotTrusted(Refused):
    """A signature or a digest does not hold: somebody else wrote it, or it was damaged."""

    code = "model.not_trusted"


class ModelConflict(Conflict):
    """The same file was registered before with other facts."""

    code = "model.registered_otherwise"


class AliasMovedMeanwhile(Conflict):
    """Somebody else moved an alias of this model first; nothing was changed by us."""

    code = "model.alias_moved_meanwhile"


class RegistryUnavailable(Unavailable):
    """The object store does not answer, or refuses."""

    code = "model.registry_unavailable"


class Alias(StrEnum):
    """Names that point at a version. `previous` follows `live` and is never moved by itself."""

    LIVE = "live"
    SHADOW = "shadow"
    PREVIOUS = "previous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """One row with its answer, as the trainer computed it."""

    row: tuple[float, ...]
    answer: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """`version` is the model's name and twelve digits of the file's SHA-256.

    `features`: the version of the Python code that turns text into this model's numbers; a model serves only
    with exactly that code. `labels`: what each number of an answer means. `metrics`: ratios (0–1) unless
    their name says otherwise. `lineage`: data, commit and parent it comes from. `card`: what it is for and
    what it must not be used for, in ja and en."""

    model: str
    version: str
    kind: str
    sha256: str
    size_bytes: int
    features: str
    labels: tuple[str, ...]
    metrics: Mapping[str, float]
    lineage: Mapping[str, str]
    card: Mapping[str, str]
    golden: tuple[Golden, ...]
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GateCheck:
    """One rule of the gate: whether it held, and what was seen."""

    name: str
    has_held: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One move of an alias, with where every alias stands after it. Numbers count up from 1, without gaps.

    `before`: SHA-256 of the record before it; empty for the first."""

    model: str
    number: int
    alias: Alias
    versions: Mapping[str, str]
    before: str
    by: str
    at: datetime
    reason: str
    checks: tuple[GateCheck, ...] = ()

    def find(self, alias: Alias) -> str | None:
        """The version that an alias names after this move."""
        return self.versions.get(alias.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A version before it is registered: the file, and what its trainer says of it."""

    model: str
    kind: str
    content: bytes = field(repr=False)
    features: str
    labels: tuple[str, ...]
    metrics: Mapping[str, float]
    lineage: Mapping[str, str]
    card: Mapping[str, str]
    golden: tuple[Golden, ...]


def name_version(model: str, sha256: str) -> str:
    return f"{model}-{sha256[:12]}"


def require_model_name(name: str) -> str:
    """Raises ModelInvalid: names become parts of keys."""
    if _NAME.fullmatch(name) is None:
        raise _invalid(
            Text(ja=f"モデルの名前に使えません: {name!r}", en=f"Not the name of a model: {name!r}")
        )
    return name


def require_version_name(name: str) -> str:
    """Gives the model that a version is of. Raises ModelInvalid."""
    if _VERSION.fullmatch(name) is None:
        raise _invalid(
            Text(ja=f"モデルの版の名前ではありません: {name!r}", en=f"Not a model's version: {name!r}")
        )
    return name.rpartition("-")[0]


def version_to_bytes(version: ModelVersion) -> bytes:
    """Its one spelling, which is what is signed."""
    return orjson.dumps({"format": FORMAT, **asdict(version)}, option=orjson.OPT_SORT_KEYS)


def version_from_bytes(content: bytes) -> ModelVersion:
    """Raises ModelInvalid when it is none, or of a newer format."""
    values = _read(content)
    try:
        return ModelVersion(
            **{
                **values,
                "labels": tuple(values["labels"]),
                "golden": read_golden(values["golden"]),
                "created_at": datetime.fromisoformat(values["created_at"]),
            }
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(error) from error


def move_to_bytes(move: Move) -> bytes:
    return orjson.dumps({"format": FORMAT, **asdict(move)}, option=orjson.OPT_SORT_KEYS)


def move_from_bytes(content: bytes) -> Move:
    """Raises ModelInvalid when it is none, or of a newer format."""
    values = _read(content)
    try:
        return Move(
            **{
                **values,
                "alias": Alias(values["alias"]),
                "at": datetime.fromisoformat(values["at"]),
                "checks": tuple(GateCheck(**one) for one in values["checks"]),
            }
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(error) from error


# `Any`: it comes from JSON.
def read_golden(rows: Sequence[Mapping[str, Any]]) -> tuple[Golden, ...]:
    """Raises KeyError, TypeError or ValueError where a row is none."""
    return tuple(
        Golden(row=tuple(map(float, one["row"])), answer=tuple(map(float, one["answer"]))) for one in rows
    )


def _read(content: bytes) -> dict[str, Any]:
    try:
        values: dict[str, Any] = orjson.loads(content)
        if values.pop("format") != FORMAT:
            raise ValueError("format")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unreadable(error) from error
    return values


def _unreadable(error: Exception) -> ModelInvalid:
    return _invalid(
        Text(
            ja=f"モデルの記録を読めません({type(error).__name__}: {error})",
            en=f"This is no record of a model ({type(error).__name__}: {error})",
        )
    )


def _invalid(message: Text) -> ModelInvalid:
    return ModelInvalid(
        message,
        hint=Text(
            ja="登録済みの版は `hrx release models list` で確かめます。",
            en="See what is registered: `hrx release models list`.",
        ),
    )
