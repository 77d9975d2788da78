"""Looking again and again until something is so, or until the time is over."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from hrx.kit import clock
from hrx.kit.errors import HrxError
from hrx.ops.targets.calling import VendorClient
from hrx.ops.targets.releasing import AnswerLost, Deployment

T = TypeVar("T")


def wait_for(
    client: VendorClient,
    look: Callable[[], T | None],
    *,
    what: str,
    timeout_s: float,
    at_end: Callable[[], HrxError | None] = lambda: None,
) -> T:
    """What `look` gives once it gives something.

    After `timeout_s` raises what `at_end` gives, else Unavailable; before, whatever `look` raises."""
    until = clock.monotonic_s() + timeout_s
    while True:
        found = look()
        if found is not None:
            return found
        if clock.monotonic_s() + client.limits.poll_s > until:
            raise at_end() or client.timed_out(what, timeout_s=timeout_s)
        client.sleep(client.limits.poll_s)


def make_once(
    client: VendorClient, *, find: Callable[[], Deployment | None], make: Callable[[], Deployment]
) -> Deployment:
    """What `find` gives, or else what `make` makes; after a lost answer `find` is asked again, never `make`.

    Raises AnswerLost when it is not to be seen: whoever runs this again looks first, and makes none twice."""
    there = find()
    if there is not None:
        return there
    try:
        return make()
    except AnswerLost as lost:
        for _ in range(3):
            there = find()
            if there is not None:
                return there
            client.sleep(client.limits.poll_s)
        raise lost
