"""An encoder in a folder: pooled and prefixed as its description says, named by what makes its numbers."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import pytest

from hrx.kit.search.encoders.describing import (
    EncoderUnknown,
    EncoderWrong,
    find_description,
    get_description,
    list_descriptions,
)
from hrx.kit.search.encoders.finding import find_encoder
from hrx.kit.search.encoders.places import file_for, find_revision, tokenizer_file
from hrx.kit.search.encoders.protocol import Encoder
from tests.kit.encoders import describe, make_onnx_encoder

pytestmark = pytest.mark.req("R2-6")


def opened(folder: Path) -> Encoder:
    revision = get_description(folder.parent, folder.name).revision
    found = find_encoder(revision, folder=folder.parent)
    assert found is not None
    assert found.revision == revision
    return found


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [("mean", (1, 2, 0, 0)), ("cls", (1, 0, 0, 0)), ("last", (0, 1, 0, 0)), ("none", (1, 2, 0, 0))],
)
def test_the_states_of_a_text_become_one_vector_as_the_description_says(
    tmp_path: Path, pooling: str, expected: tuple[float, ...]
) -> None:
    encoder = opened(make_onnx_encoder(tmp_path / "words", is_vector=pooling == "none", pooling=pooling))
    long, short = encoder.encode(["休暇 経費", "休暇"], kind="passage")
    length = math.hypot(*expected)
    assert long == pytest.approx([one / length for one in expected])
    if pooling != "none":
        # What it was filled up with is no part of it.
        assert short == pytest.approx([1, 0, 0, 0])


def test_questions_and_passages_get_their_prefixes(tmp_path: Path) -> None:
    folder = make_onnx_encoder(tmp_path / "e5", query_prefix="query: ", passage_prefix="passage: ")
    encoder = opened(folder)
    [question], [passage] = (encoder.encode(["休暇"], kind=kind) for kind in ("query", "passage"))
    assert question[3] / question[0] == pytest.approx(0.5)
    assert passage[3] / passage[0] == pytest.approx(0.25)
    assert encoder.unknown_share(["休暇 何", "旅費"]) == pytest.approx(1 / 3)


def test_vectors_of_another_length_than_described_are_an_error(tmp_path: Path) -> None:
    folder = make_onnx_encoder(tmp_path / "words")
    text = (folder / "encoder.yaml").read_text().replace("dimensions: 4", "dimensions: 5")
    (folder / "encoder.yaml").write_text(text)
    with pytest.raises(EncoderWrong, match="4 numbers instead of 5"):
        opened(folder).encode(["休暇"], kind="query")


def test_whatever_changes_the_numbers_is_another_encoder(tmp_path: Path) -> None:
    def revision() -> str:
        return get_description(tmp_path, "words").revision

    make_onnx_encoder(tmp_path / "words")
    revisions = [revision()]
    make_onnx_encoder(tmp_path / "words", query_prefix="query: ")
    revisions.append(revision())
    make_onnx_encoder(tmp_path / "words", pooling="cls")
    revisions.append(revision())
    (tmp_path / "words" / "model.onnx_data").write_bytes(b"weights")
    revisions.append(revision())
    (tmp_path / "words" / "model.onnx_data").write_bytes(b"other weights")
    revisions.append(revision())
    assert len(set(revisions)) == 5
    assert find_description(tmp_path, revisions[0]) is None
    assert find_encoder(revisions[0], folder=tmp_path) is None
    shutil.copytree(tmp_path / "words", tmp_path / "elsewhere" / "words")
    assert get_description(tmp_path / "elsewhere", "words").revision == revisions[-1]


def test_a_model_behind_the_gateway_is_described_and_not_opened_here(tmp_path: Path) -> None:
    given = {"kind": "gateway", "languages": ["ja", "en"], "dimensions": 1024}
    describe(tmp_path / "large", model="openai:text-embedding-3-large", **given)
    [found] = list_descriptions(tmp_path)
    assert found.revision.startswith("large-")
    assert find_description(tmp_path, found.revision) == found
    assert find_encoder(found.revision, folder=tmp_path) is None
    assert list_descriptions(None) == ()
    with pytest.raises(EncoderUnknown):
        get_description(tmp_path, "small")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"kind": "torch"}, "kind must be"),
        ({"poolings": "mean"}, "poolings is not known"),
        ({"dimensions": 4096}, "from 1 to 3072"),
        ({"dimensions": True}, "from 1 to 3072"),
        ({"dimensions": None}, "from 1 to 3072"),
        ({"languages": ["fr"]}, "languages must be of"),
        ({"pooling": "max"}, "pooling must be"),
        ({"model": "../model.onnx"}, "no file of the folder"),
        ({"kind": "gateway", "model": "openai"}, "vendor:model"),
    ],
)
def test_a_description_that_cannot_be_used_says_what_is_wrong(
    tmp_path: Path, changed: dict[str, Any], told: str
) -> None:
    make_onnx_encoder(tmp_path / "words")
    given = {"kind": "onnx", "languages": ["ja"], "dimensions": 4, "model": "model.onnx"}
    describe(tmp_path / "words", **{**given, **changed})
    with pytest.raises(EncoderWrong, match=told):
        list_descriptions(tmp_path)


def test_a_file_that_is_no_model_is_told_as_such(tmp_path: Path) -> None:
    folder = make_onnx_encoder(tmp_path / "words")
    (folder / "model.onnx").write_bytes(b"no model")
    with pytest.raises(EncoderWrong, match="cannot be opened"):
        opened(folder)


def test_the_encoder_that_comes_along_gives_the_same_vectors_from_a_folder(tmp_path: Path) -> None:
    own, file, tokenizer = find_encoder(find_revision()), file_for(), tokenizer_file()
    assert own is not None
    assert file is not None
    assert tokenizer is not None
    folder = describe(
        tmp_path / "english",
        kind="onnx",
        model="model.onnx",
        languages=["en"],
        dimensions=384,
        pooling="none",
        longest=256,
    )
    shutil.copy(file, folder / "model.onnx")
    shutil.copy(tokenizer, folder / "tokenizer.json")
    texts = ["Annual leave is 25 days.", "Travel is paid for. " * 80, "年次有給休暇"]
    ours, theirs = opened(folder).encode(texts, kind="passage"), own.encode(texts, kind="passage")
    for one, other in zip(ours, theirs, strict=True):
        assert one == pytest.approx(other, abs=1e-5)
