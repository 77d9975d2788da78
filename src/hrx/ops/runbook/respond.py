"""What the runbook says about answering: severities with their clocks, the office's calendar, grouping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hrx.kit.errors import Text
from hrx.ops.runbook.reading import Node, as_node, read_yaml, wrong
from hrx.ops.schedules.business import BusinessCalendar, is_japanese_holiday, no_holidays
from hrx.ops.signal import Severity

_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Counts(StrEnum):
    """What time a clock counts."""

    MINUTES = "minutes"
    BUSINESS_MINUTES = "business_minutes"
    BUSINESS_DAYS = "business_days"
    NEXT_RELEASE = "next_release"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How long something may take; `amount` is None for "with the next release"."""

    counts: Counts
    amount: int | None

    @property
    def is_business(self) -> bool:
        return self.counts in (Counts.BUSINESS_MINUTES, Counts.BUSINESS_DAYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityRule:
    """One severity of chapter 5.1."""

    severity: Severity
    name: Text
    definition: Text
    respond: Budget
    recover: Budget
    pages: bool
    escalates_at: tuple[float, ...]
    at_risk_at: float
    resolves_after: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """When conditions are one incident; see grouping.yaml."""

    near: timedelta
    settle: timedelta
    settle_max: timedelta
    reopen: timedelta
    storm_incidents: int
    storm: timedelta
    aliases: Mapping[str, str]
    sops: Mapping[str, str]
    security_sop: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Respond:
    """Everything in `runbook/respond/` that incidents go by."""

    severities: Mapping[Severity, SeverityRule]
    calendar: BusinessCalendar
    days_off: Mapping[date, Text]
    next_release_at: datetime | None
    grouping: Grouping


def load_respond(folder: Path) -> Respond:
    """Raises ContentWrong when a file is wrong or a severity is missing."""
    calendar_node = _read_node(folder / "respond" / "calendar.yaml")
    days_off = {_date(node, "date"): node.text("reason") for node in calendar_node.nodes("days_off")}
    return Respond(
        severities=_load_severities(folder / "respond" / "severities.yaml"),
        calendar=_calendar(calendar_node, frozenset(days_off)),
        days_off=days_off,
        next_release_at=_find_moment(calendar_node, "next_release_at"),
        grouping=_grouping(_read_node(folder / "respond" / "grouping.yaml")),
    )


def _load_severities(path: Path) -> dict[Severity, SeverityRule]:
    found = read_yaml(path)
    if not isinstance(found, list):
        raise wrong(str(path), "must be a list")
    rules = [_rule(as_node(item, place=f"severities.yaml[{at}]")) for at, item in enumerate(found)]
    if sorted(rule.severity for rule in rules) != sorted(Severity):
        raise wrong(str(path), "must name each severity from 1 to 4 once")
    return {rule.severity: rule for rule in rules}


def _rule(node: Node) -> SeverityRule:
    quiet = node.values.get("resolves_after_min")
    return SeverityRule(
        severity=Severity(_whole(node, "severity")),
        name=node.text("name"),
        definition=node.text("definition"),
        respond=_budget(node.node("respond")),
        recover=_budget(node.node("recover")),
        pages=node.flag("pages"),
        escalates_at=tuple(_share(item, node, "escalates_at") for item in node.strings("escalates_at")),
        at_risk_at=_share(node.values.get("at_risk_at"), node, "at_risk_at"),
        resolves_after=None if quiet is None else timedelta(minutes=_whole(node, "resolves_after_min")),
    )


def _budget(node: Node) -> Budget:
    counts = Counts(node.string("counts"))
    if counts is Counts.NEXT_RELEASE:
        return Budget(counts=counts, amount=None)
    return Budget(counts=counts, amount=_whole(node, "amount"))


def _calendar(node: Node, days_off: frozenset[date]) -> BusinessCalendar:
    try:
        zone = ZoneInfo(node.string("time_zone"))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise wrong(f"{node.place}.time_zone", "is no time zone") from error
    holidays = node.find_string("holidays")
    if holidays not in (None, "japan"):
        raise wrong(f"{node.place}.holidays", "must be `japan` or absent")
    unknown = set(node.strings("weekdays")) - set(_WEEKDAYS)
    if unknown or not node.strings("weekdays"):
        raise wrong(f"{node.place}.weekdays", "must name days of the week")
    calendar = BusinessCalendar(
        zone=zone,
        opens=_time(node, "opens"),
        closes=_time(node, "closes"),
        weekdays=frozenset(_WEEKDAYS.index(name) for name in node.strings("weekdays")),
        is_holiday=is_japanese_holiday if holidays == "japan" else no_holidays,
        days_off=days_off,
    )
    if calendar.opens >= calendar.closes:
        raise wrong(f"{node.place}.closes", "must be later than `opens`")
    return calendar


def _grouping(node: Node) -> Grouping:
    def span(key: str) -> timedelta:
        return timedelta(seconds=node.seconds(key))

    def names(key: str) -> dict[str, str]:
        return {str(name): str(value) for name, value in node.node(key).values.items()}

    return Grouping(
        near=span("near_s"),
        settle=span("settle_s"),
        settle_max=span("settle_max_s"),
        reopen=span("reopen_s"),
        storm_incidents=_whole(node, "storm_incidents"),
        storm=span("storm_s"),
        aliases=names("aliases"),
        sops=names("sops"),
        security_sop=node.string("security_sop"),
    )


def _read_node(path: Path) -> Node:
    return as_node(read_yaml(path), place=path.name)


def _whole(node: Node, key: str) -> int:
    found = node.values.get(key)
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise wrong(f"{node.place}.{key}", "must be a whole number above 0")
    return found


def _share(value: object, node: Node, key: str) -> float:
    try:
        share = float(str(value))
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise wrong(f"{node.place}.{key}", "must be a share above 0, at most 1")
    return share


def _time(node: Node, key: str) -> time:
    try:
        return time.fromisoformat(node.string(key))
    except ValueError as error:
        raise wrong(f"{node.place}.{key}", "must be a time such as 09:00") from error


def _date(node: Node, key: str) -> date:
    found = node.values.get(key)
    if isinstance(found, datetime) or not isinstance(found, date):
        raise wrong(f"{node.place}.{key}", "must be a date such as 2026-12-29")
    return found


def _find_moment(node: Node, key: str) -> datetime | None:
    found = node.values.get(key)
    if found is None:
        return None
    if not isinstance(found, datetime) or found.tzinfo is None:
        raise wrong(f"{node.place}.{key}", "must be a moment with its offset")
    return found
