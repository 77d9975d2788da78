"""Everything that must hold before a commit lands, on two cores, with one line per proof.

Checks that need no server run beside each other; the test suite, which starts servers, runs after them with
a worker per core. The last line is pytest's own, so that a reader sees what was counted.

Much of the suite breaks things on purpose and waits for who notices, on two cores that others may use too.
So up to three tests that failed are run once more, alone: what fails again has failed, and what passes is
named, for a test that only fails in company is still to be looked at."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / ".venv" / "bin"
WEB = ROOT / "web"
#: More than so many failures are no accident of a busy machine.
AGAIN_MAX = 3
PYTHON_ROOMS = ("src", "tests", "benchmarks", "migrations", "deploy")


@dataclass(frozen=True, slots=True)
class Proof:
    """One command that must exit 0."""

    name: str
    argv: tuple[str, ...]
    cwd: Path = ROOT
    timeout_s: float = 900


LINT = (
    Proof("ruff", (str(BIN / "ruff"), "check", *PYTHON_ROOMS)),
    Proof("format", (str(BIN / "ruff"), "format", "--check", "-q", *PYTHON_ROOMS)),
    Proof("contracts", (str(BIN / "lint-imports"), "--no-logo")),
    Proof("leaks", (str(BIN / "hrx"), "settings", "leaks", "tree", "history", "--refs", "HEAD")),
    Proof("mypy", (str(BIN / "mypy"),)),
)
WEB_CHECKS = (
    Proof("web lint", ("npm", "run", "--silent", "lint"), WEB),
    Proof("web types", ("npm", "run", "--silent", "typecheck"), WEB),
    Proof("web unit", ("npm", "test", "--silent"), WEB),
)


def prove(proof: Proof) -> bool:
    """Run one proof; say one line; show what it said only when it failed."""
    started = time.monotonic()
    try:
        done = subprocess.run(
            proof.argv, cwd=proof.cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=proof.timeout_s, check=False, env={**os.environ, "NEXT_TELEMETRY_DISABLED": "1"},
        )  # fmt: skip
    except (subprocess.TimeoutExpired, FileNotFoundError) as error:
        print(f"  FAILED  {proof.name}: {error}", flush=True)
        return False
    holds = done.returncode == 0
    print(
        f"  {'ok    ' if holds else 'FAILED'}  {proof.name:<12} {time.monotonic() - started:6.1f} s",
        flush=True,
    )
    if not holds:
        print(done.stdout, flush=True)
    return holds


def run_tests(extra: list[str], record: Path | None, *, root: Path = ROOT) -> bool:
    """The suite, its output passed through; what it saw of the schema goes to `record`, emptied before."""
    recorded = {}
    if record is not None:
        for left in record.glob("*.json"):
            left.unlink()
        recorded["HRX_RECORD_SCHEMA_USE"] = str(record.resolve())
    environment = {**os.environ, **recorded}
    argv = [str(BIN / "pytest"), "-n", "2", "--dist", "loadgroup", "-q", "--cache-clear", *extra]
    done = subprocess.run(argv, cwd=root, timeout=4800, check=False, env=environment)
    # 1: tests failed. Anything else (broken collection, interrupted, nothing found) is no matter of chance.
    failed = list_failed(root) if done.returncode == 1 else []
    if not 0 < len(failed) <= AGAIN_MAX:
        return done.returncode == 0
    print(f"Once more, alone: {len(failed)}", flush=True)
    argv = [str(BIN / "pytest"), "-q", *failed]
    again = subprocess.run(argv, cwd=root, timeout=1200, check=False, env=environment)
    if again.returncode == 0:
        print("Failed beside others, passed alone:", *failed, sep="\n  ", flush=True)
    return again.returncode == 0


def list_failed(root: Path) -> list[str]:
    """Node ids of the last run's failures, without the group that the distribution over workers adds."""
    try:
        noted = json.loads((root / ".pytest_cache" / "v" / "cache" / "lastfailed").read_text())
    except (OSError, ValueError):
        return []
    return sorted(re.sub(r"@[\w.-]+$", "", name) for name in noted)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("lint", "web", "tests"))
    parser.add_argument(
        "--record",
        type=Path,
        metavar="FOLDER",
        help="keep there which tables and columns the tests saw used, for `hrx release record`",
    )
    options, extra = parser.parse_known_args()
    proofs = {"lint": LINT, "web": WEB_CHECKS, "tests": (), None: LINT + WEB_CHECKS}[options.only]
    with ThreadPoolExecutor(max_workers=2) as workers:
        results = list(workers.map(prove, proofs))
    if options.only in (None, "tests"):
        results.append(run_tests(extra, options.record))
    if options.only is not None or not all(results):
        # pytest's own count would hide a proof that failed before it.
        print(f"{sum(results)} passed, {len(results) - sum(results)} failed", flush=True)
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
