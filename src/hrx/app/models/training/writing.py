"""The model as a graph of three operators, and what is told of it, in the form that is registered."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import orjson
from onnx import TensorProto, helper, numpy_helper

from hrx.app.models import features
from hrx.app.models.lexicon import SKILLS, VOCABULARY
from hrx.app.models.training.fitting import Fitted, rows_of
from hrx.app.models.training.texts import Example

MODEL: Final = "skills"
#: Fixed, so that the same weights are the same bytes whatever version of the library wrote them.
_OPSET: Final = 17
_IR: Final = 8
_GOLDEN: Final = 32
_CARD: Final = {
    "ja": "経歴や求人の文章から、16 のスキルの確からしさ(0〜1)を出します。候補を探す手がかりに使い、"
    "採用・異動・評価の決定を自動で下すことには使いません。氏名・性別・年齢・住所は見ません。"
    "学習に使った文章は生成したもので、実在の人のものではありません。",
    "en": "Gives the likelihood (0–1) of 16 skills from the text of a CV or a role. It helps to look for "
    "candidates; it must not decide about hiring, moves or ratings by itself. It does not see names, sexes, "
    "ages or addresses. The texts it learned from were generated and are nobody's.",
}


def write_draft(
    folder: Path,
    fitted: Fitted,
    *,
    metrics: Mapping[str, float],
    lineage: Mapping[str, str],
    examples: Sequence[Example],
) -> None:
    """model.onnx and draft.json into a folder, as `hrx release models register` reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = rows_of(examples[:_GOLDEN])
    draft = {
        "model": MODEL,
        "kind": "skill-scores",
        "features": features.VERSION,
        "labels": [one.id for one in SKILLS],
        "metrics": dict(metrics),
        "lineage": dict(lineage),
        "card": _CARD,
        "golden": [
            {"row": row, "answer": answer}
            for row, answer in zip(rows.tolist(), fitted.score(rows).tolist(), strict=True)
        ],
    }
    (folder / "model.onnx").write_bytes(to_onnx(fitted))
    (folder / "draft.json").write_bytes(orjson.dumps(draft, option=orjson.OPT_INDENT_2))


def to_onnx(fitted: Fitted) -> bytes:
    """MatMul, Add, Sigmoid: numbers in, numbers out."""
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["features", "weights"], ["weighed"]),
            helper.make_node("Add", ["weighed", "offsets"], ["moved"]),
            helper.make_node("Sigmoid", ["moved"], ["scores"]),
        ],
        MODEL,
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, len(VOCABULARY)])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, len(SKILLS)])],
        initializer=[
            _constant("weights", fitted.weights),
            _constant("offsets", fitted.offsets),
        ],
    )
    model = helper.make_model(
        graph, producer_name="hrx", opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR
    )
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def find_commit(home: Path) -> str:
    """The commit that the trainer ran from, with a plus when the tree had changes; unknown without git."""
    try:
        said = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=+"],
            cwd=home,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return said.stdout.strip()


# `Any`: an array of numpy.
def _constant(name: str, values: Any) -> Any:
    return numpy_helper.from_array(np.ascontiguousarray(values), name)
