"""Procedure 5.2.4 on real figures: what the gateway counts of a failing vendor names the right cause."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from prometheus_client import CollectorRegistry

from hrx.app.gateway.calling import Caller
from hrx.app.gateway.door import Watch
from hrx.app.gateway.targets import Clocks, Route
from hrx.app.platform.ai_figures import AiFigures
from hrx.kit import metrics
from hrx.kit.errors import HrxError
from hrx.ops.run.plane import Plane, opened_plane
from hrx.ops.runbook.sops import load_sops
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.machine import Machine
from hrx.ops.triage.engine import diagnose
from hrx.ops.triage.result import Verdict
from tests.app.gateway.asks import make_ask
from tests.app.gateway.test_calling import Seen, make_target
from tests.conftest import ROOT, free_port
from tests.ops.conftest import SmallMachine
from tests.servers.llm import Fault, running_llm

pytestmark = pytest.mark.req("R5.2-1", "R4.1-1")
PATIENT = Clocks(connect_s=10, first_token_s=30, idle_s=30, answer_s=30, call_s=60)


@contextmanager
def plane_that_reads(settings: OpsSettings, machine: SmallMachine, page: str) -> Iterator[Plane]:
    # The small machine's worker has no figures; the page at `page` is the API's.
    nobody = f"http://127.0.0.1:{free_port()}"
    seeing = settings.model_copy(
        update={"api_blue_metrics_url": page, "worker_url": nobody, "look_timeout_s": 1.5}
    )
    with opened_plane(seeing, target=Machine(machine.layout)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (Fault.TOO_MANY, "llm-429"),
        (Fault.BROKEN, "llm-500"),
        (Fault.UNAUTHORIZED, "llm-key-wrong"),
        (Fault.MALFORMED, "llm-garbage"),
        (Fault.NOT_UNDERSTOOD, "input-wrong"),
    ],
)
async def test_a_failing_vendor_is_told_from_the_figures_of_real_calls(
    settings: OpsSettings, machine: SmallMachine, fault: Fault, cause: str
) -> None:
    registry = CollectorRegistry()
    port = free_port()
    stop = metrics.serve(registry, port=port)
    try:
        await fail_calls(AiFigures(registry), fault)
        with plane_that_reads(settings, machine, f"http://127.0.0.1:{port}/metrics") as plane:
            (sop,) = [one for one in load_sops(ROOT / "runbook") if one.id == "5.2.4"]
            result = await asyncio.to_thread(diagnose, plane, sop, told=frozenset({"inference-errors"}))
    finally:
        stop()
    supported = [one.id for one in result.causes if one.verdict is Verdict.SUPPORTED]
    assert cause in supported
    others = {"llm-429", "llm-500", "llm-key-wrong", "llm-garbage", "input-wrong"} - {cause}
    assert not others & set(supported)


async def fail_calls(figures: AiFigures, fault: Fault) -> None:
    caller = Caller(Watch(figures))
    async with running_llm("openai") as server:
        server.fail_next(fault, times=3)
        route = Route(targets=(make_target(server, clocks=PATIENT),), laps=1)
        for _ in range(3):
            with suppress(HrxError):
                await caller.complete(make_ask(), caller.open_call(make_ask(), route=route, permit=Seen()))
    await caller.close()
