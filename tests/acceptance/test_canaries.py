"""Secrets and personal data, sent in on purpose, are looked for in everything that the system keeps."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.acceptance.operating import becomes_well, eventually, run_hrx
from tests.conftest import Stack

pytestmark = [
    pytest.mark.stack,
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(300),
    pytest.mark.req("R4.2-1"),
]
#: Programs that answer requests or pass them on: each must have seen the marker, or nothing was shown.
SEEN_BY = ("haproxy.log", "api-blue.log", "web-blue.log")


def canary(kind: str) -> str:
    """Something that stands nowhere else; of letters only, as names are."""
    return kind + "".join(chr(ord("a") + int(digit, 16)) for digit in secrets.token_hex(6))


def send_everywhere(stack: Stack, marker: str, planted: dict[str, str]) -> None:
    """The canaries in every place of a request where people and programs put such things."""
    headers = {
        "X-Correlation-ID": marker,
        "Origin": stack.portal_url,
        "Authorization": f"Bearer {planted['bearer']}",
        "Cookie": f"hrx_session={planted['cookie']}",
        "X-Api-Key": planted["key"],
        "User-Agent": f"canary {planted['agent']}@people.example",
        "Referer": f"{stack.portal_url}/people?q={planted['referer']}",
    }
    with httpx.Client(base_url=stack.portal_url, headers=headers, timeout=20, trust_env=False) as client:
        client.post(
            "/api/v1/auth/login",
            json={"email": f"{planted['login']}@people.example", "password": planted["password"]},
        )
        # Refused for its form: what is quoted in the answer must not be quoted in a log.
        client.post(
            "/api/v1/auth/login", json={"email": planted["body"], "password": {"x": planted["nested"]}}
        )
        client.post("/api/v1/auth/login", content=b'{"email": "' + planted["broken"].encode())
        client.get("/api/v1/people", params={"q": planted["query"], "token": planted["token"]})
        client.get(f"/api/v1/people/{quote(planted['path'])}")
        client.get(f"/people/{quote('山田' + planted['name'])}")
        client.get("/sign-in", params={"next": f"/people?q={planted['page']}"})
    with httpx.Client(base_url=stack.console_url, timeout=20, trust_env=False) as client:
        client.post(
            "/sign-in",
            data={"name": planted["operator"], "password": planted["console"]},
            headers={"X-Correlation-ID": marker},
        )


def says(path: Path, word: str) -> bool:
    return word in path.read_text(errors="replace")


def kept_files(stack: Stack) -> Iterator[Path]:
    """Logs as text, closed and archived ones, the ledger, and what processes keep beside them."""
    for folder in ("log", "ops", "probe", "alertmanager", "run"):
        for path in (stack.var / folder).rglob("*"):
            if path.is_file() and path.suffix != ".sock":
                yield path


def test_nothing_that_was_planted_is_kept_anywhere_and_the_request_is_found(stack: Stack) -> None:
    becomes_well(stack, within_s=60)
    kinds = (
        "bearer", "cookie", "key", "agent", "referer", "login", "password", "body", "nested", "broken",
        "query", "token", "path", "name", "page", "operator", "console",
    )  # fmt: skip
    planted = {kind: canary(kind) for kind in kinds}
    marker = secrets.token_hex(16)
    send_everywhere(stack, marker, planted)
    logs = stack.var / "log"
    for name in SEEN_BY:
        eventually(partial(says, logs / name, marker), within_s=15, what=name)
    found = {
        (kind, str(path.relative_to(stack.var)))
        for path in kept_files(stack)
        for kind, word in planted.items()
        if word.encode() in path.read_bytes()
    }
    assert found == set()
    for url in (
        f"http://127.0.0.1:{stack.ports['api_blue_metrics']}/metrics",
        f"http://127.0.0.1:{stack.ports['haproxy_stats']}/metrics",
        f"{stack.console_url}/metrics",
    ):
        page = httpx.get(url, timeout=10, trust_env=False)
        assert page.status_code == 200, url
        assert not [kind for kind, word in planted.items() if word in page.text], url
    assert run_hrx(stack, "logs", "search", "--id", marker).returncode == 0
    for kind in ("login", "path", "query"):
        assert run_hrx(stack, "logs", "search", planted[kind]).returncode == 1, "something says that word"
