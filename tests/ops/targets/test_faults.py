"""What every vendor may do to a release, and that nothing is made twice or half by it."""

from __future__ import annotations

import contextlib
import logging
import time

import pytest

from hrx.kit.errors import HrxError, Invalid, Refused, Unavailable
from hrx.ops.targets.releasing import AnswerLost, SettingValue
from tests.ops.targets.grounds import VARIABLE, WAIT_S, Ground, secret_value
from tests.ops.targets.releases import live_version, release
from tests.servers.vendor import Fault

pytestmark = [pytest.mark.req("R3.2-1"), pytest.mark.req("R3.3-1")]


def said(error: HrxError) -> str:
    """Everything that an operator could read of it."""
    hint = (error.hint.ja, error.hint.en) if error.hint else ()
    return " ".join((error.message.ja, error.message.en, *hint, str(error), repr(error)))


@pytest.mark.parametrize("fault", [Fault.UNAUTHORIZED, Fault.FORBIDDEN])
@pytest.mark.parametrize("what", ["list", "deploy", "settings"])
def test_a_credential_that_is_not_accepted_is_refused_with_what_to_renew(
    vendor: Ground, fault: Fault, what: str
) -> None:
    target = vendor.open()
    prepared = target.prepare(vendor.build("1.0.0"))
    vendor.vendor.fail_next(what, fault)

    def act() -> None:
        if what == "settings":
            target.push_settings({"HRX_SEAL_KEYS": SettingValue(value=secret_value())})
        else:
            target.deploy(prepared, version="1.0.0", key="one")

    with pytest.raises(Refused) as told:
        act()
    assert told.value.stable_code == "target.not_allowed"
    assert VARIABLE in said(told.value)
    assert vendor.vendor.token not in said(told.value)
    assert vendor.made() == 0


@pytest.mark.parametrize("what", ["list", "deploy", "settings", "logs"])
def test_too_many_requests_are_waited_for_as_the_vendor_says(vendor: Ground, what: str) -> None:
    target = vendor.open()
    vendor.vendor.fail_next(what, Fault.TOO_MANY, times=2)
    target.push_settings({"HRX_SEAL_KEYS": SettingValue(value=secret_value())})
    done = release(vendor, "1.0.0", target=target)
    assert target.tail_log(done.id, lines=1)
    assert vendor.vendor.faults == []
    assert vendor.made() == 1


def test_too_many_requests_for_longer_than_the_limit_are_not_waited_for(vendor: Ground) -> None:
    vendor.vendor.fail_next("list", Fault.TOO_MANY_LONG)
    started = time.monotonic()
    with pytest.raises(Unavailable) as told:
        vendor.open().list_deployments()
    assert told.value.stable_code == "target.too_many"
    assert "3600" in said(told.value)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("fault", [Fault.BROKEN, Fault.CUT, Fault.CUT_AFTER, Fault.BROKEN_AFTER])
def test_a_look_that_fails_twice_is_made_again(vendor: Ground, fault: Fault) -> None:
    release(vendor, "1.0.0")
    vendor.vendor.fail_next("list", fault, times=2)
    assert live_version(vendor.open()) == "1.0.0"


@pytest.mark.parametrize("fault", [Fault.BROKEN, Fault.CUT, Fault.HANG])
def test_a_look_that_keeps_failing_is_unavailable_and_ends_in_time(vendor: Ground, fault: Fault) -> None:
    vendor.vendor.fail_next("list", fault, times=9)
    started = time.monotonic()
    with pytest.raises(Unavailable):
        vendor.open().list_deployments()
    assert time.monotonic() - started < 4


@pytest.mark.parametrize("fault", [Fault.CUT_AFTER, Fault.BROKEN_AFTER])
def test_a_deployment_whose_answer_was_lost_is_found_and_not_made_again(vendor: Ground, fault: Fault) -> None:
    release(vendor, "1.0.0")
    target = vendor.open()
    prepared = target.prepare(vendor.build("1.1.0"))
    vendor.vendor.fail_next("deploy", fault)
    made = target.deploy(prepared, version="1.1.0", key="lost")
    assert (made.version, made.key) == ("1.1.0", "lost")
    assert vendor.made() == 2
    assert target.wait_until_healthy(made.id, timeout_s=WAIT_S).is_live


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.BROKEN, Fault.HANG])
def test_a_deployment_that_was_never_made_is_told_and_made_once_by_the_next_run(
    vendor: Ground, fault: Fault
) -> None:
    release(vendor, "1.0.0")
    target = vendor.open()
    prepared = target.prepare(vendor.build("1.1.0"))
    vendor.vendor.fail_next("deploy", fault)
    with pytest.raises(AnswerLost):
        target.deploy(prepared, version="1.1.0", key="again")
    assert vendor.made() == 1
    again = vendor.open()
    made = again.deploy(again.prepare(vendor.build("1.1.0")), version="1.1.0", key="again")
    assert again.wait_until_healthy(made.id, timeout_s=WAIT_S).version == "1.1.0"
    assert vendor.made() == 2


@pytest.mark.parametrize(
    "what", ["deploy", "update", "roll_back", "switch", "stop", "lease", "start", "upload"]
)
def test_when_the_network_goes_after_a_step_the_next_run_goes_on_and_makes_nothing_twice(
    vendor: Ground, what: str
) -> None:
    first = release(vendor, "1.0.0")
    vendor.vendor.dark_after = what
    for _ in range(2):
        with contextlib.suppress(Unavailable):
            release(vendor, "1.1.0")
    vendor.vendor.bring_back()
    done = release(vendor, "1.1.0")
    assert vendor.made() == 2
    assert live_version(vendor.open()) == "1.1.0"
    vendor.vendor.dark_after = what
    for _ in range(2):
        with contextlib.suppress(Unavailable):
            vendor.open().roll_back(first.id, key="back", timeout_s=WAIT_S)
    vendor.vendor.bring_back()
    vendor.open().roll_back(first.id, key="back", timeout_s=WAIT_S)
    assert live_version(vendor.open()) == "1.0.0"
    assert vendor.made() <= 3
    assert done.version == "1.1.0"


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.CUT_AFTER, Fault.BROKEN, Fault.BROKEN_AFTER])
@pytest.mark.parametrize("what", ["roll_back", "start", "switch", "stop", "lease"])
def test_going_back_survives_a_lost_answer_at_each_step(vendor: Ground, what: str, fault: Fault) -> None:
    first = release(vendor, "1.0.0")
    release(vendor, "1.1.0")
    vendor.vendor.fail_next(what, fault)
    for _ in range(3):
        try:
            vendor.open().roll_back(first.id, key="back", timeout_s=WAIT_S)
            break
        except Unavailable:
            continue
    target = vendor.open()
    assert live_version(target) == "1.0.0"
    assert vendor.made() <= 3
    target.roll_back(first.id, key="back", timeout_s=WAIT_S)
    assert live_version(target) == "1.0.0"


def test_a_value_that_the_vendor_repeats_in_its_refusal_is_shown_nowhere(
    vendor: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    value = secret_value()
    vendor.vendor.refuses_settings_with = f"bad value {value.get_secret_value()} given"
    with caplog.at_level(logging.DEBUG), pytest.raises(Invalid) as told:
        vendor.open().push_settings({"HRX_SEAL_KEYS": SettingValue(value=value)})
    assert "bad value" in said(told.value)
    assert value.get_secret_value() not in said(told.value)
    assert value.get_secret_value() not in caplog.text
    assert vendor.vendor.token not in caplog.text


def test_settings_whose_answer_was_lost_are_sent_again(vendor: Ground) -> None:
    value = secret_value()
    vendor.vendor.fail_next("settings", Fault.CUT_AFTER)
    vendor.open().push_settings({"HRX_SEAL_KEYS": SettingValue(value=value)})
    assert vendor.variables() == {"HRX_SEAL_KEYS": value.get_secret_value()}


def test_a_deletion_whose_answer_was_lost_is_done(vendor: Ground) -> None:
    old = release(vendor, "1.0.0")
    release(vendor, "1.1.0")
    vendor.vendor.fail_next("delete", Fault.CUT_AFTER)
    vendor.open().delete_deployment(old.id)
    assert live_version(vendor.open()) == "1.1.0"


def test_waiting_ends_when_the_time_is_over_and_the_next_run_goes_on(vendor: Ground) -> None:
    target = vendor.open()
    made = target.deploy(target.prepare(vendor.build("1.0.0")), version="1.0.0", key="slow")
    with pytest.raises(Unavailable) as told:
        target.wait_until_healthy(made.id, timeout_s=0.0)
    assert told.value.stable_code == "target.still_waiting"
    assert vendor.open().wait_until_healthy(made.id, timeout_s=WAIT_S).is_live
