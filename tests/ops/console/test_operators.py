"""Operators are added and disabled by an administrator."""

from __future__ import annotations

import pytest

from tests.ops.browsing import Browser
from tests.ops.conftest import PASSWORD

pytestmark = pytest.mark.req("R5.4-1")


def test_an_administrator_adds_and_disables_operators_but_never_the_last_one(browser: Browser) -> None:
    browser.sign_in("admin")
    weak = browser.post("/operators", name="kato", role="viewer", password="short")
    assert weak.status_code == 422
    assert browser.post("/operators", name="kato", role="king", password=PASSWORD).status_code == 422
    assert browser.post("/operators", name="kato", role="viewer", password=PASSWORD).status_code == 303
    assert browser.post("/operators", name="kato", role="viewer", password=PASSWORD).status_code == 422
    assert browser.post("/operators/kato/disable", reason="left").status_code == 303
    last = browser.post("/operators/admin/disable", reason="oops")
    assert last.status_code == 409
    assert "no administrator" in last.text
