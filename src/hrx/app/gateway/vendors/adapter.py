"""What every vendor's adapter gives: requests as bytes, answers from bytes, streams event by event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

import orjson

from hrx.app.gateway.asking import Ask, Decoded, EmbedAsk, Finish, ToolCall, Usage, Vectors
from hrx.app.gateway.failures import FailureKind, VendorFailure, cut_short, malformed
from hrx.app.gateway.vendors.sse import SseEvent


class Vendor(StrEnum):
    """Whose API is spoken. COMPATIBLE is any server that speaks OpenAI's (vLLM, Ollama, llama.cpp)."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GOOGLE = "google"
    COMPATIBLE = "compatible"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAsk:
    """A POST to be sent; `path` continues the vendor's base URL."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedLimits:
    """What one request for vectors may hold: texts, and tokens over all of them."""

    texts: int
    tokens: int


class StreamDecoder(Protocol):
    """Reads one streamed answer."""

    #: Grows with everything that brings the answer forward; pings and keep-alives do not count.
    progress: int

    def take(self, event: SseEvent) -> str:
        """The text in this event, mostly some words, often none. Raises VendorFailure."""
        ...

    def finish(self) -> Decoded:
        """The whole answer at the end of the stream. Raises VendorFailure when it is not complete."""
        ...


class Adapter(Protocol):
    """One vendor's way of writing."""

    def encode_chat(self, ask: Ask, *, model: str, key: str, is_streamed: bool) -> HttpAsk: ...

    def decode_chat(self, body: bytes) -> Decoded: ...

    def open_stream(self) -> StreamDecoder: ...

    @property
    def embed_limits(self) -> EmbedLimits | None:
        """None where the vendor has no embeddings."""
        ...

    def encode_embeddings(self, ask: EmbedAsk, *, model: str, key: str) -> HttpAsk: ...

    def decode_embeddings(self, body: bytes) -> Vectors:
        """In the order of the texts. Raises VendorFailure where it cannot be told which is whose."""
        ...


Json = dict[str, Any]
JSON_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}


def read_json(body: bytes) -> Json:
    """A JSON object. `Any` within: it is a stranger's. Raises VendorFailure for anything else."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise malformed("not JSON") from None
    if not isinstance(found, dict):
        raise malformed("not an object")
    return found


class TextAndCalls:
    """What a streamed answer has brought so far."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.calls: dict[int, dict[str, str]] = {}
        self.finish: Finish | None = None

    def add_text(self, text: str) -> str:
        if text:
            self.texts.append(text)
        return text

    def add_call(
        self, index: int, *, id: str = "", name: str = "", arguments: str = "", seal: str = ""
    ) -> None:
        call = self.calls.setdefault(index, {"id": "", "name": "", "arguments": "", "seal": ""})
        call["id"] = id or call["id"]
        call["name"] = name or call["name"]
        call["seal"] = seal or call["seal"]
        call["arguments"] += arguments

    def complete(self, usage: Usage | None) -> Decoded:
        """Raises VendorFailure when the vendor never said that this was the end."""
        if self.finish is None:
            raise cut_short()
        calls = tuple(
            ToolCall(**{**call, "arguments": call["arguments"] or "{}"}) for call in self.calls.values()
        )
        return Decoded(text="".join(self.texts), tool_calls=calls, finish=self.finish, usage=usage)


def count(value: object) -> int:
    """A number of tokens in a stranger's JSON; what is none counts as -1, which no usage may be."""
    return value if isinstance(value, int) and not isinstance(value, bool) else -1


#: Codes of errors that come inside a stream whose status was 200 already.
_IN_BAND: Final = {
    "overloaded_error": FailureKind.SERVER_ERROR,
    "api_error": FailureKind.SERVER_ERROR,
    "server_error": FailureKind.SERVER_ERROR,
    "rate_limit_error": FailureKind.RATE_LIMITED,
    "rate_limit_exceeded": FailureKind.RATE_LIMITED,
    "RESOURCE_EXHAUSTED": FailureKind.RATE_LIMITED,
    "authentication_error": FailureKind.AUTHENTICATION,
    "permission_error": FailureKind.AUTHENTICATION,
    "invalid_request_error": FailureKind.INVALID_REQUEST,
    "INVALID_ARGUMENT": FailureKind.INVALID_REQUEST,
}


def failure_in(error: object) -> VendorFailure:
    """What an error inside an answer means."""
    found = error if isinstance(error, dict) else {}
    codes = [str(found.get(name)) for name in ("type", "code", "status") if found.get(name)]
    known = next((code for code in codes if code in _IN_BAND), None)
    kind = _IN_BAND[known] if known else FailureKind.SERVER_ERROR
    return VendorFailure(kind, detail=f"error in the answer: {known or 'unknown'}")


def failure_of_status(status: int, *, retry_after_s: float | None) -> VendorFailure:
    """What an answer that is not 200 means. Only what is wrong with the question ends the call at once."""
    if status == 429:
        kind = FailureKind.RATE_LIMITED
    elif status in (401, 403):
        kind = FailureKind.AUTHENTICATION
    elif status in (408, 409) or status >= 500 or status < 400:
        kind = FailureKind.SERVER_ERROR
    else:
        kind = FailureKind.INVALID_REQUEST
    return VendorFailure(
        kind,
        detail=f"HTTP {status}",
        status=status,
        retry_after_s=retry_after_s,
        # 404: the model is not known there. 413: it is too long for this model.
        is_of_target=status not in (400, 422),
    )
