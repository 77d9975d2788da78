"""Recovery drills as written in `drills/recovery/*.yaml`: Chaos Toolkit's shape, our promises in the
extension `hrx`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.drills import written
from hrx.ops.drills.written import read_files, read_parts
from hrx.ops.runbook.reading import Node, wrong

SECTION: Final = "6"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """Seconds: until somebody of ours notices, until a verified copy runs, of commits that may be lost."""

    detect_within_s: float
    rto_s: float
    rpo_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryExperiment:
    """One drill. `func` names what is done; any of `noticed_by` counts as noticed (codes of troubles, checks
    and refusals). `objective` is the runbook's for Severity 1, `aim` is ours at this size."""

    id: str
    title: Text
    what: Text
    expects: Text
    func: str
    noticed_by: tuple[str, ...]
    objective: Promise
    aim: Promise


def load_recovery_experiments(drills_dir: Path) -> tuple[RecoveryExperiment, ...]:
    """Every one, by id. Raises ContentWrong."""
    return tuple(_read(node, path=path) for path, node in read_files(drills_dir, "recovery"))


def choose(known: tuple[RecoveryExperiment, ...], names: list[str]) -> list[RecoveryExperiment]:
    """Those of these names, in their order. Raises NotFound."""
    return written.choose(known, names, suite=Text(ja="復旧", en="recovery"))


def _read(node: Node, *, path: Path) -> RecoveryExperiment:
    extension, func = read_parts(node, path=path)
    noticed_by = extension.strings("noticed_by")
    if not noticed_by:
        raise wrong(path.name, "names nothing that would notice it")
    return RecoveryExperiment(
        id=path.stem,
        title=extension.text("title"),
        what=extension.text("what"),
        expects=extension.text("expects"),
        func=func,
        noticed_by=noticed_by,
        objective=_read_promise(extension.node("objective")),
        aim=_read_promise(extension.node("aim")),
    )


def _read_promise(node: Node) -> Promise:
    return Promise(
        detect_within_s=node.seconds("detect_within_s"),
        rto_s=node.seconds("rto_s"),
        rpo_s=node.seconds("rpo_s"),
    )
