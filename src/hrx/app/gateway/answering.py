"""What comes back from a call: the answer, its pieces while it comes, and each request it took."""

from __future__ import annotations

from dataclasses import dataclass

from hrx.app.gateway.asking import Finish, ToolCall, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """One request of a call. `outcome` is ok, the kind of its failure, or abandoned."""

    vendor: str
    model: str
    outcome: str
    detail: str = ""
    duration_s: float
    first_token_s: float | None = None
    usage: Usage | None = None
    cost_nano: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer, and who gave it. `usage` is of the request that gave it; `cost_nano_usd` of all."""

    text: str
    tool_calls: tuple[ToolCall, ...]
    finish: Finish
    usage: Usage
    vendor: str
    model: str
    cost_nano_usd: int
    fallback_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """Vectors of length 1 in the order of the texts, and the model that made them: others do not compare with
    them."""

    vectors: tuple[tuple[float, ...], ...]
    vendor: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """The next words of the answer."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarted:
    """Everything since the beginning is void: another vendor answers anew, from its first word."""

    reason: str
    vendor: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The end, with the whole answer; its tool calls come only here."""

    answer: Answer


Event = Piece | Restarted | Finished
