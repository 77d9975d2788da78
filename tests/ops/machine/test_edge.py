"""A real HAProxy with the real configuration, in front of small servers that say what they were asked."""

from __future__ import annotations

import csv
import http.client
import io
import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from hrx.kit.errors import Unavailable
from hrx.ops.targets.machine.haproxy import Edge
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.ports import Ports
from hrx.ops.targets.machine.toolchain import Toolchain
from tests.conftest import ROOT
from tests.ops.machine.edges import Reply, ask, make_edge, serving, wait_for


@pytest.fixture
def edge(layout: Layout, ports: Ports, tools: Toolchain) -> Iterator[Edge]:
    made = make_edge(layout, ports, tools)
    made.prepare()
    process = subprocess.Popen(
        made.argv(), env=made.tool.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    yield made
    process.kill()
    process.wait()


def test_requests_reach_the_plane_they_belong_to(edge: Edge, ports: Ports) -> None:
    with serving("api", ports["api_blue"]), serving("web", ports["web_blue"]):
        for path in ("/api/v1/people", "/livez", "/readyz", "/version"):
            assert json.loads(wait_for(ports, path, 200).body)["server"] == "api"
        for path in ("/", "/people", "/web/readyz", "/apiary"):
            assert json.loads(wait_for(ports, path, 200).body)["server"] == "web"
        assert ask(ports, "/metrics").status == 404


def test_a_caller_cannot_say_who_they_are_but_may_bring_its_request_ids(edge: Edge, ports: Ports) -> None:
    with serving("api", ports["api_blue"]):
        wait_for(ports, "/livez", 200)
        reply = ask(
            ports,
            "/api/v1/session",
            headers={
                "X-Forwarded-For": "203.0.113.9",
                "X-Forwarded-Proto": "https",
                "X-Real-IP": "203.0.113.9",
                "Forwarded": "for=203.0.113.9",
                "X-Correlation-ID": "abcdef0123456789",
                "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            },
        )
    seen = {name.lower(): value for name, value in json.loads(reply.body)["headers"].items()}
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "http"
    assert "x-real-ip" not in seen
    assert "forwarded" not in seen
    assert seen["x-correlation-id"] == "abcdef0123456789"
    assert seen["traceparent"].startswith("00-0af7651916cd43dd8448eb211c80319c")


def test_every_answer_carries_the_security_headers_and_no_server_name(edge: Edge, ports: Ports) -> None:
    with serving("web", ports["web_blue"]):
        answers = [wait_for(ports, "/", 200), wait_for(ports, "/api/v1/people", 503), ask(ports, "/metrics")]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "strict-origin-when-cross-origin"
        assert "server" not in answer.headers


def test_too_large_a_body_is_refused_in_the_readers_language_but_imports_may_be_larger(
    edge: Edge, ports: Ports
) -> None:
    with serving("api", ports["api_blue"]):
        wait_for(ports, "/livez", 200)
        large = b"x" * 12_000_001
        japanese = post_length_only(ports, "/api/v1/people", length=len(large), language="ja")
        english = post_length_only(ports, "/api/v1/people", length=len(large), language="en-GB")
        assert ask(ports, "/api/v1/imports", method="POST", body=large).status == 200
        assert post_length_only(ports, "/api/v1/imports", length=120_000_001, language="ja").status == 413
    assert (japanese.status, english.status) == (413, 413)
    assert json.loads(english.body)["title"] == "Too much data was sent"
    assert json.loads(japanese.body)["code"] == "edge.too_large"
    assert "大きすぎます" in json.loads(japanese.body)["title"]


def post_length_only(ports: Ports, path: str, *, length: int, language: str) -> Reply:
    """Announce a body without sending it: the refusal must not wait for the bytes."""
    with closing(http.client.HTTPConnection("127.0.0.1", ports.edge, timeout=10)) as connection:
        connection.putrequest("POST", path)
        connection.putheader("Content-Length", str(length))
        connection.putheader("Accept-Language", language)
        connection.endheaders()
        reply = connection.getresponse()
        return Reply(status=reply.status, headers={}, body=reply.read())


@pytest.mark.req("R1-3")
def test_with_nothing_behind_it_the_edge_explains_itself_in_both_languages(edge: Edge, ports: Ports) -> None:
    page = wait_for(ports, "/people", 503)
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["retry-after"] == "5"
    assert "ただいま画面を表示できません" in page.body.decode()
    assert "cannot be shown" in page.body.decode()
    # Until the first health check has failed nobody knows the reader's language; then the page follows it.
    while ask(ports, "/people", headers={"Accept-Language": "en"}).body == page.body:
        time.sleep(0.05)
    english = ask(ports, "/people", headers={"Accept-Language": "en-US,en;q=0.9"})
    assert english.body.decode().index("cannot be shown") < english.body.decode().index("表示できません")
    problem = ask(ports, "/api/v1/people", headers={"Accept-Language": "en"})
    assert problem.headers["content-type"].startswith("application/problem+json")
    assert json.loads(problem.body)["code"] == "edge.unavailable"


@pytest.mark.req("R5.3-1", "R5.4-1")
def test_the_status_page_is_served_from_its_files_while_its_process_is_down(
    edge: Edge, layout: Layout, ports: Ports
) -> None:
    layout.status_public.mkdir(parents=True)
    page = '<!doctype html><p>外部</p><!--silence--><time id="written">12:00</time>'
    for name, body in (
        ("index.ja.html", page),
        ("index.en.html", page),
        ("status.json", '{"written_at": "2026-01-01T12:00:00+00:00"}'),
        ("status.css", "p {}"),
    ):
        (layout.status_public / name).write_text(body)
    (layout.var / "secrets.env").write_text("HRX_X=1")
    with serving("status", ports["status"]):
        found = wait_for(ports, "/status/feed.en.atom", 200)
        assert json.loads(found.body)["path"] == "/feed.en.atom"
        assert ask(ports, "/status").headers["location"] == "/status/"
    wait_for(ports, "/status/feed.en.atom", 404)
    japanese = ask(ports, "/status/")
    assert (japanese.status, japanese.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert re.search("この表示は [0-9]+ 分前のものです", japanese.body.decode())
    assert '<time id="written">12:00</time>' in japanese.body.decode()
    english = ask(ports, "/status/", headers={"Accept-Language": "en-GB,en;q=0.9"})
    assert "It may no longer be true" in english.body.decode()
    assert "default-src 'none'" in english.headers["content-security-policy"]
    assert english.headers["x-content-type-options"] == "nosniff"
    assert ask(ports, "/status/status.css").headers["content-type"].startswith("text/css")
    # What changes is there at once: nothing is read at the start only.
    (layout.status_public / "status.css").write_text("h1 {}")
    assert ask(ports, "/status/status.css").body == b"h1 {}"
    assert ask(ports, "/status/", method="HEAD").body == b""
    assert ask(ports, "/status/subscribe", method="POST", body=b"address=a@example.com").status == 503
    for path in (
        "../../secrets.env",
        "..%2f..%2fsecrets.env",
        "%2e%2e/secrets.env",
        "passwd",
        "index.xx.html",
    ):
        assert ask(ports, f"/status/{path}").status in (400, 404, 503), path


@pytest.mark.req("R3.1-3")
def test_reads_go_on_when_one_of_two_slots_dies(edge: Edge, ports: Ports) -> None:
    with ExitStack() as alive, serving("green", ports["api_green"]):
        blue = ExitStack()
        alive.enter_context(blue)
        blue.enter_context(serving("blue", ports["api_blue"]))
        wait_for(ports, "/livez", 200)
        edge.command("set server api/api-green state ready")
        seen: set[str] = set()
        deadline = time.monotonic() + 15
        while seen != {"blue", "green"}:
            seen.add(json.loads(ask(ports, "/api/v1/people").body)["server"])
            assert time.monotonic() < deadline
        blue.close()
        answers = [ask(ports, "/api/v1/people") for _ in range(40)]
    assert {answer.status for answer in answers} == {200}


@pytest.mark.req("R3.1-3")
def test_the_last_server_keeps_its_requests_while_it_is_late_for_its_check_and_is_told_as_gone(
    edge: Edge, ports: Ports
) -> None:
    """A machine that was too busy made the edge let go of the only API, which was well."""

    def is_told_as_gone(service: str) -> bool:
        rows = csv.DictReader(io.StringIO(edge.command("show stat").removeprefix("# ")))
        acting = {row["pxname"]: row["act"] for row in rows if row["svname"] == "BACKEND"}
        return acting[service] == "0"

    with (
        serving("api", ports["api_blue"], late_s=3),
        serving("web", ports["web_blue"], late_s=3),
        # Whoever listens where a slot rests gets nothing now, either.
        serving("stranger", ports["api_green"]),
        serving("stranger", ports["web_green"]),
    ):
        # Before its first check is late it is believed to be well.
        wait_for(ports, "/api/v1/people", 200)
        deadline = time.monotonic() + 60
        while not (is_told_as_gone("api") and is_told_as_gone("web")):
            assert time.monotonic() < deadline, "the watch goes by this figure"
            time.sleep(0.05)
        for path, server in (("/api/v1/people", "api"), ("/people", "web")):
            answers = [ask(ports, path) for _ in range(10)]
            assert {answer.status for answer in answers} == {200}
            assert {json.loads(answer.body)["server"] for answer in answers} == {server}
    # One that is dead is not waited for.
    assert wait_for(ports, "/api/v1/people", 503).headers["content-type"].startswith("application/problem")


@pytest.mark.req("R3.1-2")
def test_a_resting_slot_gets_nothing_whoever_listens_on_its_port(edge: Edge, ports: Ports) -> None:
    """Another stack's API once took the free port and with it every second request of ours."""
    with serving("stranger", ports["api_green"]), serving("stranger", ports["web_green"]):
        with serving("blue", ports["api_blue"]):
            wait_for(ports, "/livez", 200)
            answers = [ask(ports, "/api/v1/people") for _ in range(40)]
        assert {json.loads(answer.body)["server"] for answer in answers} == {"blue"}
        wait_for(ports, "/livez", 503)
        assert ask(ports, "/").status == 503


def test_a_live_stream_is_passed_on_as_it_comes(edge: Edge, ports: Ports) -> None:
    with serving("api", ports["api_blue"]), socket.socket() as client:
        wait_for(ports, "/livez", 200)
        client.settimeout(5)
        client.connect(("127.0.0.1", ports.edge))
        request = b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n"
        client.sendall(request)
        started = time.monotonic()
        received = b""
        while b"data: now" not in received:
            received += client.recv(4096)
        assert time.monotonic() - started < 0.9
        assert b"content-encoding" not in received.lower()


def test_the_runtime_socket_answers_and_metrics_have_a_port_of_their_own(edge: Edge, ports: Ports) -> None:
    wait_for(ports, "/", 503)
    assert "api-green" in edge.command("show stat")
    with closing(http.client.HTTPConnection("127.0.0.1", ports["haproxy_stats"], timeout=5)) as connection:
        connection.request("GET", "/metrics")
        assert b'haproxy_backend_active_servers{proxy="api"}' in connection.getresponse().read()


def test_a_configuration_that_haproxy_refuses_is_reported_in_its_words(
    layout: Layout, ports: Ports, tools: Toolchain, folder: object
) -> None:
    made = make_edge(layout, ports, tools)
    broken = Edge(
        tool=made.tool,
        source=made.source,
        folder=made.folder,
        socket_path=made.socket_path,
        public=made.public,
        ports=ports,
        bind="not an address",
        user=None,
    )
    with pytest.raises(Unavailable) as refused:
        broken.prepare()
    assert "[ALERT]" in refused.value.message.en
    assert "bind" in refused.value.message.en


def test_every_page_of_the_edge_has_one_style_and_says_the_same_in_both_languages() -> None:
    """The edge serves whole files, so each carries the style; it is one all the same."""
    pages = {path.name: path.read_text() for path in (ROOT / "deploy" / "edge" / "pages").glob("*.html")}
    assert {name.partition(".")[0] for name in pages} == {"maintenance", "restoring"}
    styles = {re.search(r"<style>.*?</style>", page, re.S) for page in pages.values()}
    assert len({found[0] for found in styles if found}) == 1
    for kind in ("maintenance", "restoring"):
        sections = [
            set(re.findall(r"<section.*", pages[f"{kind}.{language}.html"])) for language in ("ja", "en")
        ]
        assert sections[0] == sections[1]
        assert len(sections[0]) == 2
