"""One record of a zone, and what a provider of DNS has to be able to do with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from hrx.kit.errors import Conflict, Refused, Text, Unavailable

Kind = Literal["A", "AAAA", "CNAME"]


class DnsUnavailable(Unavailable):
    """The provider did not answer in time, or not well; nothing is known of what was asked last."""

    code = "dns.unavailable"


class DnsRefused(Refused):
    """The provider answered and said no, or the record is of a sort that is not switched like this."""

    code = "dns.refused"


class DnsChanged(Conflict):
    """The record is not what the plan was made for."""

    code = "dns.changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """`name` without a dot at its end, in lower case. `ttl_s`: how long others may remember it."""

    name: str
    kind: Kind
    ttl_s: int
    values: tuple[str, ...]


class Provider(Protocol):
    """A zone at a provider. Every call ends within seconds."""

    says: str

    def read(self, name: str, kind: Kind) -> Record | None:
        """The record as the provider has it. Raises DnsUnavailable, DnsRefused."""

    def replace(self, before: Record, after: Record) -> str:
        """Put `after` in the place of `before`; gives the provider's name of the change, "" when it counts at
        once. Raises DnsChanged when the record is not `before` any more, DnsUnavailable, DnsRefused."""

    def is_everywhere(self, change: str) -> bool:
        """Whether all the provider's servers answer with it. Raises DnsUnavailable, DnsRefused."""


def tidy_name(name: str) -> str:
    """As names are compared here."""
    return name.rstrip(".").lower()


def unavailable(where: str, why: str) -> DnsUnavailable:
    return DnsUnavailable(
        Text(ja=f"DNS({where})が答えません: {why}", en=f"DNS at {where} does not answer: {why}"),
        hint=Text(
            ja="もう一度実行してください。提供者の障害情報も確かめます。",
            en="Run it again; see the provider's status page as well.",
        ),
    )


def refused(where: str, why: str) -> DnsRefused:
    return DnsRefused(
        Text(ja=f"DNS({where})に断られました: {why}", en=f"DNS at {where} refused: {why}"),
        hint=Text(
            ja="HRX_DNS_ZONE と鍵、その権限を確かめてください。",
            en="See to HRX_DNS_ZONE, the key and its rights.",
        ),
    )


def not_switchable(name: str, why: Text) -> DnsRefused:
    return DnsRefused(
        Text(
            ja=f"{name} はこの方法では切り替えられません: {why.ja}",
            en=f"{name} is not switched like this: {why.en}",
        ),
        hint=Text(
            ja="提供者の画面で、普通の(A、AAAA、CNAME の)レコードにしてください。",
            en="Make it a plain record (A, AAAA, CNAME) at the provider.",
        ),
    )


def changed(name: str) -> DnsChanged:
    return DnsChanged(
        Text(ja=f"{name} は計画のあとで変わりました", en=f"{name} changed after the plan was made"),
        hint=Text(ja="計画を作り直してください。", en="Make the plan again."),
    )
