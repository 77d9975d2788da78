"""What the edge writes of each request: one id, and of a path only what nobody typed."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.ports import Ports
from hrx.ops.targets.machine.toolchain import Toolchain
from tests.ops.machine.edges import ask, make_edge, serving, wait_for

LOG_WAIT_S = 5


@pytest.mark.req("R4.2-1")
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-Correlation-ID": "abcdef0123456789"}, "abcdef0123456789"),
        (
            {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
            "0af7651916cd43dd8448eb211c80319c",
        ),
        ({}, None),
        ({"X-Correlation-ID": 'forged","status":200'}, None),
        ({"X-Correlation-ID": "x" * 65}, None),
    ],
)
def test_one_id_is_passed_on_answered_and_logged(
    layout: Layout, ports: Ports, tools: Toolchain, headers: dict[str, str], expected: str | None
) -> None:
    with serving("api", ports["api_blue"]), logging_edge(layout, ports, tools) as log:
        wait_for(ports, "/livez", 200)
        reply = ask(ports, '/api/v1/people?q=secret"', headers=headers)
        given = reply.headers["x-correlation-id"]
        if expected is None:
            assert re.fullmatch(r"[0-9a-f]{32}", given), given
        else:
            assert given == expected
        passed_on = {name.lower(): value for name, value in json.loads(reply.body)["headers"].items()}
        assert passed_on["x-correlation-id"] == given
        line = wait_for_line(log, given)
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/v1/people", 200)
    assert line["server"] == "api-blue"


@pytest.mark.req("R4.2-1")
def test_what_somebody_typed_into_a_path_is_not_logged(
    layout: Layout, ports: Ports, tools: Toolchain
) -> None:
    with serving("api", ports["api_blue"]), logging_edge(layout, ports, tools) as log:
        wait_for(ports, "/livez", 200)
        shown = {}
        for path in (
            "/api/v1/canary@example.com/people/%E5%B1%B1%E7%94%B0/9b1d?q=canary",
            "/people/Yamada/17",
            "/Yamada",
            "/people/yamada.taro/imports",
            "/api/v1/people/09012345678",
            "/.env",
            "/wp-admin/setup.php",
        ):
            line = wait_for_line(log, ask(ports, path).headers["x-correlation-id"])
            shown[path.partition("?")[0]] = line["path"]
        assert not re.search("canary|yamada|090123", log.read_text(), re.I)
    assert list(shown.values()) == [
        "/api/v1/*/people/*/*",
        "/people/*/17",
        "/*",
        "/people/*/imports",
        "/api/v1/people/*",
        "/.env",
        "/wp-admin/setup.php",
    ]


@pytest.mark.req("R4.2-1")
def test_every_route_of_ours_is_logged_by_its_words(layout: Layout) -> None:
    """The expression is HAProxy's (PCRE), and means the same to Python."""
    said = re.search(r'path,regsub\("(.+)","/\*",g\)', (layout.root / "deploy/edge/haproxy.cfg").read_text())
    assert said is not None
    web = layout.root / "web"
    routes = [*json.loads((web / "openapi.json").read_text())["paths"]]
    routes += json.loads((web / "routes.json").read_text())
    for path in (re.sub(r"\{\w+\}|\[\w+\]", "12", route) for route in routes):
        if "/oidc/12" not in path:
            assert re.sub(said[1], "/*", path) == path


@pytest.mark.req("R4.2-1")
def test_an_answer_of_the_edge_itself_names_its_id_too(
    layout: Layout, ports: Ports, tools: Toolchain
) -> None:
    with logging_edge(layout, ports, tools) as log:
        reply = wait_for(ports, "/api/v1/people", 503)
        line = wait_for_line(log, reply.headers["x-correlation-id"])
    assert line["status"] == 503


@contextmanager
def logging_edge(layout: Layout, ports: Ports, tools: Toolchain) -> Iterator[Path]:
    """The edge with its standard output in a file, as the supervisor keeps it."""
    made = make_edge(layout, ports, tools)
    made.prepare()
    log = layout.var / "edge.log"
    with log.open("wb") as output:
        process = subprocess.Popen(made.argv(), env=made.tool.environment(), stdout=output, stderr=output)
        try:
            yield log
        finally:
            process.kill()
            process.wait()


def wait_for_line(log: Path, correlation_id: str) -> dict[str, object]:
    deadline = time.monotonic() + LOG_WAIT_S
    while time.monotonic() < deadline:
        for line in log.read_text().splitlines():
            if f'"correlation_id":"{correlation_id}"' in line:
                return cast("dict[str, object]", json.loads(line))
        time.sleep(0.05)
    raise AssertionError(f"no line with {correlation_id}:\n{log.read_text()[-2000:]}")
