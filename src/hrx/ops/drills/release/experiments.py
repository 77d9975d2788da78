"""Release drills as written in `drills/release/*.yaml`: Chaos Toolkit's shape, our promises in the extension
`hrx`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.kit.errors import NotFound, Text
from hrx.ops.drills.release.figures import FIGURES
from hrx.ops.runbook.reading import Node, as_node, read_yaml, wrong

SECTION: Final = "3"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseExperiment:
    """One drill. `func` names what is done; no figure of `limits` (see `figures`) may be exceeded."""

    id: str
    title: Text
    what: Text
    expects: Text
    func: str
    limits: Mapping[str, float]


def load_release_experiments(drills_dir: Path) -> tuple[ReleaseExperiment, ...]:
    """Every one, by id. Raises ContentWrong."""
    paths = sorted((drills_dir / "release").glob("*.yaml"))
    return tuple(_read(as_node(read_yaml(path), place=path.name), path=path) for path in paths)


def choose(known: tuple[ReleaseExperiment, ...], names: list[str]) -> list[ReleaseExperiment]:
    """Those of these names, in their order. Raises NotFound."""
    by_id = {one.id: one for one in known}
    missing = next((name for name in names if name not in by_id), None)
    if missing is not None:
        raise NotFound(
            Text(ja=f"リリースの訓練 {missing} はありません", en=f"There is no release drill {missing}"),
            hint=Text(ja=f"あるのは: {' '.join(by_id)}", en=f"There are: {' '.join(by_id)}"),
            code="drill.not_found",
        )
    return [by_id[name] for name in names]


def _read(node: Node, *, path: Path) -> ReleaseExperiment:
    extension = next((one for one in node.nodes("extensions") if one.values.get("name") == "hrx"), None)
    if extension is None:
        raise wrong(path.name, "has no extension `hrx`")
    calls = node.nodes("method")
    if len(calls) != 1:
        raise wrong(path.name, "needs one action")
    return ReleaseExperiment(
        id=path.stem,
        title=extension.text("title"),
        what=extension.text("what"),
        expects=extension.text("expects"),
        func=calls[0].node("provider").string("func"),
        limits=_read_limits(extension.node("limits")),
    )


def _read_limits(node: Node) -> Mapping[str, float]:
    limits = {}
    for name, value in node.values.items():
        if name not in FIGURES:
            raise wrong(node.place, f"promises {name}, which nobody measures")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong(f"{node.place}.{name}", "must be a number")
        limits[str(name)] = float(value)
    return limits
