"""The help of `hrx lock` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "Locks of running procedures.": "実行中の手順のロック。",
    "The locks that block somebody now.": "今、ほかの人を待たせているロック。",
    "End somebody else's lock; the run that held it stops at its next step.": (
        "ほかの人のロックを解除する。持っていた実行は次の手順で止まる。"
    ),
    "The lock's name, such as part:worker.": "ロックの名前(例: part:worker)。",
}
