"""Experiments as written in `drills/*.yaml`, in Chaos Toolkit's shape with our expectations as an extension.

`method` names faults of ours (`provider.type: hrx`); each carries its own undo, so `rollbacks` is empty.
What the toolkit has no word for (conditions, causes, promises) stands in the extension `hrx`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hrx.kit.errors import NotFound, Text
from hrx.ops.runbook.reading import Node, as_node, read_yaml, wrong

_SUITES: Final = ("fast", "slow", "later")


@dataclass(frozen=True, slots=True, kw_only=True)
class SteadyProbe:
    """One question whose answer must be `tolerance` while all is well. `url` may hold `${edge}`."""

    name: str
    url: str
    tolerance: int
    contains: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultCall:
    """One fault of the method with its arguments."""

    fault: str
    arguments: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """What we promise for this fault. Any of `conditions` counts as noticed, any of `causes` as found.

    `give_up_s` ends the waiting."""

    sop: str
    conditions: tuple[str, ...]
    causes: tuple[str, ...]
    is_outage: bool
    page_within_s: float | None
    give_up_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One drill. `suite` is `fast`, `slow` (rules with minutes of duration) or `later` (not built).

    `waits_for` says in words what a later drill waits for; `traffic` is people's requests a second during it;
    `repair` whether the SOP's proposal is run before the fault is taken back."""

    id: str
    title: Text
    what: Text
    suite: str
    waits_for: Text | None
    probes: tuple[SteadyProbe, ...]
    method: tuple[FaultCall, ...]
    expects: Expectations
    traffic: float
    repairs: bool


def load_experiments(folder: Path) -> tuple[Experiment, ...]:
    """Every experiment of the folder, by id. Raises ContentWrong."""
    paths = sorted(folder.glob("*.yaml"))
    return tuple(_read(as_node(read_yaml(path), place=path.name), path=path) for path in paths)


def get_experiment(experiments: tuple[Experiment, ...], drill: str) -> Experiment:
    """The experiment of this id. Raises NotFound."""
    for found in experiments:
        if found.id == drill:
            return found
    raise NotFound(
        Text(ja=f"訓練 {drill} はありません", en=f"There is no drill {drill}"),
        hint=Text(ja="`hrx drill list` で一覧できます。", en="`hrx drill list` shows them."),
        code="drill.not_found",
    )


def _read(node: Node, *, path: Path) -> Experiment:
    hypothesis = node.node("steady-state-hypothesis")
    extension = next((one for one in node.nodes("extensions") if one.values.get("name") == "hrx"), None)
    if extension is None:
        raise wrong(path.name, "has no extension `hrx`")
    suite = extension.string("suite")
    if suite not in _SUITES:
        raise wrong(path.name, f"is in an unknown suite {suite}")
    method = tuple(_read_call(one) for one in node.nodes("method"))
    if not method and suite != "later":
        raise wrong(path.name, "has no method")
    return Experiment(
        id=path.stem,
        title=extension.text("title"),
        what=extension.text("what"),
        suite=suite,
        waits_for=extension.find_text("waits_for"),
        probes=tuple(_read_probe(one) for one in hypothesis.nodes("probes")),
        method=method,
        expects=_read_expectations(extension),
        traffic=_number(extension, "traffic", default=0.0),
        repairs=extension.flag("repairs"),
    )


def _read_probe(node: Node) -> SteadyProbe:
    provider = node.node("provider")
    if provider.string("type") != "http":
        raise wrong(node.place, "must ask over http")
    return SteadyProbe(
        name=node.string("name"),
        url=provider.string("url"),
        tolerance=int(_number(node, "tolerance", default=200)),
        contains=provider.find_string("contains"),
    )


def _read_call(node: Node) -> FaultCall:
    provider = node.node("provider")
    if provider.string("type") != "hrx":
        raise wrong(node.place, "must be a fault of ours (provider.type: hrx)")
    arguments = provider.node("arguments").values if "arguments" in provider.values else {}
    return FaultCall(
        fault=provider.string("func"), arguments={str(key): str(value) for key, value in arguments.items()}
    )


def _read_expectations(node: Node) -> Expectations:
    conditions = node.strings("conditions")
    if not conditions:
        raise wrong(node.place, "expects no condition")
    page = node.values.get("page_within_s")
    return Expectations(
        sop=node.string("sop"),
        conditions=conditions,
        causes=node.strings("causes"),
        is_outage=node.flag("outage"),
        page_within_s=None if page is None else node.seconds("page_within_s"),
        give_up_s=node.seconds("give_up_s"),
    )


def _number(node: Node, key: str, *, default: float) -> float:
    # `Any`: YAML.
    found: Any = node.values.get(key, default)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise wrong(f"{node.place}.{key}", "must be a number")
    return float(found)
