"""Encoders that an installation brings itself: a folder each, described by its `encoder.yaml`.

    kind: onnx                      # or gateway: a model of a vendor, or of a server of one's own
    languages: [ja, en]
    dimensions: 384
    query_prefix: "query: "         # as the model was trained; none unless told
    passage_prefix: "passage: "
    # onnx
    model: model.onnx
    tokenizer: tokenizer.json
    pooling: mean                   # mean, cls, last, or none where the model gives one vector a text
    longest: 512                    # pieces of a text that are read
    # gateway
    model: openai:text-embedding-3-large

Its revision is its name with a digest of all of this, and of the files beside it: whatever changes the
numbers makes another encoder of it, and vectors of two are never compared."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from hrx.kit.errors import LANGUAGES, Invalid, Language, NotFound, Text
from hrx.kit.search.encoders.protocol import Kind

FILE: Final = "encoder.yaml"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,40}")
#: The encoder that comes along; its revisions begin like this.
RESERVED: Final = "minilm"
#: A row of the index has to fit into a page of 8 kB, two bytes a number.
_MOST_DIMENSIONS: Final = 3_072
_POOLINGS: Final = ("mean", "cls", "last", "none")
_COMMON: Final = frozenset({"kind", "languages", "dimensions", "query_prefix", "passage_prefix", "model"})
_OF_KIND: Final[Mapping[str, frozenset[str]]] = {
    "onnx": _COMMON | {"tokenizer", "pooling", "longest"},
    "gateway": _COMMON,
}


class EncoderUnknown(NotFound):
    """No folder of this name describes an encoder."""

    code = "encoder.unknown"


class EncoderWrong(Invalid):
    """An encoder.yaml cannot be used as it is."""

    code = "encoder.wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """An encoder that is not opened. `model`: a file of `folder`, or `vendor:model`."""

    name: str
    folder: Path
    kind: Literal["onnx", "gateway"]
    model: str
    dimensions: int
    languages: frozenset[Language]
    query_prefix: str
    passage_prefix: str
    tokenizer: str
    pooling: str
    longest: int
    revision: str = ""

    def prefixed(self, text: str, *, kind: Kind) -> str:
        """As the model wants to read it."""
        return (self.query_prefix if kind == "query" else self.passage_prefix) + text


def list_descriptions(folder: Path | None) -> tuple[Description, ...]:
    """All that are there, by name. Raises EncoderWrong."""
    if folder is None or not folder.is_dir():
        return ()
    return tuple(
        _read(one.parent) for one in sorted(folder.glob(f"*/{FILE}")) if not one.parent.name.startswith(".")
    )


def get_description(folder: Path | None, name: str) -> Description:
    """Raises EncoderUnknown, EncoderWrong."""
    if folder is None or _NAME.fullmatch(name) is None or not (folder / name / FILE).is_file():
        raise EncoderUnknown(
            Text(ja=f"エンコーダー {name} がありません", en=f"There is no encoder {name}"),
            hint=Text(
                ja=f"HRX_ENCODERS_DIR の中の {name}/{FILE} を確かめてください。",
                en=f"Look for {name}/{FILE} in HRX_ENCODERS_DIR.",
            ),
        )
    return _read(folder / name)


def find_description(folder: Path | None, revision: str | None) -> Description | None:
    """The one of exactly this revision; None where the folder has another, or none. Raises EncoderWrong."""
    if revision is None or folder is None:
        return None
    name = revision.rpartition("-")[0]
    if _NAME.fullmatch(name) is None or not (folder / name / FILE).is_file():
        return None
    found = _read(folder / name)
    return found if found.revision == revision else None


def _read(folder: Path) -> Description:
    place = folder / FILE
    try:
        given = yaml.safe_load(place.read_text(encoding="utf-8"))
        found = _describe(folder, given)
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        told = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise EncoderWrong(
            Text(ja=f"{place} を読めません: {told}", en=f"{place} cannot be used: {told}")
        ) from error
    return _with_revision(found)


# `Any`: a file of the operator's.
def _describe(folder: Path, given: Any) -> Description:
    if not isinstance(given, dict) or given.get("kind") not in _OF_KIND:
        raise ValueError("kind must be onnx or gateway")
    strange = set(given) - _OF_KIND[given["kind"]]
    if strange:
        raise ValueError(f"{', '.join(sorted(map(str, strange)))} is not known")
    found = Description(
        name=folder.name,
        folder=folder,
        kind=given["kind"],
        model=_string(given, "model"),
        dimensions=given["dimensions"],
        languages=frozenset(given["languages"]),
        query_prefix=_string(given, "query_prefix", ""),
        passage_prefix=_string(given, "passage_prefix", ""),
        tokenizer=_string(given, "tokenizer", "tokenizer.json"),
        pooling=_string(given, "pooling", "mean"),
        longest=given.get("longest", 512),
    )
    _check(found)
    return found


def _check(found: Description) -> None:
    if _NAME.fullmatch(found.name) is None or found.name.partition("-")[0] == RESERVED:
        raise ValueError(
            "the folder's name must be small letters, digits, dots and hyphens, and not begin with minilm"
        )
    for what, number, most in (
        ("dimensions", found.dimensions, _MOST_DIMENSIONS),
        ("longest", found.longest, 32_768),
    ):
        if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= most:
            raise ValueError(f"{what} must be from 1 to {most}")
    if not found.languages or not found.languages <= set(LANGUAGES):
        raise ValueError(f"languages must be of {', '.join(LANGUAGES)}")
    if found.pooling not in _POOLINGS:
        raise ValueError(f"pooling must be one of {', '.join(_POOLINGS)}")
    if found.kind == "gateway":
        if not all(found.model.partition(":")[::2]):
            raise ValueError("model must be vendor:model")
        return
    for name in (found.model, found.tokenizer):
        if Path(name).name != name or not (found.folder / name).is_file():
            raise ValueError(f"{name} is no file of the folder")


def _string(given: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = given[name] if default is None else given.get(name, default)
    if not isinstance(value, str):
        raise ValueError(f"{name} must be text")
    return value


def _with_revision(found: Description) -> Description:
    values = {
        **{name: value for name, value in asdict(found).items() if name not in ("folder", "revision")},
        "languages": sorted(found.languages),
    }
    told = [json.dumps(values, sort_keys=True, ensure_ascii=False)]
    if found.kind == "onnx":
        # All of them: large models keep their weights in files of their own.
        told += [
            f"{one.name} {_digest(one, one.stat().st_size, one.stat().st_mtime_ns)}"
            for one in sorted(found.folder.iterdir())
            if one.is_file() and one.name != FILE and not one.name.startswith(".")
        ]
    digest = hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
    return Description(**{**_fields(found), "revision": f"{found.name}-{digest}"})


# `Any`: fields differ in type.
def _fields(found: Description) -> dict[str, Any]:
    return {name: getattr(found, name) for name in Description.__slots__}


@lru_cache(maxsize=256)
def _digest(path: Path, _size_bytes: int, _changed_ns: int) -> str:
    """About 1 s for 1 GB, once a process."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
