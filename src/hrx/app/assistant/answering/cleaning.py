"""What a model writes is text and nothing else: no link, no image, no markup leaves, whoever asked for it.

An address stays only where the asker wrote it. Retrieved text is no licence: it is what attacks come in. Who
wants an address of a document reads it in the quote."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

#: An opened bracket that has not closed by then is no link.
_LONGEST_LINK: Final = 400
_GONE: Final = "…"
_LINK: Final = re.compile(r"!?\[([^\[\]]{0,300})\]\s{0,2}\([^()]*(?:\([^()]*\)[^()]*)*\)")
_BY_REFERENCE: Final = re.compile(r"!?\[([^\[\]]{0,300})\][ \t]?\[[^\[\]]*\]")
_REFERENCE: Final = re.compile(r"^[ \t]*\[[^\]\n]+\]:[^\n]*$", re.M)
_TAG: Final = re.compile(r"<(?:[A-Za-z/!?][^<>]{0,2000}|[a-z][a-z0-9+.-]*:[^<>]*)>", re.I)
_OPEN_TAG: Final = re.compile(r"<[A-Za-z/!?][^<>]*$")
_SCHEME: Final = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}:/{1,3}[^\s、。「」『』（）<>]+", re.I)
_OTHER_SCHEME: Final = re.compile(r"\b(?:javascript|data|vbscript|mailto|tel|file|blob):[^\s、。「」]+", re.I)
#: Protocol-relative, and what browsers and mail programs make links of by themselves.
_BARE: Final = re.compile(
    r"(?<![\w@./-])(?://)?(?:[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?\.)+[a-z]{2,24}(?::\d{1,5})?(?:[/?#][^\s、。「」（）<>]*)?"
    r"(?![\w-])",
    re.I,
)
_HOST_ENDING: Final = re.compile(
    r"^(?://)?(?:www\.|[^/?#:]*\.(?:com|net|org|io|jp|dev|app|info|biz|co|xyz|ru|cn|uk|de|fr|eu|us|me|tv|cc|ai|sh|ly"
    r"|gg|link|site|online|shop|top|club|cloud|example|test|invalid|localhost|page|zip|mov|gov|edu|int|mil"
    r"|icu|tk|to|in|kr|tw|hk|sg|au|ca|ch|nl|it|es|se|pl|br|id|vn|th)\b)|[/?#]",
    re.I,
)
_MAIL: Final = re.compile(r"[\w.+-]+@(?:[a-z0-9-]+\.)+[a-z]{2,24}", re.I)
_OPENED_BY: Final = {"]": "[", ">": "<", ")": "("}
#: Letters that show nothing, and those that turn the direction of writing.
_UNSEEN: Final = re.compile(
    "[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\U000e0000-\U000e007f]"
)
_CITED: Final = re.compile(r"[\d,、\s]{1,20}")


def clean(text: str, *, asked: str) -> str:
    """The text without links, images, markup and addresses, except those in the question `asked`."""
    text = _UNSEEN.sub("", text)
    folded = unicodedata.normalize("NFKC", text)
    if _holds_address(folded) and not _holds_address(text):
        # Written wide to be overlooked.
        text = folded
    text = _REFERENCE.sub("", text)
    # Twice, for an image may be the words of a link.
    text = _LINK.sub(_label, _LINK.sub(_label, text))
    text = _BY_REFERENCE.sub(_label, text)
    text = _OPEN_TAG.sub("", _TAG.sub("", text))
    for form in (_SCHEME, _OTHER_SCHEME, _MAIL):
        text = form.sub(_unless(asked, lambda _: True), text)
    return _BARE.sub(_unless(asked, lambda found: _HOST_ENDING.search(found) is not None), text)


def _label(link: re.Match[str]) -> str:
    """The words of a link; of an image nothing. [1][2] are two sources, not a link."""
    whole, label = link[0], link[1]
    if whole.startswith("!"):
        return ""
    if whole.endswith("]") and _CITED.fullmatch(label):
        return whole
    return f"[{label}]" if _CITED.fullmatch(label) else label


def _unless(asked: str, is_address: Callable[[str], bool]) -> Callable[[re.Match[str]], str]:
    def replace(found: re.Match[str]) -> str:
        return found[0] if not is_address(found[0]) or found[0] in asked else _GONE

    return replace


def _holds_address(text: str) -> bool:
    return any(form.search(text) for form in (_SCHEME, _OTHER_SCHEME, _MAIL)) or any(
        _HOST_ENDING.search(found[0]) for found in _BARE.finditer(text)
    )


@dataclass(slots=True, kw_only=True)
class Cleaning:
    """The same for text that still grows: gives what is sure to be harmless, keeps the rest back."""

    asked: str
    _held: str = field(default="")

    def take(self, text: str) -> str:
        self._held += text
        end = _sure_end(self._held)
        sure, self._held = self._held[:end], self._held[end:]
        return clean(sure, asked=self.asked)

    def rest(self) -> str:
        """What was kept back, at the end of the text."""
        sure, self._held = self._held, ""
        return clean(sure, asked=self.asked)


def _sure_end(text: str) -> int:
    """Up to where no link can begin that goes on behind it: the start of the last run of letters without a
    space, and before that any bracket that is still open, or has just closed and may be a link's words."""
    run = re.search(r"[\x21-\x7e\uff01-\uff5e\u200b-\u200f\u2060-\u2064]*$", text)
    end = run.start() if run else len(text)
    end = min([end, *(at for at in _list_open(text[:end]) if len(text) - at < _LONGEST_LINK)])
    defined = re.search(r"(?:^|\n)[ \t]*\[[^\]\n]+\]:[^\n]*$", text[:end])
    return min(end, defined.start()) if defined else end


def _list_open(text: str) -> list[int]:
    """Where brackets stand open at the end of a text; those that closed last and have nothing behind them
    too, for what comes next may be their address."""
    opened: list[tuple[str, int]] = []
    closed = -1
    for at, letter in enumerate(text):
        if letter in _OPENED_BY.values():
            opened.append((letter, at - (text[at - 1 : at] == "!")))
        elif letter in _OPENED_BY:
            met = [one for one in opened if one[0] == _OPENED_BY[letter]]
            if not met:
                continue
            opened = opened[: opened.index(met[-1])]
            if letter != "]":
                closed = -1
            elif closed < 0:
                closed = met[-1][1]
            else:
                closed = min(closed, met[-1][1])
        elif not letter.isspace() and letter != "!" and not opened:
            closed = -1
    return [at for _, at in opened] + ([closed] if closed >= 0 else [])
