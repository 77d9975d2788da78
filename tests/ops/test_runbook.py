"""The runbook's content: complete in both languages, only powers that exist, wrong files named."""

from __future__ import annotations

import itertools
import re
import shutil
from pathlib import Path

import pytest

from hrx.kit.errors import Text
from hrx.ops.plan import ApprovalRule, Effect, Plan, canonical_json, plan_from_json, plan_to_json
from hrx.ops.run.actions import ACTIONS
from hrx.ops.run.facts import FACTS
from hrx.ops.runbook.chapters import Built
from hrx.ops.runbook.content import Content, load_content
from hrx.ops.runbook.parameters import Parameter, Unfit, check_value
from hrx.ops.runbook.parts import get_part
from hrx.ops.runbook.planning import check_params, plan_procedure
from hrx.ops.runbook.reading import ContentWrong
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.machine import PARTS, RESTING
from tests.conftest import ROOT

pytestmark = pytest.mark.req("R5.2-1")
KNOWN_VIEWS = {"parts", "operators", "settings", "ledger", "alerts", "postgres", "recovery", "releases"}


@pytest.fixture(scope="module")
def content() -> Content:
    return load_content(ROOT / "runbook")


#: One fit value of each kind of parameter but `part` and `choice`, and of sessions those of one and of many.
FIT = {
    "index": ("app.session_of_user",),
    "pid": ("4711",),
    "account": ("12",),
    "moment": ("2026-04-01 09:00:00.123456+00",),
    "minutes": ("60",),
    "sessions_of": ("account:12", "tenant:3", "all"),
    "source": ("203.0.113.7", "2001:db8::/48", "203.0.113.x#0123abcd"),
    "label": ("incident-12",),
    "target": ("latest", "before incident 12", "2026-11-26T14:05:00+09:00"),
    "whole": ("3",),
    "table": ("all", "app.person"),
    "numbers": ("all", "101,102"),
    "columns": ("nothing", "app.person.nickname,app.team"),
}


def plans(content: Content, *, only: str | None = None) -> list[Plan]:
    """Every procedure with every fit value of its parameters, as a part runs, does not, or nobody knows."""
    made = []
    for procedure in content.procedures:
        if only not in (None, procedure.id):
            continue
        names = [parameter.name for parameter in procedure.parameters]
        for values in itertools.product(*(values_of(content, item) for item in procedure.parameters)):
            given = dict(zip(names, values, strict=True))
            params = check_params(procedure, given, content.parts, content.indexes)
            part = get_part(content.parts, params["part"]) if "part" in params else None
            for runs in ("yes", "no", "unknown"):
                facts = dict.fromkeys(procedure.facts, runs)
                made.append(plan_procedure(procedure, params=params, part=part, facts=facts))
    return made


def values_of(content: Content, parameter: Parameter) -> tuple[str, ...]:
    if parameter.kind == "part":
        return tuple(part.name for part in content.parts)
    return parameter.options or FIT[parameter.kind]


def test_the_parts_of_the_runbook_are_the_parts_of_the_machine(content: Content) -> None:
    assert {part.name for part in content.parts} == set(PARTS)
    assert {part.name for part in content.parts if part.rests} == RESTING
    for part in content.parts:
        assert part.url_setting is None or part.url_setting in OpsSettings.model_fields


def test_chapters_one_to_ten_are_there_with_the_sections_of_the_founding_document(content: Content) -> None:
    assert [chapter.number for chapter in content.chapters] == list(range(1, 11))
    ids = [section.id for chapter in content.chapters for section in chapter.sections]
    expected = {1: 3, 2: 3, 3: 7, 4: 3, 5: 3, 6: 3, 7: 3, 8: 3, 9: 1, 10: 2}
    assert ids == [f"{number}.{at}" for number, count in expected.items() for at in range(1, count + 1)]


def test_what_is_not_built_names_the_requirements_that_will_live_there(content: Content) -> None:
    for chapter in content.chapters:
        for section in chapter.sections:
            assert set(section.shows) <= KNOWN_VIEWS
            if section.built is not Built.YES:
                assert section.requirements, section.id
            for requirement in section.requirements:
                assert re.fullmatch(r"R\d+(\.\d+)?-\d", requirement), requirement


def test_every_step_uses_a_power_that_exists_and_says_truly_what_it_does(content: Content) -> None:
    for plan in plans(content):
        for step in (*plan.steps, *plan.proofs):
            spec = ACTIONS[step.action.id]
            assert spec.only_reads is (step.effect is Effect.READS), (plan.procedure, step.key)
            assert step.undo is None or step.undo.id in ACTIONS
            if step.effect is Effect.IRREVERSIBLE:
                assert step.loses is not None
        assert plan.proofs, "a procedure without a look from outside proves nothing"


def test_an_irreversible_plan_always_needs_another_person(content: Content) -> None:
    for plan in plans(content):
        if plan.is_irreversible:
            assert plan.approval_needed is ApprovalRule.OTHER
    restarts = plans(content, only="restart-part")
    lost = {plan.params["part"] for plan in restarts if plan.is_irreversible}
    assert lost == {"postgres", "haproxy"}
    down = [plan for plan in restarts if plan.facts["part.runs"] == "no"]
    assert not any(plan.is_irreversible for plan in down)


def test_a_plan_is_made_of_facts_and_parameters_that_its_steps_really_get(content: Content) -> None:
    for procedure in content.procedures:
        assert set(procedure.facts) <= set(FACTS), procedure.id
        names = {parameter.name for parameter in procedure.parameters}
        for step in (*procedure.steps, *procedure.proofs):
            for action in filter(None, (step.action, step.undo)):
                assert set(ACTIONS[action].params) <= names, (procedure.id, step.key, action)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("pid", "0"),
        ("pid", "1; DROP TABLE x"),
        ("account", "-3"),
        ("moment", "yesterday"),
        ("moment", "2026-04-01 09:00:00"),
        ("minutes", "10081"),
        ("sessions_of", "tenant:"),
        ("sessions_of", "everybody"),
        ("source", "203.0.113.256"),
        ("source", "203.0.113.x#12"),
        ("source", "example.com"),
        ("label", "../etc"),
        ("target", "latest; rm -rf /"),
        ("target", "--help"),
        ("index", "app.no_such_index"),
        ("choice", "other"),
        ("whole", "0"),
        ("table", "app.person; DROP TABLE x"),
        ("table", "jobs.procrastinate_jobs"),
        ("numbers", "1,,2"),
        ("numbers", "1) OR (1=1"),
        ("columns", "app.person; DROP TABLE x"),
        ("columns", "person"),
    ],
)
def test_a_value_that_is_not_of_its_kind_is_refused_with_what_would_be(kind: str, value: str) -> None:
    text = Text(ja="値", en="value")
    options = ("api", "web") if kind == "choice" else ()
    parameter = Parameter(name="it", kind=kind, title=text, help=text, options=options)
    with pytest.raises(Unfit) as refused:
        check_value(parameter, value, known={"index": ["app.session_of_user"]})
    assert refused.value.why.ja != refused.value.why.en


def test_an_address_has_one_spelling(content: Content) -> None:
    text = Text(ja="接続元", en="source")
    parameter = Parameter(name="source", kind="source", title=text, help=text)
    given = ("203.0.113.7", "203.0.113.7/32", "203.0.113.7/24", "2001:DB8::1", "203.0.113.x#0123abcd")
    spelled = {value: check_value(parameter, value, known={}) for value in given}
    assert list(spelled.values()) == [
        "203.0.113.7",
        "203.0.113.7",
        "203.0.113.0/24",
        "2001:db8::1",
        "203.0.113.x#0123abcd",
    ]


def test_no_text_is_left_with_a_placeholder_or_in_one_language(content: Content) -> None:
    for plan in plans(content):
        texts = [plan.title, plan.impact]
        for step in (*plan.steps, *plan.proofs):
            texts += [step.name, step.reason, *([step.loses] if step.loses else [])]
        for text in texts:
            assert "{" not in text.ja + text.en
            assert not re.search(r"[ぁ-んァ-ン一-龥]", text.en), text.en
            assert re.search(r"[ぁ-んァ-ン一-龥]", text.ja), text.ja


def test_a_plan_survives_the_ledger_with_the_same_hash(content: Content) -> None:
    for plan in plans(content):
        assert plan_from_json(plan_to_json(plan)).plan_hash == plan.plan_hash


def test_every_field_of_a_plan_counts_in_its_hash(content: Content) -> None:
    from dataclasses import replace

    plan = plans(content, only="restart-part")[0]
    other = Text(ja="別", en="other")
    step = replace(plan.steps[1], timeout_s=61)
    changed = [
        replace(plan, title=other),
        replace(plan, params={"part": "redis"}),
        replace(plan, facts={}),
        replace(plan, lock="x"),
        replace(plan, impact=other),
        replace(plan, approval=ApprovalRule.NONE),
        replace(plan, steps=(plan.steps[0], step)),
        replace(plan, steps=tuple(reversed(plan.steps))),
        replace(plan, proofs=()),
    ]
    hashes = {item.plan_hash for item in [plan, *changed]}
    assert len(hashes) == len(changed) + 1
    assert canonical_json({"b": 1, "a": 2}) == b'{"a":2,"b":1}'


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("procedures/restart-part.yaml", "id: restart-part", "id: other", "must be called other.yaml"),
        ("procedures/restart-part.yaml", "    undo: part.start\n", "", "undoable but has no `undo`"),
        ("procedures/restart-part.yaml", "timeout_s: 15", "timeout_s: -1", "seconds above 0"),
        ("procedures/restart-part.yaml", "steps:", "stepz:", "has no steps"),
        ("parts.yaml", "- name: redis", "- name: postgres", "names a part twice"),
        ("parts.yaml", "- name: redis", "- nome: redis", "parts.yaml[9].name is missing"),
        ("chapters/05-respond.ja.md", "## 5.2", "## 5.9", "has no text in ja"),
        ("chapters/05-respond.yaml", "restart-part", "dance", "unknown procedure dance"),
        ("parts.yaml", "- name: redis", "\t- : [", "Runbook content"),
    ],
)
def test_a_wrong_file_is_named_with_its_place(
    tmp_path: Path, name: str, old: str, new: str, said: str
) -> None:
    folder = tmp_path / "runbook"
    shutil.copytree(ROOT / "runbook", folder)
    path = folder / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ContentWrong) as refused:
        load_content(folder)
    assert said in refused.value.message.en


def test_a_part_is_found_by_name_or_the_error_names_those_there_are(content: Content) -> None:
    assert get_part(content.parts, "redis").title.en == "Cache"
