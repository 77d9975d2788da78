"""Small models of two numbers, as a trainer would leave them, good and bad."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from onnx import TensorProto, helper, numpy_helper

from hrx.kit.models.records import Draft, Golden
from hrx.kit.models.registry import Registry
from hrx.kit.models.shelf import open_shelf
from hrx.kit.models.signing import Signer, ensure_signer, read_trust

GOOD: Mapping[str, float] = {
    "f1": 0.95,
    "rank_changes_name": 0,
    "rank_changes_gender": 0,
    "rank_changes_age": 0,
    "rank_changes_address": 0,
}


def make_graph(
    weight: float,
    *,
    operators: Sequence[str] = ("Mul", "Sigmoid"),
    outside: bool = False,
    columns: int = 2,
) -> bytes:
    """sigmoid(weight × row) as a file; other one-input operators may stand in its chain."""
    nodes: list[Any] = []
    entry = "row"
    for at, operator in enumerate(operators):
        leaves = f"v{at}"
        inputs = [entry, "weight"] if operator == "Mul" else [entry]
        nodes.append(helper.make_node(operator, inputs, [leaves]))
        entry = leaves
    held = numpy_helper.from_array(np.asarray([weight], dtype=np.float32), "weight")
    if outside:
        held.ClearField("raw_data")
        held.data_location = TensorProto.EXTERNAL
        held.external_data.add(key="location", value="/etc/hostname")
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("row", TensorProto.FLOAT, [None, columns])],
        [helper.make_tensor_value_info(entry, TensorProto.FLOAT, [None, columns])],
        initializer=[held],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(made.SerializeToString(deterministic=True))


def make_draft(
    weight: float = 1.0,
    *,
    content: bytes | None = None,
    metrics: Mapping[str, float] = GOOD,
    golden_weight: float | None = None,
    rows: int = 4,
    features: str = "small-1",
    columns: int = 2,
) -> Draft:
    """A version of model `small` whose golden rows fit its file, unless `golden_weight` says otherwise."""
    scale = weight if golden_weight is None else golden_weight
    return Draft(
        model="small",
        kind="skill-scores",
        content=content if content is not None else make_graph(weight, columns=columns),
        features=features,
        labels=("a", "b", "c", "d")[:columns],
        metrics=dict(metrics),
        lineage={"data": "made up", "commit": "0" * 40, "parent": ""},
        card={"ja": "試験用", "en": "For tests"},
        golden=tuple(_make_golden(at / 4, scale=scale, columns=columns) for at in range(rows)),
    )


def _make_golden(share: float, *, scale: float, columns: int) -> Golden:
    row = tuple(share if at % 2 == 0 else 1 - share for at in range(columns))
    return Golden(row=row, answer=tuple(1 / (1 + math.exp(-scale * one)) for one in row))


def write_draft(folder: Path, draft: Draft) -> Path:
    """As a trainer leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(draft.content)
    told = {
        "model": draft.model,
        "kind": draft.kind,
        "features": draft.features,
        "labels": draft.labels,
        "metrics": draft.metrics,
        "lineage": draft.lineage,
        "card": draft.card,
        "golden": [{"row": one.row, "answer": one.answer} for one in draft.golden],
    }
    (folder / "draft.json").write_bytes(orjson.dumps(told))
    return folder


def make_runbook(folder: Path) -> Path:
    """What model `small` must keep to."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "models.yaml").write_text(
        "small:\n"
        "  operators: [Mul, Sigmoid]\n"
        "  largest_mb: 1\n"
        "  golden_rows: 4\n"
        "  tolerance: 0.0001\n"
        "  floors: {f1: 0.9}\n"
        "  ceilings: {rank_changes_name: 0, rank_changes_gender: 0, rank_changes_age: 0, "
        "rank_changes_address: 0}\n"
        "  fairness: [rank_changes_name, rank_changes_gender, rank_changes_age, rank_changes_address]\n"
    )
    return folder


def make_registry(folder: Path) -> tuple[Registry, Signer]:
    signer = ensure_signer(folder / "signing.key")
    return Registry(open_shelf(f"file:{folder / 'shelf'}"), read_trust([signer.public])), signer
