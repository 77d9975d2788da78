"""`hrx sop …`: the SOPs of chapter 5.2, read and run from a terminal; works with everything down."""

from __future__ import annotations

import shlex
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markdown import Markdown

from hrx.cli import output
from hrx.cli.plane import AsJson, DryRun, actor_of, opened
from hrx.kit.errors import Text
from hrx.ops.runbook.sops import Sop, get_sop
from hrx.ops.triage.engine import Question, diagnose, list_questions
from hrx.ops.triage.registry import get_check
from hrx.ops.triage.result import CauseSeen, Evidence, TriageResult, Verdict, result_to_json
from hrx.ops.triage.running import run_triage

_MARKS = {Verdict.SUPPORTED: "✓", Verdict.REFUTED: "✗", Verdict.UNDECIDED: "?"}
SopId = Annotated[str, typer.Argument(help="The SOP's number, such as 5.2.3.")]


def register(app: typer.Typer) -> None:
    """Add `hrx sop`."""
    group = typer.Typer(help="The SOPs: what to do about which failure.", no_args_is_help=True)
    group.command("list")(list_sops)
    group.command("show")(show)
    group.command("run")(run)
    app.add_typer(group, name="sop")


def list_sops(as_json: AsJson = False) -> None:
    """The SOPs, with how many probes and causes each has."""
    with opened() as plane:
        sops = plane.content.sops
        asked = {sop.id: len(list_questions(plane, sop)) for sop in sops}
    if as_json:
        output.show_json({"items": [_brief(sop, asked[sop.id]) for sop in sops]})
        return
    columns = (
        Text(ja="番号", en="#"),
        Text(ja="題", en="Title"),
        Text(ja="確認", en="Probes"),
        Text(ja="原因", en="Causes"),
    )
    rows = [[sop.id, output.say(sop.title), str(asked[sop.id]), str(len(sop.causes))] for sop in sops]
    output.show_table(columns, rows)


def show(sop_id: SopId, as_json: AsJson = False) -> None:
    """One SOP as people read it."""
    with opened() as plane:
        sop = get_sop(plane.content.sops, sop_id)
    if as_json:
        sections = {key: output.say(text) for key, text in sop.text.sections.items()}
        output.show_json({**_brief(sop, len(sop.probes)), "sections": sections})
        return
    Console().print(Markdown(to_markdown(sop)))


def run(
    sop_id: SopId,
    incident: Annotated[int | None, typer.Option("--incident", help="Keep the result with it.")] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Ask every probe at once and judge the causes; reads only. Exit code 1 when nothing is supported."""
    with opened() as plane:
        sop = get_sop(plane.content.sops, sop_id)
        if dry_run:
            _show_questions(list_questions(plane, sop), as_json=as_json)
            return
        if incident is not None:
            result = run_triage(plane, incident, actor=actor_of(plane, None).name)
        else:
            result = diagnose(plane, sop)
    if as_json:
        output.show_json(result_to_json(result))
    else:
        _show_result(result)
    if result.first_cause is None:
        raise typer.Exit(output.FAILED)


def to_markdown(sop: Sop) -> str:
    """The text of an SOP in the operator's language."""
    from hrx.ops.runbook.sop_text import SECTIONS

    parts = [f"# {sop.id} {output.say(sop.title)}", output.say(sop.lead)]
    for key, heading in SECTIONS.items():
        parts += [f"## {output.say(heading)}", output.say(sop.text.sections[key])]
    return "\n\n".join(parts)


def _show_questions(questions: tuple[Question, ...], *, as_json: bool) -> None:
    if as_json:
        output.show_json({"would_ask": [_question_to_json(question) for question in questions]})
        return
    columns = (
        Text(ja="確認", en="Check"),
        Text(ja="対象", en="About"),
        Text(ja="何を聞くか", en="What it asks"),
        Text(ja="制限", en="Limit"),
    )
    rows = [
        [
            question.probe.check,
            " ".join(question.probe.params.values()) or "–",
            output.say(get_check(question.probe.check).asks),
            f"{question.probe.timeout_s:g} s",
        ]
        for question in questions
    ]
    output.show_table(columns, rows)


def _show_result(result: TriageResult) -> None:
    first = result.first_cause
    unknown = Text(
        ja="分かりません(証拠のある原因はありません)", en="Unknown: no cause is supported by what was seen"
    )
    print(output.say(first.title if first else unknown))
    print(f"  {len(result.evidence)} ✓/✗  {result.took_ms:.0f} ms\n")
    for cause in result.causes:
        if cause.verdict is not Verdict.REFUTED:
            _show_cause(cause)
    failed = [item for item in result.evidence if item.failure is not None]
    if failed:
        print(output.say(Text(ja="答えの得られなかった確認:", en="Not answered:")))
        for item in failed:
            print(f"  {_name(item)}: {output.say(item.failure) if item.failure else ''}")


def _show_cause(cause: CauseSeen) -> None:
    symptom = f" ← {cause.symptom_of}" if cause.symptom_of else ""
    print(f"{_MARKS[cause.verdict]} {output.say(cause.title)} [{cause.sop} {cause.id}]{symptom}")
    if cause.verdict is not Verdict.SUPPORTED:
        return
    for item in cause.predictions:
        print(
            f"    {_MARKS[item.verdict]} {output.say(item.says)} ({item.fact} {item.expected}: {item.seen})"
        )
    for proposal in cause.proposals:
        # Quoted, so that it can be copied into a shell: moments have spaces, short addresses a #.
        params = " ".join(f"-p {shlex.quote(f'{name}={value}')}" for name, value in proposal.params.items())
        print(f"    → {output.say(proposal.says)}\n      hrx procedure plan {proposal.procedure} {params}")
    print(f"    · {output.say(cause.advice)}")


def _name(item: Evidence) -> str:
    about = " ".join(item.params.values())
    return f"{item.check} {about}".strip()


# `Any`: JSON.
def _brief(sop: Sop, asked: int) -> dict[str, Any]:
    return {
        "id": sop.id,
        "title": output.say(sop.title),
        "probes": asked,
        "causes": [cause.id for cause in sop.causes],
        "follows": list(sop.follows),
    }


# `Any`: JSON.
def _question_to_json(question: Question) -> dict[str, Any]:
    spec = get_check(question.probe.check)
    return {
        "check": spec.id,
        "params": dict(question.probe.params),
        "asks": output.say(spec.asks),
        "timeout_s": question.probe.timeout_s,
        "facts": list(spec.facts),
    }
