"""Audits as commands: what each tool says, leaves out, or lies about, as one honest word."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from hrx.ops.release.checking.auditing.accepted import load_accepted
from hrx.ops.release.checking.listing import find_check
from hrx.ops.release.checking.results import Checked
from hrx.ops.release.releases import Outcome
from hrx.ops.runbook.reading import ContentWrong
from tests.conftest import ROOT
from tests.ops.release.checking.advising import about, put
from tests.ops.release.checking.benching import make_bench, write_program

pytestmark = [pytest.mark.req("R3.1-1"), pytest.mark.timeout(300)]
NOW = datetime.now(UTC)
CLEAN = {"id": "GHSA-none-none-none", "modified": NOW.isoformat(), "affected": []}


@pytest.fixture(autouse=True)
def _own_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs of `tmp_path/bin` come before those of this machine."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")


def ask(name: str, tmp_path: Path, **chosen: Any) -> Checked:
    """What the check says of this checkout."""
    check = find_check(name)
    assert check is not None
    return check.run(make_bench(ROOT, var=tmp_path / "var", **chosen))


def command(tmp_path: Path, *arguments: str, **more: str) -> tuple[int, dict[str, Any]]:
    """`hrx release check … --json`, as the pipeline asks."""
    environment = {**os.environ, "HRX_VAR_DIR": str(tmp_path / "var"), "HRX_LANGUAGE": "en", **more}
    done = subprocess.run(
        [sys.executable, "-m", "hrx.cli", "release", "check", *arguments, "--json"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout)


def pip_audit_says(tmp_path: Path, document: object, *, code: int = 0) -> None:
    script = f"import sys\nprint({json.dumps(document)!r})\nsys.exit({code})\n"
    write_program(tmp_path / "bin", "pip-audit", script)


def advisories(tmp_path: Path, *documents: dict[str, Any]) -> Path:
    return put(tmp_path / "advisories", *documents)


def test_without_any_source_the_command_says_not_checked_and_what_to_do(tmp_path: Path) -> None:
    code, found = command(tmp_path, "audit-python")
    assert (code, found["check"], found["outcome"]) == (0, "audit-python", "not_checked")
    assert "HRX_ADVISORIES_DIR" in found["detail"]
    assert "no known hole" not in found["detail"]
    assert found["seconds"] >= 0


def test_a_hole_ends_the_command_with_1_and_names_package_id_and_fix(tmp_path: Path) -> None:
    told = about("jinja2", ecosystem="PyPI", modified_at=NOW)
    told["affected"][0]["ranges"][0]["events"].append({"fixed": "99.1"})
    where = advisories(tmp_path, told)
    code, found = command(tmp_path, "audit-python", HRX_ADVISORIES_DIR=str(where))
    assert (code, found["outcome"]) == (1, "failed")
    (hole,) = found["findings"]
    assert (hole["package"], hole["id"], hole["fixed"], hole["stops"]) == (
        "jinja2", "GHSA-test-jinja2", ["99.1"], True,
    )  # fmt: skip


def test_advisories_that_know_no_hole_of_ours_pass_with_their_count_and_day(tmp_path: Path) -> None:
    where = advisories(tmp_path, about("not-one-of-ours", ecosystem="PyPI", modified_at=NOW))
    found = ask("audit-python", tmp_path, advisories_dir=where)
    assert found.outcome is Outcome.PASSED
    assert f"1 advisories on this disk as of {NOW:%Y-%m-%d}" in found.detail.en


@pytest.mark.parametrize(
    ("documents", "why"),
    [
        ([about("a", ecosystem="PyPI", modified_at=NOW - timedelta(days=30))], "too old"),
        ([about("a", ecosystem="npm", modified_at=NOW)], "no advisory about PyPI"),
        (
            [about("a", ecosystem="PyPI", modified_at=NOW), {"id": "GHSA-bad", "affected": "?"}],
            "cannot be read",
        ),
    ],
)
def test_advisories_that_know_too_little_are_no_pass(
    tmp_path: Path, documents: list[dict[str, Any]], why: str
) -> None:
    found = ask("audit-python", tmp_path, advisories_dir=advisories(tmp_path, *documents))
    assert found.outcome is Outcome.NOT_CHECKED
    assert why in found.detail.en


def test_a_folder_that_is_not_there_is_no_pass(tmp_path: Path) -> None:
    found = ask("audit-python", tmp_path, advisories_dir=tmp_path / "nowhere")
    assert found.outcome is Outcome.NOT_CHECKED


def test_a_tool_whose_database_knows_nothing_is_not_believed_although_it_ends_well(tmp_path: Path) -> None:
    # Recorded: pip-audit 2.10.1 where the registry answers 404; it exits 0 and says that nothing was found.
    skipped = {"name": "jinja2", "skip_reason": "Dependency not found on PyPI and could not be audited"}
    pip_audit_says(tmp_path, {"dependencies": [skipped], "fixes": []})
    assert ask("audit-python", tmp_path).outcome is Outcome.NOT_CHECKED


def test_a_tool_that_ends_well_with_findings_fails(tmp_path: Path) -> None:
    hole = {"id": "PYSEC-2026-1", "fix_versions": ["3.2"], "aliases": ["CVE-2026-1"], "description": "x"}
    pip_audit_says(
        tmp_path, {"dependencies": [{"name": "jinja2", "version": "3.1", "vulns": [hole]}], "fixes": []}
    )
    found = ask("audit-python", tmp_path)
    assert found.outcome is Outcome.FAILED
    assert found.findings[0]["severity"] == "unknown"


def test_a_tool_that_breaks_is_not_checked_with_its_last_word(tmp_path: Path) -> None:
    script = "import sys\nsys.exit('ConnectionError: Failed to resolve api.osv.dev')\n"
    write_program(tmp_path / "bin", "pip-audit", script)
    found = ask("audit-python", tmp_path)
    assert found.outcome is Outcome.NOT_CHECKED
    assert "Failed to resolve" in found.detail.en


def test_a_tool_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    mark = f"audit-child-{os.getpid()}-{time.monotonic_ns()}"
    child = f"[sys.executable, '-c', 'import time; time.sleep(300)', {mark!r}]"
    script = f"import subprocess, sys, time\nsubprocess.Popen({child})\ntime.sleep(300)\n"
    write_program(tmp_path / "bin", "pip-audit", script)
    found = ask("audit-python", tmp_path, audit_timeout_s=8.0)
    assert found.outcome is Outcome.NOT_CHECKED
    assert "no answer in 8 s" in found.detail.en
    deadline = time.monotonic() + 30
    while any(mark in (one.info["cmdline"] or []) for one in psutil.process_iter(["cmdline"])):
        assert time.monotonic() < deadline, "what the tool had started lives on"
        time.sleep(0.1)


def accepting(tmp_path: Path, until: str) -> Path:
    """A runbook with one accepted hole."""
    runbook = tmp_path / "runbook"
    runbook.mkdir()
    (runbook / "audit.yaml").write_text(
        "accepted:\n  - id: CVE-2026-77\n    package: jinja2\n"
        f"    reason: {{ ja: 使っていない, en: not used }}\n    until: {until}\n"
    )
    return runbook


@pytest.mark.parametrize(
    ("days", "outcome"), [(1, Outcome.PASSED), (0, Outcome.PASSED), (-1, Outcome.FAILED)]
)
def test_what_was_accepted_passes_until_its_last_day_and_is_a_finding_after(
    tmp_path: Path, days: int, outcome: Outcome
) -> None:
    told = about("jinja2", ecosystem="PyPI", modified_at=NOW, aliases=["CVE-2026-77"])
    found = ask(
        "audit-python",
        tmp_path,
        advisories_dir=advisories(tmp_path, told),
        runbook_dir=accepting(tmp_path, f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}"),
    )
    assert found.outcome is outcome
    assert len(found.findings) == 1


def test_an_accepted_hole_without_a_day_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContentWrong, match="until"):
        ask("audit-python", tmp_path, runbook_dir=accepting(tmp_path, "soon"))


def test_the_projects_own_list_is_whole() -> None:
    assert isinstance(load_accepted(ROOT / "runbook"), tuple)


class Registry:
    """npm's registry, as far as an audit asks it. `answer` None: it never answers."""

    def __init__(self, status: int, answer: object) -> None:
        self.status, self.answer, self.asked = status, answer, 0
        self.released = threading.Event()


@contextmanager
def running_registry(registry: Registry) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            registry.asked += 1
            if registry.answer is None:
                registry.released.wait(60)
                return
            self.reply(registry.status, registry.answer)

        def do_GET(self) -> None:
            self.reply(404, {"error": "not found"})

        def reply(self, status: int, body: object) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        registry.released.set()
        server.shutdown()
        server.server_close()
        thread.join(10)


def ask_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: Registry, **chosen: Any) -> Checked:
    with running_registry(registry) as url:
        monkeypatch.setenv("npm_config_registry", url)
        monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
        found = ask("audit-node", tmp_path, **chosen)
    assert registry.asked >= 1
    return found


@pytest.mark.parametrize("status", [400, 404, 405, 500])
def test_a_registry_without_audits_is_not_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    found = ask_npm(tmp_path, monkeypatch, Registry(status, {"error": "no such thing"}))
    assert found.outcome is Outcome.NOT_CHECKED
    assert "HRX_ADVISORIES_DIR" in found.detail.en


def test_a_registry_that_is_silent_is_not_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = ask_npm(tmp_path, monkeypatch, Registry(200, None), audit_timeout_s=20.0)
    assert found.outcome is Outcome.NOT_CHECKED


def test_a_registry_that_knows_no_hole_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = ask_npm(tmp_path, monkeypatch, Registry(200, {}))
    assert found.outcome is Outcome.PASSED, found


@pytest.mark.parametrize(("severity", "outcome"), [("critical", Outcome.FAILED), ("low", Outcome.PASSED)])
def test_a_hole_stops_the_release_from_the_chosen_severity_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, severity: str, outcome: Outcome
) -> None:
    told = {
        "id": 1100421,
        "url": "https://github.com/advisories/GHSA-f82v-jwr5-mffw",
        "title": "Authorization Bypass in Next.js Middleware",
        "severity": severity,
        "vulnerable_versions": ">=1.0.0",
        "cwe": [],
        "cvss": {"score": 0, "vectorString": None},
    }
    found = ask_npm(tmp_path, monkeypatch, Registry(200, {"next": [told]}))
    assert found.outcome is outcome, found
    assert ("next", "GHSA-f82v-jwr5-mffw", severity) in {
        (one["package"], one["id"], one["severity"]) for one in found.findings
    }


def trivy_says(tmp_path: Path, results: object) -> None:
    script = f"import sys\nassert sys.argv[1] == 'image'\nprint({json.dumps({'Results': results})!r})\n"
    write_program(tmp_path / "bin", "trivy", script)


def test_without_trivy_or_an_image_nothing_was_scanned(tmp_path: Path) -> None:
    found = ask("image-scan", tmp_path)
    assert (found.outcome, "no trivy" in found.detail.en) == (Outcome.NOT_CHECKED, True)
    trivy_says(tmp_path, [])
    found = ask("image-scan", tmp_path)
    assert (found.outcome, "no image" in found.detail.en) == (Outcome.NOT_CHECKED, True)


def test_what_trivy_finds_fails_although_trivy_ends_well(tmp_path: Path) -> None:
    hole = {
        "VulnerabilityID": "CVE-2026-5", "PkgName": "libssl3", "InstalledVersion": "3.0.1",
        "FixedVersion": "3.0.9", "Severity": "HIGH", "Title": "t",
    }  # fmt: skip
    trivy_says(tmp_path, [{"Target": "hrx-api", "Vulnerabilities": [hole]}, {"Target": "layers"}])
    found = ask("image-scan", tmp_path, check_images="hrx-api:1")
    assert (found.outcome, found.findings[0]["package"]) == (Outcome.FAILED, "libssl3")


def test_an_image_that_could_not_be_scanned_keeps_the_others_from_passing(tmp_path: Path) -> None:
    script = (
        "import sys\nif sys.argv[-1] == 'gone:1': sys.exit('FATAL unable to find the specified image')\n"
        "print('{\"Results\": []}')\n"
    )
    write_program(tmp_path / "bin", "trivy", script)
    found = ask("image-scan", tmp_path, check_images="hrx-api:1,gone:1")
    assert found.outcome is Outcome.NOT_CHECKED
    assert ask("image-scan", tmp_path, check_images="hrx-api:1").outcome is Outcome.PASSED


def test_a_check_that_does_not_exist_is_named_with_those_that_do(tmp_path: Path) -> None:
    code, found = command(tmp_path, "vibes")
    assert code == 1
    assert "audit-python" in found["error"]["hint"]
