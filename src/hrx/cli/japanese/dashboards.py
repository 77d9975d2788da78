"""The help of `hrx dashboards` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "Dashboards: what the figures say now.": "ダッシュボード: 数値がいま示していること。",
    "Every board with the number of its panels.": "すべてのダッシュボードと図の数。",
    "The values of a board now, with what crosses the line of its alert. Exit code 1 when one does.": (
        "いまの値と、アラートの線を超えたもの。超えたものがあるときの終了コードは 1。"
    ),
    "Ask Prometheus every question of every board. Exit code 1 when it refuses one.": (
        "すべての図の問い合わせを Prometheus に尋ねる。拒否があるときの終了コードは 1。"
    ),
    "The board's id, such as golden-signals.": "ダッシュボードの名前。例: golden-signals。",
}
