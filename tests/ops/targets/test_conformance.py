"""What every release target does, whatever place it speaks to."""

from __future__ import annotations

from pathlib import Path

import pytest

from hrx.kit.errors import Invalid, NotFound, Refused
from hrx.kit.settings import SecretStr
from hrx.ops.targets.releasing import (
    DeploymentState,
    DeploymentUnhealthy,
    Folder,
    Image,
    SettingValue,
    Traffic,
)
from tests.ops.targets.grounds import Ground, secret_value
from tests.ops.targets.releases import live_version, release

pytestmark = [pytest.mark.req("R3.2-1"), pytest.mark.req("R3.3-1"), pytest.mark.timeout(600)]


def test_a_release_becomes_live_and_is_listed_with_its_version_and_name(ground: Ground) -> None:
    target = ground.open()
    assert target.list_deployments() == ()
    done = release(ground, "1.0.0", target=target)
    assert (done.version, done.key, done.is_live) == ("1.0.0", "key-1-0-0", True)
    assert done.state is DeploymentState.READY
    assert [one.id for one in target.list_deployments() if one.is_live] == [done.id]


def test_the_next_release_takes_over_and_the_list_is_newest_first(ground: Ground) -> None:
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        release(ground, version)
    listed = ground.open().list_deployments()
    assert [one.version for one in listed] == ["1.2.0", "1.1.0", "1.0.0"]
    assert [one.is_live for one in listed] == [True, False, False]


def test_the_same_name_twice_makes_one_deployment_also_in_the_next_run(ground: Ground) -> None:
    target = ground.open()
    prepared = target.prepare(ground.build("1.0.0"))
    first = target.deploy(prepared, version="1.0.0", key="once")
    assert target.deploy(prepared, version="1.0.0", key="once").id == first.id
    again = ground.open()
    assert again.deploy(again.prepare(ground.build("1.0.0")), version="1.0.0", key="once").id == first.id
    assert ground.made() == 1
    assert again.wait_until_healthy(first.id, timeout_s=ground.wait_s).is_live
    assert again.wait_until_healthy(first.id, timeout_s=ground.wait_s).is_live


def test_a_sick_release_is_told_and_the_former_one_has_or_gets_the_requests(ground: Ground) -> None:
    good = release(ground, "1.0.0")
    ground.make_sick("1.1.0")
    target = ground.open()
    bad = target.deploy(target.prepare(ground.build("1.1.0")), version="1.1.0", key="bad")
    with pytest.raises(DeploymentUnhealthy) as told:
        target.wait_until_healthy(bad.id, timeout_s=ground.sick_s)
    assert told.value.stable_code == "target.unhealthy"
    if target.traffic is Traffic.AT_ONCE:
        target.roll_back(good.id, key="back", timeout_s=ground.wait_s)
    assert live_version(target) == "1.0.0"


def test_going_back_makes_the_former_release_live_and_twice_is_harmless(ground: Ground) -> None:
    first = release(ground, "1.0.0")
    release(ground, "1.1.0")
    target = ground.open()
    back = target.roll_back(first.id, key="back", timeout_s=ground.wait_s)
    assert back.is_live
    assert live_version(target) == "1.0.0"
    made = ground.made()
    assert ground.open().roll_back(first.id, key="back", timeout_s=ground.wait_s).is_live
    assert ground.made() == made
    # And forward again.
    newest = next(one for one in target.list_deployments() if one.version == "1.1.0")
    target.roll_back(newest.id, key="forward", timeout_s=ground.wait_s)
    assert live_version(target) == "1.1.0"


def test_what_was_never_there_is_not_found(ground: Ground) -> None:
    release(ground, "1.0.0")
    target = ground.open()
    with pytest.raises(NotFound):
        target.roll_back("0123456789abcdef", key="back", timeout_s=ground.wait_s)
    with pytest.raises(NotFound):
        target.wait_until_healthy("0123456789abcdef", timeout_s=ground.wait_s)
    with pytest.raises(NotFound):
        target.tail_log("0123456789abcdef", lines=5)


def test_an_old_deployment_is_deleted_twice_without_harm_and_the_live_one_never(ground: Ground) -> None:
    old, live = release(ground, "1.0.0"), release(ground, "1.1.0")
    target = ground.open()
    target.delete_deployment(old.id)
    target.delete_deployment(old.id)
    gone = (DeploymentState.REMOVED, DeploymentState.STOPPED)
    assert all(one.state in gone for one in target.list_deployments() if one.id == old.id)
    with pytest.raises(Refused) as told:
        target.delete_deployment(live.id)
    assert told.value.stable_code == "target.live"
    assert live_version(target) == "1.1.0"


def test_the_last_lines_of_the_log_are_given_oldest_first(ground: Ground) -> None:
    done = release(ground, "1.0.0")
    lines = ground.open().tail_log(done.id, lines=3)
    assert lines[-1].endswith("line 29")
    assert list(lines) == sorted(lines)
    assert len(lines) == 3


def test_settings_arrive_and_others_stay(keeper: Ground) -> None:
    target = keeper.open()
    first, second = secret_value(), secret_value()
    target.push_settings({"HRX_SESSION_KEYS": SettingValue(value=first)})
    plain = SettingValue(value=SecretStr("info"), is_secret=False)
    names = target.push_settings({"HRX_SEAL_KEYS": SettingValue(value=second), "HRX_LOG_LEVEL": plain})
    assert names == ("HRX_LOG_LEVEL", "HRX_SEAL_KEYS")
    assert keeper.variables() == {
        "HRX_SESSION_KEYS": first.get_secret_value(),
        "HRX_SEAL_KEYS": second.get_secret_value(),
        "HRX_LOG_LEVEL": "info",
    }
    assert target.push_settings({}) == ()
    with pytest.raises(Invalid):
        target.push_settings({"not a name": plain})


def test_a_place_that_reads_its_own_settings_says_so_and_takes_none(reader: Ground) -> None:
    target = reader.open()
    plain = SettingValue(value=SecretStr("info"), is_secret=False)
    assert target.push_settings({}) == ()
    with pytest.raises(Refused) as told:
        target.push_settings({"HRX_LOG_LEVEL": plain})
    assert told.value.stable_code == "target.reads_its_own_settings"
    with pytest.raises(Invalid):
        target.push_settings({"not a name": plain})


def test_a_build_of_the_wrong_kind_and_a_moving_tag_are_refused_before_anything_is_sent(
    ground: Ground,
) -> None:
    target = ground.open()
    takes_images = isinstance(ground.build("1.0.0"), Image)
    wrong: list[Image | Folder] = (
        [Folder(path=Path("/")), Image(reference="hrx"), Image(reference="hrx:latest")]
        if takes_images
        else [Image(reference="hrx:1.0.0")]
    )
    for build in wrong:
        with pytest.raises(Invalid):
            target.prepare(build)
    assert ground.made() == 0


@pytest.mark.parametrize("key", ["", "Upper", "under_score", "-a", "a-", "x" * 41, "日本"])
def test_a_name_that_some_vendor_would_not_take_is_refused_everywhere(ground: Ground, key: str) -> None:
    target = ground.open()
    prepared = target.prepare(ground.build("1.0.0"))
    with pytest.raises(Invalid):
        target.deploy(prepared, version="1.0.0", key=key)
    assert ground.made() == 0
