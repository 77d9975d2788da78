"""A model and a search index on a whole stack: built, switched and taken back by command (R3.4-1)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.acceptance.operating import run_hrx
from tests.conftest import ROOT, Stack

pytestmark = [
    pytest.mark.stack,
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(600),
    pytest.mark.req("R3.4-1"),
]


def told(stack: Stack, *arguments: str) -> Any:
    """What a command of `hrx release` says as JSON."""
    done = run_hrx(stack, "release", *arguments, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_the_index_of_positions_is_built_answers_and_is_taken_back(stack: Stack) -> None:
    made = told(stack, "indexes", "build", "positions")
    assert (made["is_finished"], made["rows_total"] > 0) == (True, True)
    told(stack, "indexes", "switch", "positions", "--yes")
    [listed] = [one for one in told(stack, "indexes", "list")["items"] if one["index"] == "positions"]
    assert (listed["pointed_at_by"], listed["behind"], listed["done_ratio"]) == ("live", 0, 1.0)
    # Nothing was before it, and that is said.
    assert run_hrx(stack, "release", "indexes", "back", "positions", "--yes").returncode == 1
    url = (
        f"postgresql://hrx_app:{stack.secret('HRX_POSTGRES_APP_PASSWORD')}"
        f"@127.0.0.1:{stack.ports['postgres']}/hrx"
    )
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as product:
        # The product's role, with no tenant set, sees nothing of it.
        assert product.execute("SELECT count(*) FROM search.positions_live").fetchall() == [(0,)]


def test_a_trained_model_goes_live_and_comes_back_through_the_gate(stack: Stack, tmp_path: Path) -> None:
    versions = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        subprocess.run(
            [sys.executable, "-m", "hrx.app.models.training", str(folder), "--seed", seed, "--texts", "1500"],
            cwd=ROOT,
            capture_output=True,
            timeout=240,
            check=True,
        )
        versions.append(told(stack, "models", "register", str(folder))["version"])
        told(stack, "models", "move", versions[-1], "--yes", "--reason", "trained anew")
    back = told(stack, "models", "back", "skills", "--yes")
    assert back["versions"] == {"live": versions[0], "previous": versions[1]}
    assert all(one["has_held"] for one in back["checks"])


def test_a_release_of_this_checkout_names_its_prompts_and_indexes(stack: Stack) -> None:
    changed = subprocess.run(
        ["git", "-C", str(ROOT), "status", "--porcelain"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if changed.returncode != 0 or changed.stdout:
        pytest.skip("a release is recorded of a commit, and this checkout has changes")
    assert {"prompt", "index"} <= told(stack, "record", "--dry-run")["components"].keys()
