"""A whole release to every target: what it leaves when all goes well, when it is sick, when it is killed."""

from __future__ import annotations

import contextlib

import pytest

from hrx.kit.errors import Unavailable
from hrx.ops.targets.releasing import DeploymentState, DeploymentUnhealthy, SettingValue, require_key
from hrx.ops.targets.shipping import Shipment, Step, back_key, ship
from tests.ops.targets.grounds import WAIT_S, Ground, secret_value
from tests.ops.targets.releases import key_of, live_version
from tests.servers.vendor import Fault

pytestmark = [pytest.mark.req("R3.2-1"), pytest.mark.req("R3.3-1")]


@pytest.fixture
def ground(keeper: Ground) -> Ground:
    """Targets that take settings with a release; this machine takes none, and is released to by a deploy."""
    return keeper


def make_shipment(ground: Ground, version: str, *, wait_s: float = WAIT_S, keep: int = 3) -> Shipment:
    return Shipment(
        build=ground.build(version),
        version=version,
        key=key_of(version),
        settings={"HRX_SEAL_KEYS": SettingValue(value=secret_value())},
        health_timeout_s=wait_s,
        keep=keep,
    )


def test_a_release_is_shipped_with_its_settings_step_by_step(ground: Ground) -> None:
    steps: list[Step] = []
    first = ship(ground.open(), make_shipment(ground, "1.0.0"), on_step=steps.append)
    assert steps == list(Step)
    assert (first.deployment.version, first.former, first.deleted) == ("1.0.0", None, ())
    second = ship(ground.open(), make_shipment(ground, "1.1.0"))
    assert second.former is not None
    assert second.former.id == first.deployment.id
    assert live_version(ground.open()) == "1.1.0"
    assert set(ground.variables()) == {"HRX_SEAL_KEYS"}


def test_the_same_shipment_again_changes_nothing(ground: Ground) -> None:
    ship(ground.open(), make_shipment(ground, "1.0.0"))
    pushed = dict(ground.variables())
    again = ship(ground.open(), make_shipment(ground, "1.0.0"))
    assert again.deployment.is_live
    assert ground.made() == 1
    assert dict(ground.variables()) == pushed


def test_a_sick_release_leaves_the_former_one_with_the_requests(ground: Ground) -> None:
    ship(ground.open(), make_shipment(ground, "1.0.0"))
    ground.make_sick("1.1.0")
    with pytest.raises(DeploymentUnhealthy):
        ship(ground.open(), make_shipment(ground, "1.1.0", wait_s=0.5))
    assert live_version(ground.open()) == "1.0.0"


def test_a_first_release_that_is_sick_is_told_though_there_is_no_way_back(ground: Ground) -> None:
    ground.make_sick("1.0.0")
    with pytest.raises(DeploymentUnhealthy):
        ship(ground.open(), make_shipment(ground, "1.0.0", wait_s=0.5))


def test_too_old_ones_are_deleted_and_the_way_back_is_kept(ground: Ground) -> None:
    for number in range(4):
        done = ship(ground.open(), make_shipment(ground, f"1.{number}.0", keep=1))
    assert done.deployment.version == "1.3.0"
    useful = (DeploymentState.READY, DeploymentState.STOPPED)
    listed = [one for one in ground.open().list_deployments() if one.state in useful]
    assert [one.version for one in listed][:2] == ["1.3.0", "1.2.0"]
    back = ground.open().roll_back(listed[1].id, key="back", timeout_s=WAIT_S)
    assert back.is_live


@pytest.mark.parametrize(
    "what", ["settings", "check", "upload", "deploy", "list", "switch", "lease", "delete"]
)
def test_a_shipment_that_lost_the_network_goes_on_and_makes_one_deployment(vendor: Ground, what: str) -> None:
    ship(vendor.open(), make_shipment(vendor, "1.0.0"))
    shipment = make_shipment(vendor, "1.1.0")
    vendor.vendor.dark_after = what
    with contextlib.suppress(Unavailable):
        ship(vendor.open(), shipment)
    vendor.vendor.bring_back()
    done = ship(vendor.open(), shipment)
    assert done.deployment.version == "1.1.0"
    assert vendor.made() == 2
    assert live_version(vendor.open()) == "1.1.0"


def test_a_deletion_that_fails_does_not_fail_the_release(vendor: Ground) -> None:
    for number in range(3):
        ship(vendor.open(), make_shipment(vendor, f"1.{number}.0", keep=5))
    vendor.vendor.fail_next("delete", Fault.BROKEN, times=9)
    done = ship(vendor.open(), make_shipment(vendor, "1.3.0", keep=1))
    assert done.deployment.is_live
    assert done.deployment.version == "1.3.0"


@pytest.mark.parametrize("key", ["r42", "a" * 40, f"{'a' * 34}-{'b' * 5}"])
def test_the_name_of_a_way_back_is_always_a_name(key: str) -> None:
    assert require_key(back_key(require_key(key)))
