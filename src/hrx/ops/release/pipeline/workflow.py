"""The pipeline as GitHub Actions runs it: a job for each stage, written from the one definition.

Every job runs on the machine that releases and says the same command as a person would; nothing is configured
there that a laptop does not know. What an event brings reaches a shell as a variable, never as its text."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

from hrx.ops.release.pipeline.stages import Definition, Stage, Where

PATH: Final = Path(".github") / "workflows" / "release.yml"
_HRX: Final = '"$HRX_HOME/.venv/bin/hrx" release pipeline'
#: A person's word is waited for that long; then the job is begun again by hand, or `resume` is typed.
_WORD_MIN: Final = 60
_SPARE_MIN: Final = 5
_HEAD: Final = """\
# Made by `hrx release pipeline workflow --write` from runbook/pipeline.yaml; a test compares them.
# The machine that releases is a self-hosted runner with the label `hrx`; the variable HRX_HOME is its
# checkout. Two such runners let stages run side by side. A word given here opens the job only: the word that
# counts is an operator's, on the plan (`hrx release pipeline approve`, or the console).
name: release
on:
  workflow_dispatch:
    inputs:
      to:
        description: How far
        type: choice
        options: [staging, production]
        default: staging
permissions:
  contents: read
concurrency:
  group: release
  cancel-in-progress: false
env:
  HRX_HOME: ${{ vars.HRX_HOME }}
  HRX_LANGUAGE: en
jobs:
  begin:
    name: Begin
    runs-on: [self-hosted, hrx]
    timeout-minutes: 15
    outputs:
      pipeline: ${{ steps.begin.outputs.pipeline }}
    env:
      TO: ${{ inputs.to }}
    steps:
      - run: git -C "$HRX_HOME" fetch --quiet origin "$GITHUB_SHA"
      - run: git -C "$HRX_HOME" checkout --quiet --detach "$GITHUB_SHA"
      - id: begin
        run: |
          number=$("$HRX_HOME/.venv/bin/hrx" release pipeline run --begin --to "$TO" --yes --json |
            python3 -c 'import json, sys; print(json.load(sys.stdin)["pipeline"])')
          echo "pipeline=$number" >> "$GITHUB_OUTPUT"
"""


def make_workflow(definition: Definition) -> str:
    """The whole file."""
    return _HEAD + "".join(_job(one) for one in definition.stages)


def _job(stage: Stage) -> str:
    minutes = _WORD_MIN if stage.is_approval else math.ceil(stage.timeout_s / 60)
    lines = [
        f"  {stage.id}:",
        f"    name: {stage.title.en}",
        f"    needs: [{', '.join(('begin', *stage.needs))}]",
        *(["    if: inputs.to == 'production'"] if stage.where is Where.PRODUCTION else []),
        "    runs-on: [self-hosted, hrx]",
        f"    timeout-minutes: {minutes + _SPARE_MIN}",
        *(["    environment: production"] if stage.is_approval else []),
        "    env:",
        "      PIPELINE: ${{ needs.begin.outputs.pipeline }}",
        "    steps:",
        "      - run: |",
        f'          {_HRX} resume "$PIPELINE" --stage {stage.id}{_wait(stage)} --yes',
    ]
    return "\n".join(lines) + "\n"


def _wait(stage: Stage) -> str:
    return f" --wait {_WORD_MIN}" if stage.is_approval else ""
