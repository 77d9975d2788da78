"""A zone at Cloudflare, by its published API (v4).

It has no "replace only if it is still this": the record is read again just before it is written, by its
id."""

from __future__ import annotations

from typing import Any, Final

import httpx

from hrx.kit.errors import Text
from hrx.kit.secrets import mask_text
from hrx.kit.settings import SecretStr
from hrx.ops.recovery.dns.records import (
    Kind,
    Record,
    changed,
    not_switchable,
    refused,
    tidy_name,
    unavailable,
)

URL: Final = "https://api.cloudflare.com/client/v4"
_LIMITS: Final = httpx.Timeout(5.0, connect=3.0)
#: "Automatic", which others remember for five minutes.
_AUTOMATIC: Final = 1
_AUTOMATIC_S: Final = 300


class Cloudflare:
    """`zone` is the zone's id. Rights of the token: Zone.DNS Edit, for this zone alone."""

    def __init__(self, zone: str, *, token: SecretStr, url: str = URL) -> None:
        self.says = f"Cloudflare {zone}"
        self._records = f"{url.rstrip('/')}/zones/{zone}/dns_records"
        self._client = httpx.Client(
            timeout=_LIMITS,
            trust_env=False,
            follow_redirects=False,
            headers={"Authorization": f"Bearer {token.get_secret_value()}"},
        )

    def read(self, name: str, kind: Kind) -> Record | None:
        found = self._find(name, kind)
        return found[1] if found else None

    def replace(self, before: Record, after: Record) -> str:
        found = self._find(before.name, before.kind)
        if found is None or found[1] != before:
            raise changed(before.name)
        body = {"content": after.values[0], "ttl": after.ttl_s}
        self._call("PATCH", f"{self._records}/{found[0]}", json=body)
        return ""

    def is_everywhere(self, change: str) -> bool:
        """It tells of no progress; its servers have a change within seconds."""
        del change
        return True

    def _find(self, name: str, kind: Kind) -> tuple[str, Record] | None:
        """Its id and the record."""
        found = self._call("GET", self._records, params={"name": tidy_name(name), "type": kind})
        if not found:
            return None
        if len(found) > 1:
            raise not_switchable(name, Text(ja="値が一つではありません", en="it has more than one value"))
        one = found[0]
        if one.get("proxied"):
            raise not_switchable(
                name,
                Text(
                    ja="Cloudflare が間に入っています(proxied)", en="Cloudflare stands in between (proxied)"
                ),
            )
        ttl_s = _AUTOMATIC_S if one["ttl"] == _AUTOMATIC else int(one["ttl"])
        record = Record(name=tidy_name(one["name"]), kind=kind, ttl_s=ttl_s, values=(str(one["content"]),))
        return str(one["id"]), record

    # `Any`: the result is JSON.
    def _call(self, method: str, url: str, **arguments: Any) -> Any:
        try:
            answer = self._client.request(method, url, **arguments)
            told = answer.json()
        except (httpx.HTTPError, ValueError, OSError) as error:
            raise unavailable(self.says, type(error).__name__) from error
        if answer.status_code == 429 or answer.status_code >= 500:
            raise unavailable(self.says, f"HTTP {answer.status_code}")
        if not isinstance(told, dict) or not told.get("success"):
            errors = told.get("errors") if isinstance(told, dict) else None
            says = "; ".join(f"{one.get('code')} {one.get('message')}" for one in errors or ())
            raise refused(self.says, mask_text(says)[:300] or f"HTTP {answer.status_code}")
        return told["result"]
