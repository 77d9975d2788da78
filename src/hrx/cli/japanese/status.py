"""The help of `hrx status` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "Every part: does it run, does it answer. Exit code 0 when all that should run does.": (
        "すべての部品が動いているか、応答するか。動くべきものがすべて動いていれば終了コード 0。"
    ),
    "Also how much memory each part takes.": "部品ごとのメモリーも示す。",
}
