"""Incidents in the console: seen by everybody, changed by responders, also when everything else is down."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.check import Fact
from hrx.ops.communication.speaking import publish_within
from hrx.ops.incidents.intake import take_signals
from hrx.ops.ledger.communications import Audience, NoticeKind, add_notice, get_notice
from hrx.ops.ledger.notifications import Attempt, NotificationState, enqueue, settle
from hrx.ops.ledger.signals import list_conditions
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.sops import get_sop
from hrx.ops.signal import Severity
from hrx.ops.triage.engine import diagnose
from hrx.ops.triage.keeping import keep
from hrx.ops.triage.result import CauseSeen, Evidence, PredictionSeen, ProposalMade, TriageResult, Verdict
from tests.ops.browsing import Browser, wait_for
from tests.ops.conftest import SmallMachine
from tests.ops.incidents.conftest import make_signal, unresolved

pytestmark = pytest.mark.req("R5.4-1")


def test_an_incident_is_acknowledged_mitigated_and_resolved_by_clicks(browser: Browser, plane: Plane) -> None:
    take_signals(plane, [make_signal("part-down:prometheus")])
    (found,) = [one for one in unresolved(plane) if one.part == "prometheus"]
    browser.sign_in("responder")
    assert f'href="/incidents/{found.id}"' in browser.get("/").text, "the overview shows it on top"
    page = browser.get(f"/incidents/{found.id}").text
    assert "nobody has it" in page
    assert "Graphs have gaps and no alert fires" in page, "what people lose"
    assert 'class="node cause"' in page
    browser.post(f"/incidents/{found.id}/acknowledge")
    assert "with <b>responder</b>" in browser.get(f"/fragments/incidents/{found.id}/head").text
    browser.post(f"/incidents/{found.id}/mitigate", reason="restarted by hand")
    browser.post(f"/incidents/{found.id}/resolve", reason="stays up")
    page = browser.get(f"/incidents/{found.id}?topic=people").text
    assert "Resolved: stays up" in page
    assert "The symptom has gone: restarted by hand" in page


def test_a_person_reports_and_what_they_wrote_stays_text(browser: Browser, plane: Plane) -> None:
    browser.sign_in("responder")
    attack = "<script>alert(1)</script> pages are odd"
    made = browser.post("/incidents", said=attack, severity="3", part="")
    assert re.fullmatch(r"/incidents/\d+", made.headers["location"])
    page = browser.get(made.headers["location"]).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_viewer_sees_incidents_and_has_no_buttons(browser: Browser, plane: Plane) -> None:
    take_signals(plane, [make_signal("part-down:prometheus")])
    found = unresolved(plane)[0]
    browser.sign_in("viewer")
    page = browser.get(f"/incidents/{found.id}").text
    assert f"/incidents/{found.id}/acknowledge" not in page
    assert browser.post(f"/incidents/{found.id}/acknowledge").status_code == 403


@pytest.mark.req("R5.1-1")
def test_a_console_that_finds_everything_down_makes_one_incident_about_the_database(
    browser: Browser, plane: Plane
) -> None:
    browser.sign_in("viewer")
    wait_for(browser, "/fragments/incidents", "Database is down", timeout_s=15)
    about = [one for one in unresolved(plane) if one.part in ("api-blue", "web-blue", "postgres")]
    assert [one.part for one in about] == ["postgres"]


@pytest.mark.req("R5.2-2")
def test_a_triage_shows_what_each_cause_predicts_beside_what_was_seen_and_plans_the_repair(
    browser: Browser, plane: Plane, machine: SmallMachine
) -> None:
    # No SOP is about the status page, so that no triage of the running plane comes in between.
    take_signals(plane, [make_signal("part-down:status", severity=Severity.MINOR)])
    found = next(one for one in unresolved(plane) if one.part == "status")
    keep(plane, found.id, TRIAGED)
    browser.sign_in("responder")
    page = browser.get(f"/fragments/incidents/{found.id}").text
    assert "Likeliest cause" in page
    assert "no process answers" in page
    assert "state: stopped" in page
    assert "1 ruled out" in page
    address = html.unescape(re.findall(r'href="(/procedures/restart-part\?[^"]+)"', page)[0])
    form = browser.get(address).text
    assert f'name="incident" value="{found.id}"' in form
    assert '<option value="worker" selected>' in form
    made = browser.post(
        "/procedures/restart-part/plans", part="worker", reason="tour", incident=str(found.id)
    )
    plan = made.headers["location"]
    assert plan.startswith("/plans/")
    page = browser.get(f"/fragments/incidents/{found.id}?topic=people").text
    assert "Plan " in page
    proposal = page.split('class="proposal"')[1].split('class="button"')[0]
    assert f'href="{plan}"' in proposal, "what was planned stands beside what was proposed"
    assert "not run yet" in proposal
    assert "Confirmed by whoever runs it" in proposal, "whose word it needs"
    assert 'href="/sops/5.2.2"' in page


@pytest.mark.req("R5.2-2")
def test_a_part_that_stopped_is_diagnosed_restarted_and_proven_by_clicks(
    browser: Browser, plane: Plane, machine: SmallMachine
) -> None:
    machine.supervisor().stop("worker", timeout_s=10)
    # Everything else of the small machine is down too; no triage of the running plane comes in between here.
    take_signals(plane, [make_signal("part-down:status", severity=Severity.MINOR)])
    found = next(one for one in unresolved(plane) if one.part == "status")
    keep(plane, found.id, diagnose(plane, get_sop(plane.content.sops, "5.2.2")))
    browser.sign_in("responder")
    page = browser.get(f"/fragments/incidents/{found.id}").text
    links = [html.unescape(one) for one in re.findall(r'href="(/procedures/restart-part\?[^"]+)"', page)]
    asked = next(dict(parse_qsl(urlsplit(one).query)) for one in links if "part=worker" in one)
    assert asked["incident"] == str(found.id)
    plan = browser.post("/procedures/restart-part/plans", **asked).headers["location"]
    plan_hash = re.search(r'name="confirmed_hash" value="([0-9a-f]{64})"', browser.get(plan).text)
    assert plan_hash is not None
    run = browser.post(f"{plan}/run", confirmed_hash=plan_hash.group(1)).headers["location"]
    wait_for(browser, f"/fragments{run.split('?')[0]}", "Confirmed from outside", timeout_s=40)
    page = wait_for(browser, f"/fragments/incidents/{found.id}", "Done: ", timeout_s=20)
    beside = page.split(f'href="{plan}"')[1][:200]
    assert page.count(f'href="{plan}"') == 1, "beside its own proposal only, not the other parts'"
    assert "Succeeded" in beside, "the proposal shows what became of its plan"
    after = diagnose(plane, get_sop(plane.content.sops, "5.2.2"))
    assert "worker-stopped" not in {one.id for one in after.supported}, "gone, as seen from outside"


@pytest.mark.req("R5.2-2")
def test_a_triage_that_supports_nothing_blames_nothing_and_says_so(browser: Browser, plane: Plane) -> None:
    take_signals(plane, [make_signal("part-down:status", severity=Severity.MINOR)])
    found = next(one for one in unresolved(plane) if one.part == "status")
    unknown = replace(
        TRIAGED, causes=tuple(replace(one, verdict=Verdict.UNDECIDED) for one in TRIAGED.causes)
    )
    keep(plane, found.id, unknown)
    browser.sign_in("viewer")
    page = browser.get(f"/fragments/incidents/{found.id}").text
    assert "The cause is not known yet." in page
    assert "Likeliest cause" not in page
    assert "2 undecided" in page


@pytest.mark.req("R5.2-2")
def test_what_was_found_while_it_lasted_stays_when_a_later_triage_sees_nothing(
    browser: Browser, plane: Plane
) -> None:
    take_signals(plane, [make_signal("part-down:status", severity=Severity.MINOR)])
    found = next(one for one in unresolved(plane) if one.part == "status")
    keep(plane, found.id, TRIAGED)
    gone = replace(TRIAGED, causes=tuple(replace(one, verdict=Verdict.REFUTED) for one in TRIAGED.causes))
    keep(plane, found.id, gone)
    browser.sign_in("viewer")
    page = browser.get(f"/fragments/incidents/{found.id}").text
    assert "Likeliest cause" in page
    assert "A later triage does not see it any more" in page


def test_who_was_told_and_what_the_other_side_said_is_on_the_page(browser: Browser, plane: Plane) -> None:
    take_signals(plane, [make_signal("part-down:status", severity=Severity.MINOR)])
    found = next(one for one in unresolved(plane) if one.part == "status")
    with plane.ledger.store.write() as connection:
        enqueue(
            connection,
            dedup_key="test",
            recipient="place:#hrx-alerts-critical",
            channel="slack",
            purpose="notice",
            message={},
            incident_id=found.id,
        )
    browser.sign_in("viewer")
    page = browser.get(f"/fragments/incidents/{found.id}").text
    assert "#hrx-alerts-critical" in page
    assert "Notice" in page


def test_every_try_to_reach_somebody_is_on_the_page(browser: Browser, plane: Plane) -> None:
    take_signals(plane, [make_signal("part-down:status", severity=Severity.MINOR)])
    found = next(one for one in unresolved(plane) if one.part == "status")
    with plane.ledger.store.write() as connection:
        number = enqueue(
            connection,
            dedup_key="test",
            recipient="place:#hrx-alerts-critical",
            channel="slack",
            purpose="page",
            message={},
            incident_id=found.id,
            at=clock.now() + timedelta(hours=1),
        )
        assert number is not None
        for says, state in (
            ("503 busy", NotificationState.QUEUED),
            ("ts 1732.1", NotificationState.DELIVERED),
        ):
            attempt = Attempt(at=clock.now(), outcome=state.value, latency_ms=12, says=says)
            settle(connection, number, state=state, attempt=attempt)
    browser.sign_in("viewer")
    page = browser.get(f"/fragments/incidents/{found.id}").text
    assert "all 2 tries" in page
    assert "503 busy" in page
    assert "ts 1732.1" in page


@pytest.mark.req("R5.3-1")
@pytest.mark.parametrize(
    ("language", "said", "due"),
    [("en", "Sign-in is slow", "Update"), ("ja", "サインインが遅れています", "続報")],
)
def test_what_was_said_and_what_is_due_next_is_on_the_page(
    browser: Browser, plane: Plane, language: str, said: str, due: str
) -> None:
    take_signals(plane, [make_signal("part-down:postgres")])
    found = next(one for one in unresolved(plane) if one.part == "postgres")
    browser.sign_in("viewer")
    address = f"/fragments/incidents/{found.id}"
    browser.client.headers["Accept-Language"] = language
    before = browser.get(address).text.split('id="panel-communication"')[1]
    assert said not in before
    with plane.ledger.store.write() as connection:
        number = add_notice(
            connection,
            incident_id=found.id,
            audience=Audience.CUSTOMERS,
            kind=NoticeKind.FIRST,
            made_by="sato",
            body={
                "title": {"ja": "サインインが遅れています", "en": "Sign-in is slow"},
                "text": {"ja": "調べています。", "en": "We are looking into it."},
            },
        )
    assert (
        "/communication?audience=customers" in browser.get(address).text.split('id="panel-communication"')[1]
    ), "the draft is one click away"
    with plane.ledger.store.write() as connection:
        publish_within(plane, connection, get_notice(connection, number), actor="sato")
    page = browser.get(address).text.split('id="panel-communication"')[1]
    assert said in page
    assert due in page.split("</dl>")[0], "the next word has its clock"


def test_how_it_came_to_be_known_is_told_apart_so_that_a_dead_prometheus_delays_nothing(
    browser: Browser, plane: Plane
) -> None:
    take_signals(plane, [make_signal("part-down:status", severity=Severity.MINOR)])
    found = next(one for one in unresolved(plane) if one.part == "status")
    browser.sign_in("viewer")
    assert f'hx-get="/fragments/incidents/{found.id}/timing"' in browser.get(f"/incidents/{found.id}").text
    told = browser.get(f"/fragments/incidents/{found.id}/timing").text
    assert f"Incident {found.id} opened" in told
    assert "not on record" in told, "what nobody knows is said, not guessed"


def test_conditions_that_are_another_matter_are_split_off_by_clicks(browser: Browser, plane: Plane) -> None:
    keys = ("part-down:status", "slow:status", "odd:status")
    take_signals(plane, [make_signal(key, part="status", severity=Severity.MINOR) for key in keys])
    found = next(one for one in unresolved(plane) if one.part == "status")
    browser.sign_in("responder")
    assert 'type="checkbox" name="keys" value="odd:status"' in browser.get(f"/incidents/{found.id}").text
    form = {"csrf_token": browser.csrf_token(), "reason": "two disks", "keys": list(keys[1:])}
    made = browser.client.post(f"/incidents/{found.id}/split", data=form)
    other = made.headers["location"]
    assert other != f"/incidents/{found.id}"
    page = browser.get(f"{other}?topic=").text
    assert f"split off from incident {found.id}" in page
    assert "two disks" in page
    with plane.ledger.store.read() as connection:
        moved = {one.key for one in list_conditions(connection, int(other.rpartition("/")[2]))}
    assert moved == set(keys[1:])
    assert f"off into incident {other.rpartition('/')[2]}" in browser.get(f"/incidents/{found.id}").text


def _prediction(says: str, fact: str, seen: Fact, verdict: Verdict) -> PredictionSeen:
    return PredictionSeen(
        says=Text(ja=says, en=says),
        evidence="5.2.2/process",
        fact=fact,
        expected="stopped",
        seen=seen,
        is_required=True,
        verdict=verdict,
    )


def _cause(name: str, verdict: Verdict, *predictions: PredictionSeen) -> CauseSeen:
    proposal = ProposalMade(
        procedure="restart-part",
        title=Text(ja="再起動", en="Restart a part"),
        params={"part": "worker"},
        lasting="temporary",
        risk="low",
        is_auto=False,
        says=Text(ja="起動する", en="Start it"),
        missing=(),
    )
    return CauseSeen(
        id=name,
        sop="5.2.2",
        title=Text(ja=name, en=name),
        component="worker",
        verdict=verdict,
        predictions=predictions,
        proposals=(proposal,) if verdict is Verdict.SUPPORTED else (),
        advice=Text(ja="調べる", en="Look into it"),
    )


TRIAGED = TriageResult(
    sop="5.2.2",
    started_at=clock.now(),
    took_ms=812.0,
    evidence=(
        Evidence(
            id="5.2.2/process",
            check="part.process",
            params={"part": "worker"},
            title=Text(ja="プロセス", en="The process"),
            facts={"state": "stopped"},
            failure=None,
            latency_ms=3.0,
            raw="",
        ),
    ),
    causes=(
        _cause(
            "worker-stopped",
            Verdict.SUPPORTED,
            _prediction("no process answers", "state", "stopped", Verdict.SUPPORTED),
        ),
        _cause(
            "worker-hung", Verdict.REFUTED, _prediction("it is suspended", "state", None, Verdict.REFUTED)
        ),
    ),
)
