"""`hrx release pipeline run | resume | stop | approve`: a commit's way to people, begun, resumed, ended."""

from __future__ import annotations

from typing import Annotated

import typer

from hrx.cli import output, release_pipeline_shown
from hrx.cli.options import As, AsJson, Code, DryRun, Yes
from hrx.cli.plane import acting, confirm, show_done
from hrx.cli.release_pipeline_shown import Told, find_run, show_end
from hrx.kit.errors import Invalid, Text
from hrx.kit.settings import load
from hrx.ops import lock
from hrx.ops.operators.roles import Actor, Permission
from hrx.ops.release.building.sources import read_head
from hrx.ops.release.pipeline.beginning import begin_run, look_at, prepare_resume
from hrx.ops.release.pipeline.definition import load_definition
from hrx.ops.release.pipeline.engine import Bench, Runner
from hrx.ops.release.pipeline.stages import Goal, Run, RunStand
from hrx.ops.run.pipelines import approve_run, find_asked, find_gate, give_despite, open_bench
from hrx.ops.targets.machine.layout import find_layout
from hrx.ops.targets.machine.settings import MachineSettings

Number = Annotated[str, typer.Argument(help="The pipeline, such as p3; without one, the newest.")]
Wait = Annotated[
    float, typer.Option("--wait", help="How long to wait for people and days, in minutes.", min=0)
]
Despite = Annotated[
    str, typer.Option("--despite-calendar", help="Go on despite what holds it now, and why (approvers).")
]
Only = Annotated[
    list[str] | None, typer.Option("--stage", help="Run this stage alone; others have their own jobs.")
]


def add_to(release: typer.Typer) -> None:
    """Add `hrx release pipeline`."""
    group = typer.Typer(help="The pipeline: from a commit to people, stage by stage.", no_args_is_help=True)
    for command in (run, resume, stop, approve):
        group.command()(command)
    release_pipeline_shown.add_to(group)
    release.add_typer(group, name="pipeline")


def run(
    commit: Annotated[str, typer.Option("--commit", help="The commit; it must be what is checked out.")] = "",
    release_id: Annotated[
        str, typer.Option("--release", help="A release that is built already, in place of a commit.")
    ] = "",
    to: Annotated[Goal, typer.Option("--to", help="How far: staging or production.")] = Goal.PRODUCTION,
    only_begin: Annotated[
        bool, typer.Option("--begin", help="Begin it, say its number, and run no stage.")
    ] = False,
    despite: Despite = "",
    wait: Wait = 0.0,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
    operator: As = None,
    code: Code = "",
) -> None:
    """Begin a pipeline and run it until it is over or needs a person. Exit code 1: failed; 4: it waits."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        bench = open_bench(plane)
        definition = load_definition(plane.settings.runbook_dir)
        if dry_run:
            release_pipeline_shown.show_definition(definition.list_for(to), as_json=as_json)
            return
        release = bench.releases.get(release_id) if release_id else None
        head = release.commit if release is not None else _find_commit(commit)
        question = Text(
            ja=f"コミット {head[:12]} を {to.value} まで進めますか?",
            en=f"Take commit {head[:12]} to {to.value}?",
        )
        confirm(question, yes=yes)
        begun = begin_run(
            bench.store,
            plane.ledger,
            definition,
            environment=plane.settings.environment,
            goal=to,
            commit=head,
            release=release,
            actor=actor.name,
        )
        if despite:
            give_despite(find_gate(plane), begun, actor=actor, reason=despite)
        if only_begin:
            said = Text(ja=f"パイプライン {begun.id} を始めました", en=f"Pipeline {begun.id} is begun")
            show_done(said, {"pipeline": begun.id, "commit": head}, as_json=as_json)
            return
        _drive(bench, begun, actor, only=None, wait=wait, as_json=as_json)


def resume(
    number: Number = "",
    again: Annotated[
        list[str] | None, typer.Option("--again", help="Repeat this stage, although it was done.")
    ] = None,
    only: Only = None,
    despite: Despite = "",
    wait: Wait = 0.0,
    yes: Yes = False,
    as_json: AsJson = False,
    operator: As = None,
    code: Code = "",
) -> None:
    """Go on where it stands: what is done stays done. Exit code 1: failed; 4: it waits."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        bench = open_bench(plane)
        found = find_run(bench.store, number)
        confirm(Text(ja=f"{found.id} を続けますか?", en=f"Go on with {found.id}?"), yes=yes)
        if despite:
            give_despite(find_gate(plane), found, actor=actor, reason=despite)
        if not only:
            prepare_resume(bench.store, plane.ledger, found, again=again or (), actor=actor.name)
        _drive(bench, found, actor, only=only, wait=wait, as_json=as_json)


def stop(
    number: Number = "", yes: Yes = False, as_json: AsJson = False, operator: As = None, code: Code = ""
) -> None:
    """End a pipeline: stages that run are ended, the rest is not begun. A deploy is not undone by it."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        bench = open_bench(plane)
        found = find_run(bench.store, number)
        confirm(Text(ja=f"{found.id} を止めますか?", en=f"Stop {found.id}?"), yes=yes)
        bench.store.ask_stop(found.id)
        try:
            stand = Runner(bench, found.id, actor=actor.name).drive()
        except lock.LockHeld:
            # Whoever drives it ends it within a tick.
            stand = look_at(bench.store, plane.ledger, found)[0]
        said = Text(ja=f"{found.id} を止めました", en=f"{found.id} is stopped")
        if not stand.is_over:
            said = Text(ja=f"{found.id} は止まるところです", en=f"{found.id} is coming to its end")
        show_done(said, {"pipeline": found.id, "stand": stand}, as_json=as_json)


def approve(
    number: Number = "",
    plan_hash: Annotated[
        str, typer.Option("--plan", help="The plan's hash as it was read; asked for otherwise.")
    ] = "",
    yes: Yes = False,
    as_json: AsJson = False,
    operator: As = None,
    code: Code = "",
) -> None:
    """Give a second person's word on exactly the plan that is shown. Exit code 4: yours does not count."""
    with acting(operator, code=code, needs=Permission.APPROVE) as (plane, actor):
        gate = find_gate(plane)
        found = find_run(gate.runs, number)
        asked = find_asked(gate, found, gate.runs.records(found))
        wanted = plan_hash or (asked.record.plan.plan_hash if asked is not None else "")
        if asked is not None and not plan_hash and not as_json:
            release_pipeline_shown.show_plan_text(asked)
        confirm(Text(ja="この計画を承認しますか?", en="Approve this plan?"), yes=yes)
        given = approve_run(gate, found, actor=actor, plan_hash=wanted)
    show_done(
        Text(
            ja=f"{given.approver} が承認しました。続ける: `hrx release pipeline resume {found.id}`",
            en=f"Approved by {given.approver}. Go on: `hrx release pipeline resume {found.id}`",
        ),
        {"pipeline": found.id, "plan_hash": given.plan_hash, "approver": given.approver},
        as_json=as_json,
    )


def _drive(
    bench: Bench,
    begun: Run,
    actor: Actor,
    *,
    only: list[str] | None,
    wait: float,
    as_json: bool,
) -> None:
    runner = Runner(bench, begun.id, actor=actor.name, only=_check_stages(begun, only or []))
    with Told(is_quiet=as_json) as told:
        stand = runner.drive(wait_s=wait * 60, tell=told.tell)
    after = bench.store.get(begun.id)
    show_end(bench, after, stand, as_json=as_json)
    if stand in (RunStand.FAILED, RunStand.STOPPED):
        raise typer.Exit(output.FAILED)
    if stand is RunStand.WAITING:
        raise typer.Exit(output.REFUSED)


def _check_stages(run: Run, only: list[str]) -> frozenset[str]:
    known = {one.id for one in run.stages}
    for name in only:
        if name not in known:
            raise Invalid(
                Text(ja=f"段階 {name} はありません", en=f"There is no stage {name}"),
                hint=Text(ja=f"{', '.join(sorted(known))}", en=f"One of {', '.join(sorted(known))}"),
                code="pipeline.no_stage",
            )
    return frozenset(only)


def _find_commit(wanted: str) -> str:
    head = read_head(find_layout(load(MachineSettings)).root).id
    if not wanted or (len(wanted) >= 7 and head.startswith(wanted)):
        return head
    raise Invalid(
        Text(
            ja=f"{wanted} はチェックアウトされていません(今は {head[:12]})",
            en=f"{wanted} is not checked out; {head[:12]} is",
        ),
        hint=Text(ja=f"先に `git checkout {wanted}` を。", en=f"First `git checkout {wanted}`."),
        code="pipeline.other_commit",
    )
