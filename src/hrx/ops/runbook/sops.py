"""The SOPs 5.2.1 to 5.2.6: facts in a YAML file, and the text that people read beside it in ja and en.

The facts say which probes are asked at an alert, which causes are thought of, what each cause predicts that
the probes would show, and what is proposed when it is found. Names of checks and actions are not judged here:
this layer does not know them; `triage.naming` does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from hrx.kit.errors import NotFound, Text
from hrx.ops.check import Fact
from hrx.ops.runbook.reading import Node, as_node, read_yaml, wrong
from hrx.ops.runbook.sop_text import SECTIONS, SopText, read_sop_text


class Comparison(StrEnum):
    """How a prediction compares a fact with the value that it expects."""

    EQUALS = "equals"
    NOT = "not"
    ANY_OF = "any_of"
    ABOVE = "above"
    BELOW = "below"


class Lasting(StrEnum):
    """Whether a recovery only stops the harm or removes the reason."""

    TEMPORARY = "temporary"
    PERMANENT = "permanent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One question asked at an alert: a registered check with its parameters and its time limit."""

    key: str
    check: str
    params: Mapping[str, str]
    timeout_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What a cause, if it is the cause, makes a probe show. A required one must really be seen for blame."""

    probe: str
    fact: str
    comparison: Comparison
    value: Fact | tuple[Fact, ...]
    is_required: bool
    says: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A procedure that helps against a cause. `params` may name facts as `{probe.fact}`.

    `needs` is a (probe, fact) that must be true for it to make sense, such as being suspended."""

    procedure: str
    params: Mapping[str, str]
    lasting: Lasting
    is_auto: bool
    says: Text
    needs: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One possible cause. `component` is the service at fault (of parts.yaml, or outside of it).

    `rank` says how directly its evidence speaks: 1 seen on the thing itself (stopped, frozen, refused), 2 a
    resource run out, 3 slowness and ratios. `about` names conditions (`disk-low`, without what follows the
    colon): a state that may last for days and harm nobody is thought of only where it is what was told.
    `explains` names causes that are this one's symptoms;
    `is_often_symptom` lets a supported cause of a service that this one's needs explain it.
    `advice` says what people do where nothing can be pressed: wait for the provider, correct the code."""

    id: str
    title: Text
    component: str
    rank: int
    about: tuple[str, ...]
    explains: tuple[str, ...]
    is_often_symptom: bool
    predictions: tuple[Prediction, ...]
    proposals: tuple[Proposal, ...]
    advice: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """When somebody else has to be called, and whom: a role of chapter 9."""

    when: Text
    to: str
    after_min: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which signals this SOP answers, by typed labels; never by the words of a title."""

    sops: tuple[str, ...]
    parts: tuple[str, ...]
    domains: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sop:
    """One SOP. `follows` names SOPs whose probes and causes are asked too: the parts it depends on."""

    id: str
    title: Text
    lead: Text
    match: Match
    follows: tuple[str, ...]
    is_security: bool
    probes: tuple[Probe, ...]
    causes: tuple[Cause, ...]
    escalation: tuple[Escalation, ...]
    log_fields: tuple[str, ...]
    metrics: tuple[str, ...]
    endpoints: tuple[str, ...]
    text: SopText

    def get_probe(self, key: str) -> Probe:
        return next(probe for probe in self.probes if probe.key == key)


#: Chapter 5.2 has these, and a runbook with one missing is not whole.
SOP_IDS: Final = ("5.2.1", "5.2.2", "5.2.3", "5.2.4", "5.2.5", "5.2.6")


def load_sops(folder: Path) -> tuple[Sop, ...]:
    """Every SOP by id. Raises ContentWrong with file and place for what is wrong or missing."""
    paths = sorted((folder / "sops").glob("5.2.*.yaml"))
    sops = tuple(_read(as_node(read_yaml(path), place=path.name), path=path) for path in paths)
    known = {sop.id for sop in sops}
    for sop in sops:
        for missing in sorted(set(sop.follows) - known):
            raise wrong(sop.id, f"follows an unknown SOP {missing}")
    return sops


def get_sop(sops: tuple[Sop, ...], sop_id: str) -> Sop:
    """The SOP of this id. Raises NotFound naming those that exist."""
    for sop in sops:
        if sop.id == sop_id:
            return sop
    names = " ".join(sop.id for sop in sops)
    raise NotFound(
        Text(ja=f"SOP {sop_id} はありません", en=f"There is no SOP {sop_id}"),
        hint=Text(ja=f"次のいずれかです: {names}", en=f"One of: {names}"),
        code="sop.not_found",
    )


def _read(node: Node, *, path: Path) -> Sop:
    if node.string("id") != path.stem:
        raise wrong(path.name, f"must be called {node.string('id')}.yaml")
    probes = tuple(_read_probe(item) for item in node.nodes("probes"))
    _refuse_twice(path.name, [probe.key for probe in probes], what="probe")
    causes = tuple(_read_cause(item, probes=probes) for item in node.nodes("causes"))
    _refuse_twice(path.name, [cause.id for cause in causes], what="cause")
    match = node.node("match")
    return Sop(
        id=path.stem,
        title=node.text("title"),
        lead=node.text("lead"),
        match=Match(
            sops=match.strings("sops"), parts=match.strings("parts"), domains=match.strings("domains")
        ),
        follows=node.strings("follows"),
        is_security=node.flag("is_security"),
        probes=probes,
        causes=causes,
        escalation=tuple(_read_escalation(item) for item in node.nodes("escalation")),
        log_fields=node.strings("log_fields"),
        metrics=node.strings("metrics"),
        endpoints=node.strings("endpoints"),
        text=read_sop_text(path),
    )


def _read_probe(node: Node) -> Probe:
    return Probe(
        key=node.string("key"),
        check=node.string("check"),
        params=_read_params(node),
        timeout_s=node.seconds("timeout_s"),
    )


def _read_cause(node: Node, *, probes: tuple[Probe, ...]) -> Cause:
    predictions = tuple(_read_prediction(item, probes=probes) for item in node.nodes("predicts"))
    if not any(prediction.is_required for prediction in predictions):
        raise wrong(node.place, "has no required prediction: it could be blamed without evidence")
    return Cause(
        id=node.string("id"),
        title=node.text("title"),
        component=node.string("component"),
        rank=_read_whole(node, "rank"),
        about=node.strings("about"),
        explains=node.strings("explains"),
        is_often_symptom=node.flag("often_symptom"),
        predictions=predictions,
        proposals=tuple(_read_proposal(item, probes=probes) for item in node.nodes("proposes")),
        advice=node.text("advice"),
    )


def _read_prediction(node: Node, *, probes: tuple[Probe, ...]) -> Prediction:
    used = [comparison for comparison in Comparison if comparison.value in node.values]
    if len(used) != 1:
        raise wrong(node.place, f"needs one of {', '.join(Comparison)}")
    probe = node.string("probe")
    if probe not in {known.key for known in probes}:
        raise wrong(node.place, f"names an unknown probe {probe}")
    return Prediction(
        probe=probe,
        fact=node.string("fact"),
        comparison=used[0],
        value=_read_value(node, used[0]),
        is_required=not node.flag("optional"),
        says=node.text("says"),
    )


def _read_value(node: Node, comparison: Comparison) -> Fact | tuple[Fact, ...]:
    # `Any`: YAML has no types yet; they are judged here.
    found: Any = node.values[comparison.value]
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    if comparison in (Comparison.ABOVE, Comparison.BELOW) and not is_number:
        raise wrong(f"{node.place}.{comparison}", "must be a number")
    if comparison is Comparison.ANY_OF:
        if not isinstance(found, list) or not found:
            raise wrong(f"{node.place}.{comparison}", "must be a list of values")
        return tuple(found)
    if not isinstance(found, str | int | float | bool):
        raise wrong(f"{node.place}.{comparison}", "must be one value")
    return found


def _read_proposal(node: Node, *, probes: tuple[Probe, ...]) -> Proposal:
    probe, _, fact = (node.find_string("needs") or "").partition(".")
    if probe and (not fact or probe not in {known.key for known in probes}):
        raise wrong(f"{node.place}.needs", "must be probe.fact of a probe of this SOP")
    return Proposal(
        procedure=node.string("procedure"),
        params=_read_params(node),
        lasting=Lasting(node.string("lasting")),
        is_auto=node.flag("auto"),
        says=node.text("says"),
        needs=(probe, fact) if probe else None,
    )


def _read_escalation(node: Node) -> Escalation:
    after = node.values.get("after_min")
    if after is not None and (isinstance(after, bool) or not isinstance(after, int) or after <= 0):
        raise wrong(f"{node.place}.after_min", "must be whole minutes above 0")
    return Escalation(when=node.text("when"), to=node.string("to"), after_min=after)


def _read_params(node: Node) -> dict[str, str]:
    found = node.values.get("params", {})
    if not isinstance(found, dict):
        raise wrong(f"{node.place}.params", "must be a mapping")
    return {str(name): str(value) for name, value in found.items()}


def _read_whole(node: Node, key: str) -> int:
    found = node.values.get(key)
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise wrong(f"{node.place}.{key}", "must be a whole number from 1")
    return found


def _refuse_twice(place: str, names: list[str], *, what: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise wrong(place, f"has the {what} {name} twice")


__all__ = [
    "SECTIONS",
    "SOP_IDS",
    "Cause",
    "Comparison",
    "Escalation",
    "Lasting",
    "Match",
    "Prediction",
    "Probe",
    "Proposal",
    "Sop",
    "get_sop",
    "load_sops",
]
