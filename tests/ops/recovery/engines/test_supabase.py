"""A managed database, against a stand-in that answers as the Management API's published schema says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from hrx.kit import clock
from hrx.kit.errors import Refused
from hrx.kit.settings import SecretStr
from hrx.ops.recovery.bases import list_bases, open_supabase
from hrx.ops.recovery.engines.supabase import ProviderUnavailable, Supabase, require_restorable
from hrx.ops.recovery.planning import NotRestorable, Target
from hrx.ops.recovery.site import Site
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.layout import Layout
from tests.conftest import ROOT

pytestmark = pytest.mark.req("R6.1-1")
TOKEN = "sbp_not-a-real-token"
PROJECT = "abcdefghijklmnopqrst"


@dataclass
class StandIn:
    """`answer`: what it says of backups, and with which status; `asked`: every request."""

    url: str = ""
    status: int = 200
    answer: Any = None
    asked: list[tuple[str, str, str]] = field(default_factory=list)


def told(*, has_pitr: bool = True, behind_s: float = 60, taken_h: float = 5) -> dict[str, Any]:
    now = clock.now()
    window = {
        "earliest_physical_backup_date_unix": int((now - timedelta(days=7)).timestamp()),
        "latest_physical_backup_date_unix": int((now - timedelta(seconds=behind_s)).timestamp()),
    }
    backup = {
        "id": 1,
        "is_physical_backup": True,
        "status": "COMPLETED",
        "inserted_at": (now - timedelta(hours=taken_h)).isoformat(),
    }
    return {
        "region": "ap-northeast-1",
        "walg_enabled": True,
        "pitr_enabled": has_pitr,
        "backups": [backup],
        "physical_backup_data": window if has_pitr else {},
    }


@pytest.fixture
def provider() -> Iterator[StandIn]:
    stand_in = StandIn(answer=told())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            stand_in.asked.append((self.command, self.path, self.headers.get("Authorization", "")))
            answer = stand_in.answer
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(stand_in.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stand_in.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()


def client(provider: StandIn) -> Supabase:
    return Supabase(PROJECT, token=SecretStr(TOKEN), url=provider.url)


def test_the_published_answer_is_read_with_the_token_and_changes_nothing(provider: StandIn) -> None:
    managed = client(provider).read()
    assert managed.has_pitr
    assert managed.begin is not None
    assert managed.end is not None
    assert timedelta(days=6) < managed.end - managed.begin < timedelta(days=8)
    assert [one.status for one in managed.backups] == ["COMPLETED"]
    assert provider.asked == [("GET", f"/v1/projects/{PROJECT}/database/backups", f"Bearer {TOKEN}")]


def test_only_what_the_provider_reaches_can_be_asked_for(provider: StandIn) -> None:
    managed = client(provider).read()
    assert managed.end is not None
    assert require_restorable(managed, Target()) == managed.end
    inside = managed.end - timedelta(days=1, microseconds=1)
    assert require_restorable(managed, Target(time=inside)) == inside.replace(microsecond=0)
    for outside in (managed.end + timedelta(seconds=1), managed.end - timedelta(days=30)):
        with pytest.raises(NotRestorable):
            require_restorable(managed, Target(time=outside))
    with pytest.raises(Refused) as caught:
        require_restorable(managed, Target(lsn=5))
    assert "no position" in caught.value.message.en
    provider.answer = told(has_pitr=False)
    with pytest.raises(NotRestorable) as refused:
        require_restorable(client(provider).read(), Target())
    assert "not switched on" in refused.value.message.en


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (401, {"message": "Unauthorized"}),
        (500, {}),
        (200, b"<html>"),
        (200, {"region": "x"}),
        (200, []),
        (200, {"region": "x", "pitr_enabled": True, "backups": [{"status": "COMPLETED"}]}),
    ],
)
def test_any_other_answer_is_a_trouble_and_no_token_is_told(
    provider: StandIn, status: int, answer: Any
) -> None:
    provider.status, provider.answer = status, answer
    with pytest.raises(ProviderUnavailable) as caught:
        client(provider).read()
    assert TOKEN not in caught.value.message.en + caught.value.message.ja


def test_what_needs_files_is_refused_by_name(tmp_path: Path) -> None:
    settings = OpsSettings(var_dir=tmp_path, backup_engine="supabase")
    site = Site(settings=settings, layout=Layout(root=tmp_path, var=tmp_path, user=None, tools=tmp_path))
    with pytest.raises(Refused) as caught:
        list_bases(site)
    assert caught.value.stable_code == "recovery.engine_cannot"
    with pytest.raises(Refused) as unset:
        open_supabase(site)
    assert unset.value.stable_code == "recovery.engine_not_set_up"


def run(provider: StandIn, var: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    mine = {
        "HRX_VAR_DIR": str(var),
        "HRX_BACKUP_ENGINE": "supabase",
        "HRX_SUPABASE_PROJECT": PROJECT,
        "HRX_SUPABASE_TOKEN": TOKEN,
        "HRX_SUPABASE_URL": provider.url,
        "HRX_LANGUAGE": "en",
    }
    return subprocess.run(
        [sys.executable, "-m", "hrx.cli", "recover", *arguments],
        env={**os.environ, **mine},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_status_says_what_it_is_and_fails_when_the_provider_is_behind(
    provider: StandIn, tmp_path: Path
) -> None:
    found = run(provider, tmp_path, "status", "--json")
    assert found.returncode == 0, found.stdout + found.stderr
    document = json.loads(found.stdout)
    assert (document["engine"], document["proven_at"]) == ("supabase", None)
    assert "verify" in document["cannot"]
    provider.answer = told(behind_s=3600)
    behind = run(provider, tmp_path, "status")
    assert behind.returncode == 1
    assert "60 min old" in behind.stdout
    assert "provider's word" in behind.stdout
    provider.answer = told(has_pitr=False, taken_h=50)
    assert run(provider, tmp_path, "status").returncode == 1


@pytest.mark.parametrize("arguments", [["backup"], ["restore", "--to", "latest"], ["verify"], ["prune"]])
def test_what_it_cannot_do_is_refused_with_what_to_do(
    provider: StandIn, tmp_path: Path, arguments: list[str]
) -> None:
    found = run(provider, tmp_path, *arguments)
    assert found.returncode not in (0, 2), found.stdout + found.stderr
    said = found.stdout + found.stderr
    assert "Supabase" in said
    assert "→" in said
    assert TOKEN not in said
    if arguments[0] == "restore":
        assert "UTC on the dashboard" in said
