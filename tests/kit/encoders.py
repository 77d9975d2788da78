"""Encoders of an installation's own, made on the spot: real files for the real libraries, of a few words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import yaml
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

#: Each word has a state of its own; those of one meaning point the same way.
STATES: Final = {
    "[UNK]": (0.0, 0.0, 0.0, 1.0),
    "[PAD]": (9.0, 9.0, 9.0, 9.0),
    "query:": (0.0, 0.0, 0.0, 0.5),
    "passage:": (0.0, 0.0, 0.0, 0.25),
    "休暇": (1.0, 0.0, 0.0, 0.0),
    "休み": (1.0, 0.0, 0.0, 0.0),
    "leave": (1.0, 0.0, 0.0, 0.0),
    "旅費": (0.0, 1.0, 0.0, 0.0),
    "経費": (0.0, 2.0, 0.0, 0.0),
    # Words that say nothing about the subject.
    **dict.fromkeys(
        ("就業規則", "経費規程", "休暇規程", "を", "の", "与える", "払う", "上限", "期限", "of", "absence"),
        (0.0, 0.0, 0.1, 0.0),
    ),
}


def make_onnx_encoder(folder: Path, *, is_vector: bool = False, **given: Any) -> Path:
    """A folder with a model, a tokenizer and an encoder.yaml, in which anything may be given."""
    folder.mkdir(parents=True, exist_ok=True)
    words = list(STATES)
    tokenizer = Tokenizer(WordLevel({word: at for at, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.enable_padding(pad_id=words.index("[PAD]"), pad_token="[PAD]")
    tokenizer.save(str(folder / "tokenizer.json"))
    onnx.save(_graph(list(STATES.values()), is_vector=is_vector), folder / "model.onnx")
    return describe(folder, kind="onnx", model="model.onnx", languages=["ja", "en"], dimensions=4, **given)


def describe(folder: Path, **given: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "encoder.yaml").write_text(yaml.safe_dump(given, allow_unicode=True), encoding="utf-8")
    return folder


# `Any`: a protocol buffer of a library without types.
def _graph(states: Sequence[Sequence[float]], *, is_vector: bool) -> Any:
    nodes = [helper.make_node("Gather", ["states", "input_ids"], ["last_hidden_state"])]
    shape: list[str | int] = ["texts", "pieces", 4]
    if is_vector:
        nodes.append(helper.make_node("ReduceMax", ["last_hidden_state"], ["vectors"], axes=[1], keepdims=0))
        shape = ["texts", 4]
    inputs = [
        helper.make_tensor_value_info(one, TensorProto.INT64, ["texts", "pieces"])
        for one in ("input_ids", "attention_mask", "token_type_ids")
    ]
    output = helper.make_tensor_value_info(
        "vectors" if is_vector else "last_hidden_state", TensorProto.FLOAT, shape
    )
    weights = numpy_helper.from_array(np.array(states, dtype=np.float32), "states")
    graph = helper.make_graph(nodes, "words", inputs, [output], [weights])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
