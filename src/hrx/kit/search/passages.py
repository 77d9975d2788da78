"""A passage as a row of the index: everything that does not depend on other passages."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from hrx.kit.errors import Language
from hrx.kit.search import weights
from hrx.kit.search.analysis import analyse, analyser_version
from hrx.kit.search.encoders.describing import RESERVED
from hrx.kit.search.encoders.finding import can_read, find_encoder
from hrx.kit.search.weights import USUAL_GRAMS, USUAL_TERMS, as_dense, as_sparse, weigh

#: Before the digest of a row that should have a vector and has none yet.
LACKING: Final = "without a vector "
#: A sparse vector of pgvector has at most 16,000 entries: of a passage that is no passage, the terms that
#: count least are left out.
_MOST: Final = 8_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageText:
    """`headings`: title first. They are searched with the body."""

    headings: Sequence[str]
    body: str
    language: Language

    @property
    def searched(self) -> str:
        return "\n".join((*self.headings, self.body))

    @property
    def digest(self) -> str:
        """As the builder of the index asks the database for it."""
        return hashlib.md5(self.searched.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedPassage:
    """As pgvector reads them. `grams` is None where the language is written in words; `embedding` where the
    encoder does not read it. `lacks_embedding`: it should have one, and the encoder is not here."""

    terms: str
    grams: str | None
    embedding: str | None = None
    lacks_embedding: bool = False


def index_passages(passages: Sequence[PassageText], *, dense: str | None) -> list[IndexedPassage]:
    """Rows with the vectors of the encoder of revision `dense`; None: without.

    Costs about 2 ms a passage, 10 ms more with a vector (one core)."""
    indexed = [index_passage(one) for one in passages]
    if dense is None:
        return indexed
    encoder = find_encoder(dense)
    if encoder is None:
        return [replace(one, lacks_embedding=True) for one in indexed]
    for language in encoder.languages:
        places = [at for at, one in enumerate(passages) if one.language == language]
        texts = [passages[at].searched for at in places]
        if can_read(encoder, texts, language=language):
            for at, vector in zip(places, encoder.encode(texts, kind="passage"), strict=True):
                indexed[at] = replace(indexed[at], embedding=as_dense(vector))
    return indexed


def index_passage(passage: PassageText) -> IndexedPassage:
    found = analyse(passage.searched)
    terms = _most(weigh(found.terms, usual=USUAL_TERMS))
    grams = _most(weigh(found.grams, usual=USUAL_GRAMS, is_gram=True))
    return IndexedPassage(
        terms=as_sparse(terms), grams=as_sparse(grams) if passage.language == "ja" else None
    )


def lexical_version() -> str:
    """Changes when the same passage would give other words or letter groups."""
    return f"passages-{analyser_version()}-{weights.VERSION}"


def index_version(dense: str | None) -> str:
    """Of a generation whose vectors are by the encoder of this revision; None: it has none."""
    return lexical_version() if dense is None else f"{lexical_version()}+{dense}"


def find_dense(version: str) -> str | None:
    """The revision of the encoder in the version of a generation."""
    return version.partition("+")[2] or None


def is_made_here(dense: str) -> bool:
    """Whether vectors of this encoder are written with the words: the one that comes along. Those of others
    are made by the worker afterwards, which may take long and cost something."""
    return dense.startswith(f"{RESERVED}-")


def lacking(digest: str, indexed: IndexedPassage) -> str:
    """The digest of a row; of one that lacks its vector another, so that whoever makes vectors finds it."""
    return f"{LACKING}{digest}" if indexed.lacks_embedding else digest


def _most(weighed: dict[int, float]) -> dict[int, float]:
    if len(weighed) <= _MOST:
        return weighed
    return dict(sorted(weighed.items(), key=lambda one: (-one[1], one[0]))[:_MOST])
