"""Procedures, plans and runs: choose, read the plan, approve, run, watch, and deal with a run that died."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request, Response
from starlette.concurrency import run_in_threadpool

from hrx.kit.errors import HrxError, Invalid, NotFound, Refused, Text
from hrx.ops.console.desk import Visit, go, needs, needs_form
from hrx.ops.console.starting import go_on_with_run, start_run
from hrx.ops.operators.roles import Permission
from hrx.ops.plan import ApprovalRule
from hrx.ops.run.approvals import approve, find_approval, list_approvals, may_approve
from hrx.ops.run.executor import new_run_id
from hrx.ops.run.planning import get_plan, list_plans, propose, refuse_drift
from hrx.ops.run.proofs import find_last_proof
from hrx.ops.run.records import RunState, find_run, list_runs, list_unfinished
from hrx.ops.runbook.procedures import get_procedure

router: Final = APIRouter()
Looker = Annotated[Visit, Depends(needs(Permission.LOOK))]
Runner = Annotated[Visit, Depends(needs_form(Permission.PLAN_AND_RUN))]


@router.get("/procedures")
def show_procedures(visit: Looker) -> Response:
    plane = visit.desk.plane
    return visit.page(
        "procedures.html",
        procedures=plane.content.procedures,
        proofs={item.id: find_last_proof(plane, item.id) for item in plane.content.procedures},
        plans=list_plans(plane, limit=10),
        runs=list_runs(plane, limit=10),
        unfinished=list_unfinished(plane),
    )


@router.get("/procedures/{procedure_id}")
def show_procedure(request: Request, visit: Looker, procedure_id: str) -> Response:
    """With `?name=value` for what is already known, such as what a triage found."""
    plane = visit.desk.plane
    procedure = get_procedure(plane.content.procedures, procedure_id)
    return visit.page(
        "procedure.html",
        procedure=procedure,
        parts=plane.content.parts,
        snapshot=visit.desk.snapshot,
        chosen={item.name: request.query_params.get(item.name, "")[:200] for item in procedure.parameters},
        proof=find_last_proof(plane, procedure_id),
        error=None,
        reason=request.query_params.get("reason", "")[:500],
        incident=request.query_params.get("incident", "")[:12],
    )


@router.post("/procedures/{procedure_id}/plans")
async def make_plan(request: Request, procedure_id: str) -> Response:
    """A form with one field per parameter; the fields depend on the procedure, so they are read by hand."""
    form = await request.form()
    values = {key: value for key, value in form.items() if isinstance(value, str)}
    return await run_in_threadpool(_make_plan, request, procedure_id, values)


def _make_plan(request: Request, procedure_id: str, values: dict[str, str]) -> Response:
    visit = needs_form(Permission.PLAN_AND_RUN)(request, csrf_token=values.get("csrf_token", ""))
    plane = visit.desk.plane
    procedure = get_procedure(plane.content.procedures, procedure_id)
    params = {item.name: values.get(item.name, "") for item in procedure.parameters}
    reason = values.get("reason", "").strip()
    try:
        if not reason:
            raise Invalid(Text(ja="理由を書いてください", en="Say why"), code="plan.no_reason")
        about = values.get("incident", "")
        record = propose(
            plane,
            procedure_id,
            params=params,
            reason=reason[:500],
            actor=visit.actor,
            incident_id=int(about) if about.isascii() and about.isdigit() else None,
        )
    # Such as a source that may not be blocked: said beside the form, where it can be corrected.
    except (Invalid, Refused, NotFound) as error:
        return visit.page(
            "procedure.html",
            status=422 if isinstance(error, Invalid) else 409,
            procedure=procedure,
            parts=plane.content.parts,
            snapshot=visit.desk.snapshot,
            chosen=params,
            proof=find_last_proof(plane, procedure_id),
            error=error,
            reason=reason,
            incident=values.get("incident", "")[:12],
        )
    return go(f"/plans/{record.seq}")


@router.get("/plans/{seq}")
def show_plan(visit: Looker, seq: int) -> Response:
    plane = visit.desk.plane
    record = get_plan(plane, seq)
    try:
        refuse_drift(plane, record)
        drift = None
    except HrxError as error:
        drift = error
    runs = [run for run in list_runs(plane, limit=20, subject=record.plan.lock) if run.plan_seq == seq]
    procedures = {one.id: one for one in plane.content.procedures}
    return visit.page(
        "plan.html",
        record=record,
        procedure=procedures.get(record.plan.procedure),
        plan=record.plan,
        drift=drift,
        approvals=list_approvals(plane, seq),
        approval=find_approval(plane, record),
        may_approve=may_approve(record, visit.actor),
        ApprovalRule=ApprovalRule,
        runs=runs,
        is_spent=any(run.state in (RunState.RUNNING, RunState.SUCCEEDED, RunState.DIED) for run in runs),
    )


@router.post("/plans/{seq}/approve")
def approve_plan(visit: Runner, seq: int, plan_hash: Annotated[str, Form(max_length=64)] = "") -> Response:
    """The rule of the plan decides whose word counts; `approve` asks it."""
    approve(visit.desk.plane, seq, actor=visit.actor, plan_hash=plan_hash)
    return go(f"/plans/{seq}")


@router.post("/plans/{seq}/run")
def run(visit: Runner, seq: int, confirmed_hash: Annotated[str, Form(max_length=64)] = "") -> Response:
    """Start the run in a process of its own. With `confirmed_hash`, the runner's own word is given first."""
    plane = visit.desk.plane
    record = get_plan(plane, seq)
    if confirmed_hash and record.plan.approval_needed is ApprovalRule.OWN:
        approve(plane, seq, actor=visit.actor, plan_hash=confirmed_hash)
    run_id = new_run_id()
    start_run(plane, record, run_id=run_id, operator=visit.actor.name)
    return go(f"/runs/{run_id}?plan={seq}")


@router.get("/runs/{run_id}")
def show_run(visit: Looker, run_id: str, plan: int | None = None) -> Response:
    return _run_page(visit, "run.html", run_id=run_id, plan_seq=plan)


@router.get("/fragments/runs/{run_id}")
def show_run_now(visit: Looker, run_id: str, plan: int | None = None) -> Response:
    return _run_page(visit, "fragments/run.html", run_id=run_id, plan_seq=plan)


@router.post("/runs/{run_id}/resume")
def resume(visit: Runner, run_id: str) -> Response:
    go_on_with_run(visit.desk.plane, "resume", run_id=run_id, operator=visit.actor.name)
    return go(f"/runs/{run_id}")


@router.post("/runs/{run_id}/close")
def close(visit: Runner, run_id: str, reason: Annotated[str, Form(max_length=500)] = "") -> Response:
    if not reason.strip():
        raise Invalid(Text(ja="理由を書いてください", en="Say why"), code="run.no_reason")
    go_on_with_run(visit.desk.plane, "close", run_id=run_id, operator=visit.actor.name, reason=reason.strip())
    return go(f"/runs/{run_id}")


def _run_page(visit: Visit, template: str, *, run_id: str, plan_seq: int | None) -> Response:
    """A run that has recorded nothing yet is being started; its page waits for it."""
    plane = visit.desk.plane
    found = find_run(plane, run_id)
    seq = found.plan_seq if found else plan_seq
    return visit.page(
        template,
        run=found,
        run_id=run_id,
        plan_seq=seq,
        RunState=RunState,
        record=get_plan(plane, seq) if seq else None,
    )
