"""`hrx release pipeline status | list | plan`, and how a pipeline looks while it runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Annotated, Final, Self

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from hrx.cli import output
from hrx.cli.options import AsJson
from hrx.cli.plane import opened, show_done
from hrx.kit import clock
from hrx.kit.errors import NotFound, Text
from hrx.ops.release.pipeline.beginning import look_at
from hrx.ops.release.pipeline.definition import load_definition
from hrx.ops.release.pipeline.engine import Bench
from hrx.ops.release.pipeline.folders import write_whole
from hrx.ops.release.pipeline.stages import Records, Run, RunStand, Stage, StageRecord, Stand
from hrx.ops.release.pipeline.storing import RunStore
from hrx.ops.release.pipeline.workflow import PATH, make_workflow
from hrx.ops.run.pipelines import Asked, find_asked, find_gate, open_bench
from hrx.ops.settings import HOME

Number = Annotated[str, typer.Argument(help="The pipeline, such as p3; without one, the newest.")]
MARKS: Final = {
    Stand.WAITING: "·",
    Stand.RUNNING: "▸",
    Stand.ASKING: "?",
    Stand.HELD: "‖",
    Stand.PASSED: "✓",
    Stand.NOT_CHECKED: "–",
    Stand.FAILED: "✗",
    Stand.STOPPED: "■",
    Stand.BLOCKED: "⊘",
}
_TAIL: Final = 20
_SHOWN: Final = 20


def add_to(group: typer.Typer) -> None:
    """Add the commands that only look."""
    group.command("status")(status)
    group.command("list")(list_runs)
    group.command("plan")(plan)
    group.command("workflow")(workflow)


class Told:
    """What a person sees while stages run: a table that keeps itself up to date on a terminal, a line for
    each change elsewhere; on standard error, for standard output is for the result."""

    def __init__(self, *, is_quiet: bool) -> None:
        self._is_quiet = is_quiet
        self._former: dict[str, tuple[Stand, Text | None]] = {}
        console = Console(stderr=True)
        is_live = not is_quiet and console.is_terminal
        self._live = Live(console=console, refresh_per_second=4, transient=True) if is_live else None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def tell(self, run: Run, records: Records) -> None:
        """Called after every look."""
        if self._live is not None:
            self._live.update(_table(run, records), refresh=True)
        elif not self._is_quiet:
            for stage in run.stages:
                record = records[stage.id]
                if self._former.get(stage.id, (Stand.WAITING, None)) != (record.stand, record.says):
                    self._former[stage.id] = (record.stand, record.says)
                    at = output.moment(clock.now(), to_second=True)
                    print(f"{at}  {_line(stage, record)}", file=sys.stderr, flush=True)


def status(number: Number = "", as_json: AsJson = False) -> None:
    """Where a pipeline stands: each stage, how long it took, what it waits for."""
    with opened() as plane:
        bench = open_bench(plane)
        found = find_run(bench.store, number)
        stand, records = look_at(bench.store, plane.ledger, found)
        if as_json:
            output.show_json(to_document(found, records, stand))
            return
        _print_status(bench, found, records, stand)


def list_runs(as_json: AsJson = False) -> None:
    """Every pipeline, the newest first."""
    with opened() as plane:
        store = open_bench(plane).store
        listed = [(one, *look_at(store, plane.ledger, one)) for one in store.list_all()]
    if as_json:
        output.show_json({"items": [to_document(one, records, stand) for one, stand, records in listed]})
        return
    columns = (
        Text(ja="番号", en="Number"),
        Text(ja="開始", en="Begun"),
        Text(ja="コミット", en="Commit"),
        Text(ja="リリース", en="Release"),
        Text(ja="行き先", en="To"),
        Text(ja="状態", en="State"),
        Text(ja="開始者", en="By"),
    )
    output.show_table(
        columns,
        [
            [
                one.id,
                output.moment(one.began_at),
                one.commit[:10],
                one.release_id or "–",
                one.goal.value,
                output.word("pipeline", stand),
                output.actor(one.began_by),
            ]
            for one, stand, _ in listed[:_SHOWN]
        ],
    )


def plan(number: Number = "", as_json: AsJson = False) -> None:
    """What would be done to production, with the hash that an approval is bound to."""
    with opened() as plane:
        gate = find_gate(plane)
        found = find_run(gate.runs, number)
        records = gate.runs.records(found)
        asked = find_asked(gate, found, records) if found.release_id else None
        if asked is None:
            show_definition(found.stages, as_json=as_json)
            return
    if as_json:
        output.show_json(
            {
                "pipeline": found.id,
                "plan_hash": asked.record.plan.plan_hash,
                "facts": dict(asked.record.plan.facts),
                "steps": [step.key for step in asked.record.plan.steps],
                "may_not_approve": sorted(asked.barred),
            }
        )
        return
    show_plan_text(asked)


def workflow(
    write: Annotated[
        bool, typer.Option("--write", help="Write .github/workflows/release.yml from the definition.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Whether the workflow of GitHub Actions is the definition's own. Exit code 1: it is another."""
    wanted, path = make_workflow(load_definition(HOME / "runbook")), HOME / PATH
    if write:
        write_whole(path, wanted.encode())
    is_current = path.exists() and path.read_text() == wanted
    said = Text(ja=f"{PATH} は定義のとおりです", en=f"{PATH} is what the definition says")
    if not is_current:
        said = Text(
            ja=f"{PATH} は定義と違います。→ `hrx release pipeline workflow --write`",
            en=f"{PATH} is not what the definition says. → `hrx release pipeline workflow --write`",
        )
    show_done(said, {"path": str(PATH), "is_up_to_date": is_current}, as_json=as_json)
    if not is_current:
        raise typer.Exit(output.FAILED)


def find_run(store: RunStore, number: str) -> Run:
    """The run of this number, or the newest. Raises NotFound."""
    if number:
        return store.get(number)
    found = store.list_all()
    if not found:
        raise NotFound(
            Text(ja="パイプラインはまだありません", en="There is no pipeline yet"),
            hint=Text(
                ja="`hrx release pipeline run` で始めます。", en="Begin one: `hrx release pipeline run`."
            ),
            code="pipeline.none",
        )
    return found[0]


def show_plan_text(asked: Asked) -> None:
    """The plan as whoever approves it reads it."""
    shown = asked.record.plan
    print(f"{output.say(shown.title)}\n  {output.say(shown.impact)}")
    output.show_facts([(Text(ja=name, en=name), value) for name, value in shown.facts.items()])
    for number, step in enumerate(shown.steps, start=1):
        loses = f" — {output.say(step.loses)}" if step.loses else ""
        print(f"  {number}. {output.say(step.name)}: {output.say(step.reason)}{loses}")
    print(f"  {shown.plan_hash}")


def show_definition(stages: Sequence[Stage], *, as_json: bool) -> None:
    """The stages that would run, with what each needs."""
    if as_json:
        items = [{"stage": one.id, "needs": list(one.needs), "command": list(one.command)} for one in stages]
        output.show_json({"stages": items, "dry_run": True})
        return
    for one in stages:
        needs = f"  ← {', '.join(one.needs)}" if one.needs else ""
        print(f"  {one.id:<14} {output.say(one.title)}{needs}")


def show_end(bench: Bench, run: Run, stand: RunStand, *, as_json: bool) -> None:
    """How a run ended, or what it waits for, and what to type next."""
    records = bench.store.records(run)
    if as_json:
        output.show_json(to_document(run, records, stand))
        return
    _print_status(bench, run, records, stand)


def to_document(run: Run, records: Records, stand: RunStand) -> dict[str, object]:
    """The run for scripts."""
    return {
        "pipeline": run.id,
        "stand": stand.value,
        "to": run.goal.value,
        "environment": run.environment,
        "commit": run.commit,
        "release": run.release_id or None,
        "by": run.began_by,
        "began_at": run.began_at.isoformat(),
        "stages": [
            {
                "stage": one.id,
                "stand": records[one.id].stand.value,
                "attempt": records[one.id].attempt,
                "exit_code": records[one.id].exit_code,
                "seconds": records[one.id].lasted_s(clock.now()),
                "says": output.say(said) if (said := records[one.id].says) else None,
            }
            for one in run.stages
        ],
    }


def _print_status(bench: Bench, run: Run, records: Records, stand: RunStand) -> None:
    print(f"{run.id} · {run.commit[:12]} · {run.release_id or '–'} → {run.goal.value}")
    for stage in run.stages:
        print(f"  {_line(stage, records[stage.id])}")
    print(output.word("pipeline", stand))
    for stage in run.stages:
        if records[stage.id].stand is Stand.FAILED:
            for line in bench.store.stage(run, stage).tail(lines=_TAIL):
                print(f"    {stage.id} │ {line}")
            if stage.if_it_fails is not None:
                print(f"  → {output.say(stage.if_it_fails)}")
    following = _say_next(run, records, stand)
    if following is not None:
        print(f"  → {output.say(following)}")


def _say_next(run: Run, records: Records, stand: RunStand) -> Text | None:
    if stand in (RunStand.PASSED, RunStand.UNCHECKED):
        return None
    if any(one.stand is Stand.ASKING for one in records.values()):
        return Text(
            ja=f"承認する: `hrx release pipeline approve {run.id} --operator NAME`、"
            f"続ける: `hrx release pipeline resume {run.id}`",
            en=f"Approve: `hrx release pipeline approve {run.id} --operator NAME`, "
            f"then `hrx release pipeline resume {run.id}`",
        )
    if any(one.stand is Stand.HELD for one in records.values()):
        return Text(
            ja=f"後で続ける: `hrx release pipeline resume {run.id}`。"
            '待てないなら承認者が `--despite-calendar "理由" --operator NAME` を付けます。',
            en=f"Later: `hrx release pipeline resume {run.id}`. Where it cannot wait, an approver adds "
            '`--despite-calendar "reason" --operator NAME`.',
        )
    if stand is RunStand.RUNNING:
        return None
    return Text(
        ja=f"続ける: `hrx release pipeline resume {run.id}`",
        en=f"Go on: `hrx release pipeline resume {run.id}`",
    )


def _line(stage: Stage, record: StageRecord) -> str:
    lasted = record.lasted_s(clock.now())
    took = f" {lasted:.1f} s" if lasted is not None and record.stand is not Stand.BLOCKED else ""
    said = f" — {output.say(record.says)}" if record.says is not None else ""
    return f"{MARKS[record.stand]} {stage.id:<14} {output.word('pipeline_stage', record.stand)}{took}{said}"


def _table(run: Run, records: Records) -> Table:
    table = Table(box=None, show_header=False, title=f"{run.id} → {run.goal.value}", title_justify="left")
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="dim")
    for stage in run.stages:
        table.add_row(_line(stage, records[stage.id]), output.say(stage.title))
    return table
