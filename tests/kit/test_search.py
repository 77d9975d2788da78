"""Text becomes the same terms at ingest and in a question; encoders that are absent or foreign stay out."""

from __future__ import annotations

import hashlib

import pytest

from hrx.kit.search.analysis import analyse, guess_language
from hrx.kit.search.encoders.finding import can_read, find_encoder
from hrx.kit.search.encoders.places import file_for, find_revision
from hrx.kit.search.passages import PassageText, find_dense, index_passages, index_version
from hrx.kit.search.synonyms import load_synonyms
from hrx.kit.search.weights import PLACES, USUAL_TERMS, as_sparse, place_of, weigh

pytestmark = pytest.mark.req("R2-6")
needs_encoder = pytest.mark.skipif(find_revision() is None, reason="the English encoder is not installed")


def test_width_case_and_form_of_a_word_make_no_difference() -> None:
    assert analyse("ﾃﾚﾜｰｸ　ＶＰＮ").terms == analyse("テレワーク vpn").terms
    assert analyse("Employees applying").terms == analyse("employee APPLIES").terms
    assert analyse("申込み").terms.keys() & analyse("申し込み").terms.keys()


def test_particles_and_signs_are_no_terms_and_japanese_has_letters_and_pairs() -> None:
    found = analyse("有給は、VPNで?")
    assert set(found.terms) == {"有給", "vpn"}
    assert set(found.grams) == {"有", "給", "は", "で", "有給", "給は"}
    assert analyse("Annual leave").grams == {}
    assert analyse("🎉 !? 、。 \x00").terms == {}


def test_long_text_without_a_break_is_analysed_whole() -> None:
    assert analyse("休暇" * 30_000).terms["休暇"] > 29_900


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("有給休暇", "ja"),
        ("VPNの設定", "ja"),
        ("Remote work", "en"),
        ("", "en"),
        ("Kaizen (改善) " + "x" * 99, "en"),
    ],
)
def test_the_language_of_a_text_is_the_one_it_is_written_in(text: str, language: str) -> None:
    assert guess_language(text) == language


def test_a_word_and_a_letter_have_places_of_their_own_that_pgvector_takes() -> None:
    assert place_of("年") != place_of("年", is_gram=True)
    weighed = weigh({"年": 3, "月": 1}, usual=USUAL_TERMS)
    assert weighed[place_of("年")] > weighed[place_of("月")] > 0
    assert all(1 <= place <= PLACES for place in weighed)
    assert as_sparse({}) == f"{{}}/{PLACES}"


def test_longer_passages_count_a_word_for_less() -> None:
    short, long = weigh({"年": 1}, usual=70), weigh({"年": 1, "月": 400}, usual=70)
    assert short[place_of("年")] > long[place_of("年")]


def test_synonyms_add_what_was_not_asked_at_no_more_than_half() -> None:
    synonyms = load_synonyms()
    added = synonyms.add_to("有休は何日?", analyse("有休は何日?"))
    assert {"年次", "休暇", "leav"} <= set(added)
    assert max(added.values()) <= 0.5
    assert "有休" not in added
    # Letters count as whole words only: DC is in no "DCIM".
    assert synonyms.add_to("dcim", analyse("dcim")) == {}


def test_an_encoder_that_is_not_installed_is_a_leg_that_is_off_and_its_rows_say_that_they_lack_it() -> None:
    passage = PassageText(headings=("Leave",), body="Annual leave is 25 days.", language="en")
    assert find_encoder("minilm-of-elsewhere") is None
    assert find_dense(index_version("minilm-of-elsewhere")) == "minilm-of-elsewhere"
    assert find_dense(index_version(None)) is None
    [row] = index_passages([passage], dense="minilm-of-elsewhere")
    assert (row.embedding, row.lacks_embedding) == (None, True)
    [row] = index_passages([passage], dense=None)
    assert (row.embedding, row.lacks_embedding) == (None, False)


@needs_encoder
def test_the_encoder_knows_meaning_in_english_and_is_not_asked_for_japanese() -> None:
    encoder = find_encoder(find_revision())
    assert encoder is not None
    near, far, question = encoder.encode(
        ["Annual leave entitlement is 25 days.", "The cat sat on the mat.", "How much holiday do I get?"],
        kind="passage",
    )
    assert sum(x * y for x, y in zip(near, question, strict=True)) > sum(
        x * y for x, y in zip(far, question, strict=True)
    )
    assert sum(x * x for x in near) == pytest.approx(1)
    assert len(near) == encoder.dimensions
    japanese = "年次有給休暇は、六か月継続して勤務した者に付与する。"
    assert encoder.unknown_share([japanese]) > 0.05
    assert not can_read(encoder, [japanese], language="ja")
    # Japanese that was taken for English is found out by the words that the encoder does not know.
    assert not can_read(encoder, [japanese], language="en")
    [row] = index_passages([PassageText(headings=(), body=japanese, language="ja")], dense=encoder.revision)
    assert (row.embedding, row.lacks_embedding) == (None, False)


@needs_encoder
def test_the_encoders_file_is_named_by_what_is_in_it() -> None:
    file = file_for()
    assert file is not None
    assert file.stem == f"minilm-{hashlib.sha256(file.read_bytes()).hexdigest()[:16]}"
