"""A question as it is looked for: alone, or with those before it when it leans on them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from hrx.kit.search.analysis import analyse, fold

_LEANS: Final = re.compile(
    r"^(?:では|じゃあ|それでは|それなら|ちなみに|ほかに|他に|もし|また、|あと、)"
    r"|それ|その(?![あ-ん]*他)|この場合|そこ|同じく"
    r"|の場合(?:は|も|だと)?[?？]?$"
    r"|^(?:and|what about|how about|then|so)\b|\b(?:it|they|them|that one|those)\b"
)
#: How far back the subject is looked for.
EARLIER: Final = 3


def leans_on_earlier(question: str) -> bool:
    """Whether a question cannot be understood without the one before: one word, or pointing back."""
    folded = fold(question).strip()
    return len(analyse(folded).terms) <= 1 or _LEANS.search(folded) is not None


def list_readings(question: str, earlier: Sequence[str]) -> list[str]:
    """The question as it is to be looked for, the likeliest reading first; `earlier`: the newest first."""
    if not earlier:
        return [question]
    joined = _with_earlier(question, earlier)
    return [joined] if leans_on_earlier(question) else [question, joined]


def _with_earlier(question: str, earlier: Sequence[str]) -> str:
    asked = [question]
    for before in earlier[:EARLIER]:
        asked.append(before)
        if not leans_on_earlier(before):
            break
    return "\n".join(reversed(asked))
