"""Terms as numbers: places by checksum, the part of BM25 that depends on a passage alone, and the part that
depends on how rare a term is.

The second is applied to the question, never kept: it changes with every document."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Final

#: As many places as a sparse vector of pgvector has; two words of 100,000 in one place: five times.
PLACES: Final = 1_000_000_000
#: Raised when the same terms would give other numbers.
VERSION: Final = 1
_K1: Final = 1.2
_B: Final = 0.75
#: Length of a usual passage, in terms and in grams. Fixed, so that a passage's numbers depend on nothing but
#: itself: measured on JSQuAD, double of it takes .005 of MRR.
USUAL_TERMS: Final = 70
USUAL_GRAMS: Final = 360


def place_of(term: str, *, is_gram: bool = False) -> int:
    """From 1 on, as pgvector counts. The word 年 and the letter 年 have places of their own."""
    return zlib.crc32(term.encode(), 1 if is_gram else 0) % PLACES + 1


def weigh(counts: Mapping[str, int], *, usual: int, is_gram: bool = False) -> dict[int, float]:
    """By place: how much a term counts in a text in which it stands so often, the text being so long."""
    length = sum(counts.values())
    floor = _K1 * (1 - _B + _B * length / usual)
    weighed: dict[int, float] = {}
    for term, count in counts.items():
        place = place_of(term, is_gram=is_gram)
        weighed[place] = weighed.get(place, 0.0) + count * (_K1 + 1) / (count + floor)
    return weighed


def as_dense(vector: Sequence[float]) -> str:
    """As pgvector reads it."""
    return f"[{','.join(f'{one:.5g}' for one in vector)}]"


def as_sparse(weights: Mapping[int, float]) -> str:
    """As pgvector reads it."""
    told = ",".join(f"{place}:{weight:.5g}" for place, weight in sorted(weights.items()) if weight)
    return f"{{{told}}}/{PLACES}"
