"""What a check is: one read-only question with a time limit, and the facts that it can give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hrx.kit.errors import Text
from hrx.ops.check import Fact
from hrx.ops.triage.eyes import Eyes


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a look gave: facts by name, and the raw text that they rest on.

    A fact that could not be learned is left out: what is missing decides nothing."""

    facts: Mapping[str, Fact]
    raw: str = ""


Look = Callable[[Eyes, Mapping[str, str], float], Seen]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSpec:
    """One registered check. `asks` says in words what is asked, for a dry run; `params` names what it takes.

    `facts` is everything that `look` may give: an SOP that relies on another name is wrong."""

    id: str
    title: Text
    asks: Text
    facts: tuple[str, ...]
    timeout_s: float
    look: Look
    params: tuple[str, ...] = field(default=())
