"""Which series an expression reads, out of its syntax tree and not by guessing at its text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import promql_parser


def list_metrics(expr: str) -> tuple[str, ...]:
    """The metrics that the expression selects, once each. Raises ValueError when it is no PromQL."""
    return tuple(dict.fromkeys(_walk(promql_parser.parse(expr))))


# `Any`: the parser's nodes are a dozen classes without a common type.
def _walk(node: Any) -> Iterator[str]:
    if isinstance(node, promql_parser.VectorSelector):
        if node.name:
            yield node.name
        return
    if isinstance(node, promql_parser.MatrixSelector):
        yield from _walk(node.vector_selector)
        return
    for name in ("lhs", "rhs", "expr", "param"):
        child = getattr(node, name, None)
        if child is not None and type(child).__module__.startswith("promql_parser"):
            yield from _walk(child)
    for argument in getattr(node, "args", None) or ():
        yield from _walk(argument)
