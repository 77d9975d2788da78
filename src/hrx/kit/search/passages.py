"""A passage as a row of the index: everything that does not depend on other passages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hrx.kit.errors import Language
from hrx.kit.search import weights
from hrx.kit.search.analysis import analyse, analyser_version
from hrx.kit.search.weights import USUAL_GRAMS, USUAL_TERMS, as_sparse, weigh

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


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedPassage:
    """`terms`, `grams`: as pgvector reads them; `grams` None where the language is written in words."""

    terms: str
    grams: str | None


def index_passage(passage: PassageText) -> IndexedPassage:
    found = analyse(passage.searched)
    terms = _most(weigh(found.terms, usual=USUAL_TERMS))
    grams = _most(weigh(found.grams, usual=USUAL_GRAMS, is_gram=True))
    return IndexedPassage(
        terms=as_sparse(terms), grams=as_sparse(grams) if passage.language == "ja" else None
    )


def lexical_version() -> str:
    """Changes when the same passage would give another row."""
    return f"passages-{analyser_version()}-{weights.VERSION}"


def _most(weighed: dict[int, float]) -> dict[int, float]:
    if len(weighed) <= _MOST:
        return weighed
    return dict(sorted(weighed.items(), key=lambda one: (-one[1], one[0]))[:_MOST])
