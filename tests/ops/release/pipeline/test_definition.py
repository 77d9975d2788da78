"""The definition: what is shipped reads well, and what is wrong is said with its place (R3.1-1)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from hrx.ops.release.pipeline.definition import load_definition
from hrx.ops.release.pipeline.stages import Goal, Reads
from hrx.ops.runbook.reading import ContentWrong
from tests.conftest import ROOT

pytestmark = pytest.mark.req("R3.1-1")


def test_the_shipped_pipeline_has_every_stage_of_the_chapter_in_its_order() -> None:
    stages = load_definition(ROOT / "runbook").stages
    checks = ["tests", "static", "web", "audit-python", "audit-node", "image-scan"]
    assert [one.id for one in stages] == [
        "build",
        *checks,
        "staging",
        "e2e",
        "approval",
        "production",
        "smoke",
        "cache-clear",
        "mark",
    ]
    by_id = {one.id: one for one in stages}
    assert all(by_id[name].needs == ("build",) for name in checks), "side by side"
    assert by_id["production"].needs == ("approval",)
    assert by_id["approval"].is_approval
    assert all(by_id[name].reads is Reads.CHECK for name in (*checks, "smoke", "cache-clear", "mark"))


def test_the_way_to_staging_ends_before_anybody_is_asked() -> None:
    stages = load_definition(ROOT / "runbook").list_for(Goal.STAGING)
    assert stages[-1].id == "e2e"
    assert not any(one.is_approval for one in stages)


# `Any`: YAML on its way to be judged.
Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda it: it["build"].update(needs=["mark"]), "has a circle of needs"),
        (lambda it: it["tests"].update(needs=["biuld"]), "stage tests needs an unknown stage biuld"),
        (lambda it: it["tests"].update(needs=[]), "tests.command names {release} and does not need build"),
        (lambda it: it["tests"].update(command=["x", "{relaese}"]), "has an unknown placeholder {relaese}"),
        (lambda it: it["tests"].update(title={"ja": "テスト"}), "stage tests.title needs `ja` and `en`"),
        (lambda it: it["tests"].update(timeout_s=0), "tests.timeout_s must be a number of seconds"),
        (lambda it: it["tests"].update(time_limit_s=5), "stage tests.time_limit_s is no key of a stage"),
        (lambda it: it["tests"].update(approval="other"), "needs either `command` or `approval`"),
        (lambda it: it["approval"].update(approval="own"), "nobody approves their own release"),
        (lambda it: it["production"].pop("on_death"), "production.on_death must say `again` or `ask`"),
        (lambda it: it["production"].pop("resume"), "stage production.resume needs `ja` and `en`"),
        (lambda it: it["production"].update(on_death="retry"), "on_death must be one of again, ask"),
        (lambda it: it["tests"].update(on_death="ask"), "belongs to a stage that has `changes`"),
        (lambda it: it["tests"].update(result="chekc"), "result must be one of nothing, check, release"),
        (lambda it: it["approval"].update(where="any", needs=["e2e"]) or it["e2e"].update(where="production"),
         "stage approval needs e2e, which is not on the way to staging"),
        (lambda it: it["build"].pop("result"), "exactly one stage with `result: release`"),
        (lambda it: it["tests"].update(id="static"), "has the stage static twice"),
        (lambda it: it["tests"].update(id="Te sts"), "must be lower-case letters, digits and -"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, change: Change, said: str) -> None:
    values = yaml.safe_load((ROOT / "runbook" / "pipeline.yaml").read_text())
    change({one["id"]: one for one in values["stages"]})
    (tmp_path / "pipeline.yaml").write_text(yaml.safe_dump(values, allow_unicode=True))
    with pytest.raises(ContentWrong) as caught:
        load_definition(tmp_path)
    assert said in caught.value.message.en
    assert "pipeline.yaml" in caught.value.message.en


def test_without_a_file_it_says_which_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ContentWrong, match=r"pipeline\.yaml"):
        load_definition(tmp_path)
