"""What a résumé (履歴書・職務経歴書) seems to say of its person, by labels, with the places.

Nothing here is believed: a person accepts or rejects each proposal. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

#: Digits as forms have them, in half and in full width.
_D: Final = "0-9０-９"
_YEAR: Final = rf"(?:(?:令和|平成|昭和|[RHS])\s*(?:元|[{_D}]{{1,2}})|[12１２][{_D}]{{3}})"
_YEAR_MONTH: Final = rf"{_YEAR}\s*[年./-]\s*[{_D}]{{1,2}}(?![{_D}])\s*月?"
_SEPARATOR: Final = r"\s*[:：|｜]?\s*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One proposal; `start` and `end` are places in the document's text, `value` what stands there."""

    field: str
    value: str
    start: int
    end: int


_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")
_DASH: Final = "[-‐−ー ()（）]"
_PHONE = re.compile(
    rf"(?<![{_D}])(?:\+81[- ]?|[0０])[{_D}]{{1,4}}{_DASH}[{_D}]{{1,4}}{_DASH}+[{_D}]{{3,4}}(?![{_D}])"
)
_POSTAL = re.compile(r"〒\s*([0-9０-９]{3}[-‐−ー]?[0-9０-９]{4})")
_DAY: Final = (
    r"(?:(?:令和|平成|昭和|大正)\s*(?:元|[0-9０-９]{1,2})|[0-9０-９]{4})\s*[年/.-]\s*[0-9０-９]{1,2}\s*[月/.-]\s*[0-9０-９]{1,2}\s*日?"
    r"|(?:January|February|March|April|May|June|July|August|September|October|November|December)\s+\d{1,2},?\s+\d{4}"
)
_KANA_LABEL: Final = "ふりがな|フリガナ|氏名カナ|カナ氏名|Kana"
_NAME_END: Final = r"(?=\s*(?:[|｜\n]|$|[（(]|印|ふりがな|フリガナ))"
_ADDRESS_LABEL: Final = r"(?:現住所|住\s*所|Address)"
#: One line each: a label, then the value up to the end of the line or the next cell.
_LABELLED: Final = tuple(
    (field, re.compile(pattern, re.IGNORECASE))
    for field, pattern in (
        ("name_kana", rf"(?:{_KANA_LABEL}){_SEPARATOR}([ぁ-んァ-ヶー][ぁ-んァ-ヶー \u3000]{{1,38}})"),
        (
            "name",
            rf"(?:氏\s*名|お名前|Full name|Name){_SEPARATOR}([^\s:：|｜\n][^:：|｜\n]{{0,38}}?){_NAME_END}",
        ),
        ("birth_on", rf"(?:生年月日|Date of birth|Born){_SEPARATOR}({_DAY})"),
        ("birth_on", rf"({_DAY})\s*生(?!活)"),
        ("address", rf"{_ADDRESS_LABEL}{_SEPARATOR}(?:〒\s*[{_D}‐−ー-]{{7,8}}\s*)?([^|｜\n]{{4,120}})"),
    )
)
_ROW = re.compile(rf"^[-・\s|]*({_YEAR_MONTH})\s*[|｜:：～〜~-]?\s*(.{{2,160}})$", re.MULTILINE)
_RANGE = re.compile(
    r"^[-・\s|]*((?:[A-Z][a-z]+\s+)?(?:19|20)\d{2}\s*(?:[-–—]|to)\s*(?:(?:[A-Z][a-z]+\s+)?(?:19|20)\d{2}|present))\s*[|:,]?\s*(.{2,160})$",
    re.MULTILINE | re.IGNORECASE,
)
_SCHOOL = re.compile(
    r"学校|高校|大学|大学院|学部|専攻|学科|\b(?:University|College|School|B\.?A|B\.?Sc|M\.?A|M\.?Sc|Ph\.?D)\b",
    re.IGNORECASE,
)
_JOB = re.compile(
    r"(?:入社|退社|退職|入職|株式会社|有限会社|合同会社|配属|異動|昇進|出向|在籍|Inc\.?|Ltd|Corp|K\.K\.|Engineer|Manager|Director)",
    re.IGNORECASE,
)
_QUALIFICATION = re.compile(r"(?:免許|資格|検定|取得|合格|級|TOEIC|TOEFL|certif|licen[cs]e)", re.IGNORECASE)
_MAX_ROWS: Final = 60


def find_proposals(body: str) -> list[Found]:
    """Proposals in the order of the text: single facts once, and each row of a school, a job and the like."""
    found = [*_single_facts(body), *_rows(body)]
    # A form that nobody filled in has a label and blanks behind it.
    return sorted((each for each in found if each.value), key=lambda each: (each.start, each.field))


def _single_facts(body: str) -> Iterator[Found]:
    seen: set[str] = set()
    for field, pattern in _LABELLED:
        match = pattern.search(body)
        if match and field not in seen:
            seen.add(field)
            yield _found(field, match, group=1)
    for field, pattern in (("email", _EMAIL), ("phone", _PHONE)):
        if match := pattern.search(body):
            yield _found(field, match, group=0)
    if match := _POSTAL.search(body):
        yield _found("postal_code", match, group=1)


def _rows(body: str) -> Iterator[Found]:
    count = 0
    taken: set[int] = set()
    for pattern in (_ROW, _RANGE):
        for match in pattern.finditer(body):
            kind = _kind_of(match.group(2))
            if kind is None or match.start(1) in taken or count == _MAX_ROWS:
                continue
            taken.add(match.start(1))
            count += 1
            yield Found(
                field=kind,
                value=" ".join(body[match.start(1) : match.end(2)].split())[:2_000],
                start=match.start(1),
                end=match.end(2),
            )


def _kind_of(text: str) -> str | None:
    if _SCHOOL.search(text) and not re.search(r"入社|退社|退職", text):
        return "education"
    if _QUALIFICATION.search(text) and not re.search(r"入社|退社|退職|株式会社", text):
        return "qualification"
    return "job" if _JOB.search(text) else None


def _found(field: str, match: re.Match[str], *, group: int) -> Found:
    raw = match.group(group)
    value = unicodedata.normalize("NFKC", raw).strip() if field != "name" else raw.strip()
    start = match.start(group)
    return Found(field=field, value=" ".join(value.split()), start=start, end=start + len(raw.rstrip()))
