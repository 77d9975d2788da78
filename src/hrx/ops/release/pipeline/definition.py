"""Reading `runbook/pipeline.yaml`: what is wrong is said with the stage and the key, before anything runs."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from hrx.kit.errors import Text
from hrx.ops.release.pipeline.stages import Definition, OnDeath, Reads, Stage, Where
from hrx.ops.runbook.reading import Node, as_node, read_yaml, wrong

FILE: Final = "pipeline.yaml"
_ID: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_KNOWN: Final = frozenset({"release", "commit", "run"})
_KEYS: Final = frozenset(
    {"id", "title", "why", "needs", "command", "approval", "result", "timeout_s", "where"}
    | {"changes", "resume", "on_death", "if_it_fails"}
)
_Word = TypeVar("_Word", bound=StrEnum)


def load_definition(folder: Path) -> Definition:
    """The pipeline of this runbook. Raises ContentWrong."""
    node = as_node(read_yaml(folder / FILE), place=FILE)
    stages = tuple(_read_stage(one) for one in node.nodes("stages"))
    if not stages:
        raise wrong(FILE, "has no stages")
    names = [one.id for one in stages]
    for name in names:
        if names.count(name) > 1:
            raise wrong(FILE, f"has the stage {name} twice")
    for stage in stages:
        for missing in sorted({*stage.needs} - {*names}):
            raise wrong(_place(stage), f"needs an unknown stage {missing}")
    ordered = _order(stages)
    _check_ways(ordered)
    _check_release(ordered)
    authors = node.node("authors").values if "authors" in node.values else {}
    return Definition(
        stages=ordered, authors={str(mail).lower(): str(name) for mail, name in authors.items()}
    )


def _read_stage(node: Node) -> Stage:
    name = node.string("id")
    if not _ID.fullmatch(name):
        raise wrong(f"{node.place}.id", "must be lower-case letters, digits and -, 40 at most")
    node = Node(values=node.values, place=f"{FILE}, stage {name}")
    for key in sorted({*node.values} - _KEYS):
        raise wrong(f"{node.place}.{key}", "is no key of a stage")
    command = _read_command(node)
    reads = _word(node, "result", Reads, Reads.NOTHING)
    if reads is not Reads.NOTHING and not command:
        raise wrong(f"{node.place}.result", "belongs to a command")
    changes, resume, on_death = _read_changes(node)
    return Stage(
        id=name,
        title=node.text("title"),
        why=node.text("why"),
        needs=node.strings("needs"),
        command=command,
        timeout_s=node.seconds("timeout_s") if command else 0.0,
        where=_word(node, "where", Where, Where.ANY),
        reads=reads,
        changes=changes,
        resume=resume,
        on_death=on_death,
        if_it_fails=node.find_text("if_it_fails"),
    )


def _read_command(node: Node) -> tuple[str, ...]:
    command = node.strings("command")
    if bool(command) == ("approval" in node.values):
        raise wrong(node.place, "needs either `command` or `approval`")
    if not command and node.string("approval") != "other":
        raise wrong(f"{node.place}.approval", "must be `other`: nobody approves their own release")
    for word in command:
        for name in _PLACEHOLDER.findall(word):
            if name not in _KNOWN:
                raise wrong(f"{node.place}.command", f"has an unknown placeholder {{{name}}}")
    return command


def _read_changes(node: Node) -> tuple[Text | None, Text | None, OnDeath]:
    changes = node.find_text("changes")
    if changes is None:
        for key in ("resume", "on_death"):
            if key in node.values:
                raise wrong(f"{node.place}.{key}", "belongs to a stage that has `changes`")
        return None, None, OnDeath.AGAIN
    if "on_death" not in node.values:
        raise wrong(f"{node.place}.on_death", "must say `again` or `ask`: it changes something")
    return changes, node.text("resume"), _word(node, "on_death", OnDeath, OnDeath.ASK)


def _word(node: Node, key: str, kind: type[_Word], fallback: _Word) -> _Word:
    found = node.find_string(key)
    if found is None:
        return fallback
    try:
        return kind(found)
    except ValueError as error:
        raise wrong(f"{node.place}.{key}", f"must be one of {', '.join(kind)}") from error


def _order(stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """Each after what it needs, otherwise as written. Raises ContentWrong for a circle."""
    ordered: list[Stage] = []
    left = list(stages)
    while left:
        known = {one.id for one in ordered}
        found = next((one for one in left if {*one.needs} <= known), None)
        if found is None:
            raise wrong(FILE, f"has a circle of needs: {' → '.join(_find_circle(left))}")
        ordered.append(found)
        left.remove(found)
    return tuple(ordered)


def _find_circle(left: list[Stage]) -> list[str]:
    needs = {one.id: [name for name in one.needs if any(name == two.id for two in left)] for one in left}
    way = [left[0].id]
    while True:
        following = needs[way[-1]][0]
        if following in way:
            return [*way[way.index(following) :], following]
        way.append(following)


def _check_ways(stages: tuple[Stage, ...]) -> None:
    by_id = {one.id: one for one in stages}
    for stage in stages:
        for name in stage.needs:
            if stage.where is Where.ANY and by_id[name].where is Where.PRODUCTION:
                raise wrong(_place(stage), f"needs {name}, which is not on the way to staging")


def _check_release(stages: tuple[Stage, ...]) -> None:
    """Raises ContentWrong for a stage that names the release before it was built."""
    builders = [one.id for one in stages if one.reads is Reads.RELEASE]
    if len(builders) != 1:
        raise wrong(FILE, "must have exactly one stage with `result: release`")
    after = {builders[0]}
    for stage in stages:
        if {*stage.needs} & after:
            after.add(stage.id)
        elif any("{release}" in word for word in stage.command):
            raise wrong(f"{_place(stage)}.command", f"names {{release}} and does not need {builders[0]}")


def _place(stage: Stage) -> str:
    return f"{FILE}, stage {stage.id}"
