"""The sentences of found passages that answer best, for answers that no model writes.

A sentence is judged by the rare terms of the question that stand in it, by what it stands under, and by the
place of its passage among those found; where the question asks for an amount, by whether it names one.

What is chosen out of a short paragraph is quoted with all of it: an exception without its rule answers
wrongly."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from hrx.app.assistant.answering.concepts import Concept, share_of, terms_of
from hrx.app.assistant.answering.sentences import Sentence, list_sentences, with_short_paragraph
from hrx.app.assistant.retrieval.finding import Passage
from hrx.kit.errors import Language
from hrx.kit.search.analysis import fold

MOST_QUOTES: Final = 3
#: Part of a question that a passage must hold to answer it. Measured on two public handbooks (decision 0021):
#: 28 of 32 questions that they answer are answered in Japanese and 27 of 28 in English, and 2 of 30 and 1 of
#: 25 that they do not.
LEAST_ANSWERED: Final[Mapping[Language, float]] = {"ja": 0.55, "en": 0.6}
#: A second sentence must be nearly as good as the first.
_NEARLY: Final = 0.8
_UNDER_HEADING: Final = 0.35
_OF_PLACE: Final = 0.25
_OF_AMOUNT: Final = 0.12
_LONG_CHARS: Final = 400
_AMOUNT: Final = re.compile(
    r"何[日回人月年歳円週時分割%件本枚か]|何パーセント|いくら|いくつ|いつ|どれくらい|どのくらい|どの程度"
    r"|\bhow (?:many|much|long|often|old|soon)\b|\bwhen\b|\bby what date\b"
)
_NUMBER: Final = re.compile(
    r"\d|[一二三四五六七八九十]+[日か月年回人週時]|\b(?:two|three|four|five|six|seven|ten)\b"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A sentence of a passage, or the short paragraph that it stands in. `start`, `end` count in the
    passage's body; `share` is of the question."""

    passage: Passage
    sentence: Sentence
    share: float
    score: float


def choose_quotes(
    question: str, passages: Sequence[Passage], concepts: Sequence[Concept], *, most: int = MOST_QUOTES
) -> list[Quote]:
    """The best sentences, the best first; none where there are no passages."""
    units = [(passage, one) for passage in passages for one in list_sentences(passage.body)]
    if not concepts or not units:
        return []
    asks_amount = _AMOUNT.search(fold(question)) is not None
    highest = max(passage.score for passage in passages) or 1.0
    quotes = []
    under = {passage.id: share_of(concepts, terms_of("\n".join(above(passage)))) for passage in passages}
    for passage, one in units:
        share = share_of(concepts, terms_of(one.text))
        score = share + _UNDER_HEADING * under[passage.id]
        score += _OF_PLACE * max(passage.score, 0.0) / highest
        if asks_amount and _NUMBER.search(fold(one.text)):
            score += _OF_AMOUNT
        if len(one.text) > _LONG_CHARS:
            score *= _LONG_CHARS / len(one.text) * 0.2 + 0.8
        quotes.append(Quote(passage=passage, sentence=one, share=share, score=score))
    return _best(quotes, most)


def _best(quotes: Sequence[Quote], most: int) -> list[Quote]:
    chosen: list[Quote] = []
    for found in sorted(quotes, key=lambda one: -one.score):
        if len(chosen) == most or (chosen and found.score < _NEARLY * chosen[0].score):
            break
        quote = replace(found, sentence=with_short_paragraph(found.passage.body, found.sentence))
        if not any(_overlaps(quote, other) for other in chosen):
            chosen.append(quote)
    return chosen


def _overlaps(one: Quote, other: Quote) -> bool:
    """Also the same words elsewhere: a version, a copy of a rule."""
    if one.sentence.text == other.sentence.text:
        return True
    is_same = one.passage.id == other.passage.id
    return is_same and one.sentence.start < other.sentence.end and other.sentence.start < one.sentence.end


def above(passage: Passage) -> tuple[str, ...]:
    """What a passage stands under, its title first."""
    return tuple(dict.fromkeys((passage.title, *passage.headings)))


def is_answered(passages: Sequence[Passage], concepts: Sequence[Concept], *, language: Language) -> bool:
    """Whether any of the passages is about what is asked: holds enough of its pieces, the rare ones most."""
    held = (terms_of("\n".join((*above(one), one.body))) for one in passages)
    return any(share_of(concepts, terms) >= LEAST_ANSWERED[language] for terms in held)
