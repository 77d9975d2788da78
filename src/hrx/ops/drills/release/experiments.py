"""Release drills as written in `drills/release/*.yaml`: Chaos Toolkit's shape, our promises in the extension
`hrx`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.drills import written
from hrx.ops.drills.release.figures import FIGURES
from hrx.ops.drills.written import read_files, read_parts
from hrx.ops.runbook.reading import Node, wrong

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
    return tuple(_read(node, path=path) for path, node in read_files(drills_dir, "release"))


def choose(known: tuple[ReleaseExperiment, ...], names: list[str]) -> list[ReleaseExperiment]:
    """Those of these names, in their order. Raises NotFound."""
    return written.choose(known, names, suite=Text(ja="リリース", en="release"))


def _read(node: Node, *, path: Path) -> ReleaseExperiment:
    extension, func = read_parts(node, path=path)
    return ReleaseExperiment(
        id=path.stem,
        title=extension.text("title"),
        what=extension.text("what"),
        expects=extension.text("expects"),
        func=func,
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
