"""What the last word of `make test` is when tests fail only beside others, always, or in numbers."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

# The scripts of deploy/ are no package.
PROVE: Any = runpy.run_path(str(ROOT / "deploy" / "prove.py"))

_SUITE = """
import pathlib
import pytest

SEEN = pathlib.Path(__file__).parent

@pytest.mark.xdist_group("one")
@pytest.mark.parametrize("number", range({fail}))
def test_fails(number, request):
    seen = SEEN / f"seen{{number}}"
    runs = len(seen.read_text()) if seen.exists() else 0
    seen.write_text("x" * (runs + 1))
    assert runs >= {times}

def test_holds():
    (SEEN / "held").open("a").write("x")
"""


@pytest.mark.parametrize(
    ("fail", "times", "holds", "ran"),
    [(2, 1, True, 2), (2, 2, False, 2), (PROVE["AGAIN_MAX"] + 1, 1, False, 1)],
)
def test_a_few_that_fail_are_judged_once_more_alone_and_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], fail: int, times: int, holds: bool, ran: int
) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_few.py").write_text(_SUITE.format(fail=fail, times=times))
    assert PROVE["run_tests"]([], None, root=tmp_path) is holds
    assert len((tmp_path / "seen0").read_text()) == ran
    assert len((tmp_path / "held").read_text()) == 1, "what held is not run again"
    said = capfd.readouterr().out
    named = "Failed beside others, passed alone:\n  test_few.py::test_fails[0]\n  test_few.py::test_fails[1]"
    assert (named in said) is (holds and ran == 2)
