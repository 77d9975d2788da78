"""`python -m hrx.kit.models.trying`: what a model's file is made of and answers, told as JSON.

A process of its own: a file that nobody has judged yet may crash or swell whoever opens it. It gets no
setting and no secret, a limit on memory, and its caller a limit on time. Reads JSON from standard input
({"path": FILE, "rows": [[…]]}), writes JSON to standard output."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime

#: Address space; the runtime maps far more than it touches.
_MEMORY_BYTES: Final = 4 * 1024**3


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    asked = json.load(sys.stdin)
    with open(asked["path"], "rb") as file:
        content = file.read()
    json.dump(_try(content, asked["rows"]), sys.stdout)


# `Any`: the libraries have no types that are looked at here.
def _try(content: bytes, rows: list[list[float]]) -> dict[str, Any]:
    model = onnx.load_model_from_string(content)
    told: dict[str, Any] = {
        "operators": sorted(set(_list_operators(model))),
        "has_external_data": any(_list_external(model)),
        "answers": [],
    }
    if told["has_external_data"]:
        return told
    session = onnxruntime.InferenceSession(content, sess_options=_quiet(), providers=["CPUExecutionProvider"])
    [entry] = session.get_inputs()
    given = np.asarray(rows, dtype=np.float32)
    told["answers"] = session.run(None, {entry.name: given})[0].tolist()
    # One row alone must get the answer that it gets among others: requests are answered in batches.
    alone = [session.run(None, {entry.name: given[at : at + 1]})[0][0].tolist() for at in range(len(given))]
    told["alone"] = alone
    return told


def _quiet() -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return options


def _list_operators(model: Any) -> Iterator[str]:
    """Every operator, those of functions and of graphs inside operators too."""
    pending = [*model.graph.node, *(node for one in model.functions for node in one.node)]
    while pending:
        node = pending.pop()
        yield f"{node.domain}:{node.op_type}" if node.domain else node.op_type
        for attribute in node.attribute:
            pending += [*attribute.g.node, *(inner for graph in attribute.graphs for inner in graph.node)]


def _list_external(model: Any) -> Iterator[bool]:
    """Whether a part lies in another file: it would be loaded without having been signed."""
    graphs = [model.graph]
    nodes = [node for one in model.functions for node in one.node]
    while graphs or nodes:
        if graphs:
            graph = graphs.pop()
            yield from (bool(one.external_data) for one in graph.initializer)
            nodes += graph.node
            continue
        for attribute in nodes.pop().attribute:
            yield bool(attribute.t.external_data)
            yield from (bool(one.external_data) for one in attribute.tensors)
            graphs += [attribute.g, *attribute.graphs]


if __name__ == "__main__":
    main()
