"""What a fault is: prepared (facts needed to take it back), put in, taken back; each safe to run again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hrx.kit.errors import Text
from hrx.ops.drills.ground import Ground

Params = Mapping[str, str]
#: Facts written to the ledger before the fault is put in; never a secret.
Memo = Mapping[str, object]
#: Ends what the drill's own process does for the fault (threads, sessions, servers).
Let = Callable[[], None]


def nothing_held() -> None:
    """For faults that need nobody to keep them up."""


def no_memo(_ground: Ground, _params: Params) -> Memo:
    """For faults that can be taken back without remembering anything."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultSpec:
    """One fault. `undo` works from the memo alone and is harmless when nothing is left to undo."""

    id: str
    title: Text
    inject: Callable[[Ground, Params, Memo], Let]
    undo: Callable[[Ground, Params, Memo], None]
    prepare: Callable[[Ground, Params], Memo] = no_memo
