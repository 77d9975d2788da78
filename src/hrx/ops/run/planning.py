"""Making plans and putting them on record: facts are looked up, the rest is pure work elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hrx.kit.errors import NotFound, Refused, Text
from hrx.ops.ledger.entries import Entry, EntryFilter, Kind
from hrx.ops.ledger.incidents import get_incident
from hrx.ops.operators.roles import Actor, Permission, require
from hrx.ops.plan import Effect, Plan, describe_drift, plan_from_json, plan_to_json
from hrx.ops.run.acting.sources import hide_source
from hrx.ops.run.actions import get_action
from hrx.ops.run.facts import FACTS
from hrx.ops.run.plane import Plane
from hrx.ops.run.way_back import compose_way_back
from hrx.ops.runbook.parts import PartInfo, get_part
from hrx.ops.runbook.planning import check_params, plan_procedure
from hrx.ops.runbook.procedures import Procedure, get_procedure
from hrx.ops.runbook.reading import wrong

#: Who composes the plans of a procedure that says `composed_by`.
COMPOSERS: Final[Mapping[str, Callable[[Plane, Procedure, Mapping[str, str]], Plan]]] = {
    "way_back": compose_way_back
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRecord:
    """A plan on record. `seq` is its number in the ledger, by which people name it."""

    seq: int
    plan: Plan
    author: str
    reason: str
    made_at: datetime


class PlanDrifted(Refused):
    """The situation is no longer the one that was planned for; approvals of the old plan are void."""

    code = "plan.drifted"


def make_plan(plane: Plane, procedure_id: str, *, params: Mapping[str, str]) -> Plan:
    """What the procedure would do now; nothing is recorded or executed.

    Raises NotFound for an unknown procedure or part, Invalid for wrong parameters."""
    procedure = get_procedure(plane.content.procedures, procedure_id)
    checked = check_params(procedure, params, plane.content.parts, plane.content.indexes)
    checked |= {
        parameter.name: hide_source(plane, checked[parameter.name])
        for parameter in procedure.parameters
        if parameter.kind == "source"
    }
    if procedure.composed_by is not None:
        plan = _compose(plane, procedure, checked)
    else:
        part = _part_of(plane, procedure, checked)
        facts = _look_up_facts(plane, procedure, checked)
        plan = plan_procedure(procedure, params=checked, part=part, facts=facts)
    _check_actions(plan)
    return plan


def propose(
    plane: Plane,
    procedure_id: str,
    *,
    params: Mapping[str, str],
    reason: str,
    actor: Actor,
    incident_id: int | None = None,
) -> PlanRecord:
    """Make a plan and put it on record, for approval; the incident's time line then tells of it.

    Raises as `make_plan`, and Forbidden."""
    require(actor, Permission.PLAN_AND_RUN)
    plan = make_plan(plane, procedure_id, params=params)
    body: dict[str, object] = {"plan": plan_to_json(plan), "plan_hash": plan.plan_hash, "reason": reason}
    if incident_id is not None:
        get_incident(plane.ledger.store, incident_id)
        body["incident"] = incident_id
    entry = plane.ledger.append(Kind.PLAN, actor=actor.name, subject=plan.lock, body=body)
    return _to_record(entry)


def get_plan(plane: Plane, seq: int) -> PlanRecord:
    """The plan with this number. Raises NotFound when the ledger has no plan there."""
    entry = plane.ledger.get_entry(seq)
    if entry.kind is not Kind.PLAN:
        raise NotFound(
            Text(ja=f"台帳の {seq} 番は計画ではありません", en=f"Entry {seq} of the ledger is no plan"),
            hint=Text(ja="`hrx procedure plans` で一覧できます。", en="`hrx procedure plans` lists them."),
            code="plan.not_found",
        )
    return _to_record(entry)


def list_plans(plane: Plane, *, limit: int = 20) -> list[PlanRecord]:
    """The newest plans."""
    entries = plane.ledger.list_entries(EntryFilter(kinds=(Kind.PLAN,)), limit=limit)
    return [_to_record(entry) for entry in entries]


def refuse_drift(plane: Plane, record: PlanRecord) -> None:
    """Plan again; raises PlanDrifted, naming what differs, unless the same plan comes out."""
    now = make_plan(plane, record.plan.procedure, params=record.plan.params)
    if now.plan_hash == record.plan.plan_hash:
        return
    drift = describe_drift(record.plan, now)
    raise PlanDrifted(
        Text(
            ja=f"計画 {record.seq} を作ったときから状況が変わりました({drift.ja})",
            en=f"Things changed since plan {record.seq} was made ({drift.en})",
        ),
        hint=Text(
            ja="計画を作り直し、内容を確かめて承認してください。前の承認は無効です。",
            en="Plan again, read it and approve it; the former approval is void.",
        ),
    )


def _compose(plane: Plane, procedure: Procedure, params: Mapping[str, str]) -> Plan:
    """A plan whose steps are chosen by a planner of its own. Raises as that does."""
    composer = COMPOSERS.get(str(procedure.composed_by))
    if composer is None:
        raise wrong(procedure.id, f"wants an unknown composer {procedure.composed_by}")
    return composer(plane, procedure, params)


def _part_of(plane: Plane, procedure: Procedure, params: Mapping[str, str]) -> PartInfo | None:
    for parameter in procedure.parameters:
        if parameter.kind == "part":
            return get_part(plane.content.parts, params[parameter.name])
    return None


def _look_up_facts(plane: Plane, procedure: Procedure, params: Mapping[str, str]) -> dict[str, str]:
    """The facts that the procedure wants to be planned on. Raises Refused when one forbids the plan."""
    for name in procedure.facts:
        if name not in FACTS:
            raise wrong(procedure.id, f"wants an unknown fact {name}")
    return {name: FACTS[name](plane, params) for name in procedure.facts}


def _check_actions(plan: Plan) -> None:
    """Content that says `reads` about something that changes the world must not get past here."""
    for step in (*plan.steps, *plan.proofs):
        spec = get_action(step.action.id)
        if step.undo is not None:
            get_action(step.undo.id)
        if (step.effect is Effect.READS) != spec.only_reads:
            raise wrong(f"{plan.procedure}.{step.key}", f"has the wrong effect for {spec.id}")


def _to_record(entry: Entry) -> PlanRecord:
    plan = plan_from_json(entry.body["plan"])
    if plan.plan_hash != entry.body["plan_hash"]:
        raise Refused(
            Text(
                ja=f"計画 {entry.seq} の内容とハッシュが一致しません",
                en=f"The content of plan {entry.seq} does not match its hash",
            ),
            hint=Text(ja="`hrx ledger verify` を実行してください。", en="Run `hrx ledger verify`."),
            code="plan.corrupt",
        )
    return PlanRecord(
        seq=entry.seq,
        plan=plan,
        author=entry.actor,
        reason=str(entry.body.get("reason", "")),
        made_at=entry.at,
    )
