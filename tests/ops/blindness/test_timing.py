"""How a firing came to be known: every stage from its own witness, and nothing guessed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.incidents.intake import take_signals
from hrx.ops.ledger.notifications import Attempt, NotificationState, enqueue, settle
from hrx.ops.observe.timing import StageName, Timing, explain_incident, explain_rule
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.watch.rules import get_rule
from hrx.ops.signal import Severity, Signal, SignalSource, SignalState

pytestmark = pytest.mark.req("R4.3-1")


class _Prometheus(BaseHTTPRequestHandler):
    """Answers instant queries with the moments that the server holds, by the beginning of the query."""

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)["query"][0]
        known: dict[str, list[tuple[dict[str, str], float]]] = self.server.known  # type: ignore[attr-defined]
        found = next((values for start, values in known.items() if asked.startswith(start)), [])
        result = [{"metric": labels, "value": [0, str(value)]} for labels, value in found]
        body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def prometheus() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Prometheus)
    server.known = {}  # type: ignore[attr-defined]
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def asking(plane: Plane, prometheus: ThreadingHTTPServer) -> Plane:
    url = f"http://127.0.0.1:{prometheus.server_address[1]}"
    return replace(plane, settings=plane.settings.model_copy(update={"prometheus_url": url}))


def told(at: datetime, *, source: SignalSource = SignalSource.ALERTMANAGER, name: str = "PartDown") -> Signal:
    return Signal(
        source=source,
        key="part-down:worker",
        name=name,
        state=SignalState.FIRING,
        started_at=at,
        summary=Text(ja="ワーカーが応答していません", en="The worker does not answer"),
        part="worker",
        severity=Severity.MAJOR,
        labels={"alertname": name, "part": "worker", "job": "hrx"},
    )


def page(plane: Plane, incident_id: int, *, sent_at: datetime) -> None:
    with plane.ledger.store.write() as connection:
        number = enqueue(
            connection,
            dedup_key="test-page",
            recipient="sato",
            channel="slack",
            purpose="page",
            message={"severity": 2},
            incident_id=incident_id,
        )
        assert number is not None
        tried = Attempt(at=sent_at, outcome="delivered", latency_ms=120, says="ok")
        settle(connection, number, state=NotificationState.DELIVERED, attempt=tried)


def took(timing: Timing) -> dict[str, float | None]:
    return {one.name.value: one.took_s for one in timing.stages}


def test_each_stage_has_its_moment_and_says_who_told_it(
    plane: Plane, prometheus: ThreadingHTTPServer
) -> None:
    fired = clock.now() - timedelta(seconds=2)
    pending, sample = fired - timedelta(seconds=4), fired - timedelta(seconds=5)
    prometheus.known = {  # type: ignore[attr-defined]
        "ALERTS_FOR_STATE": [
            ({"alertname": "PartDown", "part": "worker"}, pending.timestamp()),
            # Another part's, which is not what is explained.
            ({"alertname": "PartDown", "part": "probe"}, fired.timestamp()),
        ],
        "max(timestamp(": [({}, sample.timestamp())],
    }
    place = asking(plane, prometheus)
    taken = take_signals(place, [told(fired)])
    page(place, taken.opened[0], sent_at=clock.now())
    timing = explain_rule(place, get_rule(place.content.watch.rules, "PartDown"))
    assert timing is not None
    assert [one.name for one in timing.stages] == list(StageName)
    assert took(timing)["pending"] == 1.0
    assert took(timing)["firing"] == 4.0
    assert took(timing)["grouped"] == 0.0
    assert 1.5 <= (took(timing)["told"] or 0) <= 5
    assert took(timing)["seen"] is None
    assert {one.name.value: one.origin.value for one in timing.stages if one.origin.value != "ledger"} == {
        "sample": "prometheus",
        "pending": "prometheus",
        "firing": "alertmanager",
        "grouped": "config",
    }
    # The sum of the stages is the whole, to a second.
    whole = sum(each for each in took(timing).values() if each is not None)
    assert timing.total_s == pytest.approx(whole, abs=1)


def test_what_prometheus_no_longer_knows_is_missing_and_not_guessed(plane: Plane) -> None:
    take_signals(plane, [told(clock.now())])
    timing = explain_rule(plane, get_rule(plane.content.watch.rules, "PartDown"))
    assert timing is not None
    stages = {one.name: one for one in timing.stages}
    assert stages[StageName.SAMPLE].at is None
    assert stages[StageName.PENDING].at is None
    assert stages[StageName.FIRING].at is not None
    assert stages[StageName.PENDING].expected_s == 4.0


def test_an_incident_that_a_look_noticed_is_explained_without_a_rule(plane: Plane) -> None:
    taken = take_signals(plane, [told(clock.now(), source=SignalSource.WATCHER)])
    timing = explain_incident(plane, taken.opened[0])
    assert timing.rule is None
    assert timing.first is not None
    assert timing.first.source is SignalSource.WATCHER
    assert [one.name.value for one in timing.stages] == ["told", "incident", "sent", "delivered", "seen"]


def test_who_was_quicker_than_the_rule_is_named(plane: Plane) -> None:
    taken = take_signals(plane, [told(clock.now(), source=SignalSource.WATCHER)])
    take_signals(plane, [told(clock.now())])
    timing = explain_incident(plane, taken.opened[0])
    assert timing.rule is not None
    assert timing.rule.name == "PartDown"
    assert timing.first is not None
    assert timing.first.source is SignalSource.WATCHER
    assert (took(timing)["incident"] or 0) <= 0


def test_a_rule_that_never_fired_has_nothing_to_explain(plane: Plane) -> None:
    assert explain_rule(plane, get_rule(plane.content.watch.rules, "ApiOutage")) is None


def test_a_firing_that_joins_an_old_incident_is_not_measured_from_its_beginning(plane: Plane) -> None:
    with clock.shifted(timedelta(minutes=-40)):
        number = take_signals(plane, [told(clock.now(), source=SignalSource.WATCHER)]).opened[0]
    take_signals(plane, [told(clock.now())])
    timing = explain_rule(plane, get_rule(plane.content.watch.rules, "PartDown"))
    assert timing is not None
    assert timing.incident is not None
    assert timing.incident.id == number
    assert took(timing)["incident"] == 0.0
    assert [voice.source for voice in timing.voices] == [SignalSource.ALERTMANAGER]
