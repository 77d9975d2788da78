"""The help of `hrx up` in Japanese."""

from __future__ import annotations

from typing import Final

HELP: Final = {
    "Start everything that is not running, restart what changed; harmless when all is well.": (
        "動いていないものを起動し、変わったものを再起動する。すべて正常なら何もしない。"
    ),
}
