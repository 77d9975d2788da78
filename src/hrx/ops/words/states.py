"""What stands where, in whose words: parts, processes, environments, figures."""

from __future__ import annotations

from typing import Final

from hrx.kit.errors import Text

FAMILIES: Final[dict[str, dict[str, Text]]] = {
    "status": {
        "ok": Text(ja="正常", en="OK"),
        "degraded": Text(ja="低下", en="Degraded"),
        "down": Text(ja="停止", en="Down"),
        "unknown": Text(ja="不明", en="Unknown"),
        "resting": Text(ja="待機", en="Resting"),
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
