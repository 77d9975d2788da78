"""Correlation ids cannot forge log lines; the clock moves without sleeping."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hrx.kit import clock
from hrx.kit.ids import accept_correlation_id, digest, new_correlation_id, new_token


@pytest.mark.req("R4.2-1")
@pytest.mark.parametrize(
    "offered", [None, "", "short", "a" * 65, "line\nbreak-attack", "*/ drop --", "日本語日本語日本語"]
)
def test_an_id_that_could_forge_a_line_is_replaced(offered: str | None) -> None:
    accepted = accept_correlation_id(offered)
    assert accepted != offered
    assert len(accepted) == 32


@pytest.mark.req("R4.2-1")
def test_a_harmless_id_is_kept() -> None:
    assert accept_correlation_id("0af7651916cd43dd8448eb211c80319c") == "0af7651916cd43dd8448eb211c80319c"


def test_tokens_and_ids_differ_every_time() -> None:
    assert len({new_token() for _ in range(1000)}) == 1000
    assert len({new_correlation_id() for _ in range(1000)}) == 1000
    assert digest("a") != digest("b")


def test_the_clock_moves_and_comes_back() -> None:
    before = datetime.now(UTC)
    with clock.shifted(timedelta(days=30)):
        assert clock.now() - before >= timedelta(days=30)
    assert clock.now() - before < timedelta(days=1)


def test_today_is_the_day_of_the_zone() -> None:
    moment = clock.now()
    for zone, hours in (("Asia/Tokyo", 9), ("UTC", 0)):
        assert clock.today(zone) in {
            (moment + timedelta(hours=hours)).date(),
            (moment + timedelta(hours=hours, seconds=5)).date(),
        }
