"""When a look becomes a fact, and when the outsider stands in for the plane."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hrx.kit.errors import Text
from hrx.ops.probe.guarding import PLANE_CONDITION, Duty, Watch, guard, note_paged
from hrx.ops.probe.judging import Standing, judge, make_signal
from hrx.ops.probe.looking import Outsider, Seen
from hrx.ops.probe.targets import list_targets
from hrx.ops.settings import OpsSettings
from hrx.ops.signal import SignalState
from tests.conftest import free_port
from tests.ops.probe.outside import AT, World

pytestmark = pytest.mark.req("R4.3-2")


def test_two_looks_in_a_row_make_a_fact_and_one_does_not() -> None:
    standing, told = Standing(), []
    for second, is_well in enumerate([True, False, True, False, False, False, True, True]):
        seen = Seen(
            target="it",
            at=AT + timedelta(seconds=second),
            duration_s=0.1,
            failure=None if is_well else Text(ja="だめ", en="bad"),
        )
        standing, news = judge(standing, seen)
        told.append(news)
    firing = told.index(SignalState.FIRING)
    assert [news for news in told if news] == [SignalState.FIRING, SignalState.RESOLVED]
    assert (firing, told.index(SignalState.RESOLVED)) == (4, 7)


def test_an_outage_begins_with_its_first_bad_look() -> None:
    standing = Standing()
    for second in (3, 4):
        seen = Seen(target="it", at=AT + timedelta(seconds=second), duration_s=0, failure=Text(ja="", en=""))
        standing, _ = judge(standing, seen)
    assert standing.since == AT + timedelta(seconds=3)


def test_a_door_that_does_not_answer_is_another_procedure_than_a_bad_answer_behind_it(
    world: World, tmp_path: Path
) -> None:
    (api,) = [one for one in list_targets(OpsSettings(var_dir=tmp_path)) if one.name == "api"]
    outsider = Outsider(timeout_s=2)
    sops = []
    for address in (f"http://127.0.0.1:{free_port()}/", f"{world.url}/nothing-here"):
        standing = Standing()
        for _ in range(2):
            standing, news = judge(standing, outsider.look(replace(api, address=address)))
        assert news is SignalState.FIRING
        sops.append(make_signal(api, standing, state=news, at=AT).sop)
    assert sops == ["5.2.1", "5.2.2"]


def step(watch: Watch, second: float, is_well: bool | None, *failing: str) -> tuple[Watch, Duty]:
    return guard(
        watch,
        is_well=is_well,
        failing=frozenset(failing),
        now=AT + timedelta(seconds=second),
        silence_s=8,
    )


def test_a_silent_plane_is_paged_once_and_so_is_each_thing_that_fails_meanwhile() -> None:
    watch, duty = step(Watch(heard_at=AT), 7.9, False, "probe-failed:api")
    assert duty == Duty()
    watch, duty = step(watch, 8.1, False, "probe-failed:api")
    assert duty.page == (PLANE_CONDITION, "probe-failed:api")
    for condition in duty.page:
        watch = note_paged(watch, condition)
    watch, duty = step(watch, 9, False, "probe-failed:api")
    assert duty == Duty()
    watch, duty = step(watch, 10, None, "probe-failed:api", "probe-failed:portal")
    assert duty.page == ("probe-failed:portal",)


def test_a_page_that_reached_nobody_is_due_again() -> None:
    watch, first = step(Watch(heard_at=AT), 9, False)
    _, again = step(watch, 10, False)
    assert first.page == again.page == (PLANE_CONDITION,)


def test_the_duty_goes_back_after_two_good_answers_and_a_new_silence_pages_again() -> None:
    watch, _ = step(Watch(heard_at=AT), 9, False)
    watch = note_paged(watch, PLANE_CONDITION)
    watch, duty = step(watch, 20, True)
    assert not duty.hands_back
    watch, duty = step(watch, 21, True)
    assert duty.hands_back
    watch, duty = step(watch, 30, False)
    assert duty.page == (PLANE_CONDITION,)
