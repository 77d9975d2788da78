"""Tests, static analysis and the portal's checks: `deploy/prove.py` on the release's commit, counted."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.release.checking.programs import clean_environment, find_program, run_program
from hrx.ops.release.checking.results import Bench, Checked, failed, not_checked, passed
from hrx.ops.release.checking.trees import PackagesDiffer, find_tree, has_changes

_PROOF: Final = re.compile(r"^  (ok    |FAILED)  (?P<name>[a-z ]+?)(?:\s+[\d.]+ s|:.*)$", re.M)
#: pytest's last line: `12 passed, 1 skipped in 3.21s`.
_COUNTED: Final = re.compile(r"(\d+) (passed|failed|error|errors|skipped|xfailed|xpassed)\b")
_SUMMARY: Final = re.compile(r"^(?:=+ )?\d+ [a-z]+.* in [\d.]+s.*$", re.M)
#: Under these words `deploy/prove.py` names the tests that held only when they were run once more, alone.
_ALONE: Final = re.compile(r"^Failed beside others, passed alone:\n((?:  \S.*\n?)+)", re.M)
_ONCE_MORE: Final = "\nOnce more, alone:"
_NEEDS_DEV: Final = Text(
    ja="`python3 deploy/bootstrap.py --dev` を実行する",
    en="run `python3 deploy/bootstrap.py --dev`",
)


def check_tests(bench: Bench) -> Checked:
    """Every test of the release's commit."""
    return _prove(bench, "tests", timeout_s=bench.settings.check_tests_timeout_s)


def check_static(bench: Bench) -> Checked:
    """ruff, types, import contracts and the search for leaked secrets."""
    return _prove(bench, "lint", timeout_s=bench.settings.check_timeout_s)


def check_web(bench: Bench) -> Checked:
    """The portal's own lint, types and unit tests."""
    if find_program("npm") is None:
        return not_checked(
            Text(ja="npm がありません", en="there is no npm"),
            todo=Text(ja="Node.js を入れてもう一度", en="install Node.js and run it again"),
        )
    return _prove(bench, "web", timeout_s=bench.settings.check_timeout_s)


def _prove(bench: Bench, only: str, *, timeout_s: float) -> Checked:
    try:
        tree = find_tree(bench)
    except PackagesDiffer as error:
        return not_checked(error.message, todo=error.hint or _NEEDS_DEV)
    lacking = _find_lacking(tree, only)
    if lacking is not None:
        return not_checked(Text(ja=f"{lacking} がありません", en=f"{lacking} is missing"), todo=_NEEDS_DEV)
    argv = [_python(tree), "deploy/prove.py", "--only", only]
    # The clone shares an environment into which the checkout installed itself: its own sources come first.
    environment = clean_environment(PYTHONPATH=str(tree / "src"), PYTHONUNBUFFERED="1", NO_COLOR="1")
    log = bench.folder / f"{only}.log"
    ran = run_program(argv, cwd=tree, timeout_s=timeout_s, log=log, environment=environment)
    if ran.code is None:
        return failed(
            f"{timeout_s:g} 秒で終わりませんでした({log})", f"It did not end within {timeout_s:g} s ({log})"
        )
    return _judge(ran.out, code=ran.code, log=log, only=only, changed=has_changes(tree))


def _judge(said: str, *, code: int, log: Path, only: str, changed: bool) -> Checked:
    proofs = {found["name"].strip(): found[1].strip() == "ok" for found in _PROOF.finditer(said)}
    counts = _count_tests(said)
    alone = _ALONE.search(said)
    broken = [name for name, holds in proofs.items() if not holds]
    bad = sum(counts.get(word, 0) for word in ("failed", "error", "errors"))
    counted = ", ".join(f"{number} {word}" for word, number in counts.items()) or ", ".join(proofs)
    extra = (
        Text(ja="(未コミットの変更を含む)", en=" (with changes that no commit has)")
        if changed
        else Text("", "")
    )
    if code != 0 or broken or bad:
        what = ", ".join(broken) or counted or f"exit {code}"
        return failed(f"通りません: {what}({log})", f"Does not hold: {what} ({log})")
    is_counted = counts.get("passed", 0) > 0 if only == "tests" else bool(proofs)
    if not is_counted:
        # It says that all is well and names nothing that it looked at.
        return failed(f"何を確かめたかが数えられません({log})", f"Nothing was counted ({log})")
    if alone is not None:
        names = ", ".join(line.strip() for line in alone[1].splitlines())
        extra = Text(
            ja=f"、並行では失敗し、単独では通過: {names}{extra.ja}",
            en=f"; failed beside others, passed alone: {names}{extra.en}",
        )
    return passed(f"{counted}{extra.ja}", f"{counted}{extra.en}")


def _count_tests(said: str) -> dict[str, int]:
    """Of the whole run; what was run once more and held counts as passed."""
    lines = _SUMMARY.findall(said.partition(_ONCE_MORE)[0])
    counts = {word: int(number) for number, word in _COUNTED.findall(lines[-1])} if lines else {}
    if _ALONE.search(said):
        mended = counts.pop("failed", 0) + counts.pop("error", 0) + counts.pop("errors", 0)
        counts["passed"] = counts.get("passed", 0) + mended
    return counts


def _find_lacking(tree: Path, only: str) -> str | None:
    wanted = {
        "tests": ".venv/bin/pytest",
        "lint": ".venv/bin/ruff",
        "web": "web/node_modules",
    }[only]
    return None if (tree / wanted).exists() else wanted


def _python(tree: Path) -> str:
    own = tree / ".venv" / "bin" / "python"
    return str(own) if own.exists() else sys.executable
