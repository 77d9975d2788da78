"""Switching DNS as a procedure: planned on what the provider says, refused when that changed, proven."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hrx.kit.errors import Conflict, Refused
from hrx.kit.settings import SecretStr
from hrx.ops.plan import ApprovalRule
from hrx.ops.run.actions import get_action
from hrx.ops.run.plane import Plane, opened_plane
from hrx.ops.run.planning import make_plan
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.machine import Machine
from tests.ops.conftest import SmallMachine
from tests.servers.cloudflare import TOKEN, ZONE, CloudflareServer, running_cloudflare

pytestmark = pytest.mark.req("R6.3-2")
HERE, THERE = "192.0.2.10", "198.51.100.10"


@pytest.fixture
def cloud() -> Iterator[CloudflareServer]:
    with running_cloudflare() as server:
        server.add("hr.example.jp", HERE, ttl=60)
        yield server


@pytest.fixture
def leading(settings: OpsSettings, machine: SmallMachine, cloud: CloudflareServer) -> Iterator[Plane]:
    """The plane with a zone at the stand-in."""
    known = settings.model_copy(
        update={
            "dns_provider": "cloudflare",
            "dns_zone": ZONE,
            "dns_record": "hr.example.jp",
            "dns_primary": HERE,
            "dns_secondary": THERE,
            "dns_endpoint": cloud.url,
            "dns_api_token": SecretStr(TOKEN),
        }
    )
    with opened_plane(known, target=Machine(machine.layout)) as opened:
        yield opened


def test_there_once_and_back_with_a_second_person(leading: Plane, cloud: CloudflareServer) -> None:
    plan = make_plan(leading, "switch-dns", params={"to": "secondary"})
    assert plan.approval is ApprovalRule.OTHER
    assert plan.facts == {"dns.leads_to": f"{HERE} (60 s)"}
    done = get_action("dns.switch").perform(leading, plan.params, 10)
    assert (done["switched"], done["values"], done["remembered_s"]) == (True, [THERE], 60)
    assert get_action("dns.prove_leads").perform(leading, plan.params, 2)["values"] == [THERE]
    assert get_action("dns.switch").perform(leading, plan.params, 10)["switched"] is False
    assert cloud.writes == 1
    with pytest.raises(Conflict, match="already"):
        make_plan(leading, "switch-dns", params={"to": "secondary"})
    assert make_plan(leading, "switch-dns", params={"to": "primary"}).facts == {
        "dns.leads_to": f"{THERE} (60 s)"
    }


def test_a_plan_is_another_one_when_the_record_was_changed(leading: Plane, cloud: CloudflareServer) -> None:
    before = make_plan(leading, "switch-dns", params={"to": "secondary"})
    next(iter(cloud.records.values())).update(content="203.0.113.7")
    assert make_plan(leading, "switch-dns", params={"to": "secondary"}).plan_hash != before.plan_hash


def test_without_a_provider_it_says_what_to_set(plane: Plane) -> None:
    with pytest.raises(Refused) as refused:
        make_plan(plane, "switch-dns", params={"to": "secondary"})
    assert refused.value.hint is not None
    assert "HRX_DNS_RECORD" in refused.value.hint.en
