"""Personal data in the forms people write it, replaced before it leaves and put back afterwards."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hrx.app.gateway.masking import Mask, NameIndex, PersonName, Unmasking

pytestmark = pytest.mark.req("R2-7")
NAMES = (
    PersonName(family="佐藤", given="花子"),
    PersonName(family="サトウ", given="ハナコ"),
    PersonName(family="Sato", given="Hanako"),
    PersonName(family="森", given="一"),
)


def new_mask() -> Mask:
    return Mask(NameIndex(NAMES))


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("佐藤花子", "PERSON"),
        ("佐藤 花子", "PERSON"),
        ("佐藤　花子", "PERSON"),
        ("佐藤さん", "PERSON"),
        ("佐藤部長", "PERSON"),
        ("サトウ ハナコ", "PERSON"),
        ("Hanako Sato", "PERSON"),
        ("SATO HANAKO", "PERSON"),
        ("hanako.sato@example.co.jp", "EMAIL"),
        ("ｈ９＠example.jp".replace("ｈ", "h"), "EMAIL"),
        ("090-1234-5678", "PHONE"),
        ("０９０－１２３４－５６７８", "PHONE"),
        ("03-1234-5678", "PHONE"),
        ("1234 5678 9018", "NUMBER"),
        ("〒530-0001 大阪府大阪市北区梅田3丁目1番3号", "ADDRESS"),
        ("東京都港区芝公園四丁目2-8", "ADDRESS"),
        ("〒105-0011", "ADDRESS"),
    ],
)
def test_what_names_a_person_does_not_leave(written: str, kind: str) -> None:
    mask = new_mask()
    text = f"先日、{written}、について聞きました。"
    masked = mask.mask(text)
    assert masked == f"先日、⟦{kind}1⟧、について聞きました。"
    assert mask.unmask(masked) == text


@pytest.mark.parametrize(
    "harmless",
    [
        "佐藤製薬の就業規則",
        "森の中",
        "Hanako Satoshi",
        "2026-11-27 の 10:30",
        "第 39 条の 2",
        "1,234,567 円",
        "1234 5678 9010",
    ],
)
def test_what_names_nobody_stays(harmless: str) -> None:
    assert new_mask().mask(harmless) == harmless


def test_the_same_person_is_the_same_throughout_a_call() -> None:
    mask = new_mask()
    first, second = mask.mask("佐藤花子の上司は?"), mask.mask("佐藤花子は森一の部下です。")
    assert first == "⟦PERSON1⟧の上司は?"
    assert second == "⟦PERSON1⟧は⟦PERSON2⟧の部下です。"


def test_values_are_escaped_where_they_go_into_json() -> None:
    mask = Mask(NameIndex([PersonName(family='O"Neil', given="Ann")]))
    masked = mask.mask('O"Neil Ann')
    assert mask.unmask(f'{{"name": "{masked}"}}', is_json=True) == '{"name": "O\\"Neil Ann"}'


def test_a_placeholder_that_nobody_gave_stays() -> None:
    assert new_mask().unmask("⟦PERSON9⟧ と ⟦ だけ") == "⟦PERSON9⟧ と ⟦ だけ"


@given(some.lists(some.integers(0, 60), max_size=8))
def test_a_stream_is_put_back_however_its_placeholders_are_cut(cuts: list[int]) -> None:
    mask = new_mask()
    masked = mask.mask("佐藤花子(h@example.jp)の上司は森一です。") + "⟦ 以上"
    places = sorted({0, *(min(cut, len(masked)) for cut in cuts), len(masked)})
    unmasking = Unmasking(mask)
    pieces = [unmasking.take(masked[a:b]) for a, b in itertools.pairwise(places)]
    assert "".join([*pieces, unmasking.rest()]) == "佐藤花子(h@example.jp)の上司は森一です。⟦ 以上"


def test_ten_thousand_names_are_found_in_one_pass() -> None:
    many = [PersonName(family=f"試験{number}", given="太郎") for number in range(10_000)]
    mask = Mask(NameIndex(many))
    text = "試験9999 太郎と話した。" * 500
    assert mask.mask(text) == "⟦PERSON1⟧と話した。" * 500
