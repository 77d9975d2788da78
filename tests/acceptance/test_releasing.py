"""A release built, brought to people under load, and taken back, on a whole stack; no request is lost."""

from __future__ import annotations

import http.client
import json
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from tests.acceptance.operating import becomes_well, eventually, put_blue_live, run_hrx
from tests.acceptance.test_repairs import run_procedure
from tests.conftest import ROOT, Stack

pytestmark = [
    pytest.mark.stack,
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(600),
    pytest.mark.req("R3.1-2", "R3.1-3"),
]
_PATHS = ("/version", "/readyz", "/sign-in")


class Visitors:
    """People with kept connections and people with fresh ones; `answers` counts what they got."""

    def __init__(self, url: str) -> None:
        self._host, self._port = urlsplit(url).hostname or "", urlsplit(url).port
        self.answers: Counter[str] = Counter()
        self.ended = threading.Event()

    def visit(self, path: str, *, keeps: bool) -> None:
        connection = None
        while not self.ended.is_set():
            try:
                connection = connection or http.client.HTTPConnection(self._host, self._port, timeout=10)
                connection.request("GET", path)
                answer = connection.getresponse()
                answer.read()
                self.answers[str(answer.status)] += 1
            except (OSError, http.client.HTTPException) as error:
                self.answers[type(error).__name__] += 1
                connection = None
            if not keeps and connection is not None:
                connection.close()
                connection = None
            time.sleep(0.02)
        if connection is not None:
            connection.close()


@pytest.fixture(autouse=True)
def _blue_again(stack: Stack) -> Iterator[None]:
    """Whatever becomes of a release here, the tests after it find the stack as they know it."""
    put_blue_live(stack)
    yield
    put_blue_live(stack)


@contextmanager
def visiting(stack: Stack) -> Iterator[Visitors]:
    visitors = Visitors(stack.portal_url)
    threads = [
        threading.Thread(target=visitors.visit, args=(path,), kwargs={"keeps": keeps})
        for path in _PATHS
        for keeps in (True, False)
    ]
    for thread in threads:
        thread.start()
    try:
        yield visitors
    finally:
        visitors.ended.set()
        for thread in threads:
            thread.join(30)


def served_by(stack: Stack) -> dict[str, str]:
    parts = urlsplit(stack.portal_url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.request("GET", "/version")
    found: dict[str, str] = json.loads(connection.getresponse().read())
    connection.close()
    return found


def test_a_release_comes_to_people_and_goes_back_without_a_lost_request(stack: Stack) -> None:
    changed = subprocess.run(
        ["git", "-C", str(ROOT), "status", "--porcelain"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if changed.returncode != 0 or changed.stdout:
        pytest.skip("a release is built of a commit, and this checkout has changes")
    before = served_by(stack)
    built = run_hrx(stack, "release", "build", "--json")
    assert built.returncode == 0, built.stdout + built.stderr
    made = json.loads(built.stdout)
    with visiting(stack) as visitors:
        # The new version is held against what the old one did before.
        eventually(lambda: visitors.answers["200"] > 1_000, within_s=60, what="the old version is known")
        out = run_hrx(
            stack, "release", "deploy", made["release"], "--strategy", "blue_green", "--yes", "--json"
        )
        assert out.returncode == 0, out.stdout + out.stderr
        now = served_by(stack)
        assert (now["slot"], now["commit"]) == ("green", made["commit"][:12])
        back = run_hrx(stack, "release", "rollback", "--yes", "--json")
        assert back.returncode == 0, back.stdout + back.stderr
    assert served_by(stack)["slot"] == before["slot"]
    assert set(visitors.answers) == {"200"}, visitors.answers
    for part in ("api-green", "web-green"):
        run_procedure(stack, "rest-slot", {"part": part})
    becomes_well(stack, within_s=60)
