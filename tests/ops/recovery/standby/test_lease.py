"""The lease: never two who may write, whatever crashes, hangs, is cut off or has its clock set."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obstore.store import S3Store

from hrx.ops.recovery.standby.lease import Ask, Contender, Lease, Seen, Terms, boot_s
from hrx.ops.recovery.standby.lease_store import LeaseStore, LeaseTaken
from tests.servers.s3 import REGION, running_s3_server

TERMS = Terms(ttl_s=6, stop_s=1, drift=0.05)


@dataclass
class Store:
    """What an object store promises, and no more."""

    content: Seen | None = None
    writes: int = 0

    def put(self, ask: Ask) -> str | None:
        if (self.content.tag if self.content else None) != ask.only_if:
            return None
        self.writes += 1
        self.content = Seen(lease=ask.lease, tag=f"t{self.writes}")
        return self.content.tag


@dataclass
class Node:
    """A server: its clock starts anywhere and runs too fast or too slow. It writes from when it learned of a
    grant until its own clock says that the time is over, hung or not: the dead man's switch ends it."""

    number: int
    rate: float
    offset: float
    contender: Contender
    starts: int = 0
    is_up: bool = True
    cut_until: float = 0.0
    hangs_until: float = 0.0
    spans: list[list[float]] = field(default_factory=list)

    def local(self, t: float) -> float:
        return t * self.rate + self.offset

    def real(self, local: float) -> float:
        return (local - self.offset) / self.rate


class World:
    """Events in the order of real time. Requests and answers take time, get lost, or arrive very late."""

    def __init__(self, seed: int, nodes: int) -> None:
        self.random = random.Random(seed)  # noqa: S311  # a schedule, not a secret
        self.store = Store()
        self.now = 0.0
        self.queue: list[tuple[float, int, Callable[[], None]]] = []
        self.count = 0
        self.nodes = [self._node(n) for n in range(nodes)]
        for node in self.nodes:
            self.later(self.random.random(), lambda node=node: self.turn(node))  # type: ignore[misc]

    def _node(self, number: int) -> Node:
        rate = self.random.choice((1 - TERMS.drift, 1.0, 1 + TERMS.drift))
        return Node(
            number=number,
            rate=rate,
            offset=self.random.uniform(-1e6, 1e6),
            contender=Contender(name=f"{number}.0", terms=TERMS),
        )

    def later(self, after: float, what: Callable[[], None]) -> None:
        self.count += 1
        heapq.heappush(self.queue, (self.now + after, self.count, what))

    def run(self, until: float) -> None:
        while self.queue and self.queue[0][0] < until:
            self.now, _, what = heapq.heappop(self.queue)
            what()

    def delay(self) -> float:
        kind = self.random.random()
        if kind < 0.8:
            return self.random.uniform(0.001, 0.3)
        return self.random.uniform(0.3, 4) if kind < 0.95 else self.random.uniform(4, 30)

    def turn(self, node: Node) -> None:
        self.later(self.random.uniform(0.2, 1.5), lambda: self.turn(node))
        self.misfortune(node)
        if not node.is_up or self.now < node.hangs_until:
            return
        contender = node.contender
        if contender.needs_look or not contender.is_writer(now=node.local(self.now)):
            self.send(node, lambda: self.answer_look(node, contender, self.store.content))
        ask = contender.next_ask(now=node.local(self.now))
        if ask is not None:
            asked = ask
            contender.failed(asked)
            self.send(node, lambda: self.arrive(node, contender, asked))

    def send(self, node: Node, at_store: Callable[[], None]) -> None:
        if self.now < node.cut_until or self.random.random() < 0.05:
            return
        self.later(self.delay(), at_store)

    def arrive(self, node: Node, contender: Contender, ask: Ask) -> None:
        tag = self.store.put(ask)
        if tag is not None and self.now >= node.cut_until and self.random.random() > 0.05:
            self.later(self.delay(), lambda: self.grant(node, contender, ask, tag))

    def grant(self, node: Node, contender: Contender, ask: Ask, tag: str) -> None:
        if node.contender is not contender or not node.is_up:
            return
        if self.now < node.hangs_until:
            self.later(node.hangs_until - self.now + 0.001, lambda: self.grant(node, contender, ask, tag))
            return
        contender.granted(ask, tag=tag, now=node.local(self.now))
        self.note(node)

    def answer_look(self, node: Node, contender: Contender, seen: Seen | None) -> None:
        def arrives() -> None:
            if node.contender is contender and node.is_up and self.now >= node.hangs_until:
                contender.observe(seen, now=node.local(self.now))
                self.note(node)

        self.later(self.delay(), arrives)

    def note(self, node: Node) -> None:
        """It may write from now on; and for `stop_s` after its time, for that is how long ending may take."""
        if node.contender.is_writer(now=node.local(self.now)):
            end = node.real(node.contender.valid_until) + TERMS.stop_s
            node.spans.append([self.now, end])

    def misfortune(self, node: Node) -> None:
        kind = self.random.random()
        if kind < 0.01:
            node.is_up = False
            # Whoever renewed died: the switch ends the server at once, which may take its time.
            for span in node.spans:
                span[1] = min(span[1], max(span[0], self.now + TERMS.stop_s))
        elif kind < 0.02:
            node.hangs_until = self.now + self.random.uniform(0, 25)
        elif kind < 0.04:
            node.cut_until = self.now + self.random.uniform(0, 30)
        elif not node.is_up and kind < 0.3:
            node.is_up, node.starts = True, node.starts + 1
            node.contender = Contender(name=f"{node.number}.{node.starts}", terms=TERMS)
            # Its clock was set, and counts from elsewhere.
            node.offset = self.random.uniform(-1e6, 1e6)

    def overlaps(self) -> list[tuple[list[float], list[float]]]:
        spans = sorted((span, node.number) for node in self.nodes for span in node.spans)
        found = []
        for at, (span, number) in enumerate(spans):
            for other, owner in spans[at + 1 :]:
                if other[0] >= span[1]:
                    break
                if owner != number:
                    found.append((span, other))
        return found


@pytest.mark.req("R6.3-1")
@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**48), nodes=st.integers(2, 3))
def test_never_two_writers_in_the_same_instant(seed: int, nodes: int) -> None:
    world = World(seed, nodes)
    world.run(until=400)
    assert world.overlaps() == []


def test_somebody_writes_nearly_always_and_takes_over_from_the_dead() -> None:
    """Safe is easy where nobody ever writes: these worlds have a holder most of the time, and several."""
    shares, holders = [], []
    for seed in range(60):
        world = World(seed, 2)
        world.run(until=400)
        covered = sorted((max(0, a), min(400, b)) for n in world.nodes for a, b in n.spans)
        total, reached = 0.0, 0.0
        for begin, end in covered:
            total += max(0.0, end - max(begin, reached))
            reached = max(reached, end)
        shares.append(total / 400)
        holders.append(world.store.content.lease.epoch if world.store.content else 0)
    assert sum(shares) / len(shares) > 0.5
    assert sum(holders) / len(holders) > 3


def test_the_test_sees_a_taker_that_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Terms, "wait_s", property(lambda self: self.ttl_s * 0.7))
    assert any(_has_two(seed) for seed in range(60))


def test_the_test_sees_a_holder_that_counts_from_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    granted = Contender.granted

    def late(self: Contender, ask: Ask, *, tag: str, now: float) -> None:
        granted(self, Ask(lease=ask.lease, only_if=ask.only_if, at=now), tag=tag, now=now)

    monkeypatch.setattr(Contender, "granted", late)
    assert any(_has_two(seed) for seed in range(200))


def _has_two(seed: int) -> bool:
    world = World(seed, 2)
    world.run(until=400)
    return bool(world.overlaps())


def test_a_store_of_the_field_keeps_the_promise() -> None:
    with running_s3_server() as server:
        bucket = server.make_bucket()
        store = LeaseStore(
            S3Store(
                bucket,
                prefix="lease",
                config={
                    "region": REGION,
                    "endpoint": server.endpoint,
                    "access_key_id": "test",
                    "secret_access_key": "test",
                    "virtual_hosted_style_request": False,
                },
                client_options={"allow_http": True},
                retry_config={"max_retries": 0},
            ),
            "s3://lease",
        )
        one, two = (Contender(name=name, terms=Terms(ttl_s=60)) for name in ("one", "two"))
        assert store.read() is None
        for contender in (one, two):
            contender.observe(None, now=boot_s())
        ask, rival = one.next_ask(now=boot_s()), two.next_ask(now=boot_s())
        assert ask is not None
        assert rival is not None
        one.granted(ask, tag=store.put(ask), now=boot_s())
        with pytest.raises(LeaseTaken):
            store.put(rival)
        two.failed(rival)
        two.observe(store.read(), now=boot_s())
        assert one.is_writer(now=boot_s())
        assert not two.is_writer(now=boot_s())
        assert two.next_ask(now=boot_s()) is None

        stale = two.next_ask(now=boot_s() + 1_000)
        assert stale is not None
        renewal = one.next_ask(now=boot_s() + 30)
        assert renewal is not None
        one.granted(renewal, tag=store.put(renewal), now=boot_s())
        with pytest.raises(LeaseTaken):
            store.put(stale)

        given_back = one.release(now=boot_s())
        assert given_back is not None
        assert not one.is_writer(now=boot_s())
        one.granted(given_back, tag=store.put(given_back), now=boot_s())
        two.observe(store.read(), now=boot_s())
        taken = two.next_ask(now=boot_s())
        assert taken is not None
        two.granted(taken, tag=store.put(taken), now=boot_s())
        assert two.is_writer(now=boot_s())
        found = store.read()
        assert found is not None
        assert found.lease == Lease(holder="two", epoch=2, is_released=False, nonce=taken.lease.nonce)
