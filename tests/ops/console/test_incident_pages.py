"""Incidents in the console: seen by everybody, changed by responders, also when everything else is down."""

from __future__ import annotations

import re

import pytest

from hrx.ops.incidents.intake import take_signals
from hrx.ops.run.plane import Plane
from tests.ops.browsing import Browser, wait_for
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
    assert "with <b>responder</b>" in browser.get(f"/fragments/incidents/{found.id}").text
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
