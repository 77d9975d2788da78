"""What release drills measure, each figure worded once. All are better when smaller, but for `requests`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hrx.kit.errors import Text

FIGURES: Final[Mapping[str, Text]] = {
    "requests": Text(ja="要求", en="requests"),
    "lost": Text(ja="応答なし", en="unanswered"),
    "failed": Text(ja="エラー(5xx)", en="failed (5xx)"),
    "deploy_s": Text(ja="デプロイ(秒)", en="deploy, s"),
    "taken_back": Text(ja="遅いとして戻された健全な版", en="sound versions taken back as slow"),
    "back_s": Text(ja="自動で戻るまで(秒)", en="until it rolled itself back, s"),
    "gone_on_s": Text(ja="kill から完了まで(秒)", en="from the kill to the end, s"),
    "edge_away_s": Text(ja="入口の不在(秒)", en="edge away, s"),
    "asked": Text(ja="人に尋ねた回数", en="times a person was asked"),
    "also_live": Text(ja="余分に公開された版", en="versions that went live besides"),
    "left_files": Text(ja="残った作りかけ", en="half-made files left"),
    "refusal_s": Text(ja="断るまで(秒)", en="until it was refused, s"),
    "warm_ms": Text(ja="温かい戻し: 入口への命令(ミリ秒)", en="warm way back: the edge's command, ms"),
    "warm_seen_ms": Text(
        ja="温かい戻し: 前の版が答えるまで(ミリ秒)", en="warm way back: first answer of the former, ms"
    ),
    "cold_s": Text(ja="冷えた戻し: 前の版が答えるまで(秒)", en="cold way back: both answer as before, s"),
}


def show_figures(figures: Mapping[str, float]) -> Text:
    """On one line, always in the same order."""
    shown = [name for name in FIGURES if name in figures]
    return Text(
        ja="、".join(f"{FIGURES[name].ja} {figures[name]:g}" for name in shown),
        en=", ".join(f"{FIGURES[name].en} {figures[name]:g}" for name in shown),
    )
