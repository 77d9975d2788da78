"""Names, eras, addresses and the folding of text for search: pure functions, by tables of cases."""

from __future__ import annotations

from datetime import date

import pytest

from hrx.app.people.employees.addresses import Address, format_address, format_postal_code
from hrx.app.people.employees.eras import era_of, format_era, format_era_short
from hrx.app.people.employees.names import Names, display_name
from hrx.app.people.employees.romaji import fold_romaji, kana_to_romaji
from hrx.app.people.employees.search import fold, index_person, parse_query

pytestmark = pytest.mark.req("R2-2")


@pytest.mark.parametrize(
    ("day", "written", "short"),
    [
        (date(2019, 4, 30), "平成31年4月30日", "H31.4.30"),
        (date(2019, 5, 1), "令和元年5月1日", "R1.5.1"),
        (date(1989, 1, 7), "昭和64年1月7日", "S64.1.7"),
        (date(1989, 1, 8), "平成元年1月8日", "H1.1.8"),
        (date(1926, 12, 24), "大正15年12月24日", "T15.12.24"),
        (date(1926, 12, 25), "昭和元年12月25日", "S1.12.25"),
        (date(1912, 7, 29), "明治45年7月29日", "M45.7.29"),
        (date(1912, 7, 30), "大正元年7月30日", "T1.7.30"),
        (date(1873, 1, 1), "明治6年1月1日", "M6.1.1"),
        (date(1872, 12, 31), "1872年12月31日", "1872.12.31"),
    ],
)
def test_days_are_written_in_their_era(day: date, written: str, short: str) -> None:
    assert format_era(day) == written
    assert format_era_short(day) == short


def test_no_era_is_named_before_the_gregorian_calendar() -> None:
    assert era_of(date(1868, 1, 25)) is None


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("1000001", "100-0001"),
        ("〒100-0001", "100-0001"),
        ("１００－０００１", "100-0001"),
        ("100 0001", "100-0001"),
        ("100ー0001", "100-0001"),
        ("SW1A 1AA", "SW1A 1AA"),
        ("", ""),
    ],
)
def test_postal_codes_are_shown_one_way(written: str, shown: str) -> None:
    assert format_postal_code(written) == shown


def test_addresses_go_from_large_to_small_in_japanese_and_back_in_english() -> None:
    address = Address(
        postal_code="1500002",
        prefecture="東京都",
        city="渋谷区",
        line1="渋谷2-21-1",
        line2="ヒカリエ 20階",
    )
    assert format_address(address, locale="ja") == "〒150-0002 東京都渋谷区渋谷2-21-1 ヒカリエ 20階"
    assert format_address(address, locale="en") == "ヒカリエ 20階, 渋谷2-21-1, 渋谷区, 東京都 150-0002"
    foreign = Address(postal_code="SW1A 1AA", city="London", line1="10 Downing St")
    assert format_address(foreign, locale="ja") == "SW1A 1AA London10 Downing St"
    assert Address().is_empty


def test_each_language_says_names_in_its_own_order() -> None:
    names = Names(family_kanji="山田", given_kanji="太郎", family_latin="Yamada", given_latin="Taro")
    assert display_name(kanji=names.kanji, latin=names.latin, locale="ja") == "山田 太郎"
    assert display_name(kanji=names.kanji, latin=names.latin, locale="en") == "Taro Yamada"
    foreign = Names(family_latin="Facello", given_latin="Georgi")
    assert display_name(kanji=foreign.kanji, latin=foreign.latin, locale="ja") == "Georgi Facello"


@pytest.mark.parametrize(
    "spellings",
    [
        ("shimizu", "simizu", "SHIMIZU", "Shimizu"),
        ("satou", "sato", "satoh", "satō", "SATÔ"),
        ("ohno", "ono", "oono", "ouno", "ōno"),
        ("junichirou", "zyunitiro", "jun'ichiro", "jyunichiro"),
        ("chiba", "tiba"),
        ("tsuchiya", "tutiya"),
        ("fujii", "huzii", "fuji"),
        ("shimbashi", "shinbashi", "sinbasi"),
        ("hatchobori", "hattyobori", "hacchobori".replace("cch", "tch")),
        ("yuuki", "yuki", "yūki"),
    ],
)
def test_spellings_of_one_sound_fold_to_one(spellings: tuple[str, ...]) -> None:
    folded = {fold_romaji(fold(spelling)) for spelling in spellings}
    assert len(folded) == 1, folded


@pytest.mark.parametrize(
    ("kana", "hepburn"),
    [
        ("しみず", "shimizu"),
        ("おおの", "ohno"),
        ("おはら", "ohara"),
        ("きょうこ", "kyoko"),
        ("じゅんいち", "junichi"),
        ("ちゃたに", "chatani"),
        ("はっとり", "hattori"),
        ("はっちょうぼり", "hatchobori"),
        ("しんばし", "shimbashi"),
        ("ゔぃくとる", "vikutoru"),
        ("ふぁん", "fan"),
        ("づか", "zuka"),
        ("こーでぃ", "kodi"),
    ],
)
def test_kana_meet_their_romaji(kana: str, hepburn: str) -> None:
    assert fold_romaji(kana_to_romaji(kana)) == fold_romaji(hepburn)


def test_ohara_is_not_ono() -> None:
    assert fold_romaji("ohara") != fold_romaji("oara")


def test_kana_sort_together_whatever_their_script() -> None:
    katakana = Names(family_kanji="佐藤", family_kana="サトウ", given_kana="タロウ")
    hiragana = Names(family_kanji="佐藤", family_kana="さとう", given_kana="たろう")
    keys = {index_person(n, work_email=None, employee_number="1").kana_key for n in (katakana, hiragana)}
    assert keys == {"さとう たろう"}


@pytest.mark.parametrize("text", ["", "   ", "　", "・、"])
def test_blank_text_asks_nothing(text: str) -> None:
    assert parse_query(text) is None
