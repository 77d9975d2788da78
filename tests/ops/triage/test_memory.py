"""Growth over minutes, without what a start takes."""

from __future__ import annotations

from collections import deque

import pytest

from hrx.ops.triage import memory

pytestmark = pytest.mark.req("R5.2-1")
MIB = 2**20


def samples(*sizes: float) -> deque[memory._Sample]:
    """One every ten seconds."""
    return deque(
        memory._Sample(at_s=number * 10.0, pid=7, size_bytes=int(size * MIB))
        for number, size in enumerate(sizes)
    )


def test_the_memory_of_a_start_is_no_growth_and_a_leak_is(monkeypatch: pytest.MonkeyPatch) -> None:
    started = samples(20, 150, 160, 165, 165, 165, 166, 166, 166)
    leaking = samples(20, 150, 160, 165, 195, 225, 255, 285, 315)
    monkeypatch.setattr(memory, "_samples", {"api": started, "worker": leaking, "web": samples(20, 150, 160)})
    assert memory.growth_of("api", pid=7) == pytest.approx(1.2 * MIB, rel=0.01)
    assert memory.growth_of("worker", pid=7) == pytest.approx(180 * MIB, rel=0.01)
    assert memory.growth_of("web", pid=7) is None
    assert memory.growth_of("api", pid=8) is None
