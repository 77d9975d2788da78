"""`hrx release migrations`: what an operator types, sees and gets as an exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hrx.cli.__main__ import main
from tests.conftest import ROOT, PostgresServer
from tests.ops.release.migrations.conftest import MakeFolder, make_folder, scratch, session_of

__all__ = ["make_folder", "scratch"]
pytestmark = pytest.mark.req("R3.5-1")
GOOD = (
    "CREATE TABLE public.x (id bigint PRIMARY KEY, y text)",
    "DROP TABLE public.x",
    'declares_loss = ("public.x",)',
)
BAD = ("UPDATE public.x SET y = 'a'", "SELECT now()")


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HRX_LANGUAGE", "en")


def run(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(["release", "migrations", *arguments])
    told = capfd.readouterr()
    return (ended.value.code if isinstance(ended.value.code, int) else 0), told.out + told.err


def test_our_own_migrations_pass_and_what_was_accepted_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    code, said = run(capfd, "lint", "--folder", str(ROOT / "migrations"))
    assert code == 0
    assert "Accepted because no installation had rows yet" in said
    assert "no finding" in said


def test_a_finding_is_told_with_its_reason_and_the_safe_way_in_both_languages(
    capfd: pytest.CaptureFixture[str], make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_folder(GOOD, BAD)
    code, said = run(capfd, "lint", "--folder", str(folder))
    assert code == 1
    assert "✗ 0002 backfill-in-transaction public.x" in said
    assert "run_backfill" in said
    monkeypatch.setenv("HRX_LANGUAGE", "ja")
    assert "行ごとに待たされ" in run(capfd, "lint", "--folder", str(folder))[1]
    code, said = run(capfd, "lint", "--folder", str(folder), "--json")
    assert (code, json.loads(said)["open"]) == (1, 1)


def test_check_says_where_the_database_stands_and_what_would_run(
    capfd: pytest.CaptureFixture[str],
    scratch: str,
    make_folder: MakeFolder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HRX_TEST_URL", scratch)
    code, said = run(
        capfd, "check", "--url-variable", "HRX_TEST_URL", "--folder", str(make_folder(GOOD, BAD))
    )
    assert code == 1
    assert "stands at nothing" in said
    assert "1 open findings" in said
    code, said = run(capfd, "check", "--url-variable", "HRX_NOBODY_SET_THIS")
    assert code == 2
    assert "export HRX_NOBODY_SET_THIS" in said


def test_a_rehearsal_asks_first_then_tells_and_leaves_a_report(
    capfd: pytest.CaptureFixture[str],
    scratch: str,
    make_folder: MakeFolder,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("HRX_TEST_URL", scratch)
    given = ("rehearse", "--url-variable", "HRX_TEST_URL", "--folder", str(make_folder(GOOD)))
    code, said = run(capfd, *given)
    assert code == 2
    assert "--yes" in said
    report = tmp_path / "report.json"
    code, said = run(capfd, *given, "--yes", "--report", str(report))
    assert code == 0, said
    assert "1 migrations rehearsed, none hurts" in said
    assert "Lost on the way down: public.x" in said
    assert json.loads(report.read_text())["is_passed"] is True
    code, said = run(capfd, "check", "--url-variable", "HRX_TEST_URL", "--folder", given[-1])
    assert code == 0
    assert "Nothing is pending" in said


def test_a_database_in_use_is_refused_with_exit_code_4(
    capfd: pytest.CaptureFixture[str], postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HRX_TEST_URL", postgres.owner_url)
    with session_of(postgres.app_url):
        code, said = run(
            capfd, "rehearse", "--url-variable", "HRX_TEST_URL", "--yes", "--folder", str(ROOT / "migrations")
        )
    assert code == 4
    assert "in use" in said
