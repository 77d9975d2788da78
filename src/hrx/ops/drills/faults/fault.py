"""What a fault is: prepared (facts needed to take it back), put in, taken back; each safe to run again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from hrx.kit.errors import Refused, Text
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


#: The code of a refusal that lies in the machine: a suite goes on without that drill.
NOT_HERE: Final = "drill.not_here"


def not_here(*, ja: str, en: str, do_ja: str, do_en: str) -> Refused:
    """This machine cannot bear the fault; what says why, and what to do for a machine that can."""
    return Refused(
        Text(ja=f"この機械では実施できません。{ja}", en=f"This drill cannot be done on this machine. {en}"),
        hint=Text(ja=do_ja, en=do_en),
        code=NOT_HERE,
    )


def possible_anywhere(_ground: Ground, _params: Params) -> None:
    """For faults that every machine can bear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultSpec:
    """One fault. `undo` works from the memo alone and is harmless when nothing is left to undo.

    `refuse` raises Refused (code NOT_HERE) before anything is put in, where the machine cannot bear it."""

    id: str
    title: Text
    inject: Callable[[Ground, Params, Memo], Let]
    undo: Callable[[Ground, Params, Memo], None]
    prepare: Callable[[Ground, Params], Memo] = no_memo
    refuse: Callable[[Ground, Params], None] = possible_anywhere
