"""What is asked of a model and what it answers, in words that belong to no vendor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from hrx.kit.search.encoders.protocol import Kind


class Speaker(StrEnum):
    """Who says a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class Finish(StrEnum):
    """Why an answer ends."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    FILTERED = "filtered"
    OTHER = "other"


class ToolChoice(StrEnum):
    """Whether the model may, must or must not call a tool."""

    AUTO = "auto"
    REQUIRED = "required"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool that the model may ask for; `parameters` is a JSON schema."""

    name: str
    description: str
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """What the model wants to have run. `arguments` is JSON as the model wrote it, not checked here.

    `seal` is the vendor's own mark on the call, given back unread with the conversation."""

    id: str
    name: str
    arguments: str
    seal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn. A turn of TOOL names the call it answers (`answers_call`) and the tool."""

    speaker: Speaker
    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    answers_call: str = ""
    tool: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A question to whichever model answers. `feature` is ours (assistant, extraction …): budgets go by
    it. `prompt_version` names the prompt that the messages were made from. `is_interactive`: a
    person waits, so that a slow model may get a second one beside it."""

    feature: str
    messages: tuple[Message, ...]
    max_output_tokens: int
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = ToolChoice.AUTO
    temperature: float | None = None
    prompt_version: str = ""
    is_interactive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedAsk:
    """Texts to be turned into vectors of `dimensions` numbers by one model, `vendor:model`: vectors of two do
    not compare, so nobody else is asked. `kind`: what the texts are, where the vendor makes a difference.
    `within_s`: shorter than the call's own limit where a person waits; None is that limit."""

    feature: str
    texts: tuple[str, ...]
    model: str
    dimensions: int
    kind: Kind
    within_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens that are billed; `cached_tokens` are those of the input that the vendor had already.

    `is_estimated`: the vendor said nothing, or what cannot be."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    is_estimated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """An answer as read from a vendor's words; `usage` is None where it gave none."""

    text: str
    tool_calls: tuple[ToolCall, ...]
    finish: Finish
    usage: Usage | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectors:
    """Embeddings in the order of the texts."""

    vectors: tuple[tuple[float, ...], ...]
    usage: Usage | None
