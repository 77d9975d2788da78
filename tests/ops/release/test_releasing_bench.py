"""The bench of releases counts what it says it counts."""

from __future__ import annotations

import asyncio

import pytest

from benchmarks.releasing.deploys import _Result, _Round
from benchmarks.releasing.fleet import end_process, start_server, wait_until_answered
from benchmarks.releasing.people import People, Seen, while_people
from benchmarks.releasing.simulating import simulate
from hrx.ops.release.gating.judging import Verdict
from tests.conftest import free_port

pytestmark = pytest.mark.req("R3.1-3")


def test_people_count_answers_by_kind_and_notice_every_loss() -> None:
    port = free_port()
    server = start_server("one", "--port", str(port))
    wait_until_answered(port)
    people = People(port)

    def work() -> None:
        asyncio.run(asyncio.sleep(2.5))
        end_process(server)
        asyncio.run(asyncio.sleep(0.5))

    crowd = people.mixed(kept=2, fresh=2, posts=2, streams=1, pause_s=0.05)
    asyncio.run(while_people(people, crowd, work))
    assert {kind for kind, _ in people.seen.answered} == {"kept", "fresh", "post", "stream"}
    assert {slot for _, slot in people.seen.answered} == {"one"}
    assert {"kept", "fresh"} <= set(people.seen.lost), "nobody listened for half a second"


def test_a_bad_version_is_seen_as_lost_requests() -> None:
    port = free_port()
    server = start_server("one", "--port", str(port), bad=1.0)
    wait_until_answered(port)
    people = People(port)
    asyncio.run(while_people(people, people.paced(50), lambda: asyncio.run(asyncio.sleep(1))))
    end_process(server)
    assert people.seen.lost.total() == pytest.approx(50, abs=15)
    assert not people.seen.answered


def test_the_ratio_of_a_round_is_during_over_before() -> None:
    quick = [(0.001 * number, 2.0) for number in range(1000)]
    quick += [(1 + 0.001 * number, 3.0) for number in range(1000)]
    found = _Result(seen=Seen(quick=quick), rounds=[_Round(calm_from=0, begun=1, ended=2)])
    assert found.p99_ratios() == [1.5]
    assert _Result(seen=Seen(), rounds=[_Round(calm_from=0, begun=1, ended=2)]).p99_ratios() == []


def test_the_simulation_rolls_a_bad_version_back() -> None:
    bad = simulate(1, requests_per_s=100, bad=1.0)
    assert bad.verdict is Verdict.ROLL_BACK
    assert bad.bad <= 10
