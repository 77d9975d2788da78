"""Words from the first draft to what customers read: by clicks and by command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from hrx.ops.ledger.communications import Audience, Notice, NoticeState, list_notices
from hrx.ops.operators.roles import Role
from hrx.ops.run.plane import Plane
from tests.conftest import ROOT
from tests.ops.browsing import Browser, serving
from tests.ops.communication.conftest import open_incident
from tests.ops.conftest import make_operator

pytestmark = pytest.mark.req("R5.3-1")


@pytest.fixture
def browser(quiet: Plane) -> Iterator[Browser]:
    """A browser in front of the quiet plane's console, nobody signed in."""
    for role in (Role.VIEWER, Role.RESPONDER):
        make_operator(quiet.ledger, role.value, role=role)
    with serving(quiet) as address:
        opened = Browser(address)
        yield opened
        opened.close()


def customers(plane: Plane, number: int) -> list[Notice]:
    with plane.ledger.store.read() as connection:
        return list_notices(connection, incident_id=number, audience=Audience.CUSTOMERS)


def test_words_are_drafted_corrected_previewed_and_published_by_clicks(
    quiet: Plane, browser: Browser
) -> None:
    number = open_incident(quiet)
    base = f"/incidents/{number}/communication"
    browser.sign_in("responder")
    page = browser.get(base).text
    assert "First word" in page
    assert "Nothing was said yet" in page
    browser.post(
        f"{base}/draft",
        audience="customers",
        action_ja="予備に切り替えています。",
        action_en="Switching over.",
    )
    (draft,) = customers(quiet, number)
    assert "Switching over." in browser.get(base).text
    browser.post(
        f"{base}/{draft.id}/edit",
        title_ja=draft.title.ja,
        title_en=draft.title.en,
        text_ja=draft.text.ja,
        text_en="The host db-1.internal is <b>down</b>.",
    )
    page = browser.get(base).text
    assert '<mark class="l-error">db-1.internal</mark>' in page
    assert "&lt;b&gt;down" in page
    refused = browser.post(f"{base}/{draft.id}/publish")
    assert refused.status_code == 409
    assert "cannot be published" in refused.text
    browser.post(
        f"{base}/{draft.id}/edit",
        title_ja=draft.title.ja,
        title_en=draft.title.en,
        text_ja=draft.text.ja,
        text_en="We are switching over.",
    )
    shown = browser.get(f"{base}/{draft.id}/preview/index.en.html")
    assert "We are switching over." in shown.text
    assert "Being worked on" in shown.text
    assert browser.get(f"{base}/{draft.id}/preview/status.css").headers["content-type"].startswith("text/css")
    assert browser.get(f"{base}/{draft.id}/preview/status.json").status_code == 404
    browser.post(f"{base}/{draft.id}/publish")
    assert customers(quiet, number)[0].state is NoticeState.PUBLISHED
    assert "We are switching over." in browser.get(base).text


def test_a_viewer_reads_and_can_say_nothing(quiet: Plane, browser: Browser) -> None:
    number = open_incident(quiet)
    browser.sign_in("viewer")
    page = browser.get(f"/incidents/{number}/communication").text
    assert "<textarea" not in page
    assert browser.post(f"/incidents/{number}/communication/draft", audience="customers").status_code == 403
    assert customers(quiet, number) == []


def test_a_notice_is_found_under_its_own_incident_only(quiet: Plane, browser: Browser) -> None:
    number = open_incident(quiet)
    browser.sign_in("responder")
    browser.post(f"/incidents/{number}/communication/draft", audience="customers")
    (draft,) = customers(quiet, number)
    assert browser.post(f"/incidents/{number + 90}/communication/{draft.id}/publish").status_code == 404
    assert customers(quiet, number)[0].state is NoticeState.DRAFT


def test_the_same_by_command_with_exit_codes_that_scripts_can_trust(quiet: Plane) -> None:
    number = open_incident(quiet)

    # `Any`: JSON.
    def hrx(*arguments: str, code: int = 0) -> dict[str, Any]:
        environment = {
            "HRX_VAR_DIR": str(quiet.settings.var_dir),
            "HRX_LEDGER_URL": quiet.settings.ledger_location,
            "HRX_LANGUAGE": "en",
        }
        done = subprocess.run(
            [sys.executable, "-m", "hrx.cli", "communication", *arguments, "--json"],
            env={**os.environ, **environment},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    waiting = hrx("due")["items"]
    assert {one["audience"] for one in waiting} == {"customers", "internal"}
    tried = hrx("draft", str(number), "--dry-run")
    assert (tried["notice"], customers(quiet, number)) == (None, [])
    made = hrx("draft", str(number), "--action-ja", "調べています。", "--action-en", "Looking into it.")
    notice = str(made["notice"])
    hrx("edit", notice, "--text-en", "Redis is down.")
    assert hrx("lint", notice, code=1)["items"][0]["rule"] == "product"
    assert hrx("publish", notice, "--yes", code=4)["error"]["code"] == "communication.leaks"
    hrx("edit", notice, "--text-en", "Sign-in is down.")
    hrx("publish", notice, "--yes")
    assert customers(quiet, number)[0].state is NoticeState.PUBLISHED
