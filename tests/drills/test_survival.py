"""What counts as being told while the plane is gone: a receipt for a person, about the fault, after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from hrx.ops.drills.survival import list_calls, list_pairs

pytestmark = pytest.mark.req("R4.3-2")
AT = datetime(2026, 11, 26, 15, 34, 2, tzinfo=UTC)


def line(
    *, event: str = "probe.called", recipient: str = "miller", condition: str = "probe-failed:api"
) -> str:
    told = {"at": AT.isoformat(), "event": event, "recipient": recipient, "condition": condition}
    return orjson.dumps(told).decode()


@pytest.mark.parametrize(
    ("log", "counts"),
    [
        (line(), True),
        (line(recipient="place:#hrx-alerts-critical"), False),
        (line(event="probe.not_called"), False),
        (line(condition="part-down:ops"), False),
        (line()[20:], False),
        ("[1, 2]\nno JSON\n" + line(), True),
    ],
)
def test_only_a_receipt_for_a_person_about_the_fault_counts(log: str, counts: bool) -> None:
    found = list_calls(log, conditions=("probe-failed:api",), since=AT - timedelta(seconds=1))
    assert found == ([AT] if counts else [])


def test_what_was_told_before_the_fault_does_not_count() -> None:
    assert list_calls(line(), conditions=("probe-failed:api",), since=AT + timedelta(seconds=1)) == []


def test_each_two_of_four_are_gone_once() -> None:
    assert len(set(list_pairs())) == 6
