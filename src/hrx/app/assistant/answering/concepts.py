"""What a question is about, piece by piece, each with the words that may say it: 有休 is 年次有給休暇.

Weighed by how rare the pieces are among the tenant's passages, as finding weighs them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.platform.db import fetch_dicts
from hrx.app.platform.search_index import find_live
from hrx.kit.search.analysis import analyse, fold
from hrx.kit.search.synonyms import Synonyms
from hrx.kit.search.weights import place_of

#: Words that questions are made of, whatever they are about (normal forms, stems).
_ASKING_JA: Final = (
    "幾つ 幾ら 誰 如何 どう 教える 下さる 有る 居る 為る 成る 出来る 良い 貰う 事 物 時 場合 場所"
    " 就く 取る 取れる 申す 出る 必要 どれ 位 今 私 自分 会社 当社 社員 従業員 日 月 年 回 人 円 時間 分"
    " か月 箇月 ケ月 つ いつ いくら どの どこ だれ なに 言う 知る 聞く 方 様 御 的 化 前 後 内 先"
)
_ASKING_EN: Final = (
    "get do use work much mani long often need want pleas tell compani offic one give know there what year"
    " month week day hour peopl employe staff happen say take make ask"
)
_ASKING: Final = frozenset(_ASKING_JA.split()) | frozenset(_ASKING_EN.split())
#: No document is about the address that somebody asks about.
_ADDRESS: Final = re.compile(r"\S+://\S+|\S+@\S+")
#: Letters whose pairs say nothing: kana of endings, Latin, digits.
_PLAIN: Final = re.compile("[ぁ-ん何\\x00-\\x7f]")
# As finding counts them: all passages of the tenant. Index: the table's primary key.
_HOLDING: Final = """
SELECT f.place, sum(f.passages)::bigint AS passages
FROM search.passages_g{number}_df AS f
WHERE f.tenant_id = (SELECT app.current_tenant()) AND f.language IN ('ja', 'en')
  AND f.place = ANY (CAST(:places AS integer[]))
GROUP BY f.place
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """One piece of a question; `forms`: the terms of each way to say it, all of them together."""

    forms: tuple[frozenset[str], ...]
    weight: float = 1.0

    def is_in(self, held: frozenset[str]) -> bool:
        return any(form <= held for form in self.forms)


def terms_of(text: str) -> frozenset[str]:
    """The terms of a text, and pairs of its kanji and katakana: they meet where words were cut otherwise."""
    found = analyse(text)
    pairs = (gram for gram in found.grams if len(gram) > 1 and not _PLAIN.search(gram))
    return frozenset(found.terms) | frozenset(pairs)


def list_concepts(question: str, synonyms: Synonyms) -> tuple[Concept, ...]:
    """The pieces of a question without the words that only ask; all words where nothing else is left."""
    question = _ADDRESS.sub(" ", question)
    folded, found = fold(question), analyse(question)
    concepts, said = [], ""
    taken: set[str] = set()
    for group in synonyms.groups:
        met = [form for form in group if form.is_in(folded, found)]
        if not met:
            continue
        concepts.append(Concept(forms=tuple(frozenset(form.terms) for form in group if form.terms)))
        taken |= {term for form in met for term in form.terms}
        said += "".join(f"{form.written}\n" for form in met)
    rest = [term for term in found.terms if term not in taken and term not in said]
    pieces = [term for term in rest if not _asks(term)] if concepts else _without_asking(rest)
    return (*concepts, *(Concept(forms=_forms_of(term)) for term in pieces))


def _forms_of(term: str) -> tuple[frozenset[str], ...]:
    """The term, or the pairs of its letters where words were cut otherwise."""
    pairs = frozenset(pair for pair in map("".join, pairwise(term)) if not _PLAIN.search(pair))
    return (frozenset({term}), pairs) if pairs else (frozenset({term}),)


def _without_asking(terms: Sequence[str]) -> Sequence[str]:
    return [term for term in terms if not _asks(term)] or terms


def _asks(term: str) -> bool:
    return term in _ASKING or term.startswith("何")


def share_of(concepts: Iterable[Concept], held: frozenset[str]) -> float:
    """Which part of a question stands in these terms, from 0 to 1."""
    whole = part = 0.0
    for concept in concepts:
        whole += concept.weight
        part += concept.weight if concept.is_in(held) else 0.0
    return part / whole if whole else 0.0


async def weigh(session: AsyncSession, concepts: Sequence[Concept]) -> tuple[Concept, ...]:
    """The same, weighed by how few passages of the tenant hold them; one statement.

    A concept is as rare as the most usual way to say it, and that as rare as its rarest term."""
    generation = await find_live(session)
    if generation is None:
        return tuple(concepts)
    places = {
        term: (place_of(term), place_of(term, is_gram=True))
        for one in concepts
        for form in one.forms
        for term in form
    }
    wanted = sorted({place for both in places.values() for place in both})
    rows = await fetch_dicts(
        session, _HOLDING.replace("{number}", str(generation.number)), {"places": [0, *wanted]}
    )
    holding = {row["place"]: int(row["passages"]) for row in rows}
    whole = holding.get(0, 0)
    rarity = {
        term: _rarity(max(holding.get(place, 0) for place in both), of=whole) for term, both in places.items()
    }
    return tuple(replace(one, weight=_weight(one, rarity)) for one in concepts)


def _weight(concept: Concept, rarity: Mapping[str, float]) -> float:
    return min(max(rarity[term] for term in form) for form in concept.forms)


def _rarity(holding: int, *, of: int) -> float:
    """BM25's, of at least a few hundred passages: in a library of three documents nothing is common yet."""
    passages = max(of, _LEAST_PASSAGES)
    return math.log1p((passages - holding + 0.5) / (holding + 0.5))


_LEAST_PASSAGES: Final = 200
