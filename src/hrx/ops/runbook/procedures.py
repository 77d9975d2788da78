"""Procedures as written in `runbook/procedures/*.yaml`: templates from which plans are made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hrx.kit.errors import NotFound, Text
from hrx.ops.plan import ApprovalRule, Effect
from hrx.ops.runbook.parameters import Parameter, read_parameter
from hrx.ops.runbook.reading import Node, as_node, read_yaml, wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTemplate:
    """A step before its parameters are known. Texts may hold {placeholders}.

    `irreversible_when` names a placeholder: the step is irreversible when that has a value
    and the part runs."""

    key: str
    name: Text
    reason: Text
    action: str
    timeout_s: float
    effect: Effect
    undo: str | None
    irreversible_when: str | None
    loses: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """One procedure of the runbook. `composed_by`: who chooses and words its steps for each plan (see
    `run.planning`); they are all of them, in this order, unless told."""

    id: str
    chapter: str
    requirements: tuple[str, ...]
    name: Text
    title: Text
    summary: Text
    when: Text
    lock: str
    approval: ApprovalRule
    risk: str
    impact: Text
    parameters: tuple[Parameter, ...]
    facts: tuple[str, ...]
    steps: tuple[StepTemplate, ...]
    proofs: tuple[StepTemplate, ...]
    composed_by: str | None = None


def load_procedures(folder: Path) -> tuple[Procedure, ...]:
    """Every procedure by id. Raises ContentWrong."""
    paths = sorted((folder / "procedures").glob("*.yaml"))
    procedures = tuple(_read(as_node(read_yaml(path), place=path.name), path=path) for path in paths)
    return tuple(sorted(procedures, key=lambda procedure: procedure.id))


def get_procedure(procedures: tuple[Procedure, ...], procedure_id: str) -> Procedure:
    """The procedure of this id. Raises NotFound."""
    for procedure in procedures:
        if procedure.id == procedure_id:
            return procedure
    raise NotFound(
        Text(ja=f"手順 {procedure_id} はありません", en=f"There is no procedure {procedure_id}"),
        hint=Text(ja="`hrx procedure list` で一覧できます。", en="`hrx procedure list` shows them."),
        code="procedure.not_found",
    )


def _read(node: Node, *, path: Path) -> Procedure:
    if node.string("id") != path.stem:
        raise wrong(path.name, f"must be called {node.string('id')}.yaml")
    steps = tuple(_read_step(step) for step in node.nodes("steps"))
    if not steps:
        raise wrong(path.name, "has no steps")
    if len({step.key for step in steps}) != len(steps):
        raise wrong(path.name, "uses a step key twice")
    return Procedure(
        id=node.string("id"),
        chapter=node.string("chapter"),
        requirements=node.strings("requirements"),
        name=node.text("name"),
        title=node.text("title"),
        summary=node.text("summary"),
        when=node.text("when"),
        lock=node.string("lock"),
        approval=ApprovalRule(node.string("approval")),
        risk=node.string("risk"),
        impact=node.text("impact"),
        parameters=tuple(read_parameter(item) for item in node.nodes("parameters")),
        facts=node.strings("facts"),
        steps=steps,
        proofs=tuple(_read_step(step) for step in node.nodes("proofs")),
        composed_by=node.find_string("composed_by"),
    )


def _read_step(node: Node) -> StepTemplate:
    effect = Effect(node.string("effect"))
    undo = node.find_string("undo")
    if effect is Effect.UNDOABLE and undo is None:
        raise wrong(node.place, "is undoable but has no `undo`")
    if effect in (Effect.IRREVERSIBLE, Effect.PASSING) and "loses" not in node.values:
        raise wrong(node.place, f"is {effect} but does not say what it `loses`")
    return StepTemplate(
        key=node.string("key"),
        name=node.text("name"),
        reason=node.text("reason"),
        action=node.string("action"),
        timeout_s=node.seconds("timeout_s"),
        effect=effect,
        undo=undo,
        irreversible_when=node.find_string("irreversible_when"),
        loses=node.find_text("loses"),
    )
