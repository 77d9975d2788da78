"""What a model must keep to before people are served by it: `runbook/models.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.kit.errors import Refused, Text
from hrx.ops.runbook.reading import Node, as_node, read_yaml, wrong

FILE: Final = "models.yaml"


class PolicyMissing(Refused):
    """Nobody has said what this model must keep to."""

    code = "model.no_policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPolicy:
    """`operators`: what its graph may be made of; nothing else is loaded. `golden_rows`: how many rows with
    answers it must bring, each met within `tolerance`. `floors` and `ceilings`: metrics that must be there
    and not below, or not above. Fairness is among the ceilings."""

    model: str
    operators: frozenset[str]
    largest_bytes: int
    golden_rows: int
    tolerance: float
    floors: Mapping[str, float]
    ceilings: Mapping[str, float]
    fairness: frozenset[str]


def load_policies(runbook: Path) -> dict[str, ModelPolicy]:
    """By model. Raises ContentWrong with file and place."""
    root = as_node(read_yaml(runbook / FILE), place=FILE)
    return {name: _policy(name, root.node(name)) for name in root.values}


def get_policy(runbook: Path, model: str) -> ModelPolicy:
    """Raises PolicyMissing, ContentWrong."""
    found = load_policies(runbook).get(model)
    if found is None:
        raise PolicyMissing(
            Text(
                ja=f"モデル {model} が守る条件が runbook/{FILE} にありません",
                en=f"runbook/{FILE} does not say what model {model} must keep to",
            ),
            hint=Text(ja=f"runbook/{FILE} に条件を書いてください。", en=f"Write it into runbook/{FILE}."),
        )
    return found


def _policy(name: str, node: Node) -> ModelPolicy:
    fairness = frozenset(node.strings("fairness"))
    ceilings = _numbers(node, "ceilings")
    if not fairness <= ceilings.keys():
        raise wrong(f"{node.place}.fairness", "must be named among the ceilings")
    return ModelPolicy(
        model=name,
        operators=frozenset(node.strings("operators")),
        largest_bytes=int(_number(node, "largest_mb") * 1024 * 1024),
        golden_rows=int(_number(node, "golden_rows")),
        tolerance=_number(node, "tolerance"),
        floors=_numbers(node, "floors"),
        ceilings=ceilings,
        fairness=fairness,
    )


def _numbers(node: Node, key: str) -> dict[str, float]:
    inner = node.node(key)
    return {name: _number(inner, name) for name in inner.values}


def _number(node: Node, key: str) -> float:
    found = node.values.get(key)
    if isinstance(found, bool) or not isinstance(found, int | float) or found < 0:
        raise wrong(f"{node.place}.{key}", "must be a number from 0")
    return float(found)
