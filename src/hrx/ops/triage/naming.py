"""Whether everything that the SOPs name exists: checks, facts, procedures, parameters, metrics, doors.

An SOP is read in the worst hour of somebody's year. What it names must be there, so a name that is not is a
failed test long before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Set
from typing import Final

from hrx.kit.catalogue import find_metric
from hrx.ops.plan import ApprovalRule
from hrx.ops.run.actions import ACTIONS
from hrx.ops.runbook.content import Content
from hrx.ops.runbook.parameters import Unfit, check_value
from hrx.ops.runbook.sops import Cause, Probe, Proposal, Sop, get_sop
from hrx.ops.triage.proposing import facts_named
from hrx.ops.triage.registry import CHECKS
from hrx.ops.triage.standing import QUESTIONS


def list_wrong_names(content: Content, *, endpoints: Set[str], log_fields: Set[str]) -> list[str]:
    """Every name in an SOP that nothing answers to, with its place; empty when all is well.

    `endpoints` are the paths that the product serves, `log_fields` the fields that our programs write."""
    found: list[str] = []
    for sop in content.sops:
        found += _of_probes(sop)
        for cause in sop.causes:
            found += _of_cause(content, sop, cause)
        found += _of_lists(sop, endpoints=endpoints, log_fields=log_fields)
        found += _of_text(content, sop)
    return found


def _of_probes(sop: Sop) -> Iterator[str]:
    for probe in sop.probes:
        place, spec = f"{sop.id} probe {probe.key}", CHECKS.get(probe.check)
        if spec is None:
            yield f"{place}: no check {probe.check}"
            continue
        if set(probe.params) != set(spec.params):
            yield f"{place}: {probe.check} takes {sorted(spec.params)}, not {sorted(probe.params)}"


def _of_cause(content: Content, sop: Sop, cause: Cause) -> Iterator[str]:
    place = f"{sop.id} cause {cause.id}"
    known = {item.id for other in content.sops for item in other.causes}
    for explained in cause.explains:
        if explained not in known:
            yield f"{place}: explains no cause {explained}"
    told = {rule.condition.partition(":")[0] for rule in content.watch.rules}
    told |= {question.key.partition(":")[0] for question in QUESTIONS}
    for name in sorted(set(cause.about) - told):
        yield f"{place}: is about {name}, which nothing tells"
    for prediction in cause.predictions:
        if prediction.fact not in _facts_of(sop, prediction.probe):
            yield f"{place}: {prediction.probe} gives no fact {prediction.fact}"
    wanted = [(item.procedure, tuple(sorted(item.params.items()))) for item in cause.proposals]
    for procedure, _ in sorted({one for one in wanted if wanted.count(one) > 1}):
        yield f"{place}: proposes {procedure} twice"
    for proposal in cause.proposals:
        yield from _of_proposal(content, sop, proposal, place=f"{place}, {proposal.procedure}")


def _of_proposal(content: Content, sop: Sop, proposal: Proposal, *, place: str) -> Iterator[str]:
    procedure = next((item for item in content.procedures if item.id == proposal.procedure), None)
    if procedure is None:
        yield f"{place}: no such procedure"
        return
    if proposal.is_auto and procedure.approval is not ApprovalRule.NONE:
        yield f"{place}: is auto, but needs somebody's word"
    if proposal.needs is not None and proposal.needs[1] not in _facts_of(sop, proposal.needs[0]):
        yield f"{place}: needs {'.'.join(proposal.needs)}, which no probe gives"
    parameters = {item.name: item for item in procedure.parameters}
    for name in sorted(set(proposal.params) - set(parameters)):
        yield f"{place}: no parameter {name}"
    for name, parameter in parameters.items():
        if name not in proposal.params and parameter.default is None:
            yield f"{place}: parameter {name} is not given"
    names = {
        "part": [part.name for part in content.parts],
        "index": [index.name for index in content.indexes],
    }
    for name, value in proposal.params.items():
        filled = facts_named(value)
        for probe, fact in filled:
            if fact not in _facts_of(sop, probe):
                yield f"{place}: {probe} gives no fact {fact}"
        if not filled and name in parameters:
            try:
                check_value(parameters[name], value, known=names)
            except Unfit as error:
                yield f"{place}: {name}={value} {error.why.en}"


def _facts_of(sop: Sop, probe_key: str) -> tuple[str, ...]:
    probe: Probe | None = next((item for item in sop.probes if item.key == probe_key), None)
    spec = CHECKS.get(probe.check) if probe is not None else None
    return spec.facts if spec is not None else ()


def _of_lists(sop: Sop, *, endpoints: Set[str], log_fields: Set[str]) -> Iterator[str]:
    for metric in sop.metrics:
        if find_metric(metric) is None:
            yield f"{sop.id} metrics: no metric {metric}"
    for endpoint in sop.endpoints:
        if endpoint not in endpoints:
            yield f"{sop.id} endpoints: nothing is served at {endpoint}"
    for field in sop.log_fields:
        if field not in log_fields:
            yield f"{sop.id} log_fields: nobody writes {field}"


def _of_text(content: Content, sop: Sop) -> Iterator[str]:
    """The text may name only what exists and, of figures, fields and doors, what the facts list."""
    procedures = {item.id for item in content.procedures}
    exists: Mapping[str, Callable[[str], bool]] = {
        "check": lambda name: name in CHECKS,
        "action": lambda name: name in ACTIONS,
        "procedure": lambda name: name in procedures,
        "metric": lambda name: name in sop.metrics,
        "log": lambda name: name in sop.log_fields,
        "endpoint": lambda name: name in sop.endpoints,
    }
    for kind, names in sop.text.named.items():
        for name in sorted(names):
            if not exists[kind](name):
                yield f"{sop.id} text: no {kind} {name}"
    asked = {probe.check for other in _asked(content, sop) for probe in other.probes}
    for name in sorted(sop.text.named.get("check", frozenset()) & set(CHECKS)):
        if name not in asked:
            yield f"{sop.id} text: {name} is no probe of its triage"
    proposed = {item.procedure for cause in sop.causes for item in cause.proposals}
    for name in sorted(proposed - sop.text.named.get("procedure", frozenset()) - _QUIET):
        yield f"{sop.id} text: {name} is proposed and not explained"


#: Procedures that need no word in the text: what they undo has one.
_QUIET: Final[frozenset[str]] = frozenset({"unlock-account"})


def _asked(content: Content, sop: Sop) -> list[Sop]:
    """The SOP and those that it follows, at any distance."""
    found: dict[str, Sop] = {}
    waiting = [sop.id]
    while waiting:
        current = get_sop(content.sops, waiting.pop(0))
        if current.id not in found:
            found[current.id] = current
            waiting += current.follows
    return list(found.values())
