"""What people do with incidents, and what the passing of time does to them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from hrx.kit import clock
from hrx.kit.errors import Conflict, Forbidden, Invalid, Text
from hrx.ops.incidents.actions import ending, judging, regrouping, responding
from hrx.ops.incidents.clocks import ClockName, ClockState, read_clock
from hrx.ops.incidents.intake import take_signals
from hrx.ops.incidents.story import list_story
from hrx.ops.ledger.entries import Kind
from hrx.ops.ledger.incidents import Incident, IncidentState, get_incident
from hrx.ops.ledger.timers import list_timers
from hrx.ops.run.plane import Plane
from hrx.ops.signal import Severity, SignalSource, SignalState
from tests.ops.incidents.conftest import (
    OTHER,
    RESPONDER,
    VIEWER,
    changes,
    make_signal,
    story,
    tick,
    unresolved,
)

pytestmark = pytest.mark.req("R5.1-1")
MINUTE = timedelta(minutes=1)


def opened(plane: Plane, severity: Severity = Severity.CRITICAL) -> Incident:
    take_signals(plane, [make_signal(severity=severity)])
    return unresolved(plane)[0]


def now_of(plane: Plane, incident: Incident) -> Incident:
    return get_incident(plane.ledger.store, incident.id)


def timers(plane: Plane, incident: Incident) -> set[str]:
    return {timer.kind for timer in list_timers(plane.ledger.store, subject=incident.subject)}


@pytest.mark.parametrize(("severity", "pages"), [(1, True), (2, True), (3, True), (4, False)])
def test_opening_has_people_called_unless_it_is_trivial(quiet: Plane, severity: int, pages: bool) -> None:
    found = opened(quiet, Severity(severity))
    assert ("paging.escalate" in timers(quiet, found)) is pages
    assert "triage.run" in timers(quiet, found)
    assert ("communication.cadence" in timers(quiet, found)) is (severity <= 2)


def test_the_clocks_of_the_founding_document_run_from_the_opening(quiet: Plane) -> None:
    found = opened(quiet)
    assert found.respond_due_at == found.opened_at + 15 * MINUTE
    assert found.recover_due_at == found.opened_at + 60 * MINUTE
    major = judging.set_severity(
        quiet, found.id, severity=Severity.MAJOR, reason="one page only", actor=RESPONDER
    )
    assert major.respond_due_at == found.opened_at + 60 * MINUTE
    assert major.recover_due_at == found.opened_at + 240 * MINUTE


def test_acknowledging_stops_the_calls_and_the_response_clock(quiet: Plane) -> None:
    found = responding.acknowledge(quiet, opened(quiet).id, actor=RESPONDER)
    assert found.state is IncidentState.ACKNOWLEDGED
    assert "paging.escalate" not in timers(quiet, found)
    entries = quiet.ledger.count()
    responding.acknowledge(quiet, found.id, actor=RESPONDER)
    assert quiet.ledger.count() == entries, "saying it twice is saying it once"
    with pytest.raises(Conflict):
        responding.acknowledge(quiet, found.id, actor=OTHER)
    assert responding.take_over(quiet, found.id, actor=OTHER).acknowledged_by == "suzuki"
    clock_now = read_clock(quiet.content.respond, found, ClockName.RESPOND, now=clock.now() + 99 * MINUTE)
    assert clock_now.state is ClockState.MET


def test_viewers_change_nothing(quiet: Plane) -> None:
    found = opened(quiet)
    with pytest.raises(Forbidden):
        responding.acknowledge(quiet, found.id, actor=VIEWER)
    with pytest.raises(Forbidden):
        responding.add_note(quiet, found.id, text="x", actor=VIEWER)


def test_nobody_responding_is_escalated_before_the_clock_runs_out_and_recorded_when_it_does(
    quiet: Plane,
) -> None:
    found = opened(quiet)
    tick(quiet, after=8 * MINUTE)
    assert changes(quiet, found.id).count("forecast") == 1
    told = next(entry for entry in story(quiet, found.id) if entry.body.get("change") == "forecast")
    assert told.body["minutes_left"] == 7
    tick(quiet, after=12 * MINUTE)
    assert changes(quiet, found.id).count("forecast") == 2
    tick(quiet, after=16 * MINUTE)
    tick(quiet, after=17 * MINUTE)
    assert changes(quiet, found.id).count("breached") == 1
    assert set(now_of(quiet, found).body["breaches"]) == {"respond"}


def test_recovery_at_risk_is_told_to_the_incident_manager(quiet: Plane) -> None:
    found = responding.acknowledge(quiet, opened(quiet).id, actor=RESPONDER)
    tick(quiet, after=46 * MINUTE)
    (waiting,) = [
        timer
        for timer in list_timers(quiet.ledger.store, subject=found.subject)
        if timer.kind == "paging.escalate"
    ]
    assert waiting.payload["role"] == "incident_manager"
    tick(quiet, after=61 * MINUTE)
    assert set(now_of(quiet, found).body["breaches"]) == {"recover"}


def test_a_pause_moves_the_recovery_by_its_length_and_survives_a_new_severity(quiet: Plane) -> None:
    found = responding.acknowledge(quiet, opened(quiet).id, actor=RESPONDER)
    until = clock.now() + 30 * MINUTE
    paused = judging.pause_clock(
        quiet, found.id, until=until, reason="waiting for the provider", actor=RESPONDER
    )
    assert paused.recover_due_at is not None
    assert timedelta(0) <= found.opened_at + 90 * MINUTE - paused.recover_due_at < timedelta(seconds=5)
    with clock.shifted(10 * MINUTE):
        state = read_clock(quiet.content.respond, paused, ClockName.RECOVER, now=clock.now()).state
        assert state is ClockState.PAUSED
        going = judging.continue_clock(quiet, found.id, actor=RESPONDER)
    assert going.recover_due_at is not None
    assert abs(going.recover_due_at - found.opened_at - 70 * MINUTE) < timedelta(seconds=5)
    major = judging.set_severity(
        quiet, found.id, severity=Severity.MAJOR, reason="a way round", actor=RESPONDER
    )
    assert major.recover_due_at is not None
    assert abs(major.recover_due_at - found.opened_at - 250 * MINUTE) < timedelta(seconds=5)


def test_nobody_may_pause_what_nobody_has(quiet: Plane) -> None:
    found = opened(quiet)
    with pytest.raises(Conflict):
        judging.pause_clock(quiet, found.id, until=clock.now() + MINUTE, reason="coffee", actor=RESPONDER)


def test_lasting_quiet_mitigates_and_a_minor_incident_resolves_itself(quiet: Plane) -> None:
    found = opened(quiet, Severity.MINOR)
    take_signals(quiet, [make_signal(state=SignalState.RESOLVED)])
    tick(quiet, after=timedelta(seconds=30))
    assert now_of(quiet, found).state is IncidentState.OPEN
    with clock.shifted(timedelta(seconds=61)):
        tick(quiet)
        assert now_of(quiet, found).state is IncidentState.MITIGATED
        tick(quiet, after=11 * MINUTE)
    assert now_of(quiet, found).state is IncidentState.RESOLVED


def test_a_critical_incident_is_resolved_by_a_person_only(quiet: Plane) -> None:
    found = opened(quiet)
    take_signals(quiet, [make_signal(state=SignalState.RESOLVED)])
    with clock.shifted(2 * MINUTE):
        tick(quiet)
        tick(quiet, after=timedelta(days=1))
        assert now_of(quiet, found).state is IncidentState.MITIGATED
        resolved = ending.resolve(quiet, found.id, reason="disk replaced", actor=RESPONDER)
    assert resolved.state is IncidentState.RESOLVED
    assert ending.close(quiet, found.id, actor=RESPONDER).state is IncidentState.CLOSED


def test_what_comes_back_soon_opens_the_same_incident_again_and_later_a_new_one(quiet: Plane) -> None:
    found = opened(quiet)
    take_signals(quiet, [make_signal(state=SignalState.RESOLVED)])
    ending.resolve(quiet, found.id, reason="restarted", actor=RESPONDER)
    with clock.shifted(5 * MINUTE):
        take_signals(quiet, [make_signal()])
        again = now_of(quiet, found)
        assert (again.state, again.acknowledged_by) == (IncidentState.OPEN, None)
        assert "reopened" in changes(quiet, found.id)
        assert "paging.escalate" in timers(quiet, again)
        take_signals(quiet, [make_signal(state=SignalState.RESOLVED)])
        ending.resolve(quiet, found.id, reason="restarted again", actor=RESPONDER)
    with clock.shifted(60 * MINUTE):
        take_signals(quiet, [make_signal()])
        (fresh,) = unresolved(quiet)
    assert fresh.id != found.id
    assert fresh.body["follows"] == found.id


def test_a_symptom_that_comes_back_without_its_cause_is_an_incident_of_its_own(quiet: Plane) -> None:
    lost, hung = make_signal("part-down:postgres"), make_signal("part-down:api-blue")
    take_signals(quiet, [lost, hung])
    (former,) = unresolved(quiet)
    assert former.part == "postgres"
    take_signals(quiet, [replace(one, state=SignalState.RESOLVED) for one in (lost, hung)])
    ending.resolve(quiet, former.id, reason="restarted", actor=RESPONDER)
    with clock.shifted(5 * MINUTE):
        take_signals(quiet, [make_signal("part-down:api-blue")])
        (fresh,) = unresolved(quiet)
        assert (fresh.part, fresh.body["follows"]) == ("api-blue", former.id)
        assert "paging.escalate" in timers(quiet, fresh)
        assert now_of(quiet, former).state is IncidentState.RESOLVED
        # When the cause is back after all, it takes this one over: still one incident.
        take_signals(quiet, [make_signal("part-down:postgres")])
        (only,) = unresolved(quiet)
    assert (only.id, only.part) == (fresh.id, "postgres")


def test_the_next_fault_of_the_kind_is_news_although_an_alert_of_the_last_one_still_holds(
    quiet: Plane,
) -> None:
    rule = make_signal(source=SignalSource.ALERTMANAGER, labels={"fingerprint": "a"}, ago_s=5)
    take_signals(quiet, [make_signal(ago_s=9), rule])
    first = unresolved(quiet)[0]
    ending.resolve(quiet, first.id, reason="restarted", actor=RESPONDER)
    ending.close(quiet, first.id, actor=RESPONDER)
    take_signals(quiet, [rule])
    assert unresolved(quiet) == [], "what is only said again is no news"
    take_signals(quiet, [make_signal(state=SignalState.RESOLVED, ago_s=2)])
    take_signals(quiet, [make_signal()])
    assert [found.id > first.id for found in unresolved(quiet)] == [True]


def test_what_begins_again_is_told_in_its_own_words(quiet: Plane) -> None:
    first = replace(make_signal(), summary=Text(ja="6.3 % が失敗", en="6.3 % fail"))
    take_signals(quiet, [first])
    ending.resolve(quiet, unresolved(quiet)[0].id, reason="restarted", actor=RESPONDER)
    with clock.shifted(timedelta(hours=1)):
        take_signals(quiet, [replace(make_signal(), summary=Text(ja="78 % が失敗", en="78 % fail"))])
        assert unresolved(quiet)[0].title.en == "78 % fail"


def test_a_relapse_takes_longer_to_count_as_quiet(quiet: Plane) -> None:
    found = opened(quiet)
    for minutes in (1, 4):
        with clock.shifted(minutes * MINUTE):
            take_signals(quiet, [make_signal(state=SignalState.RESOLVED)])
            tick(quiet, after=timedelta(seconds=61))
            state = now_of(quiet, found).state
            assert (state is IncidentState.MITIGATED) is (minutes == 1)
        with clock.shifted((minutes + 2) * MINUTE):
            take_signals(quiet, [make_signal()])
    assert changes(quiet, found.id).count("relapsed") == 1


def test_two_become_one_and_one_becomes_two(quiet: Plane) -> None:
    take_signals(quiet, [make_signal("part-down:redis", severity=Severity.MINOR)])
    take_signals(quiet, [make_signal("part-down:prometheus", severity=Severity.MAJOR)])
    first, second = unresolved(quiet)
    kept = regrouping.merge(quiet, second.id, into=first.id, reason="one disk", actor=RESPONDER)
    assert kept.severity is Severity.MAJOR
    assert now_of(quiet, second).merged_into == first.id
    split = regrouping.split_off(
        quiet, first.id, keys=("part-down:prometheus",), reason="another disk", actor=RESPONDER
    )
    assert (split.part, split.body["split_from"]) == ("prometheus", first.id)
    assert "split" in changes(quiet, first.id)


def test_a_page_that_a_merge_ended_goes_on_for_the_incident_that_took_it_in(quiet: Plane) -> None:
    """Severity 4 calls nobody by itself; what it took in does."""
    take_signals(quiet, [make_signal("part-down:prometheus", severity=Severity.TRIVIAL)])
    (mild,) = unresolved(quiet)
    opened(quiet)
    worse = unresolved(quiet)[-1]
    tick(quiet)
    assert "paging.escalate" not in timers(quiet, mild)
    regrouping.merge(quiet, worse.id, into=mild.id, reason="one disk", actor=RESPONDER)
    assert "paging.escalate" in timers(quiet, mild)
    assert now_of(quiet, mild).severity is Severity.CRITICAL


def test_a_drill_takes_in_no_real_incident(quiet: Plane) -> None:
    real = opened(quiet)
    take_signals(quiet, [make_signal("part-down:redis", labels={"drill": "1"})])
    practised = next(one for one in unresolved(quiet) if one.is_drill)
    with pytest.raises(Invalid):
        regrouping.merge(quiet, real.id, into=practised.id, reason="one disk", actor=RESPONDER)


def test_the_time_line_is_told_in_both_languages_and_the_chain_holds(quiet: Plane) -> None:
    found = opened(quiet)
    responding.acknowledge(quiet, found.id, actor=RESPONDER)
    responding.add_note(quiet, found.id, text="disk is full", actor=RESPONDER)
    role = responding.IncidentRole.MANAGER
    responding.assign_role(quiet, found.id, role=role, person="tanaka", actor=RESPONDER)
    tick(quiet, after=61 * MINUTE)
    ending.mitigate(quiet, found.id, reason="space freed", actor=RESPONDER)
    ending.resolve(quiet, found.id, reason="stays", actor=RESPONDER)
    told = list_story(quiet, found.id)
    ours = [one for one in told if one.entry.kind in (Kind.INCIDENT_OPENED, Kind.INCIDENT_CHANGED)]
    assert len(ours) >= 7
    for one in ours:
        assert one.text.ja
        assert one.text.en != one.entry.kind.value
    assert quiet.ledger.verify().is_valid


def test_what_comes_back_or_moves_to_another_cause_is_diagnosed_anew(quiet: Plane) -> None:
    def asked(incident: Incident) -> set[str]:
        found = list_timers(quiet.ledger.store, subject=incident.subject)
        return {timer.name for timer in found if timer.kind == "triage.run"}

    take_signals(quiet, [make_signal("part-down:api-blue")])
    found = unresolved(quiet)[0]
    assert asked(found) == {"opened"}
    take_signals(quiet, [make_signal("part-down:postgres")])
    assert asked(found) == {"opened", "cause_moved"}
    ending.resolve(quiet, found.id, reason="said so", actor=RESPONDER)
    ending.reopen(quiet, found.id, reason="not so", actor=RESPONDER)
    assert asked(found) == {"opened", "cause_moved", "again"}
