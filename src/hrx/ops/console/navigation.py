"""The console's menu: one line for each place, in the order of a day's work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hrx.kit.errors import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuItem:
    """One place. `also`: other beginnings of addresses that belong to it."""

    href: str
    title: Text
    also: tuple[str, ...] = ()

    def is_current(self, path: str) -> bool:
        """Whether a page at this path is part of the place."""
        own = path == "/" if self.href == "/" else path.startswith(self.href)
        return own or path.startswith(self.also or ("\0",))


MENU: Final = (
    MenuItem(href="/", title=Text(ja="概況", en="Overview"), also=("/parts/",)),
    MenuItem(href="/incidents", title=Text(ja="障害", en="Incidents")),
    MenuItem(href="/on-call", title=Text(ja="当番", en="On call")),
    MenuItem(href="/alerts", title=Text(ja="アラート", en="Alerts")),
    MenuItem(href="/dashboards", title=Text(ja="ダッシュボード", en="Dashboards")),
    MenuItem(href="/sops", title=Text(ja="障害ごとの手順", en="SOPs"), also=("/faq",)),
    MenuItem(href="/procedures", title=Text(ja="手順と実行", en="Procedures"), also=("/plans", "/runs")),
    MenuItem(href="/releases", title=Text(ja="リリース", en="Releases")),
    MenuItem(href="/recovery", title=Text(ja="復旧", en="Recovery")),
    MenuItem(href="/post-mortems", title=Text(ja="事後検証", en="Post-mortems")),
    MenuItem(href="/maintenance", title=Text(ja="メンテナンス", en="Maintenance")),
    MenuItem(href="/contacts", title=Text(ja="連絡先", en="Contacts")),
    MenuItem(href="/drills", title=Text(ja="訓練", en="Drills")),
    MenuItem(href="/logs", title=Text(ja="ログ", en="Logs")),
    MenuItem(href="/ledger", title=Text(ja="台帳", en="Ledger")),
)
