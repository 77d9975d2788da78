"""A burning budget joins the outage that burns it and calls nobody for what is over, unless it burns on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hrx.kit import clock
from hrx.ops.incidents.actions import ending, judging
from hrx.ops.incidents.intake import take_signals
from hrx.ops.incidents.lifecycle import ESCALATE
from hrx.ops.incidents.traces import BURNS_ON
from hrx.ops.ledger.incidents import Incident, IncidentState, get_incident, list_incidents
from hrx.ops.ledger.signals import count_signals, find_home, list_conditions
from hrx.ops.ledger.timers import list_timers
from hrx.ops.run.plane import Plane
from hrx.ops.signal import Severity, Signal, SignalSource, SignalState
from tests.ops.incidents.conftest import RESPONDER, changes, make_signal, story, tick, unresolved

pytestmark = pytest.mark.req("R4.3-1", "R4.3-2")
MINUTE = timedelta(minutes=1)
API, PORTAL = "burn:api-availability", "burn:portal-availability"
#: Short windows of five minutes, half an hour and two hours, each with three minutes for rules and alerts.
FAST, SLOW, TRICKLE = 8 * MINUTE, 33 * MINUTE, 123 * MINUTE
_SPEEDS = {
    "Fast": Severity.MAJOR,
    "Slow": Severity.MAJOR,
    "Trickle": Severity.MINOR,
}


def burn(
    key: str = API,
    *,
    speed: str = "Fast",
    state: SignalState = SignalState.FIRING,
    labels: dict[str, str] | None = None,
) -> Signal:
    """What Alertmanager tells of a budget: one alert for each speed, all of one condition."""
    slo, part = {API: ("ApiAvailability", "api"), PORTAL: ("PortalAvailability", "web")}[key]
    name = f"{slo}Burn{speed}"
    return make_signal(
        key,
        source=SignalSource.ALERTMANAGER,
        name=name,
        part=part,
        severity=_SPEEDS[speed],
        labels={"alertname": name, **(labels or {})},
        state=state,
    )


def over(key: str = "part-down:api-blue") -> Signal:
    return make_signal(key, state=SignalState.RESOLVED)


def have_outage(plane: Plane, key: str = "part-down:api-blue", *, is_resolved: bool = True) -> Incident:
    """An outage whose symptom has gone at this moment; mitigated, or resolved as well."""
    take_signals(plane, [make_signal(key)])
    (found,) = unresolved(plane)
    take_signals(plane, [over(key)])
    ended = ending.resolve if is_resolved else ending.mitigate
    return ended(plane, found.id, reason="restarted", actor=RESPONDER)


def all_incidents(plane: Plane) -> list[Incident]:
    return list_incidents(plane.ledger.store)


def is_paging(plane: Plane, incident: Incident) -> bool:
    return ESCALATE in {timer.kind for timer in list_timers(plane.ledger.store, subject=incident.subject)}


def reload(plane: Plane, incident: Incident) -> Incident:
    return get_incident(plane.ledger.store, incident.id)


@pytest.mark.parametrize("cause", ["api-blue", "postgres", "haproxy"])
@pytest.mark.parametrize("after", [timedelta(0), timedelta(hours=2)])
def test_a_budget_that_an_outage_burns_joins_it_however_long_it_goes_on(
    quiet: Plane, cause: str, after: timedelta
) -> None:
    take_signals(quiet, [make_signal(f"part-down:{cause}")])
    with clock.shifted(after):
        take_signals(quiet, [burn(), burn(PORTAL)])
    (found,) = all_incidents(quiet)
    assert (found.part, found.severity) == (cause, Severity.CRITICAL)
    assert story(quiet, found.id)[-1].body["why"] == ["budget"]


def test_an_outage_just_gone_that_nobody_has_called_mitigated_yet_takes_its_budget(quiet: Plane) -> None:
    take_signals(quiet, [make_signal("part-down:postgres")])
    take_signals(quiet, [over("part-down:postgres")])
    take_signals(quiet, [burn()])
    assert len(all_incidents(quiet)) == 1


@pytest.mark.parametrize("cause", ["api-blue", "postgres", "haproxy"])
@pytest.mark.parametrize("is_at_once", [True, False])
def test_an_outage_that_shows_after_its_budgets_takes_them_over(
    quiet: Plane, cause: str, *, is_at_once: bool
) -> None:
    told = [burn(), burn(PORTAL), make_signal(f"part-down:{cause}")]
    for signals in [told] if is_at_once else [told[:2], told[2:]]:
        take_signals(quiet, signals)
    (found,) = unresolved(quiet)
    assert (found.part, found.severity) == (cause, Severity.CRITICAL)
    with quiet.ledger.store.read() as connection:
        assert len(list_conditions(connection, found.id)) == 3


def test_a_cause_takes_over_budgets_and_symptoms_together(quiet: Plane) -> None:
    take_signals(quiet, [make_signal("part-down:worker", severity=Severity.MINOR), burn()])
    assert len(unresolved(quiet)) == 2
    take_signals(quiet, [make_signal("part-down:postgres")])
    (found,) = unresolved(quiet)
    assert found.part == "postgres"


def test_a_burning_budget_does_not_keep_its_outage_from_counting_as_mitigated(quiet: Plane) -> None:
    take_signals(quiet, [make_signal("part-down:api-blue"), burn()])
    take_signals(quiet, [over()])
    tick(quiet, after=2 * MINUTE)
    (found,) = all_incidents(quiet)
    assert found.state is IncidentState.MITIGATED
    assert not is_paging(quiet, found)


@pytest.mark.parametrize("is_resolved", [True, False])
@pytest.mark.parametrize("speed", ["Fast", "Slow", "Trickle"])
def test_what_was_burnt_by_an_outage_just_over_joins_it_quietly(
    quiet: Plane, speed: str, *, is_resolved: bool
) -> None:
    outage = have_outage(quiet, is_resolved=is_resolved)
    with clock.shifted({"Fast": FAST, "Slow": SLOW, "Trickle": TRICKLE}[speed] - MINUTE):
        assert take_signals(quiet, [burn(speed=speed), burn(PORTAL, speed=speed)]).opened == ()
    (found,) = all_incidents(quiet)
    assert found.state is outage.state
    assert not is_paging(quiet, found)
    assert not {"reopened", "relapsed"} & set(changes(quiet, found.id))
    assert find_home(quiet.ledger.store, PORTAL) == found.id


def test_an_outage_that_is_closed_already_still_explains_its_budget(quiet: Plane) -> None:
    take_signals(quiet, [make_signal("part-down:worker", severity=Severity.MINOR)])
    (found,) = unresolved(quiet)
    ending.resolve(quiet, found.id, reason="restarted", actor=RESPONDER)
    closed = ending.close(quiet, found.id, actor=RESPONDER)
    one = burn(speed="Trickle")
    take_signals(quiet, [make_signal(API, name=one.name, part="worker", severity=Severity.MINOR)])
    assert [one.state for one in all_incidents(quiet)] == [closed.state]


@pytest.mark.parametrize(("speed", "window"), [("Fast", FAST), ("Slow", SLOW), ("Trickle", TRICKLE)])
def test_what_begins_to_burn_after_the_window_is_no_matter_of_the_outage(
    quiet: Plane, speed: str, window: timedelta
) -> None:
    outage = have_outage(quiet)
    with clock.shifted(max(window, 11 * MINUTE)):
        take_signals(quiet, [burn(speed=speed)])
        (found,) = unresolved(quiet)
    assert found.id != outage.id
    assert is_paging(quiet, found)


def test_a_milder_outage_does_not_explain_what_nobody_was_told_in_time(quiet: Plane) -> None:
    take_signals(quiet, [make_signal("slow:api-blue", severity=Severity.TRIVIAL)])
    (mild,) = unresolved(quiet)
    ending.resolve(quiet, mild.id, reason="gone", actor=RESPONDER)
    take_signals(quiet, [burn()])
    (found,) = unresolved(quiet)
    assert (found.id != mild.id, found.severity, is_paging(quiet, found)) == (True, Severity.MAJOR, True)


@pytest.mark.parametrize("is_told_before_the_end", [True, False])
def test_what_burns_on_after_a_resolved_outage_is_a_new_incident_that_pages(
    quiet: Plane, *, is_told_before_the_end: bool
) -> None:
    if is_told_before_the_end:
        take_signals(quiet, [make_signal("part-down:api-blue"), burn()])
        (outage,) = unresolved(quiet)
        ending.resolve(quiet, outage.id, reason="restarted", actor=RESPONDER)
    else:
        outage = have_outage(quiet)
        take_signals(quiet, [burn()])
    tick(quiet, after=FAST - MINUTE)
    assert unresolved(quiet) == []
    for _ in range(2):
        tick(quiet, after=FAST + MINUTE)
    (found,) = unresolved(quiet)
    assert (found.part, found.severity, found.body["follows"]) == ("api-blue", Severity.MAJOR, outage.id)
    assert is_paging(quiet, found)
    assert reload(quiet, outage).state is IncidentState.RESOLVED
    assert find_home(quiet.ledger.store, API) == found.id


def test_what_burns_on_after_a_mitigated_outage_is_its_relapse(quiet: Plane) -> None:
    outage = have_outage(quiet, is_resolved=False)
    take_signals(quiet, [burn()])
    tick(quiet, after=FAST + MINUTE)
    (found,) = all_incidents(quiet)
    assert (found.id, found.is_unresolved) == (outage.id, True)
    assert changes(quiet, found.id).count("relapsed") == 1


def test_what_has_stopped_burning_within_the_window_is_nothing(quiet: Plane) -> None:
    outage = have_outage(quiet)
    take_signals(quiet, [burn()])
    with clock.shifted(5 * MINUTE):
        take_signals(quiet, [burn(state=SignalState.RESOLVED)])
    tick(quiet, after=FAST + MINUTE)
    assert [(one.id, one.state) for one in all_incidents(quiet)] == [(outage.id, IncidentState.RESOLVED)]


def test_each_rule_has_its_own_window_and_the_quickest_one_counts(quiet: Plane) -> None:
    outage = have_outage(quiet)
    take_signals(quiet, [burn(), burn(speed="Slow")])
    with clock.shifted(5 * MINUTE):
        take_signals(quiet, [burn(state=SignalState.RESOLVED)])
    tick(quiet, after=FAST + MINUTE)
    assert unresolved(quiet) == []
    (timer,) = [
        one for one in list_timers(quiet.ledger.store, subject=outage.subject) if one.kind == BURNS_ON
    ]
    with clock.shifted(20 * MINUTE):
        take_signals(quiet, [burn()])
        (found,) = unresolved(quiet)
    assert found.id != outage.id
    tick(quiet, after=timer.due_at - clock.now() + MINUTE)
    assert [one.id for one in unresolved(quiet)] == [found.id]


def test_a_leak_with_no_outage_is_an_incident_of_its_own_and_ends_when_it_stops(quiet: Plane) -> None:
    take_signals(quiet, [make_signal("part-down:mailpit", severity=Severity.MINOR)])
    take_signals(quiet, [burn(PORTAL, speed="Trickle")])
    _, leak = unresolved(quiet)
    assert (leak.part, leak.severity) == ("web-blue", Severity.MINOR)
    tick(quiet, after=10 * MINUTE)
    assert reload(quiet, leak).state is IncidentState.OPEN
    take_signals(quiet, [burn(PORTAL, speed="Trickle", state=SignalState.RESOLVED)])
    tick(quiet, after=2 * MINUTE)
    assert reload(quiet, leak).state is IncidentState.MITIGATED


def test_a_budget_that_burns_faster_makes_its_incident_as_bad(quiet: Plane) -> None:
    take_signals(quiet, [burn(speed="Trickle")])
    with clock.shifted(timedelta(hours=3)):
        take_signals(quiet, [burn()])
        take_signals(quiet, [burn(speed="Slow")])
    (found,) = all_incidents(quiet)
    assert found.severity is Severity.MAJOR
    assert changes(quiet, found.id).count("severity_raised") == 1


def test_one_more_rule_about_a_budget_is_no_worse_than_people_judged_it(quiet: Plane) -> None:
    take_signals(quiet, [burn()])
    (found,) = unresolved(quiet)
    judging.set_severity(quiet, found.id, severity=Severity.MINOR, reason="few use it", actor=RESPONDER)
    take_signals(quiet, [burn(speed="Slow")])
    assert reload(quiet, found).severity is Severity.MINOR


def test_a_worse_word_about_what_holds_already_raises_its_incident(quiet: Plane) -> None:
    take_signals(quiet, [make_signal("disk-low:postgres", severity=Severity.MINOR)])
    worse = make_signal("disk-low:postgres", severity=Severity.MAJOR, source=SignalSource.ALERTMANAGER)
    take_signals(quiet, [worse])
    (found,) = unresolved(quiet)
    assert found.severity is Severity.MAJOR


def test_what_a_drill_burns_calls_nobody_also_when_it_gets_worse_or_burnt_before(quiet: Plane) -> None:
    outage = have_outage(quiet)
    take_signals(quiet, [burn(speed="Trickle")])
    take_signals(quiet, [burn(speed="Trickle", state=SignalState.RESOLVED)])
    drill = {"drill": "api-stopped"}
    with clock.shifted(timedelta(hours=3)):
        before = changes(quiet, outage.id)
        take_signals(quiet, [burn(speed="Trickle", labels=drill)])
        take_signals(quiet, [burn(labels=drill)])
        assert unresolved(quiet) == []
        assert changes(quiet, outage.id) == before
    assert sum(count_signals(quiet.ledger.store).values()) == 6


def test_the_budget_of_a_real_outage_is_not_explained_by_a_drill(quiet: Plane) -> None:
    take_signals(quiet, [make_signal("part-down:api-blue", labels={"drill": "api-stopped"})])
    take_signals(quiet, [burn()])
    assert [one.is_drill for one in unresolved(quiet)] == [True, False]


def test_what_is_over_is_no_part_of_a_storm(quiet: Plane) -> None:
    names = ["clamav", "prometheus", "alertmanager", "mailpit"]
    take_signals(quiet, [make_signal(f"oddity:{name}", severity=Severity.TRIVIAL, part="") for name in names])
    for one in unresolved(quiet):
        ending.resolve(quiet, one.id, reason="gone", actor=RESPONDER)
    take_signals(quiet, [make_signal("oddity:last", severity=Severity.TRIVIAL, part="", name="last")])
    take_signals(quiet, [burn()])
    assert len(unresolved(quiet)) == 2
    assert [one.state for one in all_incidents(quiet)].count(IncidentState.MERGED) == 0


def test_budgets_that_join_do_not_count_towards_a_storm(quiet: Plane) -> None:
    take_signals(quiet, [make_signal("part-down:api-blue")])
    oddities = [make_signal(f"oddity:{n}", severity=Severity.TRIVIAL, part="", name=f"Odd{n}") for n in "abc"]
    take_signals(quiet, [*oddities, burn(), burn(PORTAL)])
    assert len(unresolved(quiet)) == 4


def test_telling_everything_twice_changes_nothing(quiet: Plane) -> None:
    outage = have_outage(quiet)
    told = [burn(), burn(PORTAL), burn(speed="Slow")]
    take_signals(quiet, told)
    entries = quiet.ledger.count()
    assert take_signals(quiet, told).new == 0
    assert quiet.ledger.count() == entries
    tick(quiet, after=FAST + MINUTE)
    opened = {one.id for one in unresolved(quiet)}
    assert opened
    take_signals(quiet, told)
    tick(quiet, after=FAST + 2 * MINUTE)
    assert {one.id for one in unresolved(quiet)} == opened
    assert reload(quiet, outage).state is IncidentState.RESOLVED
