"""Powers over who may come in at the edge: turn a source away for a time, and let it in again.

The ledger knows a single address by its short form only; the whole one is found again in the API's own log,
or on the edge's list."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

import psutil

from hrx.kit import clock
from hrx.kit.errors import NotFound, Refused, Text
from hrx.ops.ledger.timers import cancel_timers, set_timer
from hrx.ops.run.acting.spec import ActionSpec, Evidence, Look, wait_until_seen
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.parameters import SHORT_SOURCE
from hrx.ops.seams.addresses import shorten_address

#: The timer that ends a block; its payload names the source by its handle.
LIFT: Final = "source.lift"
_DEFAULT_MIN: Final = 60
_LOG_BYTES: Final = 5_000_000
_IN_LOG: Final = re.compile(r'"address":\s*"([0-9a-fA-F.:]+)"')
#: A wider network is a provider or a country: blocking it hits more people than attackers.
_WIDEST: Final = {4: 16, 6: 32}
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class MayNotBeBlocked(Refused):
    """The source is our own, or so many that the block itself would be the outage."""

    code = "source.may_not_be_blocked"


def handle_of(source: str) -> str:
    """How the ledger names a source: a network as it is, a single address by its short form."""
    return source if "/" in source else shorten_address(source)


def hide_source(plane: Plane, value: str) -> str:
    """The short form of an address that can be found again; anything else as it is."""
    if SHORT_SOURCE.fullmatch(value) or "/" in value:
        return value
    return shorten_address(value) if value in _known_addresses(plane) else value


def find_sources(plane: Plane, value: str) -> list[str]:
    """The addresses or the network that a parameter means. Raises NotFound for an unknown short form."""
    if not SHORT_SOURCE.fullmatch(value):
        return [value]
    found = [address for address in _known_addresses(plane) if shorten_address(address) == value]
    if found:
        return found
    raise NotFound(
        Text(ja=f"接続元 {value} は記録にありません", en=f"No source {value} is in the logs"),
        hint=Text(
            ja="記録が入れ替わったかもしれません。アドレスそのものを指定してください。",
            en="The log may have rotated. Give the address itself.",
        ),
        code="source.unknown",
    )


def refuse_source(plane: Plane, source: str) -> None:
    """Raises MayNotBeBlocked for our own addresses and networks, and for ranges that are too wide."""
    network = ipaddress.ip_network(source)
    if network.prefixlen < _WIDEST[network.version]:
        raise MayNotBeBlocked(
            Text(
                ja=f"{source} は広すぎます(/{_WIDEST[network.version]} まで)",
                en=f"{source} is too wide (/{_WIDEST[network.version]} at most)",
            ),
            hint=Text(ja="攻撃している範囲だけを指定してください。", en="Name only the range that attacks."),
        )
    ours = next((mine for mine in _own_networks(plane) if _overlap(network, mine)), None)
    if ours is not None or network.is_loopback or network.is_unspecified or network.is_multicast:
        raise MayNotBeBlocked(
            Text(
                ja="自社のアドレスを含むため遮断できません",
                en="This has addresses of our own and is not blocked",
            ),
            hint=Text(
                ja="自社の範囲は HRX_NEVER_BLOCKED と、この機械のアドレスです。",
                en="Our own are those of HRX_NEVER_BLOCKED and of this machine.",
            ),
        )


def _own_networks(plane: Plane) -> list[_Network]:
    """What the settings name, and this machine's own addresses: the probe and the plane come from there."""
    named = [item.strip() for item in plane.settings.never_blocked.split(",") if item.strip()]
    mine = [
        address.address.partition("%")[0]
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family.name in ("AF_INET", "AF_INET6")
    ]
    return [ipaddress.ip_network(item, strict=False) for item in (*named, *mine)]


def _overlap(one: _Network, other: _Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def _known_addresses(plane: Plane) -> set[str]:
    """Addresses in the end of the API's log and on the edge's list."""
    found = {source for source in plane.target.list_blocked() if "/" not in source}
    for part in ("api-blue", "api-green"):
        found |= set(_IN_LOG.findall(plane.target.tail_log(part, size_bytes=_LOG_BYTES)))
    return found


def _block(plane: Plane, params: Mapping[str, str], _timeout_s: float) -> Evidence:
    sources = find_sources(plane, params["source"])
    for source in sources:
        refuse_source(plane, source)
    # Undoing an unblock has no time of its own: then an hour.
    minutes = int(params.get("minutes", _DEFAULT_MIN))
    until = clock.now() + timedelta(minutes=minutes)
    # Its end first: a kill in between leaves a timer without a block, never a block without an end.
    with plane.ledger.store.write() as connection:
        for source in sources:
            handle = handle_of(source)
            set_timer(
                connection,
                kind=LIFT,
                subject=f"source:{handle}",
                due_at=until,
                payload={"source": handle},
            )
    plane.target.change_blocked(add=sources)
    return {"sources": _handles(sources), "until": until.isoformat(), "minutes": minutes}


def _unblock(plane: Plane, params: Mapping[str, str], _timeout_s: float) -> Evidence:
    sources = find_sources(plane, params["source"])
    plane.target.change_blocked(remove=sources)
    with plane.ledger.store.write() as connection:
        for source in sources:
            cancel_timers(connection, subject=f"source:{handle_of(source)}", kind=LIFT)
    return {"sources": _handles(sources)}


def _prove_blocked(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    return _prove(plane, params["source"], wanted=True, timeout_s=timeout_s)


def _prove_let_in(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    try:
        find_sources(plane, params["source"])
    except NotFound:
        # Only the list knew the whole address, and it is off the list now.
        return {"sources": [params["source"]], "turned_away": False, "is_known": False}
    return _prove(plane, params["source"], wanted=False, timeout_s=timeout_s)


def _prove(plane: Plane, value: str, *, wanted: bool, timeout_s: float) -> Evidence:
    """Ask the running edge about an address of the source, as it would ask itself at a request."""
    sources = find_sources(plane, value)
    samples = [str(ipaddress.ip_network(source)[0]) for source in sources]

    def seen() -> Look:
        turned_away = [plane.target.is_blocked(sample) for sample in samples]
        state = Text(ja="断っています", en="it is turned away")
        if not all(turned_away):
            state = Text(ja="通しています", en="it gets through")
        return Look(
            is_good=all(one is wanted for one in turned_away),
            evidence={"sources": _handles(sources), "turned_away": all(turned_away)},
            says=state,
        )

    return wait_until_seen(seen, timeout_s=timeout_s)


def _handles(sources: Sequence[str]) -> list[str]:
    return [handle_of(source) for source in sources]


_OF_SOURCE: Final = ("source",)

ACTIONS: Final = (
    ActionSpec(
        id="source.block",
        title=Text(ja="接続元を入口で断る", en="Turn a source away at the edge"),
        only_reads=False,
        perform=_block,
        params=_OF_SOURCE,
    ),
    ActionSpec(
        id="source.unblock",
        title=Text(ja="接続元を通す", en="Let a source in again"),
        only_reads=False,
        perform=_unblock,
        params=_OF_SOURCE,
    ),
    ActionSpec(
        id="source.prove_blocked",
        title=Text(ja="入口が断ることを確かめる", en="Prove that the edge turns a source away"),
        only_reads=True,
        perform=_prove_blocked,
        params=_OF_SOURCE,
    ),
    ActionSpec(
        id="source.prove_let_in",
        title=Text(ja="入口が通すことを確かめる", en="Prove that the edge lets a source in"),
        only_reads=True,
        perform=_prove_let_in,
        params=_OF_SOURCE,
    ),
)
