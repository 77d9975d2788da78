"""Questions about people, recognised by their form. What is not surely one is left to the documents.

A rule that fires wrongly hides the answer of a document, so each asks for two signs: what is asked (how
many, who) and about whom (a unit of the chart, a period with "joined"). Words of rules ("必要", "when I …")
end it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Final

from pydantic import ValidationError

from hrx.app.assistant.asking_people.days import find_day, find_period
from hrx.app.assistant.asking_people.intents import MOST_UNITS, Kind, PeopleQuestion
from hrx.app.people.employees.queries.units import UnitTree
from hrx.kit.search.analysis import fold

_HOW_MANY: Final = re.compile(
    r"何人|何名|人数|社員数|従業員数|\bhow many\b|\bheadcount\b|\bnumber of (?:people|employees|staff)\b"
)
_WHO: Final = re.compile(r"誰|だれ|どなた|メンバー|一覧|リスト|\bwho\b|\blist\b|\bmembers?\b")
_RULE: Final = re.compile(
    r"必要|場合|上限|以上|以内|まで可|扶養|家族|同伴|規定|規程|ルール|申請|承認|届|手続|休暇|休業|手当|定員|何日|面接"
    r"|\b(?:must|should|need|required|allowed|approve[sd]?|approval|policy|rule|leave of|days|when i|if i)\b"
)
_JOINED: Final = re.compile(
    r"入社|入職|採用(?:した|され)|新しく入|中途で入|\b(?:joined|hired|started|new hires?|new joiners?)\b"
)
_LEFT: Final = re.compile(r"退職|離職|退社|辞め|\b(?:left|resigned|quit|leavers?|departed)\b")
_HEAD: Final = re.compile(
    r"部長|課長|室長|本部長|支店長|所長|工場長|センター長|グループ長|チーム長|責任者|リーダー|トップ|ヘッド|の長"
    r"|\b(?:leads?|heads?|runs?|in charge of|manages?|manager of|leader of|director of)\b"
)
_ASKED_WHO: Final = re.compile(r"誰|だれ|どなた|教えて|は[?？]?$|\bwho\b")
_STAFF: Final = re.compile(
    r"社員|従業員|スタッフ|メンバー|在籍|所属|働い|会社|全社|全員"
    r"|\b(?:people|employees|staff|members?|work|company|team)\b"
)
_BELONGS: Final = re.compile(
    r"いる|います|所属|在籍|働い|メンバー|\b(?:is|are|was|were|works?|worked|in|members?)\b"
)
_WHOLE: Final = re.compile(
    r"社員|従業員|会社|全社|全員|当社|うち|\b(?:company|employees|we have|work here|staff)\b"
)
_SKILLED_JA: Final = re.compile(
    r"^(?P<skill>[^、。]{2,60}?)(?:の(?=経験|資格|スキル)|が|を|に|で)?"
    r"(?:でき(?:る|ます)|出来る|詳しい|得意な?|使える|話せる|扱える|書ける|分かる|わかる|担当できる"
    r"|(?:の)?経験(?:が|の)?(?:ある|あり)|(?:の)?資格(?:を|が)?(?:ある|持つ|持っている|もつ)"
    r"|(?:の)?スキル(?:を|が)(?:ある|持つ|持っている))"
    r"(?:の)?(?:人|社員|方|者|メンバー|ひと|スタッフ)?(?:は|を|って)?"
    r"(?:誰|だれ|どなた|いま|いる|教え|探|一覧|[?？]?$)"
)
_AT_PLACE: Final = re.compile(
    r"^(?P<place>.{2,20}?)(?:で|の|に(?:いて|いる|所属(?:する|の))?)、?(?P<skill>.+)$"
)
#: Whoever asks what they themselves can do asks for a rule.
_ONESELF: Final = re.compile(r"^(?:i|we|you)\b|^(?:私|自分|わたし)")
_SKILLED_EN: Final = re.compile(
    r"\bwho (?:else )?(?:(?:works? )?(?:in|at) (?P<place>[\w .&-]{2,40}?) )?"
    r"(?:can(?: do| use| write| speak)?|knows?(?: about| how to)?|is good at|speaks?"
    r"|has experience (?:with|in|of)"
    r"|is (?:an )?experts? (?:in|on|at)|has (?:worked|skills) (?:with|in))"
    r" (?P<skill>[\w+#./ -]{2,60}?)(?: (?:in|at) (?P<place_after>[\w .&-]{2,40}?))?[?.]?$"
)


def recognise(text: str, *, tree: UnitTree, today: date, on: date | None) -> PeopleQuestion | None:
    """The question about people that a text is; None where it is not surely one.

    `tree`: the units that the asker may see. `on`: the day that was asked about beside the text."""
    folded = fold(text).strip()
    day = on or find_day(folded)
    skilled = _recognise_skilled(folded, tree, day)
    if skilled is not None:
        return skilled
    asks_count, asks_who = bool(_HOW_MANY.search(folded)), bool(_WHO.search(folded))
    names, unit_ids = find_units(folded, tree)
    rest = folded
    for name in names:
        rest = rest.replace(fold(name), " ")
    if _RULE.search(rest):
        return None
    moved = _recognise_moves(rest, unit_ids, today=today, on=day) if asks_count or asks_who else None
    kind: Kind | None = None
    if moved is not None:
        return moved
    if unit_ids and _HEAD.search(rest) and _ASKED_WHO.search(rest) and not asks_count:
        kind = Kind.HEAD
    elif (asks_count and (unit_ids or (_WHOLE.search(rest) and _STAFF.search(rest)))) or (
        asks_who and unit_ids and _BELONGS.search(rest)
    ):
        kind = Kind.STAFF
    if kind is None:
        return None
    return PeopleQuestion(kind=kind, unit_ids=unit_ids, on=day)


def _recognise_moves(
    rest: str, unit_ids: tuple[int, ...], *, today: date, on: date | None
) -> PeopleQuestion | None:
    period = find_period(rest, today=today)
    kind = Kind.JOINED if _JOINED.search(rest) else Kind.LEFT if _LEFT.search(rest) else None
    if period is None or kind is None:
        return None
    return PeopleQuestion(kind=kind, unit_ids=unit_ids, on=on, since=period.since, until=period.until)


def _recognise_skilled(folded: str, tree: UnitTree, on: date | None) -> PeopleQuestion | None:
    met = _SKILLED_JA.search(folded) or _SKILLED_EN.search(folded)
    if met is None or _RULE.search(folded):
        return None
    part = met.groupdict()
    place, skill = part.get("place") or part.get("place_after"), part["skill"].strip()
    if _ONESELF.search(skill):
        return None
    unit_ids: tuple[int, ...] = ()
    if place:
        unit_ids = _find_place(place, tree)
        if not unit_ids:
            return None
    elif (at := _AT_PLACE.search(skill)) is not None:
        unit_ids = _find_place(at["place"], tree)
        skill = at["skill"] if unit_ids else skill
    try:
        return PeopleQuestion(kind=Kind.SKILLED, unit_ids=unit_ids, on=on, skill=skill)
    except ValidationError:
        return None


def find_units(folded: str, tree: UnitTree) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The units that a text names, by their longest names; several where several bear one name."""
    by_name: dict[str, list[int]] = {}
    shown: dict[str, str] = {}
    for unit in tree.units.values():
        for name in (unit.name_ja, unit.name_en):
            if len(name) > 1:
                by_name.setdefault(fold(name), []).append(unit.id)
                shown.setdefault(fold(name), name)
    named: list[str] = []
    left = folded
    for name in sorted(by_name, key=len, reverse=True):
        if _stands_in(name, left):
            named.append(name)
            left = left.replace(name, "\n")
    ids = tuple(dict.fromkeys(one for name in named for one in by_name[name]))[:MOST_UNITS]
    return tuple(shown[name] for name in named), ids


def _stands_in(name: str, text: str) -> bool:
    if not name.isascii():
        return name in text
    return re.search(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])", text) is not None


def _find_place(place: str, tree: UnitTree) -> tuple[int, ...]:
    """The units whose name tells a place: 大阪 is in 大阪支店."""
    wanted = fold(place).strip()
    found = [
        unit
        for unit in tree.units.values()
        if any(wanted in fold(name) for name in _long_names((unit.name_ja, unit.name_en)))
    ]
    return tuple(unit.id for unit in found)[:MOST_UNITS]


def _long_names(names: Iterable[str]) -> list[str]:
    return [name for name in names if len(name) > 1]
