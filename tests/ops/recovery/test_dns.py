"""DNS fail-over against Route 53 (moto) and Cloudflare's API, both on sockets."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from hrx.kit.errors import Conflict, HrxError, Invalid, NotFound, Refused
from hrx.kit.settings import SecretStr
from hrx.ops.recovery.dns.cloudflare import Cloudflare
from hrx.ops.recovery.dns.opening import open_provider
from hrx.ops.recovery.dns.records import DnsChanged, DnsRefused, DnsUnavailable, Provider, Record
from hrx.ops.recovery.dns.route53 import Route53
from hrx.ops.recovery.dns.switching import Advice, Rule, advise, lower_ttl, plan_switch, switch
from hrx.ops.settings import OpsSettings
from tests.conftest import free_port
from tests.servers.cloudflare import TOKEN, ZONE, CloudflareServer, running_cloudflare
from tests.servers.s3 import running_s3_server

HERE, THERE = "192.0.2.10", "198.51.100.10"
NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A provider with one record, and somebody else who changes it behind our back."""

    provider: Provider
    name: str
    change_elsewhere: Callable[[str], None]


@pytest.fixture(scope="module")
def aws() -> Iterator[Any]:
    with running_s3_server() as server:
        yield boto3.client(
            "route53",
            endpoint_url=server.endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            region_name="us-east-1",
        )


@pytest.fixture(scope="module")
def cloud() -> Iterator[CloudflareServer]:
    with running_cloudflare() as server:
        yield server


def route53_zone(aws: Any) -> Zone:
    domain = f"{secrets.token_hex(4)}.example"
    zone_id = aws.create_hosted_zone(Name=domain, CallerReference=domain)["HostedZone"]["Id"].split("/")[-1]
    name = f"hr.{domain}"

    def upsert(value: str, *, ttl: int = 300, **others: object) -> None:
        told = {"Name": name, "Type": "A", "TTL": ttl, "ResourceRecords": [{"Value": value}], **others}
        aws.change_resource_record_sets(
            HostedZoneId=zone_id,
            ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": told}]},
        )

    upsert(HERE)
    return Zone(
        provider=Route53(
            zone_id,
            endpoint=aws.meta.endpoint_url,
            access_key_id=SecretStr("test"),
            secret_access_key=SecretStr("test"),
        ),
        name=name,
        change_elsewhere=upsert,
    )


def cloudflare_zone(cloud: CloudflareServer) -> Zone:
    name = f"hr.{secrets.token_hex(4)}.example"
    record_id = cloud.add(name, HERE)
    return Zone(
        provider=Cloudflare(ZONE, token=SecretStr(TOKEN), url=cloud.url),
        name=name,
        change_elsewhere=lambda value: cloud.records[record_id].update(content=value),
    )


@pytest.fixture(params=["route53", "cloudflare"])
def zone(request: pytest.FixtureRequest, aws: Any, cloud: CloudflareServer) -> Zone:
    return route53_zone(aws) if request.param == "route53" else cloudflare_zone(cloud)


@pytest.mark.req("R6.3-2")
def test_planned_switched_seen_and_brought_back_by_hand(zone: Zone) -> None:
    lowered = lower_ttl(zone.provider, zone.name, "A", ttl_s=60)
    assert lowered == Record(name=zone.name, kind="A", ttl_s=60, values=(HERE,))
    assert lower_ttl(zone.provider, zone.name, "A", ttl_s=120) == lowered

    plan = plan_switch(zone.provider, zone.name, "A", to=THERE, ttl_s=60)
    assert plan.reaches_all_within_s == 60
    done = switch(zone.provider, plan, timeout_s=10)
    assert zone.provider.read(zone.name, "A") == done.after
    assert done.after.values == (THERE,)

    # Another TTL: the stand-in takes a record that was once made like this for one that is there.
    plan = plan_switch(zone.provider, zone.name, "A", to=HERE, ttl_s=30)
    back = switch(zone.provider, plan, timeout_s=10)
    assert back.after == replace(lowered, ttl_s=30)


def test_done_twice_it_is_done_once(zone: Zone) -> None:
    plan = plan_switch(zone.provider, zone.name, "A", to=THERE, ttl_s=60)
    first = switch(zone.provider, plan, timeout_s=10)
    again = switch(zone.provider, plan, timeout_s=10)
    assert replace(first, everywhere_after_s=0) == replace(again, everywhere_after_s=0)
    with pytest.raises(Conflict, match="already"):
        plan_switch(zone.provider, zone.name, "A", to=THERE, ttl_s=60)


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(zone: Zone) -> None:
    plan = plan_switch(zone.provider, zone.name, "A", to=THERE, ttl_s=60)
    zone.change_elsewhere("203.0.113.7")
    with pytest.raises(DnsChanged):
        switch(zone.provider, plan, timeout_s=10)
    with pytest.raises(DnsChanged):
        zone.provider.replace(plan.before, plan.after)
    found = zone.provider.read(zone.name, "A")
    assert found is not None
    assert found.values == ("203.0.113.7",)


def test_a_record_that_is_not_there_is_told_by_name(zone: Zone) -> None:
    with pytest.raises(NotFound, match="has no A record"):
        plan_switch(zone.provider, "gone.example", "A", to=THERE, ttl_s=60)


def test_a_record_with_a_routing_policy_is_left_alone(aws: Any) -> None:
    zone = route53_zone(aws)
    domain = zone.name.removeprefix("hr.")
    zone_id = aws.list_hosted_zones_by_name(DNSName=domain)["HostedZones"][0]["Id"]
    aws.change_resource_record_sets(
        HostedZoneId=zone_id,
        ChangeBatch={
            "Changes": [
                {
                    "Action": "CREATE",
                    "ResourceRecordSet": {
                        "Name": f"w.{domain}",
                        "Type": "A",
                        "SetIdentifier": "one",
                        "Weight": 1,
                        "TTL": 60,
                        "ResourceRecords": [{"Value": HERE}],
                    },
                }
            ]
        },
    )
    with pytest.raises(DnsRefused, match="routing policy"):
        zone.provider.read(f"w.{domain}", "A")


def test_proxied_records_and_several_values_are_left_alone(cloud: CloudflareServer) -> None:
    provider = Cloudflare(ZONE, token=SecretStr(TOKEN), url=cloud.url)
    cloud.add("proxied.example", HERE, proxied=True)
    cloud.add("two.example", HERE)
    cloud.add("two.example", THERE)
    for name in ("proxied.example", "two.example"):
        with pytest.raises(DnsRefused):
            provider.read(name, "A")


def test_refusals_and_outages_are_told_apart_and_tell_no_token(cloud: CloudflareServer) -> None:
    wrong = "x" * 40
    with pytest.raises(DnsRefused, match="9109") as refused:
        Cloudflare(ZONE, token=SecretStr(wrong), url=cloud.url).read("hr.example", "A")
    assert wrong not in str(refused.value)
    cloud.fails_with = 503
    try:
        with pytest.raises(DnsUnavailable):
            Cloudflare(ZONE, token=SecretStr(TOKEN), url=cloud.url).read("hr.example", "A")
    finally:
        cloud.fails_with = None
    nobody = f"http://127.0.0.1:{free_port()}"
    for provider in (
        Cloudflare(ZONE, token=SecretStr(TOKEN), url=nobody),
        Route53("Z1", endpoint=nobody, access_key_id=SecretStr("t"), secret_access_key=SecretStr("t")),
    ):
        with pytest.raises(DnsUnavailable):
            provider.read("hr.example", "A")


@pytest.mark.parametrize(
    ("in_use", "other", "switched_ago_s", "expected"),
    [
        ([True, False, False], [True] * 3, None, Advice.STAY),
        ([False, False, False], [True] * 3, None, Advice.SWITCH),
        ([False, True, False, False], [True] * 3, None, Advice.STAY),
        ([False] * 5, [True, False, True], None, Advice.STAY),
        ([False] * 5, [False] * 5, None, Advice.STAY),
        ([False] * 5, [True] * 5, 599, Advice.HOLD),
        ([False] * 5, [True] * 5, 601, Advice.SWITCH),
        ([], [], None, Advice.STAY),
    ],
)
def test_a_switch_is_advised_after_three_failures_and_not_soon_again(
    in_use: list[bool], other: list[bool], switched_ago_s: int | None, expected: Advice
) -> None:
    rule = Rule(failures=3, hold=timedelta(seconds=600))
    at = None if switched_ago_s is None else NOW - timedelta(seconds=switched_ago_s)
    assert advise(rule, in_use=in_use, other=other, switched_at=at, now=NOW) is expected


def test_fewer_than_three_failures_are_no_rule() -> None:
    with pytest.raises(Invalid):
        Rule(failures=2, hold=timedelta(0))


def test_without_settings_it_says_what_to_set() -> None:
    with pytest.raises(Refused, match="No provider") as refused:
        open_provider(OpsSettings())
    assert isinstance(refused.value, HrxError)
    assert refused.value.hint is not None
    assert "HRX_DNS_ZONE" in refused.value.hint.en
