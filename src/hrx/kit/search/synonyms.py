"""Words of HR that mean the same: 有休 is 年次有給休暇. Applied to questions, at half weight, so that
the list can change without building an index anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import yaml

from hrx.kit.search.analysis import Analysis, analyse, fold

FILE: Final = Path(__file__).with_name("synonyms.yaml")
#: Of a word that was not asked for itself; measured best at a half.
WEIGHT: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One way to say it, folded, with its terms. A form of letters is found only as whole words."""

    written: str
    terms: tuple[str, ...]
    is_latin: bool

    def is_in(self, folded: str, found: Analysis) -> bool:
        if self.is_latin:
            return all(term in found.terms for term in self.terms)
        return self.written in folded


@dataclass(frozen=True, slots=True, kw_only=True)
class Synonyms:
    groups: tuple[tuple[Form, ...], ...]

    def add_to(self, question: str, found: Analysis) -> Mapping[str, float]:
        """Terms that a question did not use but might have, with their weights; a form of several words
        counts as one."""
        folded = fold(question)
        added: defaultdict[str, float] = defaultdict(float)
        for group in self.groups:
            if not any(form.is_in(folded, found) for form in group):
                continue
            for form in group:
                for term in form.terms:
                    if term not in found.terms:
                        added[term] = max(added[term], WEIGHT / len(form.terms) ** 0.5)
        return added


@lru_cache(maxsize=4)
def load_synonyms(path: Path = FILE) -> Synonyms:
    """The list that comes with the product, or another of the same form: groups of words."""
    groups: Sequence[Sequence[str]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Synonyms(groups=tuple(tuple(_form(one) for one in group) for group in groups))


def _form(written: str) -> Form:
    return Form(written=fold(written), terms=tuple(analyse(written).terms), is_latin=written.isascii())
