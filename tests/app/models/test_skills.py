"""The first model: good enough, blind to who somebody is, and accepted by the gate (R3.4-1)."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrx.app.models.features import blind, find_features, find_words, rank_matches, row_of
from hrx.app.models.lexicon import SKILLS, VOCABULARY
from hrx.app.models.tracing_text import fold, fold_traced
from hrx.app.models.training.fitting import SWAPS, Fitted, count_rank_changes, fit, measure, rows_of
from hrx.app.models.training.texts import Person, make_examples
from hrx.app.models.training.writing import to_onnx

pytestmark = pytest.mark.req("R3.4-1")
#: Letters that join their neighbours, grow or shrink when they are folded, and words that are looked for.
_ALPHABET = "ｶﾊﾞﾟかは゛゚\u3099\u309a\u0301\u0323aé①㍿ßİΣ\u1112\u1161\u11ab한 \n:：Ｊｊav経理"


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return fit(make_examples(500, seed=3))


def test_it_finds_more_than_the_list_of_words_on_texts_it_has_not_seen(fitted: Fitted) -> None:
    found = measure(fitted, make_examples(200, seed=4))
    assert found["f1"] > found["f1_of_word_list"] + 0.1


@pytest.mark.parametrize("swapped", SWAPS)
def test_another_name_sex_age_or_home_changes_no_ranking(fitted: Fitted, swapped: str) -> None:
    assert count_rank_changes(fitted, make_examples(60, seed=5), swapped) == 0


@pytest.mark.parametrize("name", ["Ruby Java", "Python Linux", "営業 英語", "ＪＡＶＡ　花子"])
def test_a_name_that_is_a_skill_is_not_taken_for_one(fitted: Fitted, name: str) -> None:
    [example] = make_examples(1, seed=6)
    plain = replace(example, person=Person(name="佐藤 花子", gender="女", age=30, address="東京都港区1-1"))
    named = replace(plain, person=replace(plain.person, name=name))
    assert rows_of([plain]).tolist() == rows_of([named]).tolist()
    # The header alone, without a record that knows the name.
    assert find_features(f"氏名: {name}\n経理を担当") == find_features("氏名: 佐藤 花子\n経理を担当")


def test_what_tells_who_somebody_is_is_taken_out() -> None:
    shown = blind("氏名: 佐藤 花子\n性別: 女\n(３０歳)\n〒108-0075\n生年月日: 1990年1月2日\n経理を5年", ())
    assert [one for one in ("佐藤", "女", "30", "108", "1990") if one in shown] == []
    assert "経理を5年" in shown


def test_latin_words_stand_alone_and_widths_do_not_matter() -> None:
    def words(text: str) -> set[str]:
        return {word for word, has in zip(VOCABULARY, find_features(text), strict=True) if has}

    assert words("JavaScript") == set()
    assert words("Ｊａｖａと ＴＯＥＩＣ") == {"java", "toeic"}


@given(
    st.text(alphabet=_ALPHABET, max_size=60), st.lists(st.text(alphabet=_ALPHABET, max_size=6), max_size=3)
)
def test_a_folded_text_knows_where_each_character_stood(text: str, protected: list[str]) -> None:
    traced = fold_traced(text)
    assert traced.text == fold(text)
    assert len(traced.starts) == len(traced.ends) == len(traced.text)
    assert all(0 <= start < end <= len(text) for start, end in zip(traced.starts, traced.ends, strict=True))
    assert traced.starts == sorted(traced.starts)
    assert row_of(find_words(text, protected)) == find_features(text, protected)


def test_words_are_found_where_they_were_written_and_not_in_what_was_taken_out() -> None:
    text = "氏名: Ｊａｖａ 太郎\nｻｰﾊﾞｰ運用を3年。Ｊａｖａで開発、ｶﾞｲﾄﾞ。Linux"
    found = {
        word: [text[start:end] for start, end in places]
        for word, places in find_words(text, ("太郎",)).items()
    }
    assert found == {"java": ["Ｊａｖａ"], "linux": ["Linux"], "サーバー運用": ["ｻｰﾊﾞｰ運用"]}
    # Whole names go, in either order; a word of the name alone is a word like any other.
    assert find_words("開発 太郎・Ｊａｖａ、Java太郎", ("Java 太郎",)) == {}
    assert find_words(text, ("Java 太郎",)).keys() == found.keys()
    assert find_words("Ｐ Linux", ("Linux",)) == {}


def test_the_best_match_comes_first_and_equals_keep_their_order() -> None:
    assert rank_matches([[0.1, 0.0], [0.9, 0.0], [0.1, 0.9]], [1.0, 0.0]) == [1, 0, 2]


def test_the_same_texts_make_the_same_file(fitted: Fitted) -> None:
    again = fit(make_examples(500, seed=3))
    assert to_onnx(again) == to_onnx(fitted)
    assert len({one.id for one in SKILLS}) == len(SKILLS)


def test_the_command_leaves_what_is_registered(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hrx.app.models.training", str(tmp_path / "out"), "--texts", "400"],
        capture_output=True,
        timeout=170,
        check=True,
    )
    told = json.loads(done.stdout)
    draft = json.loads((tmp_path / "out" / "draft.json").read_bytes())
    assert told["f1"] == draft["metrics"]["f1"]
    assert len(draft["golden"]) == 32
    assert {"data", "commit", "parent"} == draft["lineage"].keys()
