"""Those who use a secret all the time while it is rotated, and how often they were turned away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import HrxError, Text, Unavailable

_PAUSE_S: Final = 0.05
_ENDS_S: Final = 30.0
_COMES_S: Final = 60.0


class Visitor(threading.Thread):
    """Comes again and again until it is told to stop. `refused` says each time why, and no value."""

    def __init__(self, name: str, come: Callable[[], None]) -> None:
        super().__init__(name=f"visitor-{name}", daemon=True)
        self.door = name
        self.let_in = 0
        self.refused: list[str] = []
        self._come = come
        self._told = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._told.is_set():
            try:
                self._come()
                self.let_in += 1
            except HrxError as error:
                self.refused.append(error.message.en)
            self._told.wait(_PAUSE_S)

    def stop(self) -> None:
        """Told, and waited for."""
        self._told.set()
        self.join(timeout=_ENDS_S)


def wait_for_everybody(visitors: Sequence[Visitor]) -> None:
    """Until each of them came once more, from beginning to end, or was turned away. Raises Unavailable."""
    # One visit may have begun before: the second is sure to be of now.
    awaited = [(visitor, visitor.let_in + 2) for visitor in visitors]
    deadline, never = clock.monotonic_s() + _COMES_S, threading.Event()
    for visitor, wanted in awaited:
        while visitor.let_in < wanted and not visitor.refused:
            if clock.monotonic_s() > deadline:
                raise Unavailable(
                    Text(
                        ja=f"{visitor.door} を使う側が {_COMES_S:g} 秒来ません",
                        en=f"Whoever uses {visitor.door} has not come for {_COMES_S:g} s",
                    ),
                    code="rehearsal.nobody_comes",
                )
            never.wait(_PAUSE_S)
