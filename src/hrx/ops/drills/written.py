"""Drills on a ground of their own as they are written in files: what the suites have in common."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from hrx.kit.errors import NotFound, Text
from hrx.ops.runbook.reading import Node, as_node, read_yaml, wrong


class Named(Protocol):
    """A drill that can be asked for."""

    @property
    def id(self) -> str: ...


_Drill = TypeVar("_Drill", bound=Named)


def read_files(drills_dir: Path, suite: str) -> list[tuple[Path, Node]]:
    """Every file of a suite, by name. Raises ContentWrong."""
    paths = sorted((drills_dir / suite).glob("*.yaml"))
    return [(path, as_node(read_yaml(path), place=path.name)) for path in paths]


def read_parts(node: Node, *, path: Path) -> tuple[Node, str]:
    """Our extension of Chaos Toolkit's shape, and the name of the one thing that is done.

    Raises ContentWrong."""
    extension = next((one for one in node.nodes("extensions") if one.values.get("name") == "hrx"), None)
    if extension is None:
        raise wrong(path.name, "has no extension `hrx`")
    calls = node.nodes("method")
    if len(calls) != 1:
        raise wrong(path.name, "needs one action")
    return extension, calls[0].node("provider").string("func")


def choose(known: Sequence[_Drill], names: Sequence[str], *, suite: Text) -> list[_Drill]:
    """Those of these names, in their order; `suite` as people call it. Raises NotFound."""
    by_id = {one.id: one for one in known}
    missing = next((name for name in names if name not in by_id), None)
    if missing is not None:
        raise NotFound(
            Text(ja=f"{suite.ja}の訓練 {missing} はありません", en=f"There is no {suite.en} drill {missing}"),
            hint=Text(ja=f"あるのは: {' '.join(by_id)}", en=f"There are: {' '.join(by_id)}"),
            code="drill.not_found",
        )
    return [by_id[name] for name in names]
