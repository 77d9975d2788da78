"""Shares, drain and counters on a real HAProxy with the product's configuration."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest

from hrx.kit.errors import Invalid, Unavailable
from hrx.ops.targets.machine.shares import read_check
from tests.ops.release.strategies.place import Place

pytestmark = pytest.mark.req("R3.1-2", "R3.1-3")


def _wake_green(place: Place) -> None:
    for service in ("api", "web"):
        place.slots.wake(service, "green")
        place.slots.edge.check_on(service, "green")
    deadline = time.monotonic() + 10
    while not all(place.slots.edge.look(service)["green"].is_up for service in ("api", "web")):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("said", "ended"), [("L7OK", "L7OK"), ("* L7OK", "L7OK"), ("* L7TOUT", "L7TOUT"), ("", "")]
)
def test_a_check_that_is_under_way_does_not_hide_how_the_one_before_ended(said: str, ended: str) -> None:
    assert read_check({"check_status": said}) == ended


def test_a_slot_that_is_only_checked_gets_no_request(place: Place) -> None:
    _wake_green(place)
    assert place.shares("/api/v1/me", requests=50) == Counter({"api-blue": 50})
    assert not place.slots.edge.look("api")["green"].is_taking


def test_requests_are_shared_as_asked_however_quick_the_answers(place: Place) -> None:
    _wake_green(place)
    place.slots.edge.share("api", new="green", percent=10)
    # Drawn by lot: five standard deviations either way.
    assert place.shares("/api/v1/me", requests=400)["api-green"] == pytest.approx(40, abs=30)
    place.slots.edge.share("api", new="green", percent=50)
    assert place.shares("/api/v1/me", requests=400)["api-green"] == pytest.approx(200, abs=50)
    look = place.slots.edge.look("api")
    assert (look["blue"].weight, look["green"].weight) == (50, 50)
    with pytest.raises(Invalid):
        place.slots.edge.share("api", new="green", percent=100)


def test_a_browser_stays_with_the_version_of_its_page_until_that_takes_no_more(place: Place) -> None:
    _wake_green(place)
    place.slots.edge.share("web", new="green", percent=50)
    cookies = [place.cookie_of("/people") for _ in range(20)]
    met = [place.ask("/people", cookie=cookie) for cookie in cookies]
    assert set(met) == {"web-blue", "web-green"}
    for cookie, server in zip(cookies, met, strict=True):
        assert {place.ask("/_next/static/a.js", cookie=cookie) for _ in range(10)} == {server}
    # At rest, the slot is left at once, cookie or not.
    place.slots.edge.send_all([("web", "blue")])
    place.slots.edge.rest("web", "green")
    assert {place.ask("/people", cookie=cookie) for cookie in cookies} == {"web-blue"}


def test_both_services_move_in_one_command_and_back(place: Place) -> None:
    _wake_green(place)
    edge = place.slots.edge
    edge.send_all([("api", "green"), ("web", "green")])
    assert set(place.shares("/api/v1/me", requests=20)) == {"api-green"}
    assert set(place.shares("/people", requests=20)) == {"web-green"}
    looked = edge.look("api")["blue"]
    assert looked.is_up, "the old slot stays warm: it is checked still"
    assert not looked.is_taking
    edge.send_all([("api", "blue"), ("web", "blue")])
    assert set(place.shares("/api/v1/me", requests=20)) == {"api-blue"}


def test_answers_failures_and_times_are_counted_by_slot(place: Place) -> None:
    _wake_green(place)
    place.slots.moods["api-green"].bad = 1.0
    # Far above what a busy machine adds to an answer that takes no time.
    place.slots.moods["api-blue"].takes_s = 0.6
    place.slots.edge.share("api", new="green", percent=50)
    place.shares("/api/v1/me", requests=20)
    look = place.slots.edge.look("api")
    to_green = look["green"].begun
    assert 1 <= to_green <= 19
    assert (look["green"].answered, look["green"].failed) == (0, to_green)
    assert (look["blue"].answered, look["blue"].failed) == (20 - to_green + 1, 0), "one waited for the edge"
    assert sum(number for low, number in look["blue"].took.items() if low >= 500) == 20 - to_green
    assert sum(look["green"].took.values()) == to_green
    assert max(look["green"].took) < 500


def test_a_slot_in_use_is_seen_until_its_requests_have_ended(place: Place) -> None:
    _wake_green(place)
    place.slots.moods["api-blue"].takes_s = 0.8
    got: list[str | None] = []
    asking = threading.Thread(target=lambda: got.append(place.ask("/api/v1/me")))
    asking.start()
    time.sleep(0.3)
    place.slots.edge.send_all([("api", "green")])
    assert place.slots.edge.look("api")["blue"].in_use == 1
    asking.join(timeout=10)
    assert got == ["api-blue"], "the request under way was answered"
    assert place.slots.edge.look("api")["blue"].in_use == 0


def test_a_command_that_haproxy_refuses_is_told(place: Place) -> None:
    with pytest.raises(Unavailable) as refused:
        place.slots.edge.rest("nothing", "blue")
    assert refused.value.stable_code == "edge.refuses"
    with pytest.raises(Invalid):
        place.slots.edge.rest("api", "red")
