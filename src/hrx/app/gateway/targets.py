"""Which models may answer: targets in their order, the clocks of a request, and the size of what is asked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson

from hrx.app.gateway.asking import Ask, Decoded, Usage
from hrx.app.gateway.prices import Price
from hrx.app.gateway.vendors.adapter import Vendor
from hrx.kit.errors import Invalid, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """How long one request may take: to connect, until the first word, between words, and for an answer
    that comes whole. `call_s` bounds everything together, every vendor and every wait."""

    connect_s: float
    first_token_s: float
    idle_s: float
    answer_s: float
    call_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a vendor is asked, and with which key; never shown."""

    base_url: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One model of one vendor."""

    vendor: Vendor
    model: str
    endpoint: Endpoint
    clocks: Clocks
    price: Price

    @property
    def name(self) -> str:
        return f"{self.vendor.value}:{self.model}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The targets of a feature, the first choice first.

    `laps`: how often the whole list is gone through. Another target is asked before the same one is asked
    again: waiting for the first choice is what makes fall-backs slow. `longest_wait_s` bounds one pause,
    whatever a vendor's Retry-After says. `hedge_s`: when nothing has come by then, the next target is asked
    as well, and who begins first answers; None asks one at a time."""

    targets: tuple[Target, ...]
    laps: int = 2
    longest_wait_s: float = 5.0
    hedge_s: float | None = None


def parse_targets(text: str) -> tuple[tuple[Vendor, str], ...]:
    """`vendor:model, …` as written in the settings, in order. Raises Invalid."""
    found: list[tuple[Vendor, str]] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        vendor, _, model = part.partition(":")
        if vendor not in set(Vendor) or not model:
            known = ", ".join(Vendor)
            raise Invalid(
                Text(
                    ja=f"モデルの指定が読めません: {part}(事業者:モデル。事業者は {known})",
                    en=f"Not a model: {part} (write vendor:model; vendors: {known})",
                ),
                code="gateway.target_unreadable",
            )
        found.append((Vendor(vendor), model))
    return tuple(found)


#: Measured on the tokenizers of 2025: English about 4 characters a token, Japanese about 1.
_ASCII_PER_TOKEN: Final = 4
#: No tokenizer in use makes more of a text than this, and a turn costs a few besides.
_MOST_PER_ASCII: Final = 0.5
_MOST_PER_OTHER: Final = 1.5
_PER_TURN: Final = 16
#: A token of text is hardly ever longer: a usage that claims so is wrong.
_LONGEST_TOKEN_BYTES: Final = 64


def estimate_tokens(text: str) -> int:
    """About how many tokens a text is, for when the vendor does not say."""
    wide = 0 if text.isascii() else sum(not letter.isascii() for letter in text)
    return wide + math.ceil((len(text) - wide) / _ASCII_PER_TOKEN)


def most_tokens(texts: Sequence[str]) -> int:
    """What these turns can cost at most, for reserving."""
    total = 0.0
    for text in texts:
        wide = 0 if text.isascii() else sum(not letter.isascii() for letter in text)
        total += _PER_TURN + wide * _MOST_PER_OTHER + (len(text) - wide) * _MOST_PER_ASCII
    return math.ceil(total)


def texts_of(ask: Ask) -> list[str]:
    """Everything of a question that is sent as text."""
    texts = [message.text for message in ask.messages]
    texts += [call.arguments for message in ask.messages for call in message.tool_calls]
    texts += [
        f"{tool.name} {tool.description} {orjson.dumps(dict(tool.parameters)).decode()}" for tool in ask.tools
    ]
    return texts


def believed_usage(decoded: Decoded, *, texts: Sequence[str], most_output: int) -> Usage:
    """What the vendor says it bills, or our estimate, marked as one, where that is missing or cannot be."""
    said = decoded.text + "".join(call.arguments for call in decoded.tool_calls)
    told = decoded.usage
    size = len(said.encode())
    if (
        told is not None
        and 0 < told.input_tokens <= 4 * most_tokens(texts)
        and size / _LONGEST_TOKEN_BYTES <= told.output_tokens <= 4 * max(most_output, 1)
        and told.cached_tokens <= told.input_tokens
    ):
        return told
    return Usage(
        input_tokens=sum(map(estimate_tokens, texts)), output_tokens=estimate_tokens(said), is_estimated=True
    )


def endpoints_with_keys(endpoints: Mapping[Vendor, Endpoint]) -> dict[Vendor, Endpoint]:
    """Those that can be asked: with a key, or a compatible server with an address."""
    return {
        vendor: one
        for vendor, one in endpoints.items()
        if one.base_url and (one.key or vendor is Vendor.COMPATIBLE)
    }
