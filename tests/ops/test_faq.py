"""The questions of 10.2 are found by people's own words, and what they link to exists."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hrx.kit.errors import Text
from hrx.ops.runbook import content as contents
from hrx.ops.runbook.content import load_content
from hrx.ops.runbook.faq import Question, load_faq, search_faq
from hrx.ops.runbook.reading import ContentWrong
from tests.conftest import ROOT

pytestmark = pytest.mark.req("R10.2-1")
FAQ = load_faq(ROOT / "runbook")


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("503", "api-503"),
        ("５０３", "api-503"),
        ("ろっく 一覧", "database-slow"),
        ("ロック 一覧", "database-slow"),
        ("CERTIFICATE", "certificate"),
        ("証明書", "certificate"),
        ("stripe", "billing-provider"),
        ("メモリ", "api-memory"),
        ("ﾒﾓﾘ", "api-memory"),
        ("brute force", "many-refused"),
        ("blind", "alert-silent"),
    ],
)
def test_a_question_is_found_by_words_in_any_writing(words: str, first: str) -> None:
    assert search_faq(FAQ, words)[0].id == first


def test_every_word_has_to_be_found_and_no_word_shows_all() -> None:
    assert search_faq(FAQ, "503 certificate") == []
    assert search_faq(FAQ, "  ") == list(FAQ)
    assert len(FAQ) >= 12


def test_each_sop_that_people_ask_about_has_a_question() -> None:
    asked = {sop for one in FAQ for sop in one.sops}
    assert asked == {f"5.2.{n}" for n in range(1, 7)}


def test_a_link_to_what_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    lost: Question = replace(FAQ[0], procedures=("no-such-procedure",), answer=Text(ja="x", en="x"))
    monkeypatch.setattr(contents, "load_faq", lambda _folder: (lost,))
    with pytest.raises(ContentWrong, match="no-such-procedure"):
        load_content(ROOT / "runbook")
