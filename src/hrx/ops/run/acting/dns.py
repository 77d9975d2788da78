"""Powers over the record that leads people to one location or the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hrx.kit.errors import Invalid, Refused, Text, Unavailable
from hrx.ops.recovery.dns.opening import open_provider
from hrx.ops.recovery.dns.records import Record
from hrx.ops.recovery.dns.switching import plan_switch, switch
from hrx.ops.run.acting.spec import ActionSpec, Evidence, Look, wait_until_seen
from hrx.ops.run.plane import Plane

_UNKNOWN: Final = "unknown"


def find_dns_state(plane: Plane, params: Mapping[str, str]) -> str:
    """Where the record leads now, and for how long others may remember that. Raises Refused where DNS is not
    set up, NotFound without the record, Conflict when it leads there already."""
    settings = plane.settings
    name, to = _target(plane, params)
    try:
        plan = plan_switch(
            open_provider(settings), name, settings.dns_record_kind, to=to, ttl_s=settings.dns_ttl_s
        )
    except Unavailable:
        return _UNKNOWN
    return f"{', '.join(plan.before.values)} ({plan.before.ttl_s} s)"


def _switch(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    settings = plane.settings
    name, to = _target(plane, params)
    provider = open_provider(settings)
    now = provider.read(name, settings.dns_record_kind)
    if now is not None and now.values == (to,):
        return {"switched": False, **_told(now)}
    plan = plan_switch(provider, name, settings.dns_record_kind, to=to, ttl_s=settings.dns_ttl_s)
    done = switch(provider, plan, timeout_s=timeout_s)
    return {
        "switched": True,
        "before": list(done.before.values),
        "everywhere_after_s": done.everywhere_after_s,
        "remembered_s": done.remembered_s,
        **_told(done.after),
    }


def _prove_leads(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    name, to = _target(plane, params)
    provider = open_provider(plane.settings)

    def seen() -> Look:
        found = provider.read(name, plane.settings.dns_record_kind)
        values = ", ".join(found.values) if found else "-"
        return Look(
            is_good=found is not None and found.values == (to,),
            evidence=_told(found) if found else {},
            says=Text(ja=f"{name} は {values} を指しています", en=f"{name} leads to {values}"),
        )

    return wait_until_seen(seen, timeout_s=timeout_s)


def _told(record: Record) -> dict[str, object]:
    return {"name": record.name, "values": list(record.values), "ttl_s": record.ttl_s}


def _target(plane: Plane, params: Mapping[str, str]) -> tuple[str, str]:
    """The record's name and the value that it should have."""
    settings = plane.settings
    places = {"primary": settings.dns_primary, "secondary": settings.dns_secondary}
    if params["to"] not in places:
        raise Invalid(
            Text(ja=f"場所 {params['to']} はありません", en=f"There is no location {params['to']}"),
            code="dns.no_location",
        )
    to = places[params["to"]]
    if settings.dns_record is None or to is None:
        raise Refused(
            Text(
                ja="切り替えるレコードか場所が設定されていません。",
                en="The record or the location is not set.",
            ),
            hint=Text(
                ja="HRX_DNS_RECORD、HRX_DNS_PRIMARY、HRX_DNS_SECONDARY を設定してください。",
                en="Set HRX_DNS_RECORD, HRX_DNS_PRIMARY and HRX_DNS_SECONDARY.",
            ),
            code="dns.not_set_up",
        )
    return settings.dns_record, to


ACTIONS: Final = (
    ActionSpec(
        id="dns.switch",
        title=Text(ja="レコードを別の場所へ向ける", en="Lead the record to the other location"),
        only_reads=False,
        perform=_switch,
        params=("to",),
    ),
    ActionSpec(
        id="dns.prove_leads",
        title=Text(ja="レコードがその場所を指すことを確かめる", en="Prove that the record leads there"),
        only_reads=True,
        perform=_prove_leads,
        params=("to",),
    ),
)
