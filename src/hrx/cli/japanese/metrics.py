"""The help of `hrx metrics` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "The metrics reference.": "指標の一覧。",
    "Write docs/metrics.md from the code.": "プログラムから docs/metrics.md を作り直す。",
    "Every metric with its unit and meaning.": "すべての指標を単位と意味つきで示す。",
}
