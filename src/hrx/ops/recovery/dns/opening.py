"""The provider that the settings name."""

from __future__ import annotations

from hrx.kit.errors import Refused, Text
from hrx.ops.recovery.dns.cloudflare import URL, Cloudflare
from hrx.ops.recovery.dns.records import Provider
from hrx.ops.recovery.dns.route53 import Route53
from hrx.ops.settings import OpsSettings


def open_provider(settings: OpsSettings) -> Provider:
    """Asks nobody yet. Raises Refused where none is set up."""
    if settings.dns_zone and settings.dns_provider == "route53":
        return Route53(
            settings.dns_zone,
            endpoint=settings.dns_endpoint,
            access_key_id=settings.dns_access_key_id,
            secret_access_key=settings.dns_secret_access_key,
        )
    if settings.dns_zone and settings.dns_provider == "cloudflare" and settings.dns_api_token:
        return Cloudflare(settings.dns_zone, token=settings.dns_api_token, url=settings.dns_endpoint or URL)
    raise Refused(
        Text(ja="DNS の提供者が設定されていません。", en="No provider of DNS is set up."),
        hint=Text(
            ja="HRX_DNS_PROVIDER、HRX_DNS_ZONE、HRX_DNS_RECORD と鍵を設定してください。",
            en="Set HRX_DNS_PROVIDER, HRX_DNS_ZONE, HRX_DNS_RECORD and the key.",
        ),
        code="dns.not_set_up",
    )
