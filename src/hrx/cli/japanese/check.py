"""The help of `hrx check` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "Look at parts now. Exit code 1 when a required one is down.": (
        "部品を今、外から見る。必須の部品が止まっていれば終了コード 1。"
    ),
    "Parts to look at; all when none is named.": "見る部品。省略するとすべて。",
    "Keep the look in the ledger.": "見た結果を台帳に残す。",
}
