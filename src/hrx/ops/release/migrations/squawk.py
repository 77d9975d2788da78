"""squawk, another reader of migrations, where somebody has installed it: asked for a second opinion.

Licence Apache-2.0 or MIT (its own metadata, 2.70.0). It is called as a program and is never a dependency;
its rules of taste (which type, which name, IF NOT EXISTS) are left out, for they say nothing of danger."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from typing import Final

from hrx.ops.release.migrations.linting import LintReport

_TIMEOUT_S: Final = 30
#: Rules that name no hazard to people or data; the time-out is the runner's.
_OF_TASTE: Final = (
    "prefer-bigint-over-int,prefer-bigint-over-smallint,prefer-identity,prefer-robust-stmts,"
    "prefer-text-field,prefer-timestamptz,ban-char-field,require-lock-timeout,require-statement-timeout"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SquawkFinding:
    """One finding of squawk, by its own rule and in its own words."""

    revision: str
    rule: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Squawked:
    """What squawk said. `version` None means that it is not installed: not asked, not clean."""

    version: str | None
    findings: tuple[SquawkFinding, ...] = ()


def find_squawk() -> str | None:
    """The program's path; None when it is not installed."""
    return shutil.which("squawk")


def ask_squawk(report: LintReport) -> Squawked:
    """Have squawk read the SQL of every revision; what it says is added, never taken off."""
    program = find_squawk()
    if program is None:
        return Squawked(version=None)
    version = _run(program, ["--version"], "").strip()
    found: list[SquawkFinding] = []
    for one in report.revisions:
        found += ask_about(program, one.revision.id, one.revision.up or "")
    return Squawked(version=version, findings=tuple(found))


def ask_about(program: str, revision: str, script: str) -> list[SquawkFinding]:
    """What squawk says of one script."""
    said = _run(
        program, ["--reporter", "json", "--pg-version", "18", "--exclude", _OF_TASTE],
        script,
    )  # fmt: skip
    try:
        items = json.loads(said or "[]")
    except ValueError:
        return []
    return [
        SquawkFinding(revision=revision, rule=str(item["rule_name"]), message=str(item.get("message", "")))
        for item in items
    ]


def _run(program: str, arguments: list[str], text: str) -> str:
    done = subprocess.run(
        [program, *arguments], input=text, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
    return done.stdout
