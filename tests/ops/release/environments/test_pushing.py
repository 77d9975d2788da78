"""What a platform is given follows the settings as declared; a secret is never taken for a plain value."""

from __future__ import annotations

import pytest

from hrx.ops.release.environments.pushing import Service, list_pushable
from hrx.ops.release.environments.schema import Plane, find_known, list_known
from hrx.ops.release.releases import Environment
from hrx.ops.targets.machine.secrets import GENERATED

pytestmark = pytest.mark.req("R3.6-1")


def test_every_name_is_there_once_and_every_secret_is_known_as_one() -> None:
    known = list_known()
    names = [one.name for one in known]
    assert names == sorted(set(names))
    secret = {one.name for one in known if one.is_secret}
    assert set(GENERATED) <= secret
    assert {"HRX_DATABASE_URL", "HRX_REDIS_URL", "HRX_SLACK_BOT_TOKEN", "HRX_OIDC_PROVIDERS"} <= secret
    assert all(one.default is None for one in known if one.is_secret)


def test_a_name_of_two_planes_is_listed_for_both() -> None:
    redis = find_known("HRX_REDIS_URL")
    assert redis is not None
    assert redis.planes == {Plane.APPLICATION, Plane.OPERATIONS}
    assert find_known("HRX_REDIS_ULR") is None


def test_a_platform_is_given_the_required_secrets_of_the_product_and_nothing_of_the_machine() -> None:
    pushed = {one.name: one for one in list_pushable(Environment.PRODUCTION)}
    for name in ("HRX_DATABASE_URL", "HRX_SESSION_KEYS", "HRX_SEAL_KEYS"):
        assert pushed[name].is_secret
        assert pushed[name].is_required
        assert pushed[name].services == (Service.API, Service.WORKER)
    assert pushed["HRX_OWNER_DATABASE_URL"].services == (Service.MIGRATION,)
    for name in ("HRX_POSTGRES_ADMIN_PASSWORD", "HRX_FAULTS_FILE", "HRX_INBOX_URL", "HRX_SLOT", "HRX_TOOLS"):
        assert name not in pushed
    assert "HRX_FAULTS_FILE" in {one.name for one in list_pushable(Environment.DEVELOPMENT)}


def test_the_web_front_end_is_given_no_secret() -> None:
    web = list_pushable(Environment.PRODUCTION, service=Service.WEB)
    assert {one.name for one in web} >= {"HRX_API_URL"}
    assert not any(one.is_secret for one in web)
