"""A browser as far as tests of the console need one: cookies, forms with their token, no JavaScript."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import uvicorn

from hrx.ops.console.app import build_console
from hrx.ops.console.duties import make_watcher
from hrx.ops.run.plane import Plane
from tests.conftest import free_port
from tests.ops.conftest import PASSWORD


@dataclass(slots=True)
class Browser:
    """One browser; pages are asked for as browsers do."""

    base_url: str
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(
            base_url=self.base_url,
            headers={"Accept": "text/html", "Accept-Language": "en"},
            timeout=20,
            trust_env=False,
        )

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.client.get(path, headers=headers)

    def sign_in(self, name: str, password: str = PASSWORD, code: str = "") -> httpx.Response:
        return self.client.post("/sign-in", data={"name": name, "password": password, "code": code})

    def csrf_token(self) -> str:
        """The token in the forms of the pages, as a person's browser would send it."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get("/ledger").text)
        assert found is not None, "no form on the page: not signed in?"
        return found.group(1)

    def post(self, path: str, /, **fields: str) -> httpx.Response:
        """Send a form of ours."""
        return self.client.post(path, data={"csrf_token": self.csrf_token(), **fields})

    def close(self) -> None:
        self.client.close()


@contextmanager
def serving(plane: Plane) -> Iterator[str]:
    """A real console on a port of its own; gives its address."""
    port = free_port()
    app = build_console(plane, make_watcher(plane))
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, access_log=False)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 15
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.02)
    assert server.started, "the console did not start"
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=20)


def wait_for(browser: Browser, path: str, text: str, *, timeout_s: float = 20) -> str:
    """Ask for a page until it shows `text`; gives the page."""
    deadline = time.monotonic() + timeout_s
    page = ""
    while time.monotonic() < deadline:
        page = browser.get(path).text
        if text in page:
            return page
        time.sleep(0.1)
    raise AssertionError(f"{path} never showed {text!r}; it showed:\n{page[-3000:]}")
