"""Text as a short vector without any model: counts of letter groups, folded into few places by a checksum.

The same text gives the same numbers in every process and release; it knows spelling, not meaning."""

from __future__ import annotations

import math
import re
import unicodedata
import zlib
from typing import Final

#: Raised when the same text would give other numbers.
VERSION: Final = 1
_SPACE: Final = re.compile(r"\s+")
_LONGEST: Final = 3


def encode_ngrams(text: str, *, dimensions: int) -> list[float]:
    """Numbers of length 1 together, all 0 for an empty text; case and width are folded."""
    folded = _SPACE.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()
    counts = [0.0] * dimensions
    for size in range(1, _LONGEST + 1):
        for at in range(len(folded) - size + 1):
            seen = zlib.crc32(folded[at : at + size].encode())
            # The sign comes from another bit, so that what falls into one place cancels out on average.
            counts[seen % dimensions] += 1.0 if seen & 0x80000000 else -1.0
    length = math.sqrt(sum(one * one for one in counts))
    return [one / length for one in counts] if length else counts
