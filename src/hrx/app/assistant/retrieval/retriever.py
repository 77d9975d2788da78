"""A question as it is searched: its terms with weights, synonyms at half weight, how the legs are added up.

Weights are the language's, for an encoder that does not know a language ruins what words find: measured in
Japanese, equal weights with an English encoder halve MRR."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from hrx.kit.errors import Language
from hrx.kit.search.analysis import Analysis, analyse, guess_language
from hrx.kit.search.encoders.describing import EncoderWrong, find_description
from hrx.kit.search.encoders.finding import find_encoder
from hrx.kit.search.passages import is_made_here
from hrx.kit.search.synonyms import Synonyms, load_synonyms
from hrx.kit.search.weights import as_dense, place_of

_logger = logging.getLogger("hrx.assistant")
#: Terms and letter groups of a question that are looked for; a sentence has about 20 and 60.
_MOST_TERMS: Final = 128
_MOST_GRAMS: Final = 384


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """How much the best hit of a leg counts."""

    terms: float
    grams: float
    dense: float

    def without_dense(self) -> Weights:
        """What is left, in the same proportion; words alone where nothing is."""
        left = self.terms + self.grams
        if not self.dense or not left:
            return self if left else Weights(terms=1.0, grams=0.0, dense=0.0)
        return Weights(terms=self.terms / left, grams=self.grams / left, dense=0.0)


#: Japanese measured on JSQuAD. English on 762 headings of a public handbook, asked for the text below them:
#: MRR@10 .51 by words, .51 by meaning, .58 together.
WEIGHTS: Final[Mapping[Language, Weights]] = {
    "ja": Weights(terms=0.6, grams=0.4, dense=0.0),
    "en": Weights(terms=0.4, grams=0.1, dense=0.6),
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
    """What turns questions into searches; one a process.

    `folder`: where the installation's own encoders are; `asks_elsewhere`: one of them is a model behind the
    gateway. `known`: vectors that such a model made, by revision and question."""

    weights: Mapping[Language, Weights] = field(default_factory=lambda: dict(WEIGHTS))
    synonyms: Synonyms = field(default_factory=load_synonyms)
    folder: Path | None = None
    asks_elsewhere: bool = False
    known: Mapping[tuple[str, str], Sequence[float]] = field(default_factory=dict)

    def weigh(
        self, language: Language, *, dense: str | None, learned: Mapping[Language, Weights] | None = None
    ) -> Weights:
        """What is in force for a language: what was learned, else what is delivered. Delivered weights of
        meaning were measured with the encoder that comes along; another counts once questions have shown that
        it helps."""
        found = (learned or {}).get(language)
        if found is not None:
            return found
        delivered = self.weights[language]
        return delivered if dense is None or is_made_here(dense) else delivered.without_dense()

    def languages_of(self, dense: str | None) -> frozenset[Language]:
        """Those that the encoder of a revision reads; none where it is not here. May open it."""
        described = find_description(self.folder, dense)
        if described is not None:
            return described.languages
        encoder = find_encoder(dense)
        return encoder.languages if encoder is not None else frozenset()

    async def prepare(
        self,
        question: str,
        *,
        language: Language | None = None,
        dense: str | None = None,
        weights: Mapping[Language, Weights] | None = None,
    ) -> Question:
        """`dense`: the revision of the encoder whose vectors are searched, None where there are none.
        `weights`: by language, instead of the retriever's own.

        Costs about 0.1 ms, a vector 1 to 4 ms; the first of a process opens both. An encoder that is not
        installed, or does not read the language, is a leg that is off."""
        return await asyncio.to_thread(self.read, question, language=language, dense=dense, weights=weights)

    def read(
        self,
        question: str,
        *,
        language: Language | None = None,
        dense: str | None = None,
        weights: Mapping[Language, Weights] | None = None,
    ) -> Question:
        spoken = language or guess_language(question)
        found = analyse(question)
        fusion, vector = self.weigh(spoken, dense=dense, learned=weights), None
        # Where there is no word there is no meaning either, but a vector points somewhere all the same.
        if dense is not None and fusion.dense and found.terms:
            vector = self._vector(question, spoken, dense=dense)
        if vector is None:
            fusion = fusion.without_dense()
        terms = self._terms(question, found, fusion)
        told = None if vector is None else as_dense(vector)
        return Question(language=spoken, terms=terms, weights=fusion, vector=told)

    def _vector(self, question: str, spoken: Language, *, dense: str) -> Sequence[float] | None:
        if (dense, question) in self.known:
            return self.known[dense, question]
        try:
            encoder = find_encoder(dense, folder=self.folder)
            if encoder is None or spoken not in encoder.languages:
                return None
            return encoder.encode([question], kind="query")[0]
        except EncoderWrong:
            # The operator's affair, not the asker's.
            _logger.exception("No vector for a question; searched for by its words")
            return None

    def _terms(self, question: str, found: Analysis, weights: Weights) -> tuple[Term, ...]:
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
