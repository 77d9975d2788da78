"""Release drills on the page of the drills: the last measure of each, what did not hold, those not run."""

from __future__ import annotations

import pytest

from hrx.kit import clock
from hrx.ops.drills.journal import Journal
from hrx.ops.drills.release.outcomes import ReleaseOutcome, write_outcome
from hrx.ops.run.plane import Plane
from tests.ops.browsing import Browser
from tests.ops.console.test_every_page import faults_of, read

pytestmark = pytest.mark.req("R3.1-2")


def measure(plane: Plane, drill: str, *, figures: dict[str, float], left: tuple[str, ...] = ()) -> None:
    found = ReleaseOutcome(
        run_id="r", drill=drill, at=clock.now(), figures=figures, limits={"lost": 0}, left=left
    )  # fmt: skip
    write_outcome(Journal(ledger=plane.ledger, run_id="r", drill=drill, actor="test"), found)


def test_each_release_drill_stands_with_its_last_measure(plane: Plane, browser: Browser) -> None:
    measure(plane, "deploy-under-load", figures={"requests": 812, "lost": 0})
    measure(plane, "deployer-killed", figures={"lost": 0}, left=("web answers as nobody",))
    browser.sign_in("viewer")
    shown = browser.get("/drills").text
    rows = shown[shown.index('id="shippings"') :]
    assert "requests 812, unanswered 0" in rows
    assert rows.count('<span class="pill s-ok">kept</span>') == 1
    assert rows.count('<span class="pill s-down">not kept</span>') == 1
    assert "web answers as nobody" in rows
    assert rows.count("Not run yet") == 6
    assert faults_of(read(shown)) == []
