"""The time line reads as sentences, whichever room wrote the entry."""

from __future__ import annotations

from typing import Any

import pytest

from hrx.kit.errors import NotFound
from hrx.ops.incidents.intake import take_signals
from hrx.ops.incidents.story import list_story
from hrx.ops.ledger.entries import EntryFilter, Kind
from hrx.ops.ledger.incidents import IncidentState
from hrx.ops.run.approvals import approve
from hrx.ops.run.executor import new_run_id, run_plan
from hrx.ops.run.plane import Plane
from hrx.ops.run.planning import propose
from hrx.ops.signal import Severity
from tests.ops.conftest import SmallMachine, make_operator
from tests.ops.incidents.conftest import RESPONDER, make_signal, unresolved

pytestmark = pytest.mark.req("R5.3-1")

TRIAGED = {
    "took_ms": 1240.0,
    "first_cause": "api-hung",
    "causes": [
        {
            "id": "api-hung",
            "title": {"ja": "API が固まっている", "en": "The API hangs"},
            "verdict": "supported",
        }
    ],
    "evidence": [{}, {}],
}


@pytest.mark.parametrize(
    ("kind", "body", "says"),
    [
        (
            Kind.ESCALATION,
            {"outcome": "paged", "step": 1, "round": 1, "people": ["sato"], "skipped": []},
            "Paged Kenichi Sato (step 1)",
        ),
        (
            Kind.ESCALATION,
            {
                "outcome": "paged",
                "step": 2,
                "round": 3,
                "people": ["ito"],
                "skipped": ["first"],
                "all_channels": True,
            },
            "Paged Mari Ito (step 2, round 3); by every channel; skipped, nobody to reach: first",
        ),
        (
            Kind.ESCALATION,
            {"outcome": "nobody_reachable", "round": 1},
            "Nobody can be reached; looking again within a minute",
        ),
        (
            Kind.ESCALATION,
            {"outcome": "exhausted", "round": 4},
            "Everybody was paged 4 times and nobody answered",
        ),
        (
            Kind.ESCALATION,
            {"outcome": "manager_told", "people": ["ito"]},
            "Told the incident manager: Mari Ito",
        ),
        (
            Kind.NOTIFICATION,
            {"outcome": "undeliverable", "channel": "email", "recipient": "place:ops", "says": "refused"},
            "Could not reach ops by e-mail: refused",
        ),
        (Kind.TRIAGE, TRIAGED, "Triage: The API hangs (2 checks, 1.2 s)"),
        (
            Kind.TRIAGE,
            {**TRIAGED, "first_cause": None},
            "Triage: the cause is not known yet (2 checks, 1.2 s)",
        ),
    ],
)
def test_what_other_rooms_wrote_is_told_in_words(
    quiet: Plane, kind: Kind, body: dict[str, Any], says: str
) -> None:
    take_signals(quiet, [make_signal()])
    (found,) = unresolved(quiet)
    quiet.ledger.append(kind, actor="x", subject=found.subject, body=body)
    assert list_story(quiet, found.id, limit=1)[0].text.en == says


def test_every_entry_of_a_living_incident_has_words_of_its_own(quiet: Plane) -> None:
    take_signals(quiet, [make_signal()])
    (found,) = unresolved(quiet)
    assert found.state is IncidentState.OPEN
    told = list_story(quiet, found.id)
    assert {one.text.en for one in told} & {"escalation", "notification", "triage", "signals"} == set()
    assert all(".." not in one.text.en and "。。" not in one.text.ja for one in told)


@pytest.mark.req("R5.2-2")
def test_a_repair_made_for_an_incident_is_told_in_its_time_line_and_in_no_other(
    plane: Plane, machine: SmallMachine
) -> None:
    take_signals(plane, [make_signal("part-down:worker", severity=Severity.MINOR)])
    (found,) = unresolved(plane)
    sato = make_operator(plane.ledger, "sato")
    record = propose(
        plane, "restart-part", params={"part": "worker"}, reason="test", actor=sato, incident_id=found.id
    )
    approve(plane, record.seq, actor=sato, plan_hash=record.plan.plan_hash)
    run_plan(plane, record.seq, actor=sato, run_id=new_run_id())
    told = [one.text.en for one in list_story(plane, found.id) if one.topic == "people"]
    assert told[0].startswith("Done: ")
    assert [one.split(":")[0].split()[0] for one in told[:4]] == ["Done", "Began", "Approved", "Plan"]
    assert list_story(plane, found.id * 10) == []


def test_a_plan_for_an_incident_that_does_not_exist_is_refused(plane: Plane, machine: SmallMachine) -> None:
    with pytest.raises(NotFound):
        propose(plane, "restart-part", params={"part": "worker"}, reason="x", actor=RESPONDER, incident_id=9)
    assert plane.ledger.list_entries(EntryFilter(kinds=(Kind.PLAN,))) == []
