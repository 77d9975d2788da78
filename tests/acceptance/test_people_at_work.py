"""The demo company's people at work, as the tour has them beside a deploy."""

from __future__ import annotations

import json

import pytest

from tests.acceptance.operating import becomes_well, run_hrx
from tests.conftest import Stack

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(300)]


@pytest.mark.req("R3.1-3")
def test_people_at_work_are_answered_by_both_services_and_what_they_got_is_told(stack: Stack) -> None:
    becomes_well(stack, within_s=60)
    done = run_hrx(stack, "drill", "people", "--per-s", "20", "--for", "3", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    got = json.loads(done.stdout)
    assert got["answered"] >= 8
    assert (got["failed"], got["lost"]) == (0, 0)
