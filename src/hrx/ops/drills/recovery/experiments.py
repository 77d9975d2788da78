"""Recovery drills as written in `drills/recovery/*.yaml`: Chaos Toolkit's shape, our promises in the
extension `hrx`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.kit.errors import NotFound, Text
from hrx.ops.runbook.reading import Node, as_node, read_yaml, wrong

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
    paths = sorted((drills_dir / "recovery").glob("*.yaml"))
    return tuple(_read(as_node(read_yaml(path), place=path.name), path=path) for path in paths)


def choose(known: tuple[RecoveryExperiment, ...], names: list[str]) -> list[RecoveryExperiment]:
    """Those of these names, in their order. Raises NotFound."""
    by_id = {one.id: one for one in known}
    missing = next((name for name in names if name not in by_id), None)
    if missing is not None:
        raise NotFound(
            Text(ja=f"復旧の訓練 {missing} はありません", en=f"There is no recovery drill {missing}"),
            hint=Text(ja=f"あるのは: {' '.join(by_id)}", en=f"There are: {' '.join(by_id)}"),
            code="drill.not_found",
        )
    return [by_id[name] for name in names]


def _read(node: Node, *, path: Path) -> RecoveryExperiment:
    extension = next((one for one in node.nodes("extensions") if one.values.get("name") == "hrx"), None)
    if extension is None:
        raise wrong(path.name, "has no extension `hrx`")
    calls = node.nodes("method")
    if len(calls) != 1:
        raise wrong(path.name, "needs one action")
    provider = calls[0].node("provider")
    noticed_by = extension.strings("noticed_by")
    if not noticed_by:
        raise wrong(path.name, "names nothing that would notice it")
    return RecoveryExperiment(
        id=path.stem,
        title=extension.text("title"),
        what=extension.text("what"),
        expects=extension.text("expects"),
        func=provider.string("func"),
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
