"""What cannot be seen is refused; what is rare but means something is kept."""

from __future__ import annotations

import pytest

from hrx.app.platform.characters import has_hidden

pytestmark = pytest.mark.req("R2-2")


@pytest.mark.parametrize(
    "name",
    [
        "髙﨑",
        "𠮷田",
        "葛\U000e0100城",  # a variation selector chooses the form of 葛
        "\ufa19谷",
        "か\u3099",
        "\U00031350",  # CJK extension H, newer than some Pythons
        "Zoë O’Brien-Smith",
        "e\u0301",
        "محمد",
        "می\u200cخواهم",
        "ක්\u200dෂ",
        "李　小龍",
        "👩",
        "",
    ],
)
def test_names_as_people_write_them_are_kept(name: str) -> None:
    assert not has_hidden(name)


@pytest.mark.parametrize(
    "hidden",
    [
        "\x00", "\n", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\ud800", "\ue000", "\uffff",
        "\u200b", "\u2060", "\ufeff", "\u00ad", "\u200e", "\u202e", "\u2066", "\U000e0041",
    ],
)  # fmt: skip
def test_what_cannot_be_seen_is_found_wherever_it_stands(hidden: str) -> None:
    for text in (hidden, f"佐{hidden}藤", f"{hidden}佐藤", f"佐藤{hidden}"):
        assert has_hidden(text)
        assert not has_hidden(text, allowed=hidden)


@pytest.mark.parametrize("text", ["佐\u200d藤", "Sa\u200cto", "\u200d佐", "佐\u200c\u200d"])
def test_a_joiner_with_nothing_to_join_is_hidden(text: str) -> None:
    assert has_hidden(text)
