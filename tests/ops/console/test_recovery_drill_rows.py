"""Recovery drills on the page of the drills: the last measure of each beside its aim, and those not run."""

from __future__ import annotations

import pytest

from hrx.kit import clock
from hrx.ops.drills.journal import Journal
from hrx.ops.drills.recovery.experiments import load_recovery_experiments
from hrx.ops.drills.recovery.outcomes import RecoveryOutcome, Witness, write_outcome
from hrx.ops.run.plane import Plane
from tests.ops.browsing import Browser
from tests.ops.console.test_every_page import faults_of, read

pytestmark = pytest.mark.req("R6.2-1")


def measure(plane: Plane, drill: str, *, rto_s: float | None, problem: str | None = None) -> None:
    known = load_recovery_experiments(plane.settings.runbook_dir.parent / "drills")
    (one,) = [one for one in known if one.id == drill]
    found = RecoveryOutcome(
        run_id="r", drill=drill, at=clock.now(), noticed_by=one.noticed_by[0], detect_s=1.4, rto_s=rto_s,
        rpo_s=0.0, lost_commits=3, written=1234, is_exact=True, is_verified=True,
        witnesses=(Witness(code="x", ja="気づいた", en="noticed"),), objective=one.objective, aim=one.aim,
        problem=problem,
    )  # fmt: skip
    write_outcome(Journal(ledger=plane.ledger, run_id="r", drill=drill, actor="test", title=one.title), found)


def test_each_loss_stands_with_its_last_measure(plane: Plane, browser: Browser) -> None:
    measure(plane, "lost-data-directory", rto_s=7.4)
    measure(plane, "lost-region", rto_s=None, problem="nothing came back")
    browser.sign_in("viewer")
    shown = browser.get("/drills").text
    losses = shown[shown.index('id="losses"') : shown.index('id="shippings"')]
    assert "The data directory is lost" in losses
    assert losses.count("3 / 1234") == 2
    assert losses.count('<span class="pill s-ok">kept</span>') == 1
    assert losses.count('<span class="pill s-down">not kept</span>') == 1
    assert "nothing came back" in losses
    assert losses.count("Not run yet") == 8
    assert faults_of(read(shown)) == []


def test_the_recovery_page_and_chapter_tell_what_drills_have_shown(plane: Plane, browser: Browser) -> None:
    browser.sign_in("viewer")
    pages = ("/recovery", "/chapters/6")
    assert all("No recovery drill has been run yet" in browser.get(one).text for one in pages)
    measure(plane, "lost-data-directory", rto_s=7.4)
    measure(plane, "corrupted-page", rto_s=19.9)
    for one in pages:
        shown = browser.get(one).text
        assert "2 of 10 recovery drills were run, and all kept the promise" in shown
        assert "the slowest way back took 19.9 s" in shown
        assert faults_of(read(shown)) == []
    # What failed is named until it is run again and holds.
    measure(plane, "lost-region", rto_s=None, problem="nothing came back")
    assert "did not keep the promise: The region is lost" in browser.get("/recovery").text
    measure(plane, "lost-region", rto_s=9.0)
    assert "3 of 10 recovery drills were run" in browser.get("/recovery").text
