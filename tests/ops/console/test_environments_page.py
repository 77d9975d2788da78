"""The page of environments: how each setting stands in each of them, in both languages, and no value."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hrx.ops.operators.roles import Role
from hrx.ops.run.plane import Plane
from tests.ops.browsing import Browser, serving
from tests.ops.conftest import make_operator
from tests.ops.console.test_every_page import faults_of, read
from tests.ops.release.environments.test_readiness import write

pytestmark = pytest.mark.req("R10.1-1", "R3.6-1")
SHARED = secrets.token_urlsafe(48)


@pytest.fixture
def page(plane: Plane, tmp_path: Path) -> Iterator[Browser]:
    var = tmp_path / "var"
    var.mkdir()
    settings = plane.settings.model_copy(
        update={
            "var_dir": var,
            "settings_staging": write(tmp_path, "staging", HRX_SEAL_KEYS=SHARED, HRX_LOG_LEVEL="DEBUG"),
            "settings_production": write(
                tmp_path, "production", HRX_SEAL_KEYS=SHARED, HRX_SESSION_KEYS="", HRX_LOG_LEVEL="INFO"
            ),
        }
    )
    make_operator(plane.ledger, "viewer", role=Role.VIEWER)
    with serving(replace(plane, settings=settings)) as address:
        browser = Browser(address)
        browser.sign_in("viewer")
        yield browser
        browser.close()


def row_of(text: str, name: str) -> str:
    return next(row for row in text.split("<tr>") if f"<code>{name}</code>" in row)


def test_what_is_missing_shared_or_different_is_told_for_its_environment_and_no_value_is_shown(
    page: Browser, tmp_path: Path
) -> None:
    shown = page.get("/settings/environments")
    assert (shown.status_code, faults_of(read(shown.text))) == (200, [])
    seal = row_of(shown.text, "HRX_SEAL_KEYS")
    assert "shared" in seal
    assert "is the same secret as HRX_SEAL_KEYS of staging" in seal
    assert "missing" in row_of(shown.text, "HRX_SESSION_KEYS")
    assert "drifted" in row_of(shown.text, "HRX_LOG_LEVEL")
    assert "HRX_STRIPE_API_KEY" not in shown.text, "what nobody set is not listed at first"
    assert "HRX_STRIPE_API_KEY" in page.get("/settings/environments?all=1").text
    lines = [
        line.partition("=")[2]
        for name in ("staging", "production")
        for line in (tmp_path / f"{name}.env").read_text().splitlines()
    ]
    kept = [value for value in lines if len(value) > 5]
    assert len(kept) == 7
    assert not [value for value in kept if value in shown.text]


def test_the_page_is_found_from_the_settings_and_from_chapter_10_and_speaks_japanese(page: Browser) -> None:
    for path in ("/settings", "/chapters/10"):
        assert 'href="/settings/environments"' in page.get(path).text
    text = page.get("/settings/environments", **{"Accept-Language": "ja"}).text
    assert "環境間で共有" in row_of(text, "HRX_SEAL_KEYS")
    assert "不足" in row_of(text, "HRX_SESSION_KEYS")


def test_a_place_that_cannot_be_read_is_told_on_the_page_beside_those_that_can(
    page: Browser, tmp_path: Path
) -> None:
    (tmp_path / "staging.env").chmod(0o644)
    shown = page.get("/settings/environments")
    assert shown.status_code == 200
    assert "can be read by others" in shown.text
    assert "missing" in row_of(shown.text, "HRX_SESSION_KEYS")
