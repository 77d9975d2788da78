"""Whether production is left alone now, and until when: pure, from the calendar's days and from what is known
of the living system. What cannot be known holds as well, and says so."""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.release.pipeline.gates import Hold
from hrx.ops.runbook.reading import Node, as_node, read_yaml, wrong
from hrx.ops.schedules.business import BusinessCalendar

FILE: Final = "calendar.yaml"
_DAY: Final = timedelta(days=1)
#: A freeze of more than a year is no freeze.
_LONGEST_DAYS: Final = 400
_KINDS: Final = ("every_month", "days", "from")
_KEYS: Final = frozenset(
    {"id", "reason", "to", "if_closed", "business_days_before", "business_days_after", *_KINDS}
)


class IfClosed(StrEnum):
    """Where a day goes that is no business day."""

    STAYS = "stays"
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One reason to leave production alone: `month_day` of each month, single `days`, or all of `span`."""

    id: str
    reason: Text
    month_day: int | None = None
    days: tuple[date, ...] = ()
    span: tuple[date, date] | None = None
    if_closed: IfClosed = IfClosed.STAYS
    before: int = 0
    after: int = 0


class Known(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something in the living system that a deploy must not meet; `says` names it, whatever is known."""

    id: str
    known: Known
    says: Text


def load_rules(folder: Path) -> tuple[Rule, ...]:
    """Raises ContentWrong."""
    node = as_node(read_yaml(folder / FILE), place=FILE)
    return tuple(_read_rule(one) for one in node.nodes("holds"))


def decide(
    rules: Sequence[Rule], facts: Sequence[Fact], *, office: BusinessCalendar, at: datetime
) -> Hold | None:
    """Why production waits at this moment; None when nothing holds it."""
    held = find_day_hold(rules, office=office, at=at)
    reasons = [_say_fact(one) for one in facts if one.known is not Known.NO]
    ids = {f"fact:{one.id}" for one in facts if one.known is not Known.NO}
    if held is None and not reasons:
        return None
    if held is not None:
        reasons.insert(0, held.reason)
        ids |= held.ids
    return Hold(
        reason=Text(ja="、".join(one.ja for one in reasons), en="; ".join(one.en for one in reasons)),
        ids=frozenset(ids),
        # A fact ends when it ends: nobody can say when.
        until=held.until if held is not None and len(reasons) == 1 else None,
    )


def find_day_hold(rules: Sequence[Rule], *, office: BusinessCalendar, at: datetime) -> Hold | None:
    """Why this day is left alone, and the beginning of the first day after it that is not."""
    day = at.astimezone(office.zone).date()
    held = [one for one in rules if _holds(one, day, office)]
    if not held:
        return None
    free = day
    for _ in range(_LONGEST_DAYS):
        free += _DAY
        if not any(_holds(one, free, office) for one in rules):
            break
    until = datetime.combine(free, time.min, tzinfo=office.zone).astimezone(UTC)
    names = Text(ja="、".join(one.reason.ja for one in held), en="; ".join(one.reason.en for one in held))
    return Hold(
        reason=Text(ja=f"{names.ja}({free:%Y-%m-%d} まで)", en=f"{names.en} (until {free:%Y-%m-%d})"),
        ids=frozenset(f"calendar:{one.id}" for one in held),
        until=until,
    )


def _say_fact(fact: Fact) -> Text:
    if fact.known is Known.YES:
        return fact.says
    return Text(ja=f"{fact.says.ja}かどうか不明", en=f"not known: {fact.says.en}")


def _holds(rule: Rule, day: date, office: BusinessCalendar) -> bool:
    if rule.span is not None:
        return rule.span[0] <= day <= rule.span[1]
    return any(begin <= day <= end for begin, end in _spans(rule, day, office))


def _spans(rule: Rule, day: date, office: BusinessCalendar) -> Iterator[tuple[date, date]]:
    """The spans of a rule that may hold this day."""
    for middle in rule.days or _month_days(rule, day):
        moved = _move(middle, rule.if_closed, office)
        yield _step(moved, -rule.before, office), _step(moved, rule.after, office)


def _month_days(rule: Rule, day: date) -> Iterator[date]:
    if rule.month_day is None:
        return
    for months in (-1, 0, 1):
        index = day.year * 12 + day.month - 1 + months
        year, month = index // 12, index % 12 + 1
        last = calendar.monthrange(year, month)[1]
        yield date(year, month, min(rule.month_day, last))


def _move(day: date, if_closed: IfClosed, office: BusinessCalendar) -> date:
    step = {IfClosed.STAYS: 0, IfClosed.BEFORE: -1, IfClosed.AFTER: 1}[if_closed]
    for _ in range(_LONGEST_DAYS if step else 0):
        if office.is_business_day(day):
            break
        day += step * _DAY
    return day


def _step(day: date, business_days: int, office: BusinessCalendar) -> date:
    step = _DAY if business_days > 0 else -_DAY
    left = abs(business_days)
    for _ in range(_LONGEST_DAYS):
        if not left:
            break
        day += step
        left -= office.is_business_day(day)
    return day


def _read_rule(node: Node) -> Rule:
    node = Node(values=node.values, place=f"{FILE}, {node.string('id')}")
    for key in sorted({*node.values} - _KEYS):
        raise wrong(f"{node.place}.{key}", "is no key of a hold")
    if sum(key in node.values for key in _KINDS) != 1:
        raise wrong(node.place, f"needs one of {', '.join(f'`{key}`' for key in _KINDS)}")
    try:
        if_closed = IfClosed(node.find_string("if_closed") or IfClosed.STAYS)
    except ValueError as error:
        raise wrong(f"{node.place}.if_closed", f"must be one of {', '.join(IfClosed)}") from error
    return Rule(
        id=node.string("id"),
        reason=node.text("reason"),
        month_day=_count(node, "every_month", 1, 31) if "every_month" in node.values else None,
        days=_read_days(node) if "days" in node.values else (),
        span=_read_span(node) if "from" in node.values else None,
        if_closed=if_closed,
        before=_count(node, "business_days_before", 0, 31) if "business_days_before" in node.values else 0,
        after=_count(node, "business_days_after", 0, 31) if "business_days_after" in node.values else 0,
    )


def _read_days(node: Node) -> tuple[date, ...]:
    found = node.values["days"]
    if not isinstance(found, list) or not found:
        raise wrong(f"{node.place}.days", "must be a list of dates")
    return tuple(_date(one, f"{node.place}.days") for one in found)


def _read_span(node: Node) -> tuple[date, date]:
    begin = _date(node.values["from"], f"{node.place}.from")
    end = _date(node.values.get("to"), f"{node.place}.to")
    if not begin <= end < begin + timedelta(days=_LONGEST_DAYS):
        raise wrong(f"{node.place}.to", "must not be before `from`, nor more than a year after it")
    return begin, end


def _date(found: object, place: str) -> date:
    if isinstance(found, datetime) or not isinstance(found, date):
        raise wrong(place, "must be a date such as 2027-03-31")
    return found


def _count(node: Node, key: str, least: int, most: int) -> int:
    found = node.values[key]
    if isinstance(found, bool) or not isinstance(found, int) or not least <= found <= most:
        raise wrong(f"{node.place}.{key}", f"must be a whole number from {least} to {most}")
    return found
