"""What people have to do with: incidents, messages, duties, notices, post-mortems."""

from __future__ import annotations

from typing import Final

from hrx.kit.errors import Text

FAMILIES: Final[dict[str, dict[str, Text]]] = {
    "verdict": {
        "supported": Text(ja="当てはまる", en="Holds"),
        "refuted": Text(ja="否定", en="Ruled out"),
        "undecided": Text(ja="判断できない", en="Undecided"),
    },
    "lasting": {
        "temporary": Text(ja="応急", en="Temporary"),
        "permanent": Text(ja="恒久", en="For good"),
    },
    "message": {
        "queued": Text(ja="送信待ち", en="Waiting"),
        "delivered": Text(ja="届いた", en="Delivered"),
        "failed": Text(ja="届かない", en="Failed"),
        "bundled": Text(ja="まとめて送信", en="Sent in a bundle"),
        "cancelled": Text(ja="取り消し", en="Cancelled"),
    },
    "purpose": {
        "page": Text(ja="呼び出し", en="Page"),
        "call": Text(ja="チャンネルへの呼び出し", en="Call to a channel"),
        "news": Text(ja="購読者へのお知らせ", en="News for readers"),
        "confirmation": Text(ja="購読の確認", en="Asking a reader to confirm"),
        "notice": Text(ja="通知", en="Notice"),
        "update": Text(ja="続報", en="Update"),
        "reminder": Text(ja="催促", en="Reminder"),
    },
    "on_call_change": {
        "override": Text(ja="交代", en="Override"),
        "leave": Text(ja="休暇", en="Leave"),
    },
    "channel": {
        "slack": Text(ja="Slack", en="Slack"),
        "email": Text(ja="メール", en="e-mail"),
        "pagerduty": Text(ja="PagerDuty", en="PagerDuty"),
        "webhook": Text(ja="Webhook", en="webhook"),
    },
    "incident_role": {
        "manager": Text(ja="インシデントマネージャー", en="Incident manager"),
        "scribe": Text(ja="記録", en="Scribe"),
        "liaison": Text(ja="広報・連絡", en="Communication lead"),
    },
    "window": {
        "draft": Text(ja="下書き", en="Draft"),
        "planned": Text(ja="予告済み", en="Announced"),
        "running": Text(ja="実施中", en="In progress"),
        "over": Text(ja="終了", en="Over"),
        "cancelled": Text(ja="中止", en="Cancelled"),
    },
    "post_mortem": {
        "draft": Text(ja="執筆中", en="Being written"),
        "written": Text(ja="承認待ち", en="Waiting for approval"),
        "approved": Text(ja="承認済み", en="Approved"),
    },
    "action_item": {
        "open": Text(ja="未完了", en="Open"),
        "done": Text(ja="完了", en="Done"),
        "dropped": Text(ja="見送り", en="Dropped"),
    },
    "audience": {
        "customers": Text(ja="顧客", en="Customers"),
        "internal": Text(ja="社内", en="Internal readers"),
    },
    "notice": {
        "first": Text(ja="第一報", en="First word"),
        "update": Text(ja="続報", en="Update"),
        "resolution": Text(ja="解決のお知らせ", en="Resolution"),
        "report": Text(ja="解決報告", en="Report"),
        "maintenance": Text(ja="メンテナンス", en="Maintenance"),
        "draft": Text(ja="下書き", en="Draft"),
        "published": Text(ja="公開済み", en="Published"),
        "discarded": Text(ja="破棄", en="Discarded"),
    },
    "clock": {
        "running": Text(ja="計測中", en="Running"),
        "resting": Text(ja="営業時間外", en="Office closed"),
        "paused": Text(ja="一時停止", en="Paused"),
        "met": Text(ja="期限内", en="Met"),
        "breached": Text(ja="期限超過", en="Breached"),
        "none": Text(ja="期限なし", en="No limit"),
    },
    "topic": {
        "signals": Text(ja="シグナル", en="Signals"),
        "people": Text(ja="人の対応", en="People"),
        "clocks": Text(ja="時計", en="Clocks"),
        "others": Text(ja="診断・連絡", en="Triage and messages"),
    },
    "incident": {
        "open": Text(ja="未対応", en="Open"),
        "acknowledged": Text(ja="対応中", en="Acknowledged"),
        "mitigated": Text(ja="症状は解消", en="Mitigated"),
        "resolved": Text(ja="解決済み", en="Resolved"),
        "closed": Text(ja="完了", en="Closed"),
        "merged": Text(ja="統合済み", en="Merged"),
    },
}
