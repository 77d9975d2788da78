"""SOPs in the console: prose with links, checks asked at once by a press, and the questions beside them."""

from __future__ import annotations

import re

import pytest

from hrx.ops.ledger.entries import EntryFilter, Kind
from hrx.ops.run.plane import Plane
from tests.ops.browsing import Browser
from tests.ops.conftest import SmallMachine

pytestmark = pytest.mark.req("R5.2-1", "R10.2-1")


@pytest.mark.parametrize("language", ["ja", "en"])
def test_every_sop_reads_as_prose_and_its_links_lead_somewhere(
    browser: Browser, plane: Plane, language: str
) -> None:
    browser.sign_in("viewer")
    browser.get(f"/language/{language}?next=/")
    listed = browser.get("/sops").text
    for sop in plane.content.sops:
        assert f'href="/sops/{sop.id}"' in listed
        page = browser.get(f"/sops/{sop.id}").text
        assert sop.title.ja in page if language == "ja" else sop.title.en in page
        assert not re.findall(r"(?:check|procedure):[a-z]", page), "names are words with links"
        anchors = set(re.findall(r'href="#([^"]+)"', page)) - {"main"}
        assert all(f'id="{name}"' in page for name in anchors)
        for link in set(re.findall(r'href="(/procedures/[a-z-]+)"', page)):
            assert browser.get(link).status_code == 200


def test_all_checks_are_asked_by_a_press_of_anybody_who_may_look(
    browser: Browser, plane: Plane, machine: SmallMachine
) -> None:
    browser.sign_in("viewer")
    page = browser.post("/sops/5.2.3/asks").text
    assert "What was seen just now" in page
    assert "The database" in page
    assert "Plan it…" not in page, "a viewer may look, not plan"
    assert plane.ledger.list_entries(EntryFilter(kinds=(Kind.TRIAGE,), actor="viewer")) == []


def test_questions_are_searched_and_what_was_typed_stays_text(browser: Browser, plane: Plane) -> None:
    browser.sign_in("viewer")
    page = browser.get("/faq?words=503").text
    assert "The API answers 503" in page
    assert "certificate has expired" not in page
    assert "Nothing found" in browser.get("/faq?words=%3Cscript%3Ezz").text
    assert "<script>zz" not in browser.get("/faq?words=%3Cscript%3Ezz").text
