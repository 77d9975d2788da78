"""`hrx release targets`: what each lacks, what is live, and what is read when one does not answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from hrx.cli import release
from hrx.ops.targets.vendors import VENDORS
from tests.servers.pages import ACCOUNT, PROJECT, PagesServer, running_pages

pytestmark = pytest.mark.req("R3.2-1")


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[PagesServer]:
    """Cloudflare Pages is configured, the others are not."""
    with running_pages() as server:
        for name, value in {
            "HRX_CLOUDFLARE_PAGES_TOKEN": server.token,
            "HRX_CLOUDFLARE_ACCOUNT": ACCOUNT,
            "HRX_CLOUDFLARE_PAGES_PROJECT": PROJECT,
            "HRX_CLOUDFLARE_URL": server.url,
            "HRX_VAR_DIR": str(tmp_path),
            "HRX_LANGUAGE": "en",
        }.items():
            monkeypatch.setenv(name, value)
        yield server


def run(*arguments: str) -> tuple[int, str]:

    app = typer.Typer()
    release.register(app)
    done = CliRunner().invoke(app, ["release", "targets", *arguments])
    return done.exit_code, done.stdout


def test_each_vendor_is_listed_with_what_it_lacks(pages: PagesServer) -> None:
    code, said = run("--json")
    items = {one["name"]: one for one in json.loads(said)["items"]}
    assert code == 0
    assert set(items) == {"machine", *(one.name for one in VENDORS)}
    assert items["fly"]["lacks"] == ["HRX_FLY_TOKEN", "HRX_FLY_APP"]
    assert items["cloudflare"]["lacks"] == []
    assert pages.calls.total() == 0
    assert pages.token not in said


def test_asked_it_says_that_nothing_is_live_yet(pages: PagesServer) -> None:
    code, said = run("--ask")
    assert code == 0
    assert "ready; nothing is live" in said
    assert pages.calls["list"] >= 1


def test_a_token_that_is_not_accepted_is_told_with_its_name(pages: PagesServer) -> None:
    pages.token = "another"
    code, said = run("--ask", "--json")
    items = {one["name"]: one for one in json.loads(said)["items"]}
    assert code == 1
    assert items["cloudflare"]["error"]["code"] == "target.not_allowed"
