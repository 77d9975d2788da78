"""`hrx procedure …`: the ring from the command line: list, plan, approve, run."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from hrx.cli import output
from hrx.cli.options import As, AsJson, Code, DryRun, Params, Reason, Yes
from hrx.cli.plane import actor_of, confirm, opened, read_params, show_done
from hrx.cli.procedure_text import plan_document, run_document, show_plan, show_run
from hrx.kit.errors import Invalid, Text
from hrx.ops.operators.roles import Actor
from hrx.ops.plan import ApprovalRule
from hrx.ops.run.approvals import approve as give_approval
from hrx.ops.run.approvals import find_approval, require_approval
from hrx.ops.run.executor import close_run, new_run_id, resume_run, run_plan
from hrx.ops.run.plane import Plane
from hrx.ops.run.planning import PlanRecord, get_plan, list_plans, make_plan, propose, refuse_drift
from hrx.ops.run.proofs import find_last_proof
from hrx.ops.run.records import RunRecord, RunState, get_run, list_runs
from hrx.ops.runbook.procedures import get_procedure

ProcedureId = Annotated[str, typer.Argument(help="The procedure's id.")]
Seq = Annotated[int, typer.Argument(help="The plan's number.")]
About = Annotated[int | None, typer.Option("--incident", help="The incident that it is for.")]
RunId = Annotated[str, typer.Argument(help="The run's id.")]


def register(app: typer.Typer) -> None:
    """Add `hrx procedure`."""
    group = typer.Typer(help="Procedures: look, plan, approve, run, record.", no_args_is_help=True)
    group.command("list")(list_all)
    group.command("show")(show)
    group.command("plan")(plan)
    group.command("plans")(plans)
    group.command("approve")(approve)
    group.command("run")(run)
    group.command("runs")(runs)
    group.command("status")(status)
    group.command("resume")(resume)
    group.command("close")(close)
    app.add_typer(group, name="procedure")


def list_all(as_json: AsJson = False) -> None:
    """Every procedure with its last proof."""
    with opened() as plane:
        procedures = plane.content.procedures
        proofs = {item.id: find_last_proof(plane, item.id) for item in procedures}
    if as_json:
        items = [
            {"id": item.id, "chapter": item.chapter, "name": output.say(item.name)} for item in procedures
        ]
        output.show_json({"items": items})
        return
    rows = []
    for item in procedures:
        proof = proofs[item.id]
        rows.append(
            [item.id, item.chapter, output.say(item.name), f"{proof.at:%Y-%m-%d %H:%M}" if proof else "–"]
        )
    columns = (
        Text(ja="手順", en="Procedure"),
        Text(ja="節", en="Section"),
        Text(ja="名前", en="Name"),
        Text(ja="最後に確かめた (UTC)", en="Last proven (UTC)"),
    )
    output.show_table(columns, rows)


def show(procedure: ProcedureId, as_json: AsJson = False) -> None:
    """What a procedure is for, what it needs and its steps."""
    with opened() as plane:
        found = get_procedure(plane.content.procedures, procedure)
    if as_json:
        steps = [step.key for step in (*found.steps, *found.proofs)]
        names = [parameter.name for parameter in found.parameters]
        output.show_json({"id": found.id, "name": output.say(found.name), "params": names, "steps": steps})
        return
    print(f"{found.id} — {output.say(found.name)} ({found.chapter})\n{output.say(found.summary)}\n")
    print(output.say(found.when) + "\n")
    for parameter in found.parameters:
        value = "|".join(parameter.options) or parameter.default or "…"
        print(f"  -p {parameter.name}={value}  {output.say(parameter.help)}")
    for number, step in enumerate((*found.steps, *found.proofs), start=1):
        print(f"  {number}. {step.key}: {step.action} ({step.timeout_s:g} s)")


def plan(
    procedure: ProcedureId,
    params: Params = None,
    reason: Reason = "",
    incident: About = None,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Make a plan and put it on record; nothing is executed. With --dry-run it is only shown."""
    with opened() as plane:
        given = read_params(params or [])
        if dry_run:
            made = make_plan(plane, procedure, params=given)
            document = plan_document(made, seq=None)
        else:
            actor = actor_of(plane, operator, code=code)
            record = _propose(plane, procedure, given, reason=reason, actor=actor, incident_id=incident)
            made, document = record.plan, plan_document(record.plan, seq=record.seq)
    if as_json:
        output.show_json(document)
    else:
        show_plan(made, seq=None if dry_run else record.seq)


def plans(as_json: AsJson = False) -> None:
    """The newest plans."""
    with opened() as plane:
        records = list_plans(plane)
    if as_json:
        output.show_json({"items": [plan_document(item.plan, seq=item.seq) for item in records]})
        return
    columns = (
        Text(ja="番号", en="#"),
        Text(ja="計画", en="Plan"),
        Text(ja="作成者", en="Author"),
        Text(ja="理由", en="Why"),
        Text(ja="日時 (UTC)", en="When (UTC)"),
    )
    rows = [
        [str(item.seq), output.say(item.plan.title), item.author, item.reason, output.moment(item.made_at)]
        for item in records
    ]
    output.show_table(columns, rows)


def approve(
    seq: Seq,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Give your word on a plan, after reading it. An irreversible one takes another operator's."""
    with opened() as plane:
        record = get_plan(plane, seq)
        if not as_json:
            show_plan(record.plan, seq=seq)
        refuse_drift(plane, record)
        actor = actor_of(plane, operator, code=code)
        if not dry_run:
            confirm(Text(ja="この計画を承認しますか?", en="Approve this plan?"), yes=yes)
            give_approval(plane, seq, actor=actor, plan_hash=record.plan.plan_hash)
    show_done(
        Text(
            ja=f"{'(試行)' if dry_run else ''}計画 {seq} を承認しました",
            en=f"{'(dry run) ' if dry_run else ''}plan {seq} is approved",
        ),
        {"plan": seq, "plan_hash": record.plan.plan_hash, "approver": actor.name, "dry_run": dry_run},
        as_json=as_json,
    )


def run(
    what: Annotated[
        str, typer.Argument(help="A plan's number, or a procedure's id to plan and run at once.")
    ],
    params: Params = None,
    reason: Annotated[str, typer.Option(help="Why, for the record (when planning at once).")] = "",
    incident: About = None,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Run a plan and wait for its end. Exit 0 when seen from outside to have worked, 1 when not."""
    with opened() as plane:
        if dry_run:
            _show_dry(plane, what, params, as_json=as_json)
            return
        actor = actor_of(plane, operator, code=code)
        if re.fullmatch(r"\d+", what):
            record = get_plan(plane, int(what))
        else:
            record = _propose(
                plane, what, read_params(params or []), reason=reason, actor=actor, incident_id=incident
            )
        if not as_json:
            show_plan(record.plan, seq=record.seq)
        _confirm_and_approve(plane, record, actor=actor, yes=yes)
        finished = run_plan(plane, record.seq, actor=actor, run_id=new_run_id())
    _end(finished, as_json=as_json)


def runs(as_json: AsJson = False) -> None:
    """The newest runs, with those that died."""
    with opened() as plane:
        found = list_runs(plane)
    if as_json:
        output.show_json({"items": [run_document(item) for item in found]})
        return
    columns = (
        Text(ja="実行", en="Run"),
        Text(ja="状態", en="State"),
        Text(ja="計画", en="Plan"),
        Text(ja="誰が", en="Who"),
    )
    rows = [
        [
            item.run_id,
            output.word("run", item.state),
            output.say(item.plan.title) if item.plan else "?",
            item.actor,
        ]
        for item in found
    ]
    output.show_table(columns, rows)


def status(run_id: RunId, as_json: AsJson = False) -> None:
    """How far a run is, or how it ended."""
    with opened() as plane:
        found = get_run(plane, run_id)
    if as_json:
        output.show_json(run_document(found))
    else:
        show_run(found)


def resume(
    run_id: RunId,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Go on with a run that died, from its first unfinished step."""
    with opened() as plane:
        found = get_run(plane, run_id)
        actor = actor_of(plane, operator, code=code)
        if not dry_run:
            confirm(Text(ja="続きから再開しますか?", en="Go on where it stopped?"), yes=yes)
            found = resume_run(plane, run_id, actor=actor)
    if dry_run:
        status_line = {"run": run_id, "done": sorted(found.done_keys), "dry_run": True}
        show_done(
            Text(ja=f"(試行){run_id} を再開します", en=f"(dry run) {run_id} would go on"),
            status_line,
            as_json=as_json,
        )
        return
    _end(found, as_json=as_json)


def close(
    run_id: RunId,
    reason: Reason,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """End a run that died, taking back what it did."""
    with opened() as plane:
        found = get_run(plane, run_id)
        actor = actor_of(plane, operator, code=code)
        if not dry_run:
            confirm(Text(ja="取り消して打ち切りますか?", en="Undo and close it?"), yes=yes)
            found = close_run(plane, run_id, actor=actor, reason=reason)
    show_done(
        Text(
            ja=f"{'(試行)' if dry_run else ''}{run_id} を打ち切りました",
            en=f"{'(dry run) ' if dry_run else ''}{run_id} is closed",
        ),
        {**run_document(found), "dry_run": dry_run},
        as_json=as_json,
    )


def _propose(
    plane: Plane,
    procedure: str,
    params: dict[str, str],
    *,
    reason: str,
    actor: Actor,
    incident_id: int | None,
) -> PlanRecord:
    if not reason.strip():
        raise Invalid(
            Text(ja="理由が必要です", en="Say why"),
            hint=Text(ja="`--reason` を付けてください。", en="Add `--reason`."),
            code="plan.no_reason",
        )
    return propose(
        plane, procedure, params=params, reason=reason.strip(), actor=actor, incident_id=incident_id
    )


def _confirm_and_approve(plane: Plane, record: PlanRecord, *, actor: Actor, yes: bool) -> None:
    """The runner's own word where that is the rule; somebody else's must be on record already."""
    if record.plan.approval_needed is ApprovalRule.OTHER:
        require_approval(plane, record)
    confirm(Text(ja="この計画を実行しますか?", en="Run this plan?"), yes=yes)
    if record.plan.approval_needed is ApprovalRule.OWN and find_approval(plane, record) is None:
        give_approval(plane, record.seq, actor=actor, plan_hash=record.plan.plan_hash)


def _show_dry(plane: Plane, what: str, params: list[str] | None, *, as_json: bool) -> None:
    if re.fullmatch(r"\d+", what):
        record = get_plan(plane, int(what))
        refuse_drift(plane, record)
        made, seq = record.plan, record.seq
    else:
        made, seq = make_plan(plane, what, params=read_params(params or [])), None
    if as_json:
        output.show_json({**plan_document(made, seq=seq), "dry_run": True})
    else:
        show_plan(made, seq=seq)


def _end(finished: RunRecord, *, as_json: bool) -> None:
    if as_json:
        output.show_json(run_document(finished))
    else:
        show_run(finished)
    if finished.state is not RunState.SUCCEEDED:
        raise typer.Exit(output.FAILED)
