"""The whole outsider: whom it calls, what it tells the plane, what it shows of itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from hrx.kit import clock
from hrx.kit.door import PartDoor
from hrx.kit.errors import Text, Unavailable
from hrx.kit.settings import SecretStr
from hrx.ops.observe.standby import Reach, read_standby, write_standby
from hrx.ops.probe.calling import Call, Caller, make_call
from hrx.ops.probe.figures import make_registry
from hrx.ops.probe.guarding import PLANE_CONDITION
from hrx.ops.probe.looking import Outsider, Seen
from hrx.ops.probe.probing import Probe, Rhythm
from hrx.ops.probe.reporting import Reporter
from hrx.ops.probe.targets import ProbeTarget, TargetKind, list_targets
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.rising import rising
from tests.conftest import free_port
from tests.ops.probe.outside import AT, World, target

pytestmark = pytest.mark.req("R4.3-2")


def post_to_address(reach: Reach, call: Call) -> None:
    """A channel as bare as can be: what is told, posted to the address."""
    said = {"dedup_key": call.dedup_key, "recipient": reach.recipient, "title": call.title.ja}
    try:
        httpx.post(reach.address, json=said, timeout=2, trust_env=False).raise_for_status()
    except httpx.HTTPError as error:
        raise Unavailable(Text(ja="届かない", en="not taken")) from error


def test_whom_to_call_is_written_when_it_changes_and_survives_a_lost_file(
    tmp_path: Path, world: World
) -> None:
    path = tmp_path / "probe" / "on-call.json"
    reach = (
        Reach(recipient="sato", channel="webhook", address=f"http://127.0.0.1:{free_port()}/gone"),
        Reach(recipient="mori", channel="webhook", address=f"{world.url}/mori", language="en"),
        Reach(recipient="ueda", channel="webhook", address=f"{world.url}/ueda"),
        Reach(recipient="place:#hrx-alerts-critical", channel="webhook", address=f"{world.url}/place"),
    )
    assert write_standby(path, reach)
    assert not write_standby(path, reach)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    caller = Caller(standby=path, deliver=post_to_address)
    caller.remember()
    path.write_text("{ half a fi")
    assert caller.call(make_call(PLANE_CONDITION, says=None, since=AT))
    # The first person's channel is dead, so the next is called and the one after is left alone.
    assert sorted(sent["recipient"] for sent in world.posted) == ["mori", "place:#hrx-alerts-critical"]
    assert {sent["dedup_key"] for sent in world.posted} == {PLANE_CONDITION}
    assert read_standby(path) is None


@dataclass
class Rig:
    """A probe on a world, ticked by hand."""

    probe: Probe
    reporter: Reporter
    targets: tuple[ProbeTarget, ...]
    restart: Callable[[], Probe]

    def look(self, *, times: int = 1) -> None:
        outsider = Outsider(timeout_s=0.5)
        for _ in range(times):
            for one in self.targets:
                self.probe.note(one, outsider.look(one))
            self.probe.step()


@pytest.fixture
def rig(world: World, tmp_path: Path) -> Rig:
    world.answers = {
        "/heartbeat": (200, "application/json", b'{"tick_age_s": 0.1}'),
        "/api": (200, "application/json", b"{}"),
    }
    standby = tmp_path / "on-call.json"
    write_standby(standby, (Reach(recipient="mori", channel="webhook", address=f"{world.url}/call"),))
    targets = (
        target(TargetKind.ROUTE, f"{world.url}/api", name="api"),
        target(TargetKind.PLANE, f"{world.url}/heartbeat", name="plane"),
    )
    reporter = Reporter(url=f"{world.url}/hooks/signals", token="hook-token")

    def make() -> Probe:
        return Probe(
            targets,
            rhythm=Rhythm(every_s=1, timeout_s=0.5, silence_s=0.3),
            reporter=reporter,
            caller=Caller(standby=standby, deliver=post_to_address),
            state_file=tmp_path / "watch.json",
            var_dir=tmp_path,
        )

    return Rig(probe=make(), reporter=reporter, targets=targets, restart=make)


def test_news_reaches_the_plane_once_with_its_token(rig: Rig, world: World) -> None:
    world.answers["/api"] = (500, "application/json", b"{}")
    rig.look(times=3)
    assert rig.reporter.flush() == 1
    assert rig.reporter.flush() == 0
    (sent,) = world.posted
    assert sent["authorization"] == "Bearer hook-token"
    (signal,) = sent["signals"]
    assert (signal["key"], signal["state"], signal["source"]) == ("probe-failed:api", "firing", "probe")


def test_what_the_plane_does_not_take_waits_and_the_newest_word_wins(rig: Rig, world: World) -> None:
    world.answers["/api"] = (500, "application/json", b"{}")
    world.post_status = 503
    rig.look(times=2)
    assert rig.reporter.flush() == 0
    world.answers["/api"] = (200, "application/json", b"{}")
    rig.look(times=2)
    world.post_status = 200
    world.posted.clear()
    assert rig.reporter.flush() == 1
    assert [signal["state"] for signal in world.posted[0]["signals"]] == ["resolved"]


def test_with_plane_and_api_gone_people_are_called_once_even_across_a_restart(rig: Rig, world: World) -> None:
    rig.look()
    world.answers = {}
    with clock.shifted(timedelta(seconds=1)):
        rig.look(times=3)
        rig.probe = rig.restart()
        rig.look(times=3)
    keys = [sent["dedup_key"] for sent in world.posted if "dedup_key" in sent]
    assert sorted(keys) == [
        PLANE_CONDITION,
        "probe-failed:api",
    ]


def test_a_plane_that_is_being_started_with_the_rest_is_not_missed(
    rig: Rig, world: World, tmp_path: Path
) -> None:
    rig.look()
    world.answers = {}
    with rising(tmp_path), clock.shifted(timedelta(seconds=1)):
        rig.look(times=3)
        assert not [sent for sent in world.posted if "dedup_key" in sent]
    with clock.shifted(timedelta(seconds=15)):
        rig.look(times=3)
    assert PLANE_CONDITION in [sent["dedup_key"] for sent in world.posted if "dedup_key" in sent]


def test_the_door_exports_what_was_seen(world: World) -> None:
    seen = Seen(target="tls-a", at=AT, duration_s=0.25, not_after=AT)
    door = PartDoor(port=0, registry=make_registry(lambda: (seen,)), degraded=lambda: ("api",), commit="abc")
    door.open()
    try:
        import urllib.request

        with urllib.request.urlopen(f"http://127.0.0.1:{door.port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        with urllib.request.urlopen(f"http://127.0.0.1:{door.port}/readyz", timeout=5) as answer:
            ready = json.load(answer)
    finally:
        door.close()
    assert 'hrx_probe_success{target="tls-a"} 1.0' in text
    assert 'hrx_probe_duration_seconds{target="tls-a"} 0.25' in text
    ends = text.partition('hrx_probe_tls_not_after_timestamp_seconds{target="tls-a"} ')[2].split()[0]
    assert float(ends) == AT.timestamp()
    assert ready == {"status": "degraded", "degraded": ["api"], "checks": []}


def test_every_public_door_and_the_plane_itself_are_targets(tmp_path: Path) -> None:
    settings = OpsSettings(
        var_dir=tmp_path,
        probe_tls_hosts="hrx.example:8443, b.example",
        probe_dns_hosts="hrx.example",
        probe_status_url="http://127.0.0.1:1/",
        ops_hook_token=SecretStr("x"),
    )
    assert [one.name for one in list_targets(settings)] == [
        "portal",
        "readyz",
        "api",
        "plane",
        "status",
        "tls-hrx.example:8443",
        "trust-hrx.example:8443",
        "tls-b.example",
        "trust-b.example",
        "dns-hrx.example",
    ]
