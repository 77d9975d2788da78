"""Where people are led by DNS, and to where else when that location is lost."""

from __future__ import annotations

from typing import Literal

from hrx.kit.settings import SecretStr, Settings, setting


class DnsSettings(Settings):
    """The provider, the one record that is switched, and the rule for advising it."""

    dns_provider: Literal["off", "route53", "cloudflare"] = setting(
        "off", ja="DNS の提供者", en="The provider of DNS", example="route53"
    )
    dns_zone: str | None = setting(
        None, ja="提供者でのゾーンの ID", en="Id of the zone at the provider", example="Z0123456789ABC"
    )
    dns_record: str | None = setting(
        None, ja="切り替えるレコードの名前", en="Name of the record that is switched", example="hr.example.jp"
    )
    dns_record_kind: Literal["A", "AAAA", "CNAME"] = setting(
        "A", ja="そのレコードの種類", en="The kind of that record"
    )
    dns_primary: str | None = setting(
        None,
        ja="普段の場所(レコードの値)",
        en="The usual location, as the record's value",
        example="192.0.2.10",
    )
    dns_secondary: str | None = setting(
        None,
        ja="別の場所(レコードの値)",
        en="The other location, as the record's value",
        example="198.51.100.10",
    )
    dns_ttl_s: int = setting(
        60,
        ja="あらかじめ下げておく TTL。切り替えが全員に届くまでの時間になる",
        en="TTL to which the record is lowered beforehand: how long a switch takes to reach everybody",
        unit="s",
        ge=60,
        le=3600,
    )
    dns_failures: int = setting(
        3,
        ja="切り替えを勧めるまでに続けて失敗する回数",
        en="How many looks in a row have to fail before a switch is advised",
        unit="count",
        ge=3,
        le=60,
    )
    dns_hold_s: int = setting(
        600,
        ja="一度切り替えたあと、次を勧めない時間",
        en="After a switch no other is advised for this long",
        unit="s",
        ge=60,
        le=86_400,
    )
    dns_endpoint: str | None = setting(
        None,
        ja="提供者の API の URL。未設定なら本来のもの",
        en="URL of the provider's API; unset means the usual",
        unit="URL",
    )
    dns_api_token: SecretStr | None = setting(
        None, ja="Cloudflare の API トークン", en="Cloudflare's API token", unit="secret"
    )
    dns_access_key_id: SecretStr | None = setting(
        None,
        ja="Route 53 の鍵の ID。未設定なら機械の役割を使う",
        en="Id of the key to Route 53; unset means the machine's role",
        unit="secret",
    )
    dns_secret_access_key: SecretStr | None = setting(
        None, ja="Route 53 の秘密の鍵", en="Secret key to Route 53", unit="secret"
    )
