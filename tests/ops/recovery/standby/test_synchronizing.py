"""Writes wait for a standby that is close, are let go of one that is not, and nobody is told otherwise."""

from __future__ import annotations

import signal
import threading
import time

import psycopg
import pytest

from hrx.ops.recovery.standby.synchronizing import (
    Decision,
    Policy,
    Seen,
    Synchronizer,
    carry_out,
    look,
)
from hrx.ops.targets.machine.fencing import list_processes_on
from tests.ops.recovery.standby.conftest import Pair

POLICY = Policy(let_go_after_s=10, close_bytes=1000, close_for_s=2)


def seen(
    *, streaming: bool = True, behind: int | None = 0, waiting_s: float = 0, waited_for: bool = False
) -> Seen:
    return Seen(is_streaming=streaming, behind_bytes=behind, waiting_s=waiting_s, is_waited_for=waited_for)


def decide_all(looks: list[tuple[float, Seen]]) -> list[Decision]:
    synchronizer = Synchronizer(policy=POLICY)
    return [synchronizer.decide(one, now=at) for at, one in looks]


@pytest.mark.parametrize(
    ("looks", "last"),
    [
        # It has to be close, and to stay so.
        ([(0, seen()), (1, seen())], Decision.KEEP),
        ([(0, seen()), (2, seen())], Decision.WAIT),
        ([(0, seen(behind=5000)), (9, seen(behind=5000))], Decision.KEEP),
        ([(0, seen()), (1, seen(behind=5000)), (2.5, seen())], Decision.KEEP),
        ([(0, seen(streaming=False, behind=None)), (99, seen(streaming=False, behind=None))], Decision.KEEP),
        # Away for as long as was decided, not less; a moment away begins the count anew.
        (
            [(0, seen(streaming=False, waited_for=True)), (9, seen(streaming=False, waited_for=True))],
            Decision.KEEP,
        ),
        (
            [(0, seen(streaming=False, waited_for=True)), (10, seen(streaming=False, waited_for=True))],
            Decision.LET_GO,
        ),
        (
            [
                (0, seen(streaming=False, waited_for=True)),
                (9, seen(waited_for=True)),
                (11, seen(streaming=False, waited_for=True)),
            ],
            Decision.KEEP,
        ),
        # It hangs: still "streaming", but somebody waits.
        ([(0, seen(behind=9, waiting_s=10, waited_for=True))], Decision.LET_GO),
        ([(0, seen(behind=9, waiting_s=9.9, waited_for=True))], Decision.KEEP),
    ],
)
def test_decisions(looks: list[tuple[float, Seen]], last: Decision) -> None:
    assert decide_all(looks)[-1] is last


@pytest.mark.req("R6.3-1")
def test_a_standby_that_hangs_is_let_go_of_on_record_and_waited_for_again_when_it_is_back(
    pair: Pair,
) -> None:
    synchronizer = Synchronizer(policy=Policy(let_go_after_s=1, close_for_s=0.2))
    recorded: list[Decision] = []

    def turn() -> None:
        now = look(pair.first)
        carry_out(
            pair.first,
            synchronizer.decide(now, now=time.monotonic()),
            now,
            record=lambda decision, _: recorded.append(decision),
        )

    def until(decision: Decision) -> None:
        def happened() -> bool:
            turn()
            return recorded[-1:] == [decision]

        pair.wait(happened)

    until(Decision.WAIT)
    pair.wait(lambda: look(pair.first).is_waited_for)
    hung = list_processes_on(pair.second.cluster.data_dir)
    for one in hung:
        one.send_signal(signal.SIGSTOP)
    notices: list[str] = []
    writer = threading.Thread(target=_write, args=(pair, notices))
    writer.start()
    until(Decision.LET_GO)
    writer.join(timeout=10)
    assert not writer.is_alive()
    # It was not told as replicated.
    assert [one.startswith("canceling wait for synchronous replication") for one in notices] == [True]
    for one in hung:
        one.send_signal(signal.SIGCONT)
    until(Decision.WAIT)
    assert recorded == [Decision.WAIT, Decision.LET_GO, Decision.WAIT]


def _write(pair: Pair, notices: list[str]) -> None:
    with psycopg.connect(pair.first.admin_url, autocommit=True) as session:
        session.add_notice_handler(lambda said: notices.append(said.message_primary or ""))
        session.execute("INSERT INTO note VALUES (1, 'waits')")
