"""What would be done, as data: a plan can be printed, hashed, approved and compared, but does nothing.

The hash covers everything that decides what will happen, including the facts it was made from; it covers no
moment and no person, so that planning again in the same situation gives the same hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from hrx.kit.errors import Text


class ApprovalRule(StrEnum):
    """Whose word a plan needs before it runs; the word is bound to the plan's hash."""

    NONE = "none"
    #: The operator who runs it confirms this very plan.
    OWN = "own"
    #: Another operator, who may approve, confirms it. Always the rule when a step cannot be undone.
    OTHER = "other"


class Risk(StrEnum):
    """How much people may notice; shown, and never used to skip a safety rule."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Effect(StrEnum):
    """What a step leaves behind."""

    READS = "reads"
    #: Nothing that was promised is lost and there is nothing to take back: at worst somebody does it again.
    PASSING = "passing"
    UNDOABLE = "undoable"
    IRREVERSIBLE = "irreversible"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something the runner knows how to do, by id, with its parameters."""

    id: str
    params: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: why it is there, what it does, for how long at most, and how to take it back.

    `undo` is None for steps that only read, that pass, and for most irreversible ones. `loses` says what
    people lose by it; an irreversible step always says so."""

    key: str
    name: Text
    reason: Text
    action: Action
    timeout_s: float
    effect: Effect
    undo: Action | None = None
    loses: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Steps in order, the facts they were planned from, and the checks from outside that end them."""

    procedure: str
    title: Text
    params: Mapping[str, str]
    facts: Mapping[str, str]
    lock: str
    risk: Risk
    impact: Text
    steps: tuple[Step, ...]
    proofs: tuple[Step, ...]
    approval: ApprovalRule

    @property
    def is_irreversible(self) -> bool:
        return any(step.effect is Effect.IRREVERSIBLE for step in self.steps)

    @property
    def approval_needed(self) -> ApprovalRule:
        """The procedure's own rule, raised to another person's word when a step cannot be undone."""
        return ApprovalRule.OTHER if self.is_irreversible else self.approval

    @property
    def plan_hash(self) -> str:
        """SHA-256 over the plan's canonical JSON, in hex."""
        return hashlib.sha256(canonical_json(plan_to_json(self))).hexdigest()


def canonical_json(value: object) -> bytes:
    """One spelling of a value: keys sorted, no spaces, UTF-8. The same value gives the same bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def plan_to_json(plan: Plan) -> dict[str, object]:
    """The plan as plain values, for the ledger and for hashing."""
    return {
        "procedure": plan.procedure,
        "title": _text_to_json(plan.title),
        "params": dict(plan.params),
        "facts": dict(plan.facts),
        "lock": plan.lock,
        "risk": plan.risk.value,
        "impact": _text_to_json(plan.impact),
        "steps": [_step_to_json(step) for step in plan.steps],
        "proofs": [_step_to_json(step) for step in plan.proofs],
        "approval": plan.approval.value,
    }


def plan_from_json(values: Mapping[str, Any]) -> Plan:
    """The plan that `plan_to_json` wrote. `Any`: it comes back from stored JSON.

    Raises KeyError or ValueError when the values are not a plan."""
    return Plan(
        procedure=values["procedure"],
        title=_text_from_json(values["title"]),
        params=dict(values["params"]),
        facts=dict(values["facts"]),
        lock=values["lock"],
        risk=Risk(values["risk"]),
        impact=_text_from_json(values["impact"]),
        steps=tuple(_step_from_json(step) for step in values["steps"]),
        proofs=tuple(_step_from_json(step) for step in values["proofs"]),
        approval=ApprovalRule(values["approval"]),
    )


def describe_drift(planned: Plan, now: Plan) -> Text:
    """Which facts differ between two plans of the same procedure, for the person who must decide again."""
    names = sorted(set(planned.facts) | set(now.facts))
    changed = [
        f"{name}: {planned.facts.get(name, '-')} → {now.facts.get(name, '-')}"
        for name in names
        if planned.facts.get(name) != now.facts.get(name)
    ]
    if not changed:
        return Text(ja="手順の内容が変わりました", en="the procedure itself changed")
    return Text(ja="、".join(changed), en=", ".join(changed))


def _text_to_json(text: Text) -> dict[str, str]:
    return {"ja": text.ja, "en": text.en}


def _text_from_json(values: Mapping[str, str]) -> Text:
    return Text(ja=values["ja"], en=values["en"])


def _action_to_json(action: Action | None) -> dict[str, object] | None:
    return None if action is None else {"id": action.id, "params": dict(action.params)}


def _action_from_json(values: Mapping[str, Any]) -> Action:
    return Action(id=values["id"], params=dict(values["params"]))


def _step_to_json(step: Step) -> dict[str, object]:
    return {
        "key": step.key,
        "name": _text_to_json(step.name),
        "reason": _text_to_json(step.reason),
        "action": _action_to_json(step.action),
        "timeout_s": step.timeout_s,
        "effect": step.effect.value,
        "undo": _action_to_json(step.undo),
        "loses": _text_to_json(step.loses) if step.loses else None,
    }


def _step_from_json(values: Mapping[str, Any]) -> Step:
    return Step(
        key=values["key"],
        name=_text_from_json(values["name"]),
        reason=_text_from_json(values["reason"]),
        action=_action_from_json(values["action"]),
        timeout_s=float(values["timeout_s"]),
        effect=Effect(values["effect"]),
        undo=_action_from_json(values["undo"]) if values["undo"] else None,
        loses=_text_from_json(values["loses"]) if values["loses"] else None,
    )
