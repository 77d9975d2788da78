"""The help of `hrx settings` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "The settings reference.": "設定の一覧。",
    "Write .env.example and docs/settings.md from the code.": (
        "プログラムから .env.example と docs/settings.md を作り直す。"
    ),
    "Say whether the written reference still matches the code.": (
        "書かれた一覧が今のプログラムと一致するかを確かめる。"
    ),
}
