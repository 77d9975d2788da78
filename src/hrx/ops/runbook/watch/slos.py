"""Service level objectives, one each in `runbook/watch/slos.yaml`; their burn-rate rules are generated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hrx.kit.errors import Text
from hrx.ops.runbook.reading import Node, as_node, read_yaml, wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """What was promised: of the events in `total`, at least `objective` are good over `window_d` days.

    `bad` or `good` selects the counter; `probe_bad`/`probe_good` are series for the generated examples."""

    id: str
    name: str
    title: Text
    says: Text
    objective: float
    window_d: int
    bad: str | None
    good: str | None
    total: str
    group: str
    sop: str
    probe_bad: tuple[str, ...]
    probe_good: tuple[str, ...]

    @property
    def budget(self) -> float:
        """The share that may be bad."""
        return round(1 - self.objective, 6)


def load_slos(folder: Path) -> tuple[Slo, ...]:
    """Every SLO. Raises ContentWrong."""
    path = folder / "slos.yaml"
    found = read_yaml(path)
    if not isinstance(found, list):
        raise wrong(path.name, "must be a list")
    slos = tuple(_read(as_node(item, place=f"slos.yaml[{at}]")) for at, item in enumerate(found))
    if len({slo.id for slo in slos}) != len(slos):
        raise wrong(path.name, "names an SLO twice")
    return slos


def _read(node: Node) -> Slo:
    objective, days = node.values.get("objective"), node.values.get("window_days", 30)
    if not isinstance(objective, float) or not 0 < objective < 1:
        raise wrong(f"{node.place}.objective", "must be a share between 0 and 1")
    if not isinstance(days, int):
        raise wrong(f"{node.place}.window_days", "must be a whole number of days")
    bad, good = node.find_string("bad"), node.find_string("good")
    if (bad is None) is (good is None):
        raise wrong(node.place, "needs either `bad` or `good`")
    probe = node.node("probe")
    return Slo(
        id=node.string("id"),
        name=node.string("name"),
        title=node.text("title"),
        says=node.text("says"),
        objective=objective,
        window_d=days,
        bad=bad,
        good=good,
        total=node.string("total"),
        group=node.string("group"),
        sop=node.string("sop"),
        probe_bad=probe.strings("bad"),
        probe_good=probe.strings("good"),
    )
