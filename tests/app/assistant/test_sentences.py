"""Pieces of a text that are quoted: a sentence, a sentence with the list it announces, a short paragraph."""

from __future__ import annotations

import pytest

from hrx.app.assistant.answering.sentences import (
    SHORT_COLUMNS,
    Sentence,
    list_sentences,
    with_short_paragraph,
)

pytestmark = pytest.mark.req("R2-5")
REMOTE = "## 2. How many days\n\nUp to three days a week. Carers may work from home on all five days.\n\nAsk."


def find(source: str, words: str) -> Sentence:
    [found] = [one for one in list_sentences(source) if words in one.text]
    assert source[found.start : found.end] == found.text
    return found


@pytest.mark.parametrize(
    ("source", "words", "quoted"),
    [
        (
            REMOTE,
            "all five",
            "Up to three days a week. Carers may work from home on all five days.",
        ),
        (
            "2　宿泊費は実費とする。東京23区は15,000円を上限とする。\n3　別に定める。",
            "15,000円",
            "2　宿泊費は実費とする。東京23区は15,000円を上限とする。",
        ),
        ("- 期限は3日とする。休日を除く。\n- 次の項", "休日", "期限は3日とする。休日を除く。"),
        ("One sentence only.", "One", "One sentence only."),
        ("休暇は次のとおりとする。\n- 慶弔\n- 病気", "休暇は", "休暇は次のとおりとする。\n- 慶弔\n- 病気"),
        # Who is quoted with the announcement of a list would be quoted without the list.
        ("早めに申し出る。書類は次のとおり。\n- 診断書", "早めに", "早めに申し出る。"),
    ],
)
def test_a_short_paragraph_is_quoted_whole(source: str, words: str, quoted: str) -> None:
    found = with_short_paragraph(source, find(source, words))
    assert found.text == quoted == source[found.start : found.end]


@pytest.mark.parametrize("letter", ["a", "あ"])
def test_a_sentence_of_a_long_paragraph_stands_alone(letter: str) -> None:
    width = 1 if letter == "a" else 2
    end = "." if letter == "a" else "。"
    longest = letter * ((SHORT_COLUMNS - 8) // width) + end
    assert with_short_paragraph(f"{longest} b.", find(f"{longest} b.", longest)).text == f"{longest} b."
    longer = letter * (SHORT_COLUMNS // width) + end
    assert with_short_paragraph(f"{longer} b.", find(f"{longer} b.", longer)).text == longer
