"""What is particular to one vendor: its half-done states, its own words for errors, and how it is opened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hrx.kit.errors import Conflict, Invalid, NotFound, Refused, Unavailable
from hrx.kit.settings import SecretStr
from hrx.ops.settings.targets import TargetSettings
from hrx.ops.targets.calling import read_retry_after
from hrx.ops.targets.railway.journal import Intent, Journal
from hrx.ops.targets.railway.shapes import name_deployments
from hrx.ops.targets.releasing import (
    Deployment,
    DeploymentState,
    DeploymentUnhealthy,
    SettingValue,
    plan_deletions,
)
from hrx.ops.targets.uploading import list_files, pages_key
from hrx.ops.targets.vendors import VENDORS, find_vendor, list_lacks, make_credential, open_vendor
from tests.ops.targets.grounds import MACHINES, WAIT_S, Ground, no_pause, secret_value
from tests.ops.targets.releases import live_version, release
from tests.servers.fly import FlyServer
from tests.servers.pages import PagesServer
from tests.servers.railway import RailwayServer
from tests.servers.vendor import Fault, Reply, Request
from tests.servers.vercel import VercelServer

pytestmark = [pytest.mark.req("R3.2-1"), pytest.mark.req("R3.3-1")]
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


# ── Railway ──────────────────────────────────────────────────────────────────────────────────────────


def test_railway_is_told_the_health_path_and_the_restart_policy_with_the_image(railway: Ground) -> None:
    server = railway.vendor
    assert isinstance(server, RailwayServer)
    release(railway, "1.0.0")
    assert server.instance["healthcheckPath"] == "/readyz"
    assert server.instance["restartPolicyType"] == "ON_FAILURE"
    assert server.instance["source"] == {"image": "images.example/hrx:1.0.0"}


def test_railway_values_alone_start_no_deployment(railway: Ground) -> None:
    release(railway, "1.0.0")
    made = railway.made()
    railway.open().push_settings({"HRX_SEAL_KEYS": SettingValue(value=secret_value())})
    assert railway.made() == made


def test_railway_same_image_under_two_names_is_two_deployments(railway: Ground) -> None:
    """New settings with the same image: the image alone must not pass for the name."""
    target = railway.open()
    prepared = target.prepare(railway.build("1.0.0"))
    first = target.deploy(prepared, version="1.0.0", key="one")
    railway.vendor.fail_next("deploy", Fault.CUT_AFTER)
    second = target.deploy(prepared, version="1.0.0", key="two")
    assert first.id != second.id
    assert railway.made() == 2
    assert target.deploy(prepared, version="1.0.0", key="one").id == first.id


def test_railway_an_answered_deployment_is_ours_even_when_somebody_deploys_the_same_image(
    railway: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = railway.vendor
    assert isinstance(server, RailwayServer)
    answer = server.answer

    def somebody_was_faster(request: Request, what: str) -> Reply:
        if what == "deploy":
            server._add("images.example/hrx:1.0.0", {})
        return answer(request, what)

    monkeypatch.setattr(server, "answer", somebody_was_faster)
    target = railway.open()
    made = target.deploy(target.prepare(railway.build("1.0.0")), version="1.0.0", key="ours")
    assert made.id == server.deployments[-1]["id"]
    assert [one.key for one in target.list_deployments()] == ["ours", None]


def test_railway_refuses_to_go_back_to_what_it_keeps_no_more(railway: Ground) -> None:
    old = release(railway, "1.0.0")
    release(railway, "1.1.0")
    server = railway.vendor
    assert isinstance(server, RailwayServer)
    server.deployments[0]["canRollback"] = False
    with pytest.raises(Refused) as told:
        railway.open().roll_back(old.id, key="back", timeout_s=WAIT_S)
    assert told.value.stable_code == "target.cannot_go_back"
    assert live_version(railway.open()) == "1.1.0"


def test_a_lost_answer_is_given_to_the_first_later_deployment_of_that_image_only() -> None:
    nodes = [
        {"id": "d4", "meta": {"image": "hrx:2"}},
        {"id": "d3", "meta": {"image": "hrx:1"}},
        {"id": "d2", "meta": {}},
        {"id": "d1", "meta": {"image": "hrx:2"}},
    ]
    lost = Intent(key="k", version="2", image="hrx:2", after="d2")
    assert set(name_deployments(nodes, (lost,))) == {"d4"}
    assert name_deployments(nodes, (Intent(key="k", version="3", image="hrx:3", after=None),)) == {}
    known = Intent(key="a", version="2", image="hrx:2", after=None, deployment="d1")
    assert {one: intent.key for one, intent in name_deployments(nodes, (known, lost)).items()} == {
        "d1": "a",
        "d4": "k",
    }


def test_a_journal_that_was_torn_counts_as_empty_and_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "railway.json"
    journal = Journal(path)
    assert journal.list_intents() == ()
    journal.intend(Intent(key="a", version="1", image="i:1", after=None))
    journal.settle("a", deployment="d1")
    assert Journal(path).list_intents() == (
        Intent(key="a", version="1", image="i:1", after=None, deployment="d1"),
    )
    path.write_text('{"intents": [{"key"')
    assert journal.list_intents() == ()
    for number in range(60):
        journal.intend(Intent(key=f"k{number}", version="1", image="i:1", after=None))
    assert len(journal.list_intents()) == 50


# ── Fly.io ───────────────────────────────────────────────────────────────────────────────────────────


def machines(ground: Ground, version: str) -> list[dict[str, object]]:
    server = ground.vendor
    assert isinstance(server, FlyServer)
    return [one for one in server.machines.values() if one["config"]["metadata"]["hrx_version"] == version]


def test_fly_makes_only_the_machines_that_are_missing(fly: Ground) -> None:
    server = fly.vendor
    target = fly.open()
    prepared = target.prepare(fly.build("1.0.0"))
    original = server.answer
    made: list[str] = []

    # The second machine finds no room: the deployment is half made.
    def answer(request: object, what: str) -> object:
        if what == "deploy" and made:
            return server.refuse(422, "insufficient_capacity", "no room in this region")
        if what == "deploy":
            made.append("one")
        return original(request, what)  # type: ignore[arg-type]

    server.answer = answer  # type: ignore[method-assign, assignment]
    with pytest.raises(Invalid):
        target.deploy(prepared, version="1.0.0", key="half")
    assert len(machines(fly, "1.0.0")) == 1
    assert target.list_deployments()[0].state is DeploymentState.WAITING
    server.answer = original  # type: ignore[method-assign]
    done = target.deploy(prepared, version="1.0.0", key="half")
    assert len(machines(fly, "1.0.0")) == MACHINES
    assert target.wait_until_healthy(done.id, timeout_s=WAIT_S).is_live


def test_fly_gives_no_requests_to_machines_that_are_not_healthy(fly: Ground) -> None:
    release(fly, "1.0.0")
    fly.make_sick("1.1.0")
    target = fly.open()
    bad = target.deploy(target.prepare(fly.build("1.1.0")), version="1.1.0", key="bad")
    with pytest.raises(DeploymentUnhealthy):
        target.wait_until_healthy(bad.id, timeout_s=0.5)
    assert {one["cordoned"] for one in machines(fly, "1.1.0")} == {True}
    assert {(one["cordoned"], one["state"]) for one in machines(fly, "1.0.0")} == {(False, "started")}


def test_fly_stops_the_former_machines_and_lets_go_of_every_lease(fly: Ground) -> None:
    release(fly, "1.0.0")
    release(fly, "1.1.0")
    server = fly.vendor
    assert isinstance(server, FlyServer)
    assert {(one["cordoned"], one["state"]) for one in machines(fly, "1.0.0")} == {(True, "stopped")}
    assert server.leases == {}


def test_fly_waits_for_nobody_elses_lease_but_takes_up_its_own(fly: Ground) -> None:
    first = release(fly, "1.0.0")
    server = fly.vendor
    assert isinstance(server, FlyServer)
    release(fly, "1.1.0")
    machine = str(machines(fly, "1.0.0")[0]["id"])
    server.leases[machine] = {"nonce": "theirs", "description": "flyctl deploy"}
    with pytest.raises(Conflict):
        fly.open().roll_back(first.id, key="back", timeout_s=WAIT_S)
    server.leases[machine] = {"nonce": "ours", "description": "hrx release"}
    assert fly.open().roll_back(first.id, key="back", timeout_s=WAIT_S).is_live
    assert server.leases == {}


def test_fly_leaves_machines_of_other_groups_alone(fly: Ground) -> None:
    server = fly.vendor
    assert isinstance(server, FlyServer)
    worker = {
        "id": "abc123",
        "name": "worker",
        "state": "started",
        "created_at": "2026-11-01T00:00:00Z",
        "cordoned": False,
        "config": {
            "image": "x",
            "metadata": {"fly_process_group": "worker", "hrx_key": "w", "hrx_version": "w"},
        },
    }
    server.machines["abc123"] = dict(worker)
    release(fly, "1.0.0")
    assert server.machines["abc123"]["state"] == "started"
    assert [one.version for one in fly.open().list_deployments()] == ["1.0.0"]


# ── Vercel ───────────────────────────────────────────────────────────────────────────────────────────


def test_vercel_is_sent_only_what_it_lacks_and_never_what_is_secret(vercel: Ground) -> None:
    server = vercel.vendor
    assert isinstance(server, VercelServer)
    release(vercel, "1.0.0")
    assert server.calls["upload"] == 2
    release(vercel, "1.1.0")
    assert server.calls["upload"] == 3
    assert not any(b"never-leaves" in content for content in server.files.values())


def test_vercel_values_that_were_not_taken_are_named_and_the_next_run_sets_them(vercel: Ground) -> None:
    server = vercel.vendor
    assert isinstance(server, VercelServer)
    server.refuses_names = {"HRX_B"}
    values = {name: SettingValue(value=secret_value()) for name in ("HRX_A", "HRX_B")}
    with pytest.raises(Unavailable) as told:
        vercel.open().push_settings(values)
    assert told.value.stable_code == "target.partly_set"
    assert "HRX_B" in told.value.message.en
    assert "HRX_A" not in told.value.message.en
    vercel.open().push_settings(values)
    assert set(vercel.variables()) == {"HRX_A", "HRX_B"}


def test_vercel_promotes_only_after_the_health_path_answered(vercel: Ground) -> None:
    release(vercel, "1.0.0")
    vercel.make_sick("1.1.0")
    target = vercel.open()
    bad = target.deploy(target.prepare(vercel.build("1.1.0")), version="1.1.0", key="bad")
    promoted = vercel.vendor.calls["switch"]
    with pytest.raises(DeploymentUnhealthy) as told:
        target.wait_until_healthy(bad.id, timeout_s=0.3)
    assert "/web/livez: HTTP 503" in told.value.message.en
    assert vercel.vendor.calls["switch"] == promoted


# ── Cloudflare Pages ─────────────────────────────────────────────────────────────────────────────────


def test_pages_uploads_go_on_where_they_stopped(cloudflare: Ground) -> None:
    server = cloudflare.vendor
    assert isinstance(server, PagesServer)
    server.fail_next("upload", Fault.CUT, times=3)
    with pytest.raises(Unavailable):
        cloudflare.open().prepare(cloudflare.build("1.0.0"))
    assert cloudflare.open().prepare(cloudflare.build("1.0.0")).uploaded == 2
    assert cloudflare.open().prepare(cloudflare.build("1.0.0")).uploaded == 0
    assert cloudflare.open().prepare(cloudflare.build("1.1.0")).uploaded == 1
    assert not any(b"never-leaves" in content for content in server.assets.values())


def test_pages_lists_more_deployments_than_one_answer_holds(cloudflare: Ground) -> None:
    server = cloudflare.vendor
    assert isinstance(server, PagesServer)
    release(cloudflare, "1.0.0")
    template = next(iter(server.deployments.values()))
    for number in range(30):
        identity = f"{number:032x}"
        server.deployments[identity] = {**template, "id": identity}
    assert len(cloudflare.open().list_deployments()) == 31


def test_pages_headers_file_is_sent_beside_the_manifest(cloudflare: Ground, tmp_path: Path) -> None:
    build = cloudflare.build("1.0.0")
    (tmp_path / "1.0.0" / "_headers").write_text("/*\n  X-Frame-Options: DENY\n")
    target = cloudflare.open()
    prepared = target.prepare(build)
    assert prepared.uploaded == 2
    made = target.deploy(prepared, version="1.0.0", key="one")
    assert target.wait_until_healthy(made.id, timeout_s=WAIT_S).is_live


# ── what all share ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.05),
        ("Fri, 27 Nov 2026 12:00:30 GMT", 30.0),
        ("Fri, 27 Nov 2026 11:00:00 GMT", 0.05),
        ("soon", 5.0),
        ("", 5.0),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(said: str, seconds: float) -> None:
    assert read_retry_after({"retry-after": said}, now=NOW) == seconds


def make_deployment(number: int, state: DeploymentState, *, is_live: bool = False) -> Deployment:
    return Deployment(
        id=f"d{number}",
        version=str(number),
        key=f"k{number}",
        state=state,
        is_live=is_live,
        created_at=NOW + timedelta(minutes=number),
    )


def test_old_deployments_go_but_never_the_live_one_nor_the_way_back() -> None:
    listed = [
        make_deployment(1, DeploymentState.STOPPED),
        make_deployment(2, DeploymentState.READY, is_live=True),
        make_deployment(3, DeploymentState.FAILED),
        make_deployment(4, DeploymentState.STOPPED),
        make_deployment(5, DeploymentState.READY),
        make_deployment(6, DeploymentState.WAITING),
    ]
    assert plan_deletions(listed, keep=1) == ("d1", "d3", "d4")
    assert plan_deletions(listed, keep=2) == ("d1", "d3")
    assert plan_deletions(listed, keep=0) == ("d1", "d3", "d4")


def test_files_are_listed_by_name_without_links_and_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "b.html").write_text("same")
    (tmp_path / "a.css").write_text("same")
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "server.key").write_text("x")
    files = list_files(tmp_path, digest=pages_key)
    assert [one.name for one in files] == ["a.css", "b.html"]
    # Pages keeps a type with each key: the same bytes as another kind of file are another asset.
    assert files[0].digest != files[1].digest
    with pytest.raises(Invalid):
        list_files(tmp_path / "link", digest=pages_key)


@pytest.mark.parametrize("vendor_name", [one.name for one in VENDORS])
def test_a_vendor_without_its_settings_is_refused_with_their_names(vendor_name: str, tmp_path: Path) -> None:
    found = find_vendor(vendor_name)
    with pytest.raises(Refused) as told:
        open_vendor(vendor_name, TargetSettings(), state_dir=tmp_path)
    for name in list_lacks(found, TargetSettings()):
        assert name in told.value.message.en
    full = TargetSettings(**{name: f"x-{name}" for name in found.needs})  # type: ignore[arg-type]
    assert list_lacks(found, full) == ()
    target = open_vendor(vendor_name, full, state_dir=tmp_path, sleep=no_pause)
    assert target.name == vendor_name
    target.close()


def test_an_unknown_target_names_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as told:
        open_vendor("heroku", TargetSettings(), state_dir=tmp_path)
    assert told.value.hint is not None
    assert "railway" in told.value.hint.en


def test_each_token_opens_its_door_in_the_vendors_own_way() -> None:
    def header(name: str, **values: str) -> tuple[str, str]:
        made = make_credential(find_vendor(name), TargetSettings(**values))  # type: ignore[arg-type]
        return made.header, made.value.get_secret_value()

    assert header("railway", railway_token="t") == ("Project-Access-Token", "t")
    assert header("railway", railway_token="t", railway_token_kind="account") == ("Authorization", "Bearer t")
    assert header("fly", fly_token="FlyV1 fm2_x") == ("Authorization", "FlyV1 fm2_x")
    assert header("vercel", vercel_token="t") == ("Authorization", "Bearer t")


def test_what_is_pushed_is_never_in_a_representation() -> None:
    value = SettingValue(value=SecretStr("hunter2hunter2"))
    assert "hunter2" not in repr(value)
