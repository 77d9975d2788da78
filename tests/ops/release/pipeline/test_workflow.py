"""The workflow of GitHub Actions is the definition's own, and says commands that exist (R3.1-1)."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from hrx.cli.__main__ import build
from hrx.cli.release_pipeline_shown import workflow
from hrx.ops.release.pipeline.definition import load_definition
from hrx.ops.release.pipeline.stages import Where
from hrx.ops.release.pipeline.workflow import PATH, make_workflow
from tests.conftest import ROOT

pytestmark = pytest.mark.req("R3.1-1")
DEFINITION = load_definition(ROOT / "runbook")
# `Any`: YAML.
FLOW: dict[Any, Any] = yaml.safe_load((ROOT / PATH).read_text())


def test_what_is_kept_is_what_the_definition_says() -> None:
    assert (ROOT / PATH).read_text() == make_workflow(DEFINITION), "`hrx release pipeline workflow --write`"


def test_each_stage_is_a_job_with_its_needs() -> None:
    jobs = FLOW["jobs"]
    assert [*jobs] == ["begin", *(one.id for one in DEFINITION.stages)]
    for stage in DEFINITION.stages:
        assert jobs[stage.id]["needs"] == ["begin", *stage.needs]
        assert ("if" in jobs[stage.id]) == (stage.where is Where.PRODUCTION)
        assert jobs[stage.id]["timeout-minutes"] * 60 > stage.timeout_s
    assert [name for name, job in jobs.items() if job.get("environment")] == ["approval"]
    assert FLOW["permissions"] == {"contents": "read"}
    assert FLOW["concurrency"]["cancel-in-progress"] is False


def test_no_event_can_put_words_into_a_shell() -> None:
    runs = [step["run"] for job in FLOW["jobs"].values() for step in job["steps"]]
    assert len(runs) > len(DEFINITION.stages)
    assert not [line for line in runs if "${{" in line]


def test_every_command_and_option_in_it_exists() -> None:
    group: Any = typer.main.get_command(build())
    pipeline = group.commands["release"].commands["pipeline"]
    text = (ROOT / PATH).read_text()
    said = re.findall(r'"\$HRX_HOME/\.venv/bin/hrx" release pipeline (.+?)(?: \||$)', text, re.M)
    assert len(said) == len(DEFINITION.stages) + 1
    for line in said:
        verb, *words = shlex.split(line)
        known = {option for one in pipeline.commands[verb].params for option in one.opts}
        assert {word for word in words if word.startswith("--")} <= known, line


def test_an_edited_definition_is_noticed(tmp_path: Path) -> None:
    changed = (ROOT / "runbook" / "pipeline.yaml").read_text().replace("timeout_s: 5400", "timeout_s: 6000")
    (tmp_path / "pipeline.yaml").write_text(changed)
    assert make_workflow(load_definition(tmp_path)) != (ROOT / PATH).read_text()


def test_the_command_says_whether_it_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    workflow(write=False, as_json=True)
    assert '"is_up_to_date": true' in capsys.readouterr().out
