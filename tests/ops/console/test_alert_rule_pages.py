"""The rules on screen: state, budgets three ways, silences, and a page for each."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.incidents.intake import take_signals
from hrx.ops.ledger.entries import Kind
from hrx.ops.observe.blindness.silencing import find_silence
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.watch.rules import get_rule
from hrx.ops.seams.metrics import Silence
from hrx.ops.signal import Severity, Signal, SignalSource, SignalState
from tests.ops.browsing import Browser, wait_for

pytestmark = pytest.mark.req("R4.3-1")


def silence(*matchers: tuple[str, str, bool, bool]) -> Silence:
    return Silence(
        id="s", matchers=matchers, until=clock.now() + timedelta(hours=1), made_by="sato", comment="入れ替え"
    )


def test_the_table_shows_every_rule_with_its_state_and_budgets(browser: Browser, plane: Plane) -> None:
    body = {"alert": "PartDown", "detect_s": 6.5, "page_s": 7.0}
    plane.ledger.append(Kind.DRILL, actor="test", subject="drill:x", body=body)
    browser.sign_in("viewer")
    page = wait_for(browser, "/alerts", "Prometheus does not answer")
    for rule in plane.content.watch.rules:
        assert f"/alerts/rules/{rule.name}" in page
    line = page.split("/alerts/rules/PartDown")[1].split("</tr>")[0]
    assert "Blind" in line
    assert ["12 s" in line, "9 s" in line, "6.5 s" in line] == [True] * 3
    waits = page.split("/alerts/rules/InferenceErrorRateHigh")[1].split("</tr>")[0]
    assert "Not fed yet" in waits
    assert "The assistant and its models" in waits
    assert "does not answer" not in waits


def test_the_table_can_be_narrowed(browser: Browser) -> None:
    browser.sign_in("viewer")
    wait_for(browser, "/alerts", "Prometheus does not answer")
    page = browser.get("/alerts?state=not_fed").text
    assert "/alerts/rules/InferenceErrorRateHigh" in page
    assert "/alerts/rules/PartDown" not in page
    page = browser.get("/alerts?severity=warning&text=postgres").text
    assert "/alerts/rules/LockWaits" in page
    assert "/alerts/rules/DatabaseDown" not in page
    assert "No rule fits" in browser.get("/alerts?text=nothing-like-it").text


def test_a_rule_has_a_page_that_explains_its_last_firing(browser: Browser, plane: Plane) -> None:
    browser.sign_in("viewer")
    assert "It has not fired yet" in browser.get("/alerts/rules/PartDown").text
    take_signals(
        plane,
        [
            Signal(
                source=SignalSource.ALERTMANAGER,
                key="part-down:worker",
                name="PartDown",
                state=SignalState.FIRING,
                started_at=clock.now() - timedelta(seconds=1),
                summary=Text(ja="止まった", en="It stopped"),
                part="worker",
                severity=Severity.MAJOR,
                labels={"part": "worker"},
            )
        ],
    )
    page = browser.get("/alerts/rules/PartDown").text
    for words in ("Sample", "not on record", "Must hold for 4 s", "Configuration", "Incident 1 opened"):
        assert words in page
    assert "up{job=&#34;hrx&#34;}" in page
    assert browser.get("/alerts/rules/Nothing").status_code == 404


def test_it_is_said_in_japanese_too(browser: Browser) -> None:
    browser.sign_in("viewer")
    browser.get("/language/ja")
    page = wait_for(browser, "/alerts", "Prometheus が応答しません")
    assert "まだ数値がない" in page
    assert "どれだけ早く知らせるか" in browser.get("/alerts/rules/ApiOutage").text


def test_a_silence_covers_a_rule_wholly_in_part_or_not(plane: Plane) -> None:
    rule = get_rule(plane.content.watch.rules, "PartDown")
    whole = find_silence(rule, [silence(("alertname", "Part.*", True, True))])
    assert whole is not None
    assert whole.is_whole
    part = find_silence(
        rule, [silence(("alertname", "PartDown", False, True), ("part", "worker", False, True))]
    )
    assert part is not None
    assert not part.is_whole
    assert find_silence(rule, [silence(("severity", "warning", False, True))]) is None
    assert find_silence(rule, [silence(("severity", "critical", False, False))]) is None
    assert find_silence(rule, [silence(("alertname", "Part(", True, True))]) is None
