"""From a procedure, parameters and facts to a plan: pure, so that the same situation gives the same hash."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from hrx.kit.errors import FieldProblem, Invalid, Text
from hrx.ops.plan import Action, Effect, Plan, Risk, Step
from hrx.ops.runbook.indexes import PromisedIndex
from hrx.ops.runbook.parameters import Unfit, check_value, words_of
from hrx.ops.runbook.parts import PartInfo, get_part
from hrx.ops.runbook.procedures import Procedure, StepTemplate
from hrx.ops.runbook.reading import wrong

_PLACEHOLDER: Final = re.compile(r"\{([a-z_.]+)\}")
#: The fact that says whether the part runs while planning; see `run.facts`.
PART_RUNS: Final = "part.runs"


def check_params(
    procedure: Procedure,
    params: Mapping[str, str],
    parts: tuple[PartInfo, ...],
    indexes: tuple[PromisedIndex, ...] = (),
) -> dict[str, str]:
    """The parameters, complete, known and each of its kind, in one spelling; defaults are filled in.

    Raises Invalid naming each that is missing, too much or unfit, NotFound for an unknown part."""
    known = {"part": [part.name for part in parts], "index": [index.name for index in indexes]}
    wanted = {parameter.name for parameter in procedure.parameters}
    problems = [
        FieldProblem(field=name, code="unknown", message=Text(ja="この手順にはありません", en="is not known"))
        for name in sorted(set(params) - wanted)
    ]
    checked: dict[str, str] = {}
    for parameter in procedure.parameters:
        value = params.get(parameter.name) or parameter.default
        if not value:
            message = Text(ja="指定してください", en="is needed")
            problems.append(FieldProblem(field=parameter.name, code="missing", message=message))
            continue
        if parameter.kind == "part":
            get_part(parts, value)
        try:
            checked[parameter.name] = check_value(parameter, value, known=known)
        except Unfit as error:
            problems.append(FieldProblem(field=parameter.name, code="unfit", message=error.why))
    if problems:
        names = ", ".join(problem.field for problem in problems)
        raise Invalid(
            Text(ja=f"パラメーターに誤りがあります: {names}", en=f"Wrong parameters: {names}"),
            hint=Text(
                ja=f"`hrx procedure show {procedure.id}` を見てください。",
                en=f"See `hrx procedure show {procedure.id}`.",
            ),
            code="procedure.wrong_params",
            fields=tuple(problems),
        )
    return checked


def plan_procedure(
    procedure: Procedure, *, params: Mapping[str, str], part: PartInfo | None, facts: Mapping[str, str]
) -> Plan:
    """The steps that the procedure means in this situation; nothing is executed."""
    words = _words(procedure, params, part)
    return Plan(
        procedure=procedure.id,
        title=_fill(procedure.title, words),
        params=dict(params),
        facts=dict(facts),
        lock=_fill_one(procedure.lock, words, language="en"),
        risk=Risk(_fill_one(procedure.risk, words, language="en")),
        impact=_fill(procedure.impact, words),
        steps=tuple(_step(step, params=params, words=words, facts=facts) for step in procedure.steps),
        proofs=tuple(_step(step, params=params, words=words, facts=facts) for step in procedure.proofs),
        approval=procedure.approval,
    )


def _step(
    template: StepTemplate, *, params: Mapping[str, str], words: Mapping[str, Text], facts: Mapping[str, str]
) -> Step:
    # A part that is down has nothing in flight: restarting it loses nothing.
    has_loss = template.irreversible_when in words and facts.get(PART_RUNS) != "no"
    effect = Effect.IRREVERSIBLE if has_loss else template.effect
    is_said = effect is Effect.IRREVERSIBLE or template.irreversible_when is None
    undo = Action(id=template.undo, params=dict(params)) if template.undo else None
    return Step(
        key=template.key,
        name=_fill(template.name, words),
        reason=_fill(template.reason, words),
        action=Action(id=template.action, params=dict(params)),
        timeout_s=template.timeout_s,
        effect=effect,
        # An irreversible step may still have a way back to a working state; what it loses stays lost.
        undo=undo,
        loses=_fill(template.loses, words) if template.loses and is_said else None,
    )


def _words(procedure: Procedure, params: Mapping[str, str], part: PartInfo | None) -> dict[str, Text]:
    words: dict[str, Text] = {}
    for parameter in procedure.parameters:
        if parameter.name in params:
            words |= words_of(parameter, params[parameter.name])
    if part is not None:
        words["part.title"] = part.title
        words["part.restart_risk"] = Text(ja=part.restart_risk.value, en=part.restart_risk.value)
        words["part.restart_impact"] = part.restart_impact
        if part.restart_loses is not None:
            words["part.restart_loses"] = part.restart_loses
    return words


def _fill(text: Text, words: Mapping[str, Text]) -> Text:
    return Text(ja=_fill_one(text.ja, words, language="ja"), en=_fill_one(text.en, words, language="en"))


def _fill_one(template: str, words: Mapping[str, Text], *, language: str) -> str:
    def word(match: re.Match[str]) -> str:
        found = words.get(match.group(1))
        if found is None:
            raise wrong(template, f"has an unknown placeholder {match.group(0)}")
        return found.ja if language == "ja" else found.en

    return _PLACEHOLDER.sub(word, template)
