"""How long evidence stays: never shorter than an incident or a hold needs it, and on record when it goes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from hrx.kit import clock
from hrx.kit.errors import Forbidden, NotFound
from hrx.ops.incidents.actions import ending
from hrx.ops.incidents.intake import take_signals
from hrx.ops.ledger.entries import Entry, EntryFilter, Kind
from hrx.ops.operators.roles import Actor, Role
from hrx.ops.run.acting.evidence import digest_file, home_of
from hrx.ops.run.actions import get_action
from hrx.ops.run.evidence_retention import Why, hold, list_kept, release, retain
from hrx.ops.run.plane import Plane
from hrx.ops.signal import Severity
from tests.ops.incidents.conftest import RESPONDER, VIEWER, make_signal, unresolved

pytestmark = pytest.mark.req("R5.2-3")
APPROVER = Actor(name="nakamura", role=Role.APPROVER, is_operator=True)


def keep(plane: Plane, label: str = "security", *, incident_id: int | None = None) -> Path:
    """Evidence as the procedure keeps it; of an incident when a plan that names it did."""
    kept = get_action("evidence.keep").perform(plane, {"label": label}, 30)
    body: dict[str, object] = {"plan": {}, "plan_hash": "x"}
    if incident_id is not None:
        body["incident"] = incident_id
    plan = plane.ledger.append(Kind.PLAN, actor="sato", body=body)
    run = f"run-{plan.seq}"
    plane.ledger.append(Kind.RUN_STARTED, actor="sato", body={"plan_seq": plan.seq}, run_id=run)
    plane.ledger.append(Kind.STEP_DONE, actor="sato", body={"evidence": kept}, run_id=run)
    return Path(str(kept["folder"]))


def removals(plane: Plane) -> list[Entry]:
    wanted = EntryFilter(kinds=(Kind.CONTAINMENT,), text="evidence_removed")
    return plane.ledger.list_entries(wanted)


def days(plane: Plane, more: int = 0) -> timedelta:
    return timedelta(days=plane.settings.evidence_keep_days + more)


def test_old_evidence_goes_and_the_ledger_says_what_it_was(quiet: Plane) -> None:
    folder = keep(quiet)
    digest = digest_file(folder / "manifest.json")
    with clock.shifted(days(quiet, -1)):
        assert retain(quiet) == []
    with clock.shifted(days(quiet, 1)):
        assert [one.name for one in retain(quiet, dry_run=True)] == [folder.name]
        assert folder.exists()
        retain(quiet)
        retain(quiet)
    assert list(home_of(quiet).iterdir()) == []
    (entry,) = removals(quiet)
    assert (entry.subject, entry.body["manifest_sha256"]) == (f"evidence:{folder.name}", digest)
    assert entry.body["files"] > 3


def test_the_evidence_of_an_incident_stays_until_long_after_it_is_closed(quiet: Plane) -> None:
    take_signals(quiet, [make_signal(severity=Severity.MINOR)])
    (incident,) = unresolved(quiet)
    folder = keep(quiet, incident_id=incident.id)
    with clock.shifted(days(quiet, 30)):
        assert [one.why for one in list_kept(quiet)] == [Why.INCIDENT]
        assert retain(quiet) == []
        ending.resolve(quiet, incident.id, reason="over", actor=RESPONDER)
        assert retain(quiet) == [], "resolved is not closed: its post-mortem is to come"
        ending.close(quiet, incident.id, actor=RESPONDER)
        (kept,) = list_kept(quiet)
        assert (kept.why, kept.incident_id) == (Why.YOUNG, incident.id)
    with clock.shifted(days(quiet, 30) + days(quiet, 1)):
        assert [one.folder for one in retain(quiet)] == [folder]


def test_what_was_kept_by_hand_stays_while_an_incident_of_its_time_is_unclosed(quiet: Plane) -> None:
    take_signals(quiet, [make_signal("part-down:api", is_security=True)])
    keep(quiet, "by-hand")
    with clock.shifted(days(quiet, 1)):
        assert retain(quiet) == []


def test_a_hold_outlives_every_clock_and_an_approver_ends_it(quiet: Plane) -> None:
    folder = keep(quiet)
    with pytest.raises(Forbidden):
        hold(quiet, folder.name, reason="dispute", actor=VIEWER)
    held = hold(quiet, folder.name, reason="dispute 12", actor=RESPONDER)
    assert (held.why, held.held_by, held.held_because, held.goes_at) == (Why.HELD, "sato", "dispute 12", None)
    with clock.shifted(days(quiet, 400)):
        assert retain(quiet) == []
        with pytest.raises(Forbidden):
            release(quiet, folder.name, reason="settled", actor=RESPONDER)
        assert release(quiet, folder.name, reason="settled", actor=APPROVER).why is Why.OLD
        assert [one.name for one in retain(quiet)] == [folder.name]
    with pytest.raises(NotFound):
        hold(quiet, folder.name, reason="too late", actor=RESPONDER)


def test_a_removal_that_died_half_way_is_finished_and_told_once(quiet: Plane) -> None:
    folder = keep(quiet)
    with clock.shifted(days(quiet, 1)):
        (going,) = retain(quiet, dry_run=True)
        quiet.ledger.append(
            Kind.CONTAINMENT, actor="retention", subject=going.subject, body={"change": "evidence_removed"}
        )
        half = home_of(quiet) / ".removed-20200101T000000000Z-other"
        half.mkdir()
        (half / "left").write_text("x")
        retain(quiet)
    assert (folder.exists(), half.exists(), len(removals(quiet))) == (False, False, 1)


def test_what_cannot_be_read_is_never_removed(quiet: Plane) -> None:
    folder = keep(quiet)
    (folder / "manifest.json").chmod(0o600)
    (folder / "manifest.json").write_bytes(orjson.dumps({"made_at": "?"}))
    with clock.shifted(days(quiet, 4000)):
        assert retain(quiet) == []
        assert [one.why for one in list_kept(quiet)] == [Why.UNREADABLE]
