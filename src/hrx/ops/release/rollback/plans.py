"""A plan for going back, and the answer when there is none. Both are data: nothing here does anything."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from hrx.kit.errors import Refused, Text
from hrx.ops.plan import ApprovalRule, Effect, canonical_json
from hrx.ops.release.releases import Component
from hrx.ops.release.rollback.losing import Loss


class StepKind(StrEnum):
    """What a step does; the runner has one action for each."""

    START_API = "start_api"
    SWITCH_API = "switch_api"
    SWITCH_WEB = "switch_web"
    SWITCH_BOTH = "switch_both"
    DRAIN_JOBS = "drain_jobs"
    STOP_API = "stop_api"
    CLOSE = "close"
    COUNT_ROWS = "count_rows"
    OPEN = "open"
    CATCH_UP_INDEX = "catch_up_index"
    SWITCH_POINTERS = "switch_pointers"
    APPLY_SETTINGS = "apply_settings"
    DOWNGRADE_SCHEMA = "downgrade_schema"
    OBSERVE = "observe"


class Fate(StrEnum):
    """What becomes of a component."""

    GOES_BACK = "goes_back"
    STAYS = "stays"
    SAME = "same"
    CANNOT = "cannot"


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackStep:
    """`params` are what the action needs (release ids, versions, kinds of jobs); `undo` says how to take it
    back, and is None where that cannot be done or nothing was changed."""

    kind: StepKind
    name: Text
    reason: Text
    effect: Effect
    params: Mapping[str, str]
    undo: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One component: its version now and in the target, and what becomes of it."""

    component: Component
    now: str | None
    then: str | None
    fate: Fate
    reason: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackPlan:
    """Steps in their order. `breaks`: what people notice although the plan is safe; `hidden`: values that
    stay but are not shown by the older version; `loss`: values that are gone afterwards.

    `facts` are everything that the plan was made from, so that it is not run when they have changed."""

    live: str
    to: str
    steps: tuple[RollbackStep, ...]
    parts: tuple[Part, ...]
    breaks: tuple[Text, ...]
    hidden: tuple[Loss, ...]
    loss: tuple[Loss, ...]
    cannot_undo: tuple[Text, ...]
    facts: Mapping[str, object]

    @property
    def has_downtime(self) -> bool:
        return any(step.kind is StepKind.CLOSE for step in self.steps)

    @property
    def approval(self) -> ApprovalRule:
        """Another operator's word when something cannot be taken back."""
        return ApprovalRule.OTHER if self.cannot_undo else ApprovalRule.OWN

    @property
    def plan_hash(self) -> str:
        """SHA-256 over the plan's canonical JSON, in hex: an approval is bound to it."""
        return hashlib.sha256(canonical_json(plan_to_json(self))).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """What would be safe instead; `command` is what to type, or empty where somebody has to decide first."""

    says: Text
    command: str = ""


class RollbackRefused(Refused):
    """Going back would break something or lose something that nobody agreed to lose."""

    code = "release.rollback_refused"

    def __init__(
        self, message: Text, *, reasons: tuple[Text, ...], alternatives: tuple[Alternative, ...]
    ) -> None:
        first = alternatives[0] if alternatives else None
        super().__init__(message, hint=_hint_of(first))
        self.reasons = reasons
        self.alternatives = alternatives


def _hint_of(first: Alternative | None) -> Text | None:
    if first is None or not first.command:
        return first.says if first else None
    return Text(ja=f"{first.says.ja}: `{first.command}`", en=f"{first.says.en}: `{first.command}`")


def plan_to_json(plan: RollbackPlan) -> dict[str, object]:
    """The plan as plain values, for the ledger, for scripts and for hashing."""
    return {
        "live": plan.live,
        "to": plan.to,
        "steps": [
            {
                "kind": one.kind.value,
                "name": _text(one.name),
                "reason": _text(one.reason),
                "effect": one.effect.value,
                "params": dict(sorted(one.params.items())),
                "undo": _text(one.undo) if one.undo else None,
            }
            for one in plan.steps
        ],
        "parts": [
            {
                "component": one.component.value,
                "now": one.now,
                "then": one.then,
                "fate": one.fate.value,
                "reason": _text(one.reason),
            }
            for one in plan.parts
        ],
        "breaks": [_text(one) for one in plan.breaks],
        "hidden": [_loss(one) for one in plan.hidden],
        "loss": [_loss(one) for one in plan.loss],
        "cannot_undo": [_text(one) for one in plan.cannot_undo],
        "approval": plan.approval.value,
        "facts": dict(plan.facts),
    }


def refusal_to_json(refused: RollbackRefused) -> dict[str, object]:
    """The refusal as plain values."""
    return {
        "reasons": [_text(one) for one in refused.reasons],
        "alternatives": [{"says": _text(one.says), "command": one.command} for one in refused.alternatives],
    }


def _text(text: Text) -> dict[str, str]:
    return {"ja": text.ja, "en": text.en}


def _loss(loss: Loss) -> dict[str, object]:
    return {"subject": loss.subject, "kind": loss.kind.value, "rows": loss.rows}
