"""The help of `hrx down` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "Stop every part, the edge first and PostgreSQL last (fast shutdown); harmless when nothing runs.": (
        "入口から順に、最後に PostgreSQL まで、すべて止める。何も動いていなければ何もしない。"
    ),
}
