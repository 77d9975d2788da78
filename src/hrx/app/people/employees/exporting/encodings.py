"""Text for files in encodings that cannot hold every character, above all cp932 (Shift_JIS of Windows).

Pure. Nothing is lost silently: a character that does not fit is reported, or replaced only where the caller
chose so. Characters that are the same in another code (〜 and ～) are always exchanged."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from hrx.kit.errors import FieldProblem, Invalid, Text

#: What stands for a character that does not fit, as Japanese printers have always set it.
GETA: Final = "〓"
_MOST_REPORTED: Final = 20
#: The same characters under the code points that cp932 knows: Unix and Windows tables differ on these.
_SAME: Final = str.maketrans("\u301c\u2016\u2212\u00a2\u00a3\u00ac\u2014", "～∥－￠￡￢―")
#: Characters outside JIS that are written with a plainer form of the same character.
_PLAIN: Final = str.maketrans(
    {"𠮷": "吉", "𠮟": "叱", "𣘺": "橋", "𥔎": "埼", "鷗": "鴎", "𩸽": "鯢", "頰": "頬", "塡": "填"}
)


class OnUnencodable(StrEnum):
    """What to do with a character that the encoding lacks."""

    REPORT = "report"
    PLAIN = "plain"
    GETA = "geta"


class CharactersDoNotFit(Invalid):
    """Some people's records hold characters that the chosen encoding lacks."""

    code = "export.unencodable"


@dataclass(slots=True)
class Fitter:
    """Makes rows fit an encoding and remembers what did not."""

    encoding: str
    on_unencodable: OnUnencodable
    replaced: int = 0
    missing: dict[str, set[str]] = field(default_factory=dict)

    def fit(self, row: Sequence[str], *, who: str) -> list[str]:
        """The row as it can be written; `who` names it in a report."""
        return [self._fit_cell(cell, who) for cell in row]

    def refuse_if_missing(self) -> None:
        """Raises CharactersDoNotFit naming characters and people, when there were any."""
        if not self.missing:
            return
        shown = list(self.missing.items())[:_MOST_REPORTED]
        raise CharactersDoNotFit(
            Text(
                ja=f"{self.encoding} に変換できない文字が{len(self.missing)}種類あります: "
                + "、".join(character for character, _ in shown),
                en=f"{len(self.missing)} characters cannot be written in {self.encoding}: "
                + ", ".join(character for character, _ in shown),
            ),
            hint=Text(
                ja="UTF-8（BOM付き）で書き出すか、置き換え方（plain: 通用字体、geta: 〓）を選んでください。",
                en="Export as UTF-8 with BOM, or choose a replacement (plain: common form, geta: 〓).",
            ),
            fields=tuple(
                FieldProblem(
                    field=f"U+{ord(character[0]):04X}",
                    code="character.unencodable",
                    message=Text(
                        ja=f"「{character}」: 社員番号 {'、'.join(sorted(people)[:5])}",
                        en=f"“{character}”: employees {', '.join(sorted(people)[:5])}",
                    ),
                )
                for character, people in shown
            ),
        )

    def _fit_cell(self, cell: str, who: str) -> str:
        if cell.isascii() or self._fits(cell):
            return cell
        cell = cell.translate(_SAME)
        return "".join(c if c.isascii() or self._fits(c) else self._replace(c, who) for c in cell)

    def _replace(self, character: str, who: str) -> str:
        if self.on_unencodable is OnUnencodable.REPORT:
            self.missing.setdefault(character, set()).add(who)
            return GETA
        self.replaced += 1
        if self.on_unencodable is OnUnencodable.PLAIN:
            plain = _plainer(character)
            if plain and self._fits(plain):
                return plain
        return GETA

    def _fits(self, text: str) -> bool:
        try:
            text.encode(self.encoding)
        except UnicodeEncodeError:
            return False
        return True


def _plainer(character: str) -> str:
    """A common form of the same character, or its letter without accents; empty when there is none."""
    plain = unicodedata.normalize("NFKC", character.translate(_PLAIN))
    return "".join(c for c in unicodedata.normalize("NFD", plain) if not unicodedata.combining(c))
