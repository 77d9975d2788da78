"""The graph of services as SVG: where the cause is, what suffers. Drawn by us, for pages run no script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

from hrx.kit.errors import Language
from hrx.ops.runbook.graph import Graph
from hrx.ops.runbook.parts import PartInfo

_WIDTH: Final = 150
_HEIGHT: Final = 44
_GAP_X: Final = 46
_GAP_Y: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    name: str
    x: int
    y: int


def draw_services(
    graph: Graph, parts: tuple[PartInfo, ...], *, marks: Mapping[str, str], language: Language
) -> Markup:
    """Services that need each other, from people on the left to data on the right.

    `marks`: service → `cause` or `symptom`; colours and a word come from it."""
    linked = [name for name in graph.needs if graph.list_causes(name) or graph.list_symptoms(name)]
    linked += [name for name in marks if name in graph.needs and name not in linked]
    columns: dict[int, list[str]] = {}
    for name in linked:
        columns.setdefault(_depth(graph, name), []).append(name)
    boxes = {
        name: _Box(name=name, x=column * (_WIDTH + _GAP_X) + 4, y=row * (_HEIGHT + _GAP_Y) + 4)
        for column, names in columns.items()
        for row, name in enumerate(names)
    }
    if not boxes:
        return Markup("")
    width = max(box.x for box in boxes.values()) + _WIDTH + 4
    height = max(box.y for box in boxes.values()) + _HEIGHT + 4
    titles = {part.service: part.title.in_language(language).split("(")[0].strip() for part in parts}
    lines = "".join(
        _line(boxes[a], boxes[b], is_optional=optional) for a, b, optional in _edges(graph, boxes)
    )
    shapes = "".join(
        _shape(box, titles[box.name], marks.get(box.name, ""), language) for box in boxes.values()
    )
    label = "部品のつながり" if language == "ja" else "How the parts depend on each other"
    # Numbers of ours and escaped names only.
    return Markup(  # noqa: S704
        f'<svg class="graph" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{label}">{lines}{shapes}</svg>'
    )


def _depth(graph: Graph, name: str) -> int:
    above = [other for other in graph.needs if other != name and name in _direct(graph, other)]
    return 1 + max(_depth(graph, other) for other in above) if above else 0


def _direct(graph: Graph, name: str) -> frozenset[str]:
    return graph.needs.get(name, frozenset()) | graph.uses.get(name, frozenset())


def _edges(graph: Graph, boxes: Mapping[str, _Box]) -> list[tuple[str, str, bool]]:
    return [
        (name, other, other not in graph.needs.get(name, frozenset()))
        for name in boxes
        for other in sorted(_direct(graph, name))
        if other in boxes
    ]


def _line(start: _Box, end: _Box, *, is_optional: bool) -> str:
    x1, y1 = start.x + _WIDTH, start.y + _HEIGHT // 2
    x2, y2 = end.x, end.y + _HEIGHT // 2
    middle = (x1 + x2) // 2
    kind = ' class="optional"' if is_optional else ""
    return f'<path{kind} d="M{x1} {y1} C{middle} {y1} {middle} {y2} {x2} {y2}"/>'


def _shape(box: _Box, title: str, mark: str, language: Language) -> str:
    words = {"cause": ("原因", "cause"), "symptom": ("症状", "symptom")}
    said = words[mark][0 if language == "ja" else 1] if mark in words else ""
    y = box.y + (20 if said else 27)
    second = f'<text class="mark" x="{box.x + 12}" y="{box.y + 36}">{escape(said)}</text>' if said else ""
    return (
        f'<g class="node {escape(mark)}">'
        f'<rect x="{box.x}" y="{box.y}" width="{_WIDTH}" height="{_HEIGHT}" rx="8"/>'
        f'<text x="{box.x + 12}" y="{y}">{escape(title)}</text>{second}</g>'
    )
