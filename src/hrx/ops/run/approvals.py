"""Approvals: bound to one plan and its hash, good for one run, void when old or when the plan drifted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from hrx.kit import clock
from hrx.kit.errors import Conflict, Refused, Text
from hrx.ops.ledger.entries import Entry, EntryFilter, Kind
from hrx.ops.operators.accounts import find_operator
from hrx.ops.operators.roles import Actor, Permission, require
from hrx.ops.plan import ApprovalRule
from hrx.ops.run.plane import Plane
from hrx.ops.run.planning import PlanRecord, get_plan, refuse_drift


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One person's word on one plan."""

    seq: int
    plan_seq: int
    plan_hash: str
    approver: str
    is_operator: bool
    given_at: datetime


class NotApproved(Refused):
    """The plan needs somebody's word first."""

    code = "plan.not_approved"


class AuthorMayNotApprove(Refused):
    """A step cannot be undone, so a second person must look at the plan."""

    code = "plan.author_may_not_approve"


def approve(plane: Plane, plan_seq: int, *, actor: Actor, plan_hash: str) -> Approval:
    """Give the actor's word on exactly this plan.

    `plan_hash` is what the person saw. Raises Conflict when the plan on record is another, PlanDrifted when
    the situation changed, AuthorMayNotApprove or Forbidden when this person's word does not count."""
    record = get_plan(plane, plan_seq)
    if plan_hash != record.plan.plan_hash:
        raise Conflict(
            Text(
                ja="表示されていた計画と記録の計画が違います",
                en="The plan on record is not the one that was shown",
            ),
            code="plan.other_hash",
        )
    _require_word_counts(record, actor)
    refuse_drift(plane, record)
    return note_approval(plane, record, actor=actor)


def note_approval(plane: Plane, record: PlanRecord, *, actor: Actor) -> Approval:
    """Put the word on record; whether it counts is for the caller to have asked."""
    entry = plane.ledger.append(
        Kind.APPROVAL,
        actor=actor.name,
        subject=record.plan.lock,
        body={
            "plan_seq": record.seq,
            "plan_hash": record.plan.plan_hash,
            "rule": record.plan.approval_needed.value,
            "is_operator": actor.is_operator,
        },
    )
    return _to_approval(entry)


def find_approval(
    plane: Plane, record: PlanRecord, *, barred: frozenset[str] = frozenset()
) -> Approval | None:
    """The newest word on this plan that still counts: fresh, unused, by somebody who may still give it.

    `barred` are authors besides the plan's own: their word never counts."""
    oldest = clock.now() - timedelta(seconds=plane.settings.approval_valid_s)
    for approval in list_approvals(plane, record.seq):
        is_fresh = approval.given_at >= oldest and approval.plan_hash == record.plan.plan_hash
        may_count = is_fresh and approval.approver not in barred
        if may_count and not _is_used(plane, approval) and _still_counts(plane, record, approval):
            return approval
    return None


def require_approval(plane: Plane, record: PlanRecord) -> Approval | None:
    """The approval under which the plan may run; None when it needs none. Raises NotApproved."""
    if record.plan.approval_needed is ApprovalRule.NONE:
        return None
    found = find_approval(plane, record)
    if found is not None:
        return found
    raise NotApproved(_who_is_needed(record), hint=_how_to_approve(record))


def list_approvals(plane: Plane, plan_seq: int) -> list[Approval]:
    """Every word given on this plan, newest first."""
    wanted = EntryFilter(kinds=(Kind.APPROVAL,), text=f'"plan_seq":{plan_seq},')
    approvals = [_to_approval(entry) for entry in plane.ledger.list_entries(wanted, limit=100)]
    return [approval for approval in approvals if approval.plan_seq == plan_seq]


def may_approve(record: PlanRecord, actor: Actor) -> bool:
    """Whether this person's word would count, for showing the button or not."""
    if record.plan.approval_needed is not ApprovalRule.OTHER:
        return actor.may(Permission.PLAN_AND_RUN)
    return actor.is_operator and actor.may(Permission.APPROVE) and actor.name != record.author


def _require_word_counts(record: PlanRecord, actor: Actor) -> None:
    if record.plan.approval_needed is not ApprovalRule.OTHER:
        require(actor, Permission.PLAN_AND_RUN)
        return
    require(actor, Permission.APPROVE)
    if actor.name == record.author or not actor.is_operator:
        raise AuthorMayNotApprove(_who_is_needed(record), hint=_how_to_approve(record))


def _still_counts(plane: Plane, record: PlanRecord, approval: Approval) -> bool:
    """Whether the approver is still enabled and still has the role; a word outlives neither."""
    if not approval.is_operator:
        return record.plan.approval_needed is not ApprovalRule.OTHER
    found = find_operator(plane.ledger, approval.approver)
    if found is None or not found.is_enabled:
        return False
    return may_approve(record, Actor(name=found.name, role=found.role, is_operator=True))


def _is_used(plane: Plane, approval: Approval) -> bool:
    wanted = EntryFilter(kinds=(Kind.RUN_STARTED,), text=f'"approval_seq":{approval.seq},')
    return any(entry.body.get("approval_seq") == approval.seq for entry in plane.ledger.list_entries(wanted))


def _who_is_needed(record: PlanRecord) -> Text:
    if record.plan.approval_needed is ApprovalRule.OTHER:
        return Text(
            ja=f"計画 {record.seq} には取り消せない手順があるため、作成者({record.author})以外の"
            "承認者の承認が必要です",
            en=f"Plan {record.seq} has a step that cannot be undone: an approver other than its author "
            f"({record.author}) must approve it",
        )
    return Text(ja=f"計画 {record.seq} は承認されていません", en=f"Plan {record.seq} is not approved")


def _how_to_approve(record: PlanRecord) -> Text:
    if record.plan.approval_needed is ApprovalRule.OTHER:
        command = f"hrx procedure approve {record.seq} --operator NAME"
        return Text(
            ja=f"`{command}`、またはコンソールの計画画面で承認します。"
            "承認者がいなければ `hrx operator create NAME --role approver` で作成します。",
            en=f"`{command}`, or approve it in the console. To make an approver: "
            "`hrx operator create NAME --role approver`.",
        )
    command = f"hrx procedure approve {record.seq}"
    return Text(ja=f"`{command}` で承認します。", en=f"Approve it: `{command}`.")


def _to_approval(entry: Entry) -> Approval:
    return Approval(
        seq=entry.seq,
        plan_seq=int(entry.body["plan_seq"]),
        plan_hash=str(entry.body["plan_hash"]),
        approver=entry.actor,
        is_operator=bool(entry.body.get("is_operator")),
        given_at=entry.at,
    )
