"""Days on which production is left alone, and what the living system adds (R3.1-1)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hrx.kit.errors import Text
from hrx.ops.release.pipeline.calendar import Fact, Known, Rule, decide, load_rules
from hrx.ops.release.pipeline.gates import Hold
from hrx.ops.runbook.reading import ContentWrong
from hrx.ops.runbook.respond import load_respond
from hrx.ops.schedules.business import BusinessCalendar, is_japanese_holiday
from tests.conftest import ROOT

pytestmark = pytest.mark.req("R3.1-1")
TOKYO = ZoneInfo("Asia/Tokyo")
OFFICE = BusinessCalendar(
    zone=TOKYO,
    opens=time(9),
    closes=time(18),
    weekdays=frozenset(range(5)),
    is_holiday=is_japanese_holiday,
)
RULES = load_rules(ROOT / "runbook")


def at(text: str) -> datetime:
    """A moment on the wall of the office."""
    return datetime.fromisoformat(text).replace(tzinfo=TOKYO).astimezone(UTC)


def held(moment: str, *facts: Fact) -> Hold | None:
    return decide(RULES, facts, office=OFFICE, at=at(moment))


def fact(known: Known, name: str = "import") -> Fact:
    return Fact(id=name, known=known, says=Text(ja="取り込み中", en="an import is running"))


@pytest.mark.parametrize(
    ("moment", "until"),
    [
        # 25 February 2027 is a Thursday, and the 23rd, a Tuesday, is the Emperor's birthday.
        ("2027-02-18T23:59:59", None),
        ("2027-02-19T00:00:00", "2027-02-26T00:00:00"),
        ("2027-02-25T23:59:59", "2027-02-26T00:00:00"),
        ("2027-02-26T00:00:00", None),
        # 25 April 2027 is a Sunday: paid on Friday the 23rd.
        ("2027-04-19T23:59:00", None),
        ("2027-04-20T08:00:00", "2027-04-24T00:00:00"),
        ("2027-04-24T00:00:00", None),
    ],
)
def test_payroll_counts_business_days_and_knows_holidays(moment: str, until: str | None) -> None:
    found = held(moment)
    assert (found.until if found else None) == (at(until) if until else None)
    if found is not None:
        assert found.ids == {"calendar:payroll"}
        assert "payroll cut-off" in found.reason.en
        assert "給与の締め" in found.reason.ja


def test_a_hold_that_meets_another_says_when_both_are_over() -> None:
    found = held("2026-12-24T12:00:00")
    assert found is not None
    assert found.until == at("2027-01-05T00:00:00"), "payroll runs into the freeze"
    assert found.ids == {"calendar:payroll"}


def test_the_day_of_the_office_counts_not_that_of_utc() -> None:
    assert held("2027-01-04T23:00:00") is not None
    assert held("2027-01-05T00:30:00") is None


def test_what_the_system_does_holds_without_an_end() -> None:
    found = held("2027-02-10T12:00:00", fact(Known.YES), fact(Known.NO, "recovery"))
    assert found is not None
    assert (found.reason.en, found.until) == ("an import is running", None)
    assert found.ids == {"fact:import"}


def test_what_cannot_be_known_holds_and_says_so() -> None:
    found = held("2027-02-10T12:00:00", fact(Known.UNKNOWN))
    assert found is not None
    assert found.reason.en == "not known: an import is running"
    assert "不明" in found.reason.ja


def test_day_and_fact_together_have_both_reasons_and_no_end() -> None:
    found = held("2027-02-25T12:00:00", fact(Known.YES))
    assert found is not None
    assert found.ids == {"calendar:payroll", "fact:import"}
    assert found.until is None


def test_a_month_that_has_no_such_day_ends_on_its_last() -> None:
    rule = Rule(id="end", reason=Text(ja="月末", en="end of month"), month_day=31)
    days = [
        day for day in range(1, 29) if decide([rule], (), office=OFFICE, at=at(f"2027-02-{day:02}T12:00:00"))
    ]
    assert days == [28]


def test_the_offices_own_days_off_count_too() -> None:
    office = load_respond(ROOT / "runbook").calendar
    rule = Rule(id="close", reason=Text(ja="締め", en="close"), days=(date(2027, 1, 5),), before=1, after=0)
    assert decide([rule], (), office=office, at=at("2027-01-04T09:00:00")) is not None
    assert decide([rule], (), office=office, at=at("2027-01-01T09:00:00")) is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{every_month: 32}", "must be a whole number from 1 to 31"),
        ("{every_month: 25, days: [2027-01-01]}", "needs one of"),
        ("{from: 2027-01-04, to: 2027-01-01}", "must not be before `from`"),
        ("{from: 2027-01-04}", "must be a date such as"),
        ("{days: []}", "must be a list of dates"),
        ("{every_month: 25, if_closed: never}", "if_closed must be one of stays, before, after"),
        ("{every_month: 25, daysbefore: 3}", "daysbefore is no key of a hold"),
    ],
)
def test_a_wrong_calendar_says_where(tmp_path: Path, content: str, said: str) -> None:
    head = "{id: x, reason: {ja: あ, en: a}, "
    (tmp_path / "calendar.yaml").write_text(f"holds:\n  - {head}{content[1:]}\n")
    with pytest.raises(ContentWrong) as caught:
        load_rules(tmp_path)
    assert said in caught.value.message.en
    assert "calendar.yaml, x" in caught.value.message.en
