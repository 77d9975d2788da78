"""Scoring in a process of its own: batches, switches without a lost request, limits, and what people are told
when it is away (R2-8, R3.4-1)."""

from __future__ import annotations

import asyncio
import signal
import stat
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from hrx.app.models.client import NO_SHADOW, Scores, ScoringAway, ScoringClient
from hrx.app.models.drift import count_tenths
from hrx.app.models.scoring import ColumnsDiffer, Loaded, Scorer
from hrx.app.models.serving.batching import Batcher, Limits, RowsInvalid, ScoringBusy, ScoringLate
from hrx.app.models.serving.figures import ScoringFigures
from hrx.kit.errors import Refused, Unavailable
from hrx.kit.models.records import Alias, Draft
from hrx.kit.models.registry import Registry
from hrx.kit.models.signing import Signer
from tests.app.models.serving import PATIENCE_S, serving
from tests.ops.release.models.making import make_draft, make_graph, make_registry

pytestmark = pytest.mark.req("R3.4-1")
_ROW = [0.25, 0.75]
_SWITCHES = 300
_ASKERS = 8


@pytest.fixture
def held(tmp_path: Path) -> tuple[Registry, Signer]:
    return make_registry(tmp_path)


def open_client(socket: Path | None, *, timeout_s: float = PATIENCE_S) -> ScoringClient:
    return ScoringClient(socket, timeout_s=timeout_s)


async def test_hundreds_of_switches_under_questions_lose_none_and_mix_none(
    held: tuple[Registry, Signer], tmp_path: Path
) -> None:
    registry, signer = held
    with serving(held, tmp_path) as process:
        client = open_client(process.socket)
        wanted = {}
        for weight in (2.0, 1.0):
            version = process.go_live(make_draft(weight))
            wanted[version] = (await ask_until_live(client, version)).rows
        versions = sorted(wanted)
        counts: Counter[str] = Counter()
        over = asyncio.Event()

        async def keep_asking() -> None:
            while not over.is_set():
                found = await ask(client)
                # The whole answer is one version's, bit by bit.
                assert found.rows == wanted[found.version]
                counts[found.version] += 1

        async def switch() -> None:
            try:
                for turn in range(_SWITCHES):
                    version = versions[turn % 2]
                    await asyncio.to_thread(
                        registry.move, "small", Alias.LIVE, to=version, signer=signer, by="x", reason=""
                    )
                    await ask_until_live(client, version)
            finally:
                over.set()

        async with asyncio.timeout(8 * PATIENCE_S), asyncio.TaskGroup() as group:
            group.create_task(switch())
            for _ in range(_ASKERS):
                group.create_task(keep_asking())
        await client.close()
        assert min(counts[one] for one in versions) > _SWITCHES
        assert f'hrx_scoring_switches_total{{model="small"}} {_SWITCHES + 2:.1f}' in process.ask("/metrics")


async def ask(client: ScoringClient) -> Scores:
    return await client.score([_ROW], model="small", features="small-1")


async def ask_until_live(client: ScoringClient, version: str | None = None) -> Scores:
    """The first answer, of this version if one is named; a version that was just moved to is loaded first."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with suppress(Unavailable):
            found = await ask(client)
            if version in (None, found.version):
                return found
        await asyncio.sleep(0.002)
    raise AssertionError(version)


async def test_a_file_with_another_digest_never_answers_and_readiness_says_so(
    held: tuple[Registry, Signer], tmp_path: Path
) -> None:
    with serving(held, tmp_path) as process:
        client = open_client(process.socket)
        first = process.go_live(make_draft(1.0))
        assert (await ask_until_live(client)).version == first
        assert process.degraded() == []
        second = process.held[0].register(make_draft(2.0), signer=held[1], by="x").version
        (tmp_path / "shelf" / "versions" / "small" / second / "model.onnx").write_bytes(make_graph(9.0))
        held[0].move("small", Alias.LIVE, to=second, signer=held[1], by="x", reason="")
        process.wait(lambda: process.degraded() == ["small: live"])
        assert 'hrx_scoring_problem{alias="live",model="small"} 1.0' in process.ask("/metrics")
        assert (await ask(client)).version == first
        # After a restart there is no version before it to go on: it says why instead of guessing.
        await client.close()
        process.end()
        process.start()
        client = open_client(process.socket)
        with pytest.raises(Unavailable, match="cannot be loaded"):
            await ask(client)
        await client.close()


async def test_a_question_outlives_a_restart_of_the_part_and_a_kill(
    held: tuple[Registry, Signer], tmp_path: Path
) -> None:
    with serving(held, tmp_path) as process:
        client = open_client(process.socket)
        version = process.go_live(make_draft(1.0))
        await ask_until_live(client)
        for number in (signal.SIGTERM, signal.SIGKILL):
            process.end(number)
            asked = [asyncio.create_task(ask(client)) for _ in range(5)]
            await asyncio.sleep(0.1)
            assert not any(one.done() for one in asked)
            # A killed process leaves its socket behind; the next one takes it over.
            process.socket.unlink(missing_ok=True)
            await asyncio.to_thread(process.start)
            assert {(await one).version for one in asked} == {version}
        assert stat.S_IMODE(process.socket.stat().st_mode) == 0o600
        await client.close()


async def test_a_stop_answers_what_was_let_in(held: tuple[Registry, Signer], tmp_path: Path) -> None:
    # Company is waited for so long that the stop comes while the question waits.
    with serving(held, tmp_path, HRX_SCORING_BATCH_WAIT_MS="1000") as process:
        client = open_client(process.socket)
        process.go_live(make_draft(1.0))
        await ask_until_live(client)
        asked = asyncio.create_task(ask(client))
        await asyncio.sleep(0.2)
        assert await asyncio.to_thread(process.end) == 0
        assert (await asked).labels == ("a", "b")
        await client.close()


async def test_away_is_said_in_words_and_soon_without_asking(tmp_path: Path) -> None:
    client = open_client(tmp_path / "nobody.sock", timeout_s=0.2)
    for _ in range(3):
        with pytest.raises(ScoringAway) as told:
            await ask(client)
    assert "答えません" in told.value.message.ja
    assert told.value.hint is not None
    # It rests: the fourth is not made to wait at all, even with all the time there is.
    client._timeout_s = PATIENCE_S
    began = time.monotonic()
    with pytest.raises(ScoringAway):
        await ask(client)
    assert time.monotonic() - began < PATIENCE_S / 2
    with pytest.raises(ScoringAway, match="not set up"):
        await open_client(None).score([_ROW], model="small", features="small-1")


async def test_nonsense_on_the_socket_ends_that_connection_and_no_other(
    held: tuple[Registry, Signer], tmp_path: Path
) -> None:
    with serving(held, tmp_path) as process:
        client = open_client(process.socket)
        process.go_live(make_draft(1.0))
        await ask_until_live(client)
        for said in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 64, b"\x00\x00\x00\x02\x00\x00\x00\x00[]"):
            reader, writer = await asyncio.open_unix_connection(process.socket)
            writer.write(said)
            assert await asyncio.wait_for(reader.read(), PATIENCE_S) == b""
            writer.close()
        with pytest.raises(Refused, match="rows of 2"):
            await client.score([[1.0, 2.0, 3.0]], model="small", features="small-1")
        with pytest.raises(Refused, match="features"):
            await client.score([_ROW], model="small", features="other")
        with pytest.raises(Unavailable, match="not served"):
            await client.score([_ROW], model="large", features="small-1")
        assert len((await client.score([_ROW] * 3000, model="small", features="small-1")).rows) == 3000
        await client.close()


async def test_the_shadow_is_asked_by_its_own_name_and_answers_nobody_else(
    held: tuple[Registry, Signer], tmp_path: Path
) -> None:
    with serving(held, tmp_path) as process:
        client = open_client(process.socket)
        live = process.go_live(make_draft(1.0))
        await ask_until_live(client, live)
        with pytest.raises(Refused) as nobody:
            await ask_shadow(client)
        assert nobody.value.stable_code == NO_SHADOW
        challenger = process.go_live(make_draft(2.0), Alias.SHADOW)
        found = await until_shadow(client)
        assert (found.version, (await ask(client)).version) == (challenger, live)
        assert found.rows != (await ask(client)).rows
        # Asked at the same moment, each is answered by whom it was asked of.
        answers = await asyncio.gather(*(ask(client) if at % 2 else ask_shadow(client) for at in range(60)))
        assert [one.version for one in answers] == [challenger, live] * 30
        references = await client.list_references("small")
        draft = make_draft(1.0)
        assert references.keys() == {live, challenger}
        assert references[live] == count_tenths(score for row in draft.golden for score in row.answer)
        assert sum(references[challenger]) == sum(references[live]) > 0
        await client.close()


async def ask_shadow(client: ScoringClient) -> Scores:
    return await client.score([_ROW], model="small", features="small-1", is_shadow=True)


async def until_shadow(client: ScoringClient) -> Scores:
    """What was just moved to the shadow is loaded first."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with suppress(Refused):
            return await ask_shadow(client)
        await asyncio.sleep(0.01)
    raise AssertionError("no shadow")


class SlowScorer(Scorer):
    """Answers when it is let; counts the rows of each run."""

    def __init__(self, registry: Registry) -> None:
        super().__init__(registry, "small")
        self.runs: list[int] = []

    def choose(self, features: str, *, columns: int) -> Loaded:
        loaded = super().choose(features, columns=columns)
        runs = self.runs

        class Session:
            def run(self, names: None, given: dict[str, object], options: object = None) -> object:
                [rows] = given.values()
                runs.append(len(rows))  # type: ignore[arg-type]
                time.sleep(0.02)
                return loaded.session.run(names, given, options)

        return Loaded(loaded.version, Session(), loaded.entry, loaded.columns)


def go_live(held: tuple[Registry, Signer], draft: Draft) -> str:
    registry, signer = held
    version = registry.register(draft, signer=signer, by="x").version
    registry.move("small", Alias.LIVE, to=version, signer=signer, by="x", reason="")
    return version


@pytest.fixture
def scorer(held: tuple[Registry, Signer]) -> SlowScorer:
    go_live(held, make_draft(1.0))
    made = SlowScorer(held[0])
    made.refresh()
    return made


def open_batcher(scorer: Scorer, limits: Limits) -> Batcher:
    return Batcher(scorer, limits=limits, figures=ScoringFigures(CollectorRegistry()))


def rows(*values: float) -> object:
    return np.asarray([[value, 1 - value] for value in values], dtype=np.float32)


async def test_what_waits_together_is_scored_together_and_each_gets_its_own(scorer: SlowScorer) -> None:
    batcher = open_batcher(scorer, Limits(batch_rows=16))
    running = asyncio.create_task(batcher.run())
    asked = [batcher.score(rows(at / 40), features="small-1", within_s=PATIENCE_S) for at in range(40)]
    found = await asyncio.gather(*asked)
    for at, (_, answer) in enumerate(found):
        assert answer[0][0] == pytest.approx(1 / (1 + np.exp(-at / 40)), abs=1e-5)
    assert sum(scorer.runs) == 40
    assert max(scorer.runs) == 16
    assert len(scorer.runs) <= 5
    running.cancel()


async def test_more_than_may_wait_is_told_at_once_and_what_was_let_in_is_answered(scorer: SlowScorer) -> None:
    batcher = open_batcher(scorer, Limits(batch_rows=4, queue_rows=8))
    asked = [
        asyncio.create_task(batcher.score(rows(0.5), features="small-1", within_s=PATIENCE_S))
        for _ in range(30)
    ]
    await asyncio.sleep(0)
    running = asyncio.create_task(batcher.run())
    found = await asyncio.gather(*asked, return_exceptions=True)
    busy = [one for one in found if isinstance(one, ScoringBusy)]
    assert (len(busy), len(found) - len(busy)) == (22, 8)
    assert all(isinstance(one, tuple | ScoringBusy) for one in found)
    running.cancel()


async def test_one_request_of_more_rows_than_may_wait_is_told_so_even_when_nobody_waits(
    scorer: SlowScorer,
) -> None:
    batcher = open_batcher(scorer, Limits(batch_rows=4, queue_rows=8))
    running = asyncio.create_task(batcher.run())
    with pytest.raises(ScoringBusy):
        await batcher.score(rows(*[0.5] * 9), features="small-1", within_s=PATIENCE_S)
    _, found = await batcher.score(rows(*[0.5] * 8), features="small-1", within_s=PATIENCE_S)
    assert found.shape == (8, 2)
    # A request larger than a batch is run in parts: no run is larger than was said.
    assert scorer.runs == [4, 4]
    running.cancel()


async def test_what_waits_while_the_model_begins_to_count_other_features_is_refused_and_never_scored_by_it(
    held: tuple[Registry, Signer], scorer: SlowScorer
) -> None:
    batcher = open_batcher(scorer, Limits())
    old = asyncio.create_task(batcher.score(rows(0.5), features="small-1", within_s=PATIENCE_S))
    await asyncio.sleep(0)
    # Two moves: the version that this request was made for is not even the one before any more.
    for weight in (2.0, 3.0):
        version = go_live(held, make_draft(weight, columns=3))
        scorer.refresh()
    wide: object = np.full((1, 3), 0.5, np.float32)
    new = asyncio.create_task(batcher.score(wide, features="small-1", within_s=PATIENCE_S))
    await asyncio.sleep(0)
    running = asyncio.create_task(batcher.run())
    with pytest.raises(ColumnsDiffer):
        await old
    loaded, found = await new
    assert (loaded.version.version, found.shape) == (version, (1, 3))
    assert scorer.runs == [1]
    running.cancel()


async def test_what_waits_while_a_version_comes_with_other_features_is_answered_by_the_one_before(
    held: tuple[Registry, Signer], scorer: SlowScorer
) -> None:
    before = scorer.standing.live
    assert before is not None
    batcher = open_batcher(scorer, Limits())
    old = asyncio.create_task(batcher.score(rows(0.5), features="small-1", within_s=PATIENCE_S))
    await asyncio.sleep(0)
    version = go_live(held, make_draft(2.0, columns=3))
    scorer.refresh()
    wide: object = np.full((1, 3), 0.5, np.float32)
    new = asyncio.create_task(batcher.score(wide, features="small-1", within_s=PATIENCE_S))
    await asyncio.sleep(0)
    running = asyncio.create_task(batcher.run())
    assert (await old)[0].version.version == before.version.version
    assert (await new)[0].version.version == version
    assert scorer.runs == [1, 1]
    running.cancel()


async def test_what_would_be_too_late_is_not_begun(scorer: SlowScorer) -> None:
    batcher = open_batcher(scorer, Limits(batch_rows=1))
    late = asyncio.create_task(batcher.score(rows(0.5), features="small-1", within_s=0))
    in_time = asyncio.create_task(batcher.score(rows(0.5), features="small-1", within_s=PATIENCE_S))
    await asyncio.sleep(0)
    running = asyncio.create_task(batcher.run())
    with pytest.raises(ScoringLate):
        await late
    await in_time
    assert scorer.runs == [1]
    running.cancel()


async def test_numbers_that_are_none_are_refused_before_they_meet_others(scorer: SlowScorer) -> None:
    batcher = open_batcher(scorer, Limits())
    for wrong in (rows(float("nan")), rows(float("inf")), np.zeros((0, 2), np.float32), None):
        with pytest.raises(RowsInvalid):
            await batcher.score(wrong, features="small-1", within_s=1)
