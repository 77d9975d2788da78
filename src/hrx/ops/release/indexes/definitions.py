"""What is indexed, and how: `runbook/indexes.yaml`. Definition and encoder are the version of an index."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Protocol

from hrx.kit.errors import NotFound, Refused, Text
from hrx.kit.ngrams import VERSION, encode_ngrams
from hrx.kit.search.encoders.describing import get_description, list_descriptions
from hrx.kit.search.encoders.places import find_revision
from hrx.kit.search.encoders.settings import EncoderSettings
from hrx.kit.search.passages import find_dense, index_version, is_made_here, lexical_version
from hrx.ops.plan import canonical_json
from hrx.ops.runbook.reading import Node, as_node, read_yaml, wrong

FILE: Final = "indexes.yaml"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,30}")
_COLUMN: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class IndexUnknown(NotFound):
    """No index of this name is defined."""

    code = "index.unknown"


class EncoderGone(Refused):
    """This release has no code for the encoder that a generation was built with."""

    code = "index.encoder_gone"


class Encoder(Protocol):
    """Turns texts into vectors. `version` changes when the same text would give other numbers; `model` is the
    registered model it needs, None for plain code."""

    @property
    def version(self) -> str: ...
    @property
    def dimensions(self) -> int: ...
    @property
    def model(self) -> str | None: ...
    def encode(self, texts: Sequence[str]) -> list[list[float]]: ...


@dataclass(frozen=True, slots=True)
class NgramEncoder:
    """Letter groups: needs no model, knows spelling in any language."""

    dimensions: int
    model: str | None = None

    @property
    def version(self) -> str:
        return f"ngrams-{self.dimensions}-{VERSION}"

    def encode(self, texts: Sequence[str]) -> list[list[float]]:
        return [encode_ngrams(one, dimensions=self.dimensions) for one in texts]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexDefinition:
    """Rows of a table with a tenant and a key (bigint) that never changes. `text`: columns that are searched,
    put together; `where`: SQL of our own that leaves rows out."""

    name: str
    source: str
    key: str
    tenant: str
    text: tuple[str, ...]
    where: str
    encoder: str


@dataclass(frozen=True, slots=True)
class PassageEncoder:
    """Words and letter groups of documents, and their vectors by the encoder of revision `dense`, if any; see
    `hrx.kit.search`."""

    dense: str | None
    dimensions: int = 0
    model: str | None = None

    @property
    def version(self) -> str:
        return index_version(self.dense)

    def encode(self, texts: Sequence[str]) -> list[list[float]]:
        return [[] for _ in texts]


#: The encoder of the passages of documents.
PASSAGES: Final = "passages"
#: By the name that definitions use.
ENCODERS: Final[dict[str, Encoder]] = {
    "ngrams-256": NgramEncoder(dimensions=256),
    "ngrams-512": NgramEncoder(dimensions=512),
    PASSAGES: PassageEncoder(dense=find_revision()),
}


def choose_encoder(definition: IndexDefinition, settings: EncoderSettings | None) -> Encoder:
    """What the next generation of an index is built with here; without settings by what comes along.

    Raises EncoderUnknown, EncoderWrong."""
    if definition.encoder != PASSAGES or settings is None or settings.search_encoder is None:
        return ENCODERS[definition.encoder]
    found = get_description(settings.encoders_dir, settings.search_encoder)
    return PassageEncoder(dense=found.revision, dimensions=found.dimensions)


def load_definitions(runbook: Path) -> dict[str, IndexDefinition]:
    """By name. Raises ContentWrong with file and place."""
    root = as_node(read_yaml(runbook / FILE), place=FILE)
    return {name: _definition(name, root.node(name)) for name in root.values}


def get_definition(runbook: Path, name: str) -> IndexDefinition:
    """Raises IndexUnknown, ContentWrong."""
    known = load_definitions(runbook)
    if name not in known:
        listed = ", ".join(sorted(known))
        raise IndexUnknown(
            Text(ja=f"検索インデックス {name} は定義されていません", en=f"No search index {name} is defined"),
            hint=Text(ja=f"runbook/{FILE} にあるもの: {listed}", en=f"Those of runbook/{FILE}: {listed}."),
        )
    return known[name]


def get_encoder(version: str, *, folder: Path | None = None) -> Encoder:
    """The encoder that a generation was built with. `folder`: where the installation's own are.

    Raises EncoderGone, EncoderWrong."""
    found = next((one for one in _list_encoders(folder) if one.version == version), None)
    if found is None:
        raise EncoderGone(
            Text(
                ja=f"この版のコードには、エンコーダー {version} がありません",
                en=f"The code of this release has no encoder {version}",
            ),
            hint=Text(
                ja="今のエンコーダーで作り直します: `hrx release indexes build 名前`",
                en="Build it with the present encoder: `hrx release indexes build NAME`.",
            ),
        )
    return found


def is_known(version: str) -> bool:
    """Whether this release can search what an encoder made: passages by their words, if not by vectors."""
    return version.partition("+")[0] == lexical_version() or any(
        one.version == version for one in ENCODERS.values()
    )


def has_vectors(version: str) -> bool:
    """Whether a generation of this version has vectors of passages."""
    return find_dense(version) is not None


def is_written_whole(version: str) -> bool:
    """Whether rows of this version get vectors together with their words."""
    dense = find_dense(version)
    return dense is not None and is_made_here(dense)


def _list_encoders(folder: Path | None) -> Iterator[Encoder]:
    yield from ENCODERS.values()
    # Passages without vectors can be written wherever those with vectors can.
    yield PassageEncoder(dense=None)
    for one in list_descriptions(folder):
        yield PassageEncoder(dense=one.revision, dimensions=one.dimensions)


def version_of(definition: IndexDefinition, encoder: Encoder) -> str:
    """Twelve digits: another source, text or encoder is another version."""
    told = {**asdict(definition), "encoder_version": encoder.version, "dimensions": encoder.dimensions}
    return hashlib.sha256(canonical_json(told)).hexdigest()[:12]


def _definition(name: str, node: Node) -> IndexDefinition:
    found = IndexDefinition(
        name=name,
        source=node.string("source"),
        key=node.string("key"),
        tenant=node.string("tenant"),
        text=node.strings("text"),
        where=node.find_string("where") or "true",
        encoder=node.string("encoder"),
    )
    columns = (*found.source.split("."), found.key, found.tenant, *found.text)
    if _NAME.fullmatch(name) is None or not all(_COLUMN.fullmatch(one) for one in columns):
        raise wrong(node.place, "names a table or column that is none")
    if found.source.count(".") != 1 or not found.text:
        raise wrong(node.place, "needs source: schema.table and at least one column of text")
    if found.encoder not in ENCODERS:
        raise wrong(f"{node.place}.encoder", f"must be one of {', '.join(sorted(ENCODERS))}")
    return found
