"""Values that a cell may take where only a few make sense, with the words that files use for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hrx.kit.errors import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One allowed value, as stored (`code`), as shown (`label`), and as others write it."""

    code: str
    label: Text
    synonyms: tuple[str, ...]


def _choice(code: str, ja: str, en: str, synonyms: str) -> Choice:
    return Choice(code=code, label=Text(ja=ja, en=en), synonyms=tuple(synonyms.split("|")))


GENDERS: Final = (
    _choice("male", "男性", "Male", "男|m|man"),
    _choice("female", "女性", "Female", "女|f|woman"),
    _choice("other", "その他", "Other", "x|non-binary|nonbinary"),
    _choice("undisclosed", "回答しない", "Undisclosed", "無回答|未回答|不明|prefer not to say"),
)
EMPLOYMENT_KINDS: Final = (
    _choice("regular", "正社員", "Regular", "正規|無期|permanent|full-time|full time"),
    _choice("fixed_term", "契約社員", "Fixed-term", "契約|嘱託|嘱託社員|有期|contract"),
    _choice("part_time", "パート・アルバイト", "Part-time", "パート|アルバイト|part time|parttime"),
    _choice("temporary", "派遣社員", "Temporary", "派遣|temp|agency"),
    _choice("executive", "役員", "Executive", "取締役|director|officer"),
    _choice("seconded", "出向", "Seconded", "出向者|出向受入|secondment"),
    _choice("other", "その他", "Other", "インターン|intern"),
)
ASSIGNMENT_KINDS: Final = (
    _choice("primary", "主務", "Primary", "本務|主|main|主所属"),
    _choice("concurrent", "兼務", "Concurrent", "兼任|兼|secondary|副所属"),
)
