"""The words for states, kinds and roles, in both languages; one place, so that pages and
commands agree."""

from __future__ import annotations

from typing import Final

from hrx.kit.errors import Text
from hrx.ops.operators.roles import ROLE_NAMES

_FAMILIES: Final[dict[str, dict[str, Text]]] = {
    "status": {
        "ok": Text(ja="正常", en="OK"),
        "degraded": Text(ja="低下", en="Degraded"),
        "down": Text(ja="停止", en="Down"),
        "unknown": Text(ja="不明", en="Unknown"),
        "resting": Text(ja="待機", en="Resting"),
    },
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
    "evidence": {
        "young": Text(ja="期限前", en="Not old enough"),
        "held": Text(ja="保留", en="On hold"),
        "incident": Text(ja="未完了の障害で使う", en="An unclosed incident may need it"),
        "unreadable": Text(ja="目録が読めない", en="Its manifest cannot be read"),
        "old": Text(ja="消してよい", en="May go"),
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
    "role": {role.value: name for role, name in ROLE_NAMES.items()},
    "risk": {
        "low": Text(ja="小", en="Low"),
        "medium": Text(ja="中", en="Medium"),
        "high": Text(ja="大", en="High"),
    },
    "effect": {
        "reads": Text(ja="読むだけ", en="Reads only"),
        "passing": Text(ja="やり直せる", en="Can simply be done again"),
        "undoable": Text(ja="取り消せる", en="Can be undone"),
        "irreversible": Text(ja="取り消せない", en="Irreversible"),
    },
    "rule": {
        "none": Text(ja="承認不要", en="No approval"),
        "own": Text(ja="実行する本人が確認", en="Confirmed by whoever runs it"),
        "other": Text(ja="作成者以外の承認者", en="An approver other than the author"),
    },
    "run": {
        "waiting": Text(ja="開始待ち", en="Waiting"),
        "running": Text(ja="実行中", en="Running"),
        "succeeded": Text(ja="成功", en="Succeeded"),
        "failed": Text(ja="失敗", en="Failed"),
        "refused": Text(ja="拒否", en="Refused"),
        "closed": Text(ja="打ち切り", en="Closed"),
        "died": Text(ja="中断", en="Died"),
    },
    "step": {
        "pending": Text(ja="未実行", en="Pending"),
        "running": Text(ja="実行中", en="Running"),
        "done": Text(ja="完了", en="Done"),
        "failed": Text(ja="失敗", en="Failed"),
        "undone": Text(ja="取り消し済み", en="Undone"),
        "undo_failed": Text(ja="取り消し失敗", en="Undo failed"),
    },
    "built": {
        "yes": Text(ja="稼働中", en="Live"),
        "partly": Text(ja="一部", en="Partly built"),
        "no": Text(ja="未構築", en="Not built yet"),
    },
    "group": {
        "edge": Text(ja="入口", en="Edge"),
        "product": Text(ja="製品", en="Product"),
        "data": Text(ja="データ", en="Data"),
        "watch": Text(ja="監視と運用", en="Watching"),
    },
    "environment": {
        "development": Text(ja="開発環境", en="Development"),
        "staging": Text(ja="ステージング", en="Staging"),
        "production": Text(ja="本番環境", en="Production"),
    },
    "kind": {
        "look": Text(ja="確認", en="Look"),
        "finding": Text(ja="状態の変化", en="Finding"),
        "plan": Text(ja="計画", en="Plan"),
        "approval": Text(ja="承認", en="Approval"),
        "run_refused": Text(ja="実行の拒否", en="Run refused"),
        "run_started": Text(ja="実行開始", en="Run started"),
        "run_resumed": Text(ja="実行再開", en="Run resumed"),
        "step_started": Text(ja="手順開始", en="Step started"),
        "step_done": Text(ja="手順完了", en="Step done"),
        "step_failed": Text(ja="手順失敗", en="Step failed"),
        "undo": Text(ja="取り消し", en="Undo"),
        "proof": Text(ja="外からの確認", en="Proof"),
        "run_finished": Text(ja="実行終了", en="Run finished"),
        "lock_broken": Text(ja="ロック解除", en="Lock broken"),
        "sign_in": Text(ja="サインイン", en="Sign-in"),
        "sign_in_failed": Text(ja="サインイン失敗", en="Sign-in failed"),
        "sign_out": Text(ja="サインアウト", en="Sign-out"),
        "operator_changed": Text(ja="運用者の変更", en="Operator changed"),
        "alert": Text(ja="アラート", en="Alert"),
        "escalation": Text(ja="呼び出し", en="Escalation"),
        "notification": Text(ja="通知", en="Notification"),
        "triage": Text(ja="自動診断", en="Triage"),
        "on_call_changed": Text(ja="当番の変更", en="On-call change"),
        "drill": Text(ja="訓練", en="Drill"),
        "containment": Text(ja="封じ込め", en="Containment"),
        "signals": Text(ja="シグナル", en="Signals"),
        "incident_opened": Text(ja="障害の発生", en="Incident opened"),
        "incident_changed": Text(ja="障害の変化", en="Incident changed"),
        "communication": Text(ja="連絡", en="Communication"),
        "contact_checked": Text(ja="連絡先の確認", en="Contact checked"),
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
    "actor": {
        "alertmanager": Text(ja="Alertmanager", en="Alertmanager"),
        "auto": Text(ja="自動実行", en="automatic"),
        "communication": Text(ja="連絡の見張り", en="communication"),
        "detector": Text(ja="攻撃の検知", en="detector"),
        "incidents": Text(ja="障害管理", en="incidents"),
        "paging": Text(ja="呼び出し", en="paging"),
        "probe": Text(ja="外部監視", en="outside probe"),
        "retention": Text(ja="保管期限の見張り", en="retention"),
        "timer": Text(ja="時計", en="timer"),
        "triage": Text(ja="自動診断", en="triage"),
        "watcher": Text(ja="見回り", en="watcher"),
    },
    "log_level": {
        "debug": Text(ja="詳細", en="debug"),
        "info": Text(ja="情報", en="info"),
        "warning": Text(ja="警告", en="warning"),
        "error": Text(ja="エラー", en="error"),
        "critical": Text(ja="致命的", en="critical"),
    },
    "language": {
        "ja": Text(ja="日本語", en="Japanese"),
        "en": Text(ja="英語", en="English"),
    },
    "unit": {
        "s": Text(ja="秒", en="s"),
        "count": Text(ja="回", en="times"),
        "path": Text(ja="パス", en="path"),
        "port": Text(ja="ポート", en="port"),
        "address": Text(ja="アドレス", en="address"),
    },
    "topic": {
        "signals": Text(ja="シグナル", en="Signals"),
        "people": Text(ja="人の対応", en="People"),
        "clocks": Text(ja="時計", en="Clocks"),
        "others": Text(ja="診断・連絡", en="Triage and messages"),
    },
    "source": {
        "alertmanager": Text(ja="アラート", en="Alerts"),
        "webhook": Text(ja="外部の通知", en="Webhook"),
        "console": Text(ja="人(画面)", en="A person (console)"),
        "cli": Text(ja="人(コマンド)", en="A person (command)"),
        "watcher": Text(ja="運用コンソールの確認", en="The console's own looks"),
        "probe": Text(ja="外からの確認", en="Outside probe"),
        "detector": Text(ja="攻撃の検知", en="Detector"),
        "drill": Text(ja="訓練", en="Drill"),
        "containment": Text(ja="封じ込め", en="Containment"),
    },
    "incident": {
        "open": Text(ja="未対応", en="Open"),
        "acknowledged": Text(ja="対応中", en="Acknowledged"),
        "mitigated": Text(ja="症状は解消", en="Mitigated"),
        "resolved": Text(ja="解決済み", en="Resolved"),
        "closed": Text(ja="完了", en="Closed"),
        "merged": Text(ja="統合済み", en="Merged"),
    },
    "severity": {
        "critical": Text(ja="重大", en="critical"),
        "warning": Text(ja="警告", en="warning"),
        "info": Text(ja="情報", en="info"),
        "none": Text(ja="見張り番", en="watchdog"),
    },
    "process": {
        "running": Text(ja="稼働中", en="running"),
        "starting": Text(ja="起動中", en="starting"),
        "stopping": Text(ja="停止処理中", en="stopping"),
        "stopped": Text(ja="停止", en="stopped"),
        "failed": Text(ja="起動に失敗", en="failed to start"),
        "absent": Text(ja="なし", en="not there"),
        "unknown": Text(ja="不明", en="unknown"),
    },
    "change": {
        "created": Text(ja="追加", en="added"),
        "role": Text(ja="権限の変更", en="new role"),
        "disabled": Text(ja="停止", en="disabled"),
        "enabled": Text(ja="有効化", en="enabled"),
        "new_password": Text(ja="パスワードの変更", en="new password"),
        "second_factor_on": Text(ja="二要素認証を有効化", en="second factor on"),
        "second_factor_off": Text(ja="二要素認証を無効化", en="second factor off"),
    },
    "stage": {
        "sample": Text(ja="標本", en="Sample"),
        "pending": Text(ja="様子見", en="Pending"),
        "firing": Text(ja="発生", en="Firing"),
        "grouped": Text(ja="まとめ", en="Grouped"),
        "told": Text(ja="通知を受領", en="Told"),
        "incident": Text(ja="障害になった", en="Incident"),
        "sent": Text(ja="呼び出しを送信", en="Page sent"),
        "delivered": Text(ja="呼び出しが到達", en="Page delivered"),
        "seen": Text(ja="引き受け", en="Seen"),
    },
    "origin": {
        "prometheus": Text(ja="Prometheus", en="Prometheus"),
        "alertmanager": Text(ja="Alertmanager", en="Alertmanager"),
        "config": Text(ja="設定", en="Configuration"),
        "ledger": Text(ja="台帳", en="Ledger"),
    },
    "alert_rule": {
        "ok": Text(ja="見えている", en="Sees"),
        "pending": Text(ja="様子見", en="Pending"),
        "firing": Text(ja="発生中", en="Firing"),
        "blind": Text(ja="見えていない", en="Blind"),
        "not_fed": Text(ja="まだ数値がない", en="Not fed yet"),
        "unknown": Text(ja="確認前", en="Not looked at yet"),
    },
    "alert": {
        "firing": Text(ja="発生中", en="Firing"),
        "resolved": Text(ja="解消", en="Resolved"),
        "active": Text(ja="発生中", en="Firing"),
        "suppressed": Text(ja="抑止中", en="Suppressed"),
        "unprocessed": Text(ja="受信中", en="Pending"),
    },
}


_COMMAND: Final = "machine:"


def find_actor(name: str) -> Text:
    """Who did something, as people say it; a person who typed a command is told from one who clicked."""
    if name.startswith(_COMMAND):
        who = name.removeprefix(_COMMAND)
        return Text(ja=f"{who}(コマンド)", en=f"{who} (command)")
    known = find("actor", name)
    # Whoever told of a signal writes what came of it.
    return known if known.ja != name else find("source", name)


def find(family: str, value: str) -> Text:
    """The word for a value; the value itself when a newer writer used one we do not know."""
    return _FAMILIES.get(family, {}).get(value, Text(ja=value, en=value))
