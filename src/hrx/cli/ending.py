"""Commands that started something which has to end with them: asked to end, they take it away first."""

from __future__ import annotations

import signal
from typing import Final

#: What shells give a program that was asked to end (128 + SIGTERM).
ENDED: Final = 143


def end_in_order() -> None:
    """From here on SIGTERM ends this process as Ctrl-C does: whatever it opened is closed on the way out.

    Once it is on its way, being asked again does not cut that short."""
    signal.signal(signal.SIGTERM, _end)


def _end(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(ENDED)
