"""`hrx sop …`: the SOPs of chapter 5.2, read and run from a terminal; works with everything down."""

from __future__ import annotations

import shlex
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markdown import Markdown

from hrx.cli import output
from hrx.cli.options import AsJson, DryRun, Params
from hrx.cli.plane import actor_of, opened, read_params
from hrx.kit.errors import NotFound, Text
from hrx.ops.runbook.sops import Sop, get_sop
from hrx.ops.triage.engine import Question, ask_check, diagnose, list_questions
from hrx.ops.triage.looking import CheckSpec
from hrx.ops.triage.registry import CHECKS, get_check
from hrx.ops.triage.result import (
    CauseSeen,
    Evidence,
    TriageResult,
    Verdict,
    evidence_to_json,
    result_to_json,
)
from hrx.ops.triage.running import run_triage

_MARKS = {Verdict.SUPPORTED: "✓", Verdict.REFUTED: "✗", Verdict.UNDECIDED: "?"}
_UNKNOWN = Text(
    ja="原因はまだ分かりません。証拠のそろった原因がありません。",
    en="The cause is not known yet: none has its evidence together.",
)
_NOT_LEARNED = Text(ja="分からない", en="not learned")
_ANSWERED = Text(ja="所要", en="took")
SopId = Annotated[str, typer.Argument(help="The SOP's number, such as 5.2.3.")]


def register(app: typer.Typer) -> None:
    """Add `hrx sop`."""
    group = typer.Typer(help="The SOPs: what to do about which failure.", no_args_is_help=True)
    group.command("list")(list_sops)
    group.command("show")(show)
    group.command("check")(check)
    group.command("run")(run)
    app.add_typer(group, name="sop")


def list_sops(as_json: AsJson = False) -> None:
    """The SOPs, with how many checks and causes each has."""
    with opened() as plane:
        sops = plane.content.sops
        asked = {sop.id: len(list_questions(plane, sop)) for sop in sops}
    if as_json:
        output.show_json({"items": [_brief(sop, asked[sop.id]) for sop in sops]})
        return
    columns = (
        Text(ja="番号", en="#"),
        Text(ja="題", en="Title"),
        Text(ja="確認", en="Checks"),
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


def check(
    name: Annotated[
        str | None, typer.Argument(help="A check, such as part.process; without it, all.")
    ] = None,
    params: Params = None,
    timeout: Annotated[float | None, typer.Option(min=0.1, max=60, help="Seconds.")] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Ask one check by itself; reads only. Exit code 1 when it gets no answer."""
    if name is None:
        _show_checks(tuple(CHECKS.values()), as_json=as_json)
        return
    if name not in CHECKS:
        raise NotFound(
            Text(ja=f"{name} という確認はありません", en=f"There is no check {name}"),
            hint=Text(ja="`hrx sop check` で一覧できます。", en="`hrx sop check` lists them."),
            code="triage.no_check",
        )
    spec = get_check(name)
    if dry_run:
        _show_checks((spec,), as_json=as_json)
        return
    with opened() as plane:
        found = ask_check(plane, spec.id, params=read_params(params or []), timeout_s=timeout)
    if as_json:
        output.show_json(evidence_to_json(found))
    else:
        _show_answer(found)
    if found.failure is not None:
        raise typer.Exit(output.FAILED)


def run(
    sop_id: SopId,
    incident: Annotated[int | None, typer.Option("--incident", help="Keep the result with it.")] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Ask every check at once and judge the causes; reads only. Exit code 1 when none has its evidence."""
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


def _show_checks(specs: tuple[CheckSpec, ...], *, as_json: bool) -> None:
    if as_json:
        items = [
            {
                "check": one.id,
                "params": list(one.params),
                "asks": output.say(one.asks),
                "facts": list(one.facts),
            }
            for one in specs
        ]
        output.show_json({"items": items})
        return
    columns = (
        Text(ja="確認", en="Check"),
        Text(ja="受け取る値", en="Takes"),
        Text(ja="何を聞くか", en="What it asks"),
        Text(ja="制限", en="Limit"),
    )
    rows = [
        [one.id, " ".join(one.params) or "–", output.say(one.asks), f"{one.timeout_s:g} s"] for one in specs
    ]
    output.show_table(columns, rows)


def _show_answer(found: Evidence) -> None:
    took = f"{found.latency_ms:.0f} ms"
    print(f"{output.say(found.title)} ({_name(found)}): {output.say(_ANSWERED)} {took}")
    if found.failure is not None:
        print(f"  {output.say(found.failure)}")
    for name, value in found.facts.items():
        print(f"  {name} = {value}")


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
    if first is None:
        print(output.say(_UNKNOWN))
    else:
        print(output.say(Text(ja=f"原因は: {first.title.ja}", en=f"The cause: {first.title.en}")))
    asked, silent = len(result.evidence), sum(item.failure is not None for item in result.evidence)
    refuted = sum(cause.verdict is Verdict.REFUTED for cause in result.causes)
    took = result.took_ms / 1000
    summary = Text(
        ja=f"確認 {asked} 件({silent} 件は答えなし)、{took:.1f} 秒。否定された原因 {refuted} 件。",
        en=f"{_count(asked, 'check')} asked in {took:.1f} s, {silent} without an answer; "
        f"{_count(refuted, 'cause')} ruled out.",
    )
    print(f"  {output.say(summary)}\n")
    for cause in result.supported:
        _show_cause(cause)
    undecided = [cause for cause in result.causes if cause.verdict is Verdict.UNDECIDED]
    if undecided:
        count = len(undecided)
        print(output.say(Text(ja=f"判断できない原因 {count} 件:", en=f"{_count(count, 'cause')} undecided:")))
        print("\n".join(f"  ? {output.say(cause.title)} [{cause.sop} {cause.id}]" for cause in undecided))
    failed = [item for item in result.evidence if item.failure is not None]
    if failed:
        print(output.say(Text(ja="答えの得られなかった確認:", en="Not answered:")))
        for item in failed:
            print(f"  {_name(item)}: {output.say(item.failure) if item.failure else ''}")


def _show_cause(cause: CauseSeen) -> None:
    above = Text(ja=f" {cause.symptom_of} の症状", en=f", a symptom of {cause.symptom_of}")
    symptom = output.say(above) if cause.symptom_of else ""
    verdict = output.word("verdict", cause.verdict.value)
    print(f"{_MARKS[cause.verdict]} {output.say(cause.title)} [{cause.sop} {cause.id}]: {verdict}{symptom}")
    for item in cause.predictions:
        seen = output.say(_NOT_LEARNED) if item.seen is None else item.seen
        print(f"    {_MARKS[item.verdict]} {output.say(item.says)} ({item.fact} {item.expected}: {seen})")
    for proposal in cause.proposals:
        # Quoted, so that it can be copied into a shell: moments have spaces, short addresses a #.
        params = " ".join(f"-p {shlex.quote(f'{name}={value}')}" for name, value in proposal.params.items())
        print(f"    → {output.say(proposal.says)}\n      hrx procedure plan {proposal.procedure} {params}")
    print(f"    · {output.say(cause.advice)}")


def _count(many: int, noun: str) -> str:
    return f"{many} {noun}" if many == 1 else f"{many} {noun}s"


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
