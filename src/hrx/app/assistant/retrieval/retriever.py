"""A question as it is searched: its terms with weights, synonyms at half weight, how the legs are added up.

Weights are the language's, for an encoder that does not know a language ruins what words find: measured in
Japanese, equal weights with an English encoder halve MRR."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from hrx.kit.errors import Language
from hrx.kit.search.analysis import analyse, guess_language
from hrx.kit.search.synonyms import Synonyms, load_synonyms
from hrx.kit.search.weights import place_of

#: Terms and letter groups of a question that are looked for; a sentence has about 20 and 60.
_MOST_TERMS: Final = 128
_MOST_GRAMS: Final = 384


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """How much the best hit of a leg counts."""

    terms: float
    grams: float
    dense: float


#: Measured on JSQuAD for Japanese; where a leg finds nothing, the others decide alone.
WEIGHTS: Final[Mapping[Language, Weights]] = {
    "ja": Weights(terms=0.6, grams=0.4, dense=0.0),
    "en": Weights(terms=1.0, grams=0.4, dense=0.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    place: int
    weight: float
    is_gram: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`vector`: as pgvector reads it; None where no encoder knows the language."""

    language: Language
    terms: tuple[Term, ...]
    weights: Weights
    vector: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retriever:
    """What turns questions into searches; one a process."""

    weights: Mapping[Language, Weights] = field(default_factory=lambda: dict(WEIGHTS))
    synonyms: Synonyms = field(default_factory=load_synonyms)

    async def prepare(self, question: str, *, language: Language | None = None) -> Question:
        """Costs about 0.1 ms; the first of a process opens the dictionary, in another thread."""
        return await asyncio.to_thread(self.read, question, language=language)

    def read(self, question: str, *, language: Language | None = None) -> Question:
        spoken = language or guess_language(question)
        weights = self.weights[spoken]
        return Question(language=spoken, terms=self._terms(question, weights), weights=weights)

    def _terms(self, question: str, weights: Weights) -> tuple[Term, ...]:
        found = analyse(question)
        weighed = dict.fromkeys(islice(found.terms, _MOST_TERMS), 1.0)
        for term, weight in self.synonyms.add_to(question, found).items():
            weighed.setdefault(term, weight)
        places = {
            place_of(term): Term(place=place_of(term), weight=weight, is_gram=False)
            for term, weight in weighed.items()
        }
        # A leg that counts for nothing costs nothing.
        for gram in islice(found.grams, _MOST_GRAMS if weights.grams else 0):
            place = place_of(gram, is_gram=True)
            places.setdefault(place, Term(place=place, weight=1.0, is_gram=True))
        return tuple(places.values())
