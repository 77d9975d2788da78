"""One cell at a time: days of every calendar, names that keep their characters, values that are refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrx.app.people.employees.importing.cells import guard_formula, parse_cell
from hrx.app.people.employees.importing.dates import ERAS, DateRefused, parse_day
from hrx.app.people.employees.importing.fields import BY_NAME, FIELDS
from hrx.app.people.employees.importing.problems import PROBLEMS, say

pytestmark = pytest.mark.req("R2-2")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-04-01", date(2024, 4, 1)),
        ("2024/4/1", date(2024, 4, 1)),
        ("２０２４年４月１日", date(2024, 4, 1)),
        ("20240401", date(2024, 4, 1)),
        ("45383", date(2024, 4, 1)),
        ("2024-04-01 00:00:00", date(2024, 4, 1)),
        ("平成元年5月1日", date(1989, 5, 1)),
        ("H1.5.1", date(1989, 5, 1)),
        ("S50/1/1", date(1975, 1, 1)),
        ("Ｒ６．４．１", date(2024, 4, 1)),
        ("令6.4.1", date(2024, 4, 1)),
        ("㍻31年4月30日", date(2019, 4, 30)),
        ("平成32年4月1日", date(2020, 4, 1)),
        ("昭和64年1月7日", date(1989, 1, 7)),
        ("R060401", date(2024, 4, 1)),
        ("大正15年12月24日", date(1926, 12, 24)),
    ],
)
def test_days_are_read_as_offices_write_them(text: str, day: date) -> None:
    assert parse_day(text) == day


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("4/1/2024", "date.ambiguous"),
        ("24/4/1", "date.ambiguous"),
        ("240401", "date.ambiguous"),
        ("2024-02-30", "date.impossible"),
        ("R0.4.1", "date.impossible"),
        ("H1.1.7", "date.before_era"),
        ("令和元年4月30日", "date.before_era"),
        ("1899-12-31", "date.out_of_range"),
        ("2200-01-01", "date.out_of_range"),
        ("来月", "date.unknown"),
        ("12", "date.unknown"),
    ],
)
def test_days_that_could_be_two_or_none_are_refused(text: str, code: str) -> None:
    with pytest.raises(DateRefused) as refused:
        parse_day(text)
    assert refused.value.code == code


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2100, 12, 31)))
@settings(max_examples=300, deadline=None)
def test_every_day_survives_iso_and_its_era(day: date) -> None:
    assert parse_day(day.isoformat()) == day
    era = next(era for era in ERAS if era.first_day <= day)
    first_year = 1868 if era.letter == "M" else era.first_day.year
    assert parse_day(f"{era.name}{day.year - first_year + 1}年{day.month}月{day.day}日") == day


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("employee_number", " ００１２３ ", "00123"),
        ("family_kanji", "髙﨑", "髙﨑"),
        ("family_kanji", "\ufa19谷", "\ufa19谷"),
        ("family_kanji", "葛\U000e0100城", "葛\U000e0100城"),
        ("family_kanji", "\ue001橋", "\ue001橋"),
        ("family_kana", "ﾀｶﾊｼ", "タカハシ"),
        ("family_kana", "たかはし", "タカハシ"),
        ("family_kana", "か\u3099", "ガ"),
        ("work_email", "ＴＡＲＯ@Example.JP", "taro@example.jp"),
        ("postal_code", "〒２２００012", "220-0012"),
        ("personal_phone", "０９０ー００００−0000", "090-0000-0000"),
        ("gender", "Female", "female"),
        ("employment_kind", "契約 社員", "fixed_term"),
        ("fte", "50％", Decimal("0.500")),
        ("fte", "0", Decimal("0.000")),
        ("left_on", "9999-12-31", None),
        ("address_line1", "'=1+1", "=1+1"),
        ("position", "(なし)", None),
    ],
)
def test_values_are_normalised_without_losing_characters(field: str, text: str, value: object) -> None:
    parsed = parse_cell(text, field=BY_NAME[field])
    assert parsed is not None
    assert parsed.problem is None
    assert parsed.value == value
    assert parsed.is_cleared == (value is None)


@pytest.mark.parametrize(
    ("field", "text", "code"),
    [
        ("employee_number", "12 34", "code.malformed"),
        ("employee_number", "9" * 51, "cell.too_long"),
        ("family_kana", "高橋", "kana.not_kana"),
        ("work_email", "taro@", "email.malformed"),
        ("work_email", "a b@example.jp", "email.malformed"),
        ("postal_code", "220", "postal_code.malformed"),
        ("personal_phone", "なし電話", "phone.malformed"),
        ("gender", "?", "choice.unknown"),
        ("fte", "1.5", "ratio.malformed"),
        ("fte", "NaN", "ratio.malformed"),
        ("family_kanji", "佐\x00藤", "cell.nul"),
        ("family_kanji", "佐\u200b藤", "cell.nul"),
        ("family_kanji", "佐\u202e藤", "cell.nul"),
        ("family_kanji", "佐\u200d藤", "cell.nul"),
    ],
)
def test_values_that_do_not_fit_are_refused(field: str, text: str, code: str) -> None:
    parsed = parse_cell(text, field=BY_NAME[field])
    assert parsed is not None
    assert parsed.problem is not None
    assert parsed.problem.code == code


@pytest.mark.parametrize(
    "text", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "＝1+1", "＋1", "－1", "＠SUM(A1)"]
)
def test_formulas_stay_text_and_are_flagged(text: str) -> None:
    parsed = parse_cell(text, field=BY_NAME["address_line1"])
    assert parsed is not None
    assert parsed.value == text
    assert parsed.warning is not None
    assert parsed.warning.code == "cell.formula"
    guarded = guard_formula(text)
    assert guarded == f"'{text}"
    back = parse_cell(guarded, field=BY_NAME["address_line1"])
    assert back is not None
    assert back.value == text


@given(st.text(max_size=60))
@settings(max_examples=400, deadline=None)
def test_no_text_breaks_the_reading_of_a_cell(text: str) -> None:
    for field in FIELDS:
        parsed = parse_cell(text, field=field)
        if parsed is not None and parsed.problem is None and isinstance(parsed.value, str):
            assert "\x00" not in parsed.value
            assert len(parsed.value) <= field.max_length


def test_every_problem_is_said_in_both_languages_with_its_values() -> None:
    for code, text in PROBLEMS.items():
        assert text.ja != text.en, code
        assert "{" not in say(code, {}, language="ja"), code
        assert "{" not in say(code, {}, language="en"), code
    assert say("a.newer.code", {}, language="ja") == "a.newer.code"
