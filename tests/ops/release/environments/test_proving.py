"""Each issuer is asked about its own keys and no other; what it says is told, and never the key."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping

import pytest

from hrx.kit.errors import NotFound
from hrx.kit.settings import SecretStr
from hrx.ops.release.environments.proving import (
    Remark,
    Standing,
    list_provable,
    prove_key,
    prove_setting,
)
from hrx.ops.release.environments.rotation import SecretKind, plan_rotation
from hrx.ops.release.environments.schema import KnownSetting, list_known
from hrx.ops.release.releases import Environment
from tests.servers.issuers import IssuersServer
from tests.servers.vendor import Fault, running

pytestmark = pytest.mark.req("R3.6-1")
ISSUERS = {f"HRX_{name.upper()}_API_KEY": name for name in ("stripe", "openai", "anthropic", "google", "llm")}


@pytest.fixture
def issuers() -> Iterator[IssuersServer]:
    server = IssuersServer()
    with running(server):
        yield server


@pytest.fixture(scope="module")
def known() -> Mapping[str, KnownSetting]:
    return {one.name: one for one in list_known()}


def urls_of(server: IssuersServer) -> dict[str, str]:
    return {
        "HRX_STRIPE_URL": server.url,
        "HRX_OPENAI_URL": f"{server.url}/openai/v1",
        "HRX_ANTHROPIC_URL": f"{server.url}/",
        "HRX_GOOGLE_URL": server.url,
        "HRX_LLM_URL": f"{server.url}/llm/v1",
    }


def standings(
    name: str, values: Mapping[str, str], known: Mapping[str, KnownSetting], *, timeout_s: float = 10
) -> list[Standing]:
    proofs = prove_setting(name, values, known=known, environment=Environment.STAGING, timeout_s=timeout_s)
    assert [proof.place for proof in proofs] == list(range(1, len(proofs) + 1))
    return [proof.standing for proof in proofs]


def test_every_key_that_can_be_proved_is_declared_optional_and_secret_and_can_be_rotated(
    known: Mapping[str, KnownSetting],
) -> None:
    assert set(list_provable()) == set(ISSUERS)
    for name in (*ISSUERS, "HRX_STRIPE_WEBHOOK_SECRET"):
        assert known[name].is_secret
        assert not known[name].is_required
        assert known[name].default is None
        assert plan_rotation(name).kind in (SecretKind.ISSUED, SecretKind.CHECKED_HERE)


@pytest.mark.parametrize("name", ISSUERS)
def test_old_and_new_are_accepted_while_both_count_and_the_old_one_is_refused_once_it_is_revoked(
    issuers: IssuersServer, known: Mapping[str, KnownSetting], name: str
) -> None:
    old, new = (f"rk_{secrets.token_hex(16)}" for _ in range(2))
    values = {**urls_of(issuers), name: f"{new},{old}"}
    keys = issuers.valid[ISSUERS[name]]
    keys.add(old)
    assert standings(name, values, known) == [Standing.REFUSED, Standing.ACCEPTED]
    keys.add(new)
    assert standings(name, values, known) == [Standing.ACCEPTED, Standing.ACCEPTED]
    keys.remove(old)
    assert standings(name, values, known) == [Standing.ACCEPTED, Standing.REFUSED]
    issuers.restricted = {new}
    assert standings(name, {**values, name: new}, known) == [Standing.ACCEPTED]
    assert set(issuers.calls) == {ISSUERS[name]}
    assert all(request.method == "GET" and new not in request.path for request in issuers.seen)


@pytest.mark.parametrize("name", ISSUERS)
def test_trouble_of_an_issuer_says_nothing_about_the_key(
    issuers: IssuersServer, known: Mapping[str, KnownSetting], name: str
) -> None:
    key = secrets.token_hex(16)
    issuers.valid[ISSUERS[name]].add(key)
    values = {**urls_of(issuers), name: key}
    for fault in (Fault.TOO_MANY, Fault.BROKEN, Fault.CUT):
        issuers.fail_next("*", fault)
        assert standings(name, values, known) == [Standing.SILENT], fault
    issuers.fail_next("*", Fault.HANG)
    assert standings(name, values, known, timeout_s=0.3) == [Standing.SILENT]
    assert standings(name, values, known) == [Standing.ACCEPTED]


def test_a_redirect_is_not_followed_for_the_key_would_go_with_it(
    issuers: IssuersServer, known: Mapping[str, KnownSetting]
) -> None:
    other = IssuersServer()
    with running(other):
        issuers.forwards_to = f"{other.url}/v1/balance"
        values = {**urls_of(issuers), "HRX_STRIPE_API_KEY": "rk_test_1"}
        assert standings("HRX_STRIPE_API_KEY", values, known) == [Standing.SILENT]
    assert other.seen == []


def test_without_a_key_the_vendor_is_off_and_nobody_is_asked(
    issuers: IssuersServer, known: Mapping[str, KnownSetting]
) -> None:
    for name in ISSUERS:
        assert standings(name, urls_of(issuers), known) == [Standing.OFF]
    assert issuers.seen == []
    with pytest.raises(NotFound):
        standings("HRX_SEAL_KEYS", {}, known)


def test_a_key_that_no_header_can_hold_is_refused_without_a_call(
    issuers: IssuersServer, known: Mapping[str, KnownSetting]
) -> None:
    values = {**urls_of(issuers), "HRX_OPENAI_API_KEY": "鍵"}
    assert standings("HRX_OPENAI_API_KEY", values, known) == [Standing.REFUSED]
    assert issuers.seen == []


@pytest.mark.parametrize(
    ("key", "environment", "remarks"),
    [
        ("rk_live_1", Environment.PRODUCTION, ()),
        ("sk_live_1", Environment.PRODUCTION, (Remark.ALL_RIGHTS,)),
        ("rk_test_1", Environment.PRODUCTION, (Remark.TEST_KEY,)),
        ("sk_live_1", Environment.STAGING, (Remark.ALL_RIGHTS, Remark.LIVE_KEY)),
        ("rk_test_1", Environment.STAGING, ()),
    ],
)
def test_a_key_of_stripe_with_too_many_rights_or_of_the_other_mode_is_remarked(
    issuers: IssuersServer,
    known: Mapping[str, KnownSetting],
    key: str,
    environment: Environment,
    remarks: tuple[Remark, ...],
) -> None:
    issuers.valid["stripe"].add(key)
    proof = prove_key(
        "HRX_STRIPE_API_KEY",
        SecretStr(key),
        values=urls_of(issuers),
        known=known,
        environment=environment,
        timeout_s=10,
    )
    assert (proof.standing, proof.remarks) == (Standing.ACCEPTED, remarks)
    assert key not in repr(proof)
