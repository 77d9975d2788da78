"""Anthropic's messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import orjson

from hrx.app.gateway.asking import (
    Ask,
    Decoded,
    EmbedAsk,
    Finish,
    Message,
    Speaker,
    ToolCall,
    ToolChoice,
    Usage,
    Vectors,
)
from hrx.app.gateway.failures import malformed
from hrx.app.gateway.vendors.adapter import (
    JSON_HEADERS,
    HttpAsk,
    Json,
    TextAndCalls,
    count,
    failure_in,
    read_json,
)
from hrx.app.gateway.vendors.sse import SseEvent

VERSION: Final = "2023-06-01"
_CHOICE: Final = {ToolChoice.AUTO: "auto", ToolChoice.REQUIRED: "any", ToolChoice.NONE: "none"}
_FINISH: Final = {
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP,
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "tool_use": Finish.TOOL_CALLS,
    "refusal": Finish.FILTERED,
}


class AnthropicAdapter:
    """System text stands beside the messages; results of tools are a user's turn. There are no embeddings."""

    embed_limits = None

    def encode_chat(self, ask: Ask, *, model: str, key: str, is_streamed: bool) -> HttpAsk:
        system = "\n\n".join(one.text for one in ask.messages if one.speaker is Speaker.SYSTEM)
        body: Json = {
            "model": model,
            "max_tokens": ask.max_output_tokens,
            "messages": _turns(ask.messages),
        }
        if system:
            body["system"] = system
        if ask.temperature is not None:
            body["temperature"] = ask.temperature
        if ask.tools:
            body["tools"] = [
                {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
                for tool in ask.tools
            ]
            body["tool_choice"] = {"type": _CHOICE[ask.tool_choice]}
        if is_streamed:
            body["stream"] = True
        headers = {**JSON_HEADERS, "x-api-key": key, "anthropic-version": VERSION}
        return HttpAsk(path="/v1/messages", headers=headers, body=orjson.dumps(body))

    def decode_chat(self, body: bytes) -> Decoded:
        found = read_json(body)
        if found.get("type") == "error":
            raise failure_in(found.get("error"))
        blocks = found.get("content")
        if not isinstance(blocks, list):
            raise malformed("no content")
        return Decoded(
            text="".join(block.get("text", "") for block in blocks if block.get("type") == "text"),
            tool_calls=tuple(
                ToolCall(
                    id=str(block.get("id", "")),
                    name=str(block.get("name", "")),
                    arguments=orjson.dumps(block.get("input") or {}).decode(),
                )
                for block in blocks
                if block.get("type") == "tool_use"
            ),
            finish=_FINISH.get(found.get("stop_reason") or "", Finish.OTHER),
            usage=_usage(found.get("usage")),
        )

    def open_stream(self) -> AnthropicStream:
        return AnthropicStream()

    def encode_embeddings(self, ask: EmbedAsk, *, model: str, key: str) -> HttpAsk:
        raise malformed("this vendor has no embeddings")

    def decode_embeddings(self, body: bytes) -> Vectors:
        raise malformed("this vendor has no embeddings")


class AnthropicStream:
    """Usage comes in two events: the input with the first, the output with the last but one."""

    def __init__(self) -> None:
        self.progress = 0
        self._got = TextAndCalls()
        self._usage: Json = {}
        self._is_over = False

    def take(self, event: SseEvent) -> str:
        found = read_json(event.data)
        kind = found.get("type")
        if kind == "content_block_delta":
            return self._take_delta(found.get("index", 0), found.get("delta") or {})
        if kind == "error":
            raise failure_in(found.get("error"))
        if kind == "message_start":
            self._usage |= (found.get("message") or {}).get("usage") or {}
        elif kind == "content_block_start":
            block = found.get("content_block") or {}
            if block.get("type") == "tool_use":
                self.progress += 1
                self._got.add_call(found.get("index", 0), id=block.get("id", ""), name=block.get("name", ""))
            return self._got.add_text(block.get("text") or "")
        elif kind == "message_delta":
            # What it repeats as null was told at the beginning.
            told = found.get("usage") or {}
            self._usage |= {name: value for name, value in told.items() if value is not None}
            reason = (found.get("delta") or {}).get("stop_reason")
            if reason:
                self._got.finish = _FINISH.get(reason, Finish.OTHER)
        elif kind == "message_stop":
            self._is_over = True
        return ""

    def _take_delta(self, index: int, delta: Json) -> str:
        # Thinking is an answer on its way as well.
        self.progress += 1
        if delta.get("type") == "input_json_delta":
            self._got.add_call(index, arguments=delta.get("partial_json") or "")
        return self._got.add_text(delta.get("text") or "") if delta.get("type") == "text_delta" else ""

    def finish(self) -> Decoded:
        if not self._is_over:
            self._got.finish = None
        return self._got.complete(_usage(self._usage) if self._usage else None)


def _turns(messages: Sequence[Message]) -> list[Json]:
    """Turns in the vendor's form: neighbouring results of tools are one turn of the user."""
    turns: list[Json] = []
    for message in messages:
        if message.speaker is Speaker.SYSTEM:
            continue
        if message.speaker is Speaker.TOOL:
            block = {"type": "tool_result", "tool_use_id": message.answers_call, "content": message.text}
            if turns and turns[-1]["role"] == "user" and isinstance(turns[-1]["content"], list):
                turns[-1]["content"].append(block)
            else:
                turns.append({"role": "user", "content": [block]})
        elif message.tool_calls:
            turns.append({"role": "assistant", "content": _blocks(message)})
        else:
            turns.append({"role": message.speaker.value, "content": message.text})
    return turns


def _blocks(message: Message) -> list[Json]:
    blocks: list[Json] = [{"type": "text", "text": message.text}] if message.text else []
    for call in message.tool_calls:
        given = read_json(call.arguments.encode())
        blocks.append({"type": "tool_use", "id": call.id, "name": call.name, "input": given})
    return blocks


def _usage(found: object) -> Usage | None:
    if not isinstance(found, dict):
        return None
    cached = max(0, count(found.get("cache_read_input_tokens", 0)))
    written = max(0, count(found.get("cache_creation_input_tokens", 0)))
    fresh = count(found.get("input_tokens"))
    return Usage(
        # The vendor counts what it had already beside the input; everywhere else it is part of it.
        input_tokens=fresh + cached + written if fresh >= 0 else fresh,
        output_tokens=count(found.get("output_tokens")),
        cached_tokens=cached,
    )
