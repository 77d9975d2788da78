"""Signals become incidents: one fact is one condition, a cause and its symptoms are one incident."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hrx.kit import clock
from hrx.ops.incidents.actions import ending
from hrx.ops.incidents.intake import take_signals
from hrx.ops.ledger.incidents import IncidentState, get_incident
from hrx.ops.ledger.signals import count_signals, list_conditions
from hrx.ops.probe.targets import list_targets
from hrx.ops.run.plane import Plane
from hrx.ops.signal import Severity, SignalSource, SignalState
from tests.ops.incidents.conftest import RESPONDER, changes, make_signal, story, unresolved

pytestmark = pytest.mark.req("R5.1-1")


def test_one_fact_told_by_three_is_one_condition_of_one_incident(quiet: Plane) -> None:
    for source in (SignalSource.WATCHER, SignalSource.ALERTMANAGER, SignalSource.PROBE):
        take_signals(quiet, [make_signal("part-down:postgres", source=source)])
    (found,) = unresolved(quiet)
    with quiet.ledger.store.read() as connection:
        (condition,) = list_conditions(connection, found.id)
    assert condition.signals == 3
    assert sum(count_signals(quiet.ledger.store, incident_id=found.id).values()) == 3


def test_the_same_statement_repeated_changes_nothing(quiet: Plane) -> None:
    one = make_signal()
    assert take_signals(quiet, [one]).new == 1
    entries = quiet.ledger.count()
    assert take_signals(quiet, [one, one]).new == 0
    assert quiet.ledger.count() == entries


def test_a_database_that_takes_api_and_portal_with_it_is_one_incident_about_the_database(
    quiet: Plane,
) -> None:
    take_signals(quiet, [make_signal(f"part-down:{name}") for name in ("api-blue", "web-blue", "postgres")])
    (found,) = unresolved(quiet)
    assert (found.part, found.sop, found.severity) == ("postgres", "5.2.3", Severity.CRITICAL)


def test_a_cause_that_shows_later_than_its_symptom_takes_the_incident_over(quiet: Plane) -> None:
    take_signals(quiet, [make_signal("part-down:web-blue")])
    take_signals(quiet, [make_signal("part-down:api-blue")])
    take_signals(quiet, [make_signal("part-down:postgres")])
    (found,) = unresolved(quiet)
    assert found.part == "postgres"
    moved = [entry.body for entry in story(quiet, found.id) if entry.body.get("change") == "cause_moved"]
    assert [(entry["from_part"], entry["to_part"]) for entry in moved] == [
        ("web-blue", "api-blue"),
        ("api-blue", "postgres"),
    ]


def test_what_an_open_incident_explains_joins_it_and_does_not_bring_back_an_old_one(quiet: Plane) -> None:
    take_signals(quiet, [make_signal("edge-empty:api", part="api")])
    (old,) = unresolved(quiet)
    take_signals(quiet, [make_signal("edge-empty:api", part="api", state=SignalState.RESOLVED)])
    ending.resolve(quiet, old.id, reason="restarted", actor=RESPONDER)
    with clock.shifted(timedelta(minutes=2)):
        take_signals(quiet, [make_signal("part-down:api-blue")])
        take_signals(quiet, [make_signal("edge-empty:api", part="api")])
        (found,) = unresolved(quiet)
    assert found.id != old.id


@pytest.mark.parametrize("part", ["api-blue", "web-blue", "postgres"])
@pytest.mark.parametrize("is_outsider_first", [True, False])
def test_what_an_outsider_sees_and_its_cause_behind_the_edge_are_one_incident(
    quiet: Plane, part: str, *, is_outsider_first: bool
) -> None:
    doors = [one for one in list_targets(quiet.settings) if one.severity is Severity.CRITICAL]
    seen = [
        make_signal(one.condition, source=SignalSource.PROBE, name="HrxProbeFailed", part=one.part)
        for one in doors
    ]
    assert {one.name for one in doors} == {"portal", "readyz", "api"}
    cause = make_signal(f"part-down:{part}")
    for signals in (seen, [cause]) if is_outsider_first else ([cause], seen):
        take_signals(quiet, signals)
    (found,) = unresolved(quiet)
    assert found.part == part


def test_a_common_cause_joins_symptoms_that_looked_unrelated(quiet: Plane) -> None:
    take_signals(quiet, [make_signal("part-down:worker")])
    take_signals(quiet, [make_signal("part-down:api-blue")])
    assert len(unresolved(quiet)) == 2
    take_signals(quiet, [make_signal("part-down:postgres")])
    (found,) = unresolved(quiet)
    assert found.part == "postgres"
    merged = get_incident(quiet.ledger.store, found.id + 1)
    assert (merged.state, merged.merged_into) == (IncidentState.MERGED, found.id)
    assert "absorbed" in changes(quiet, found.id)
    with quiet.ledger.store.read() as connection:
        assert len(list_conditions(connection, found.id)) == 3


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("part-down:postgres", Severity.CRITICAL), ("part-down:redis", Severity.MINOR)),
        (("disk-low:postgres", Severity.MINOR), ("part-down:api-blue", Severity.CRITICAL)),
        (("part-down:redis", Severity.MINOR), ("part-down:api-blue", Severity.CRITICAL)),
        (("certificate:haproxy", Severity.MINOR), ("part-down:prometheus", Severity.MINOR)),
    ],
)
def test_unrelated_conditions_and_causes_too_mild_to_explain_stay_apart(
    quiet: Plane, first: tuple[str, Severity], second: tuple[str, Severity]
) -> None:
    take_signals(quiet, [make_signal(first[0], severity=first[1])])
    take_signals(quiet, [make_signal(second[0], severity=second[1])])
    assert len(unresolved(quiet)) == 2


def test_what_is_worse_and_comes_long_after_is_a_new_incident(quiet: Plane) -> None:
    take_signals(quiet, [make_signal("slow:postgres", severity=Severity.MINOR)])
    with clock.shifted(timedelta(hours=3)):
        take_signals(quiet, [make_signal("part-down:postgres", severity=Severity.CRITICAL)])
    assert len(unresolved(quiet)) == 2


def test_a_suspected_attack_is_never_part_of_an_ordinary_outage(quiet: Plane) -> None:
    take_signals(quiet, [make_signal("part-down:api-blue")])
    take_signals(quiet, [make_signal("stuffing:api-blue", severity=Severity.CRITICAL, is_security=True)])
    ordinary, attack = unresolved(quiet)
    assert (ordinary.is_security, attack.is_security, attack.sop) == (False, True, "5.2.6")


def test_a_condition_holds_as_long_as_anybody_says_so(quiet: Plane) -> None:
    watcher = make_signal()
    alert = make_signal(source=SignalSource.ALERTMANAGER, labels={"alertname": "PartDown"})
    take_signals(quiet, [watcher, alert])
    take_signals(quiet, [make_signal(state=SignalState.RESOLVED)])
    (found,) = unresolved(quiet)
    with quiet.ledger.store.read() as connection:
        assert list_conditions(connection, found.id)[0].is_firing
    take_signals(
        quiet,
        [
            make_signal(
                source=SignalSource.ALERTMANAGER,
                labels={"alertname": "PartDown"},
                state=SignalState.RESOLVED,
            )
        ],
    )
    with quiet.ledger.store.read() as connection:
        assert not list_conditions(connection, found.id)[0].is_firing


def test_a_budget_that_a_drill_burns_is_on_record_and_calls_nobody(quiet: Plane) -> None:
    take_signals(quiet, [make_signal("burn:portal-availability:1h", labels={"drill": "api-stopped"})])
    assert unresolved(quiet) == []
    assert sum(count_signals(quiet.ledger.store).values()) == 1
    take_signals(quiet, [make_signal("burn:api-availability:1h")])
    assert len(unresolved(quiet)) == 1
