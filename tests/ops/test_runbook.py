"""The runbook's content: complete in both languages, only powers that exist, wrong files named."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from hrx.kit.errors import Text
from hrx.ops.plan import ApprovalRule, Effect, Plan, canonical_json, plan_from_json, plan_to_json
from hrx.ops.run.actions import ACTIONS
from hrx.ops.runbook.chapters import Built
from hrx.ops.runbook.content import Content, load_content
from hrx.ops.runbook.parts import get_part
from hrx.ops.runbook.planning import plan_procedure
from hrx.ops.runbook.reading import ContentWrong
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.machine import PARTS, RESTING
from tests.conftest import ROOT

pytestmark = pytest.mark.req("R5.2-1")
KNOWN_VIEWS = {"parts", "operators", "settings", "ledger", "alerts", "postgres"}


@pytest.fixture(scope="module")
def content() -> Content:
    return load_content(ROOT / "runbook")


def plans(content: Content) -> list[Plan]:
    made = []
    for procedure in content.procedures:
        for part in content.parts:
            for runs in ("yes", "no", "unknown"):
                facts = {"part.runs": runs}
                params = {"part": part.name}
                made.append(plan_procedure(procedure, params=params, part=part, facts=facts))
    return made


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
    lost = {plan.params["part"] for plan in plans(content) if plan.is_irreversible}
    assert lost == {"postgres", "haproxy"}
    down = [plan for plan in plans(content) if plan.facts["part.runs"] == "no"]
    assert not any(plan.is_irreversible for plan in down)


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

    plan = plans(content)[0]
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
        ("parts.yaml", "- name: redis", "- nome: redis", "parts.yaml[7].name is missing"),
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
