"""Everything that must hold before a commit lands, on two cores, with one line per proof.

Checks that need no server run beside each other; the test suite, which starts servers, runs after them with
a worker per core. The last line is pytest's own, so that a reader sees what was counted."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / ".venv" / "bin"
WEB = ROOT / "web"
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


def run_tests(extra: list[str], record: Path | None) -> bool:
    """The suite, its output passed through; what it saw of the schema goes to `record`, emptied before."""
    recorded = {}
    if record is not None:
        for left in record.glob("*.json"):
            left.unlink()
        recorded["HRX_RECORD_SCHEMA_USE"] = str(record.resolve())
    argv = [str(BIN / "pytest"), "-n", "2", "--dist", "loadgroup", "-q", *extra]
    done = subprocess.run(argv, cwd=ROOT, timeout=4800, check=False, env={**os.environ, **recorded})
    return done.returncode == 0


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
