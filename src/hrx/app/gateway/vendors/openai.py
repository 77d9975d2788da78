"""OpenAI's chat completions and embeddings, as spoken by it and by compatible servers."""

from __future__ import annotations

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
    Usage,
    Vectors,
)
from hrx.app.gateway.failures import malformed
from hrx.app.gateway.vendors.adapter import (
    JSON_HEADERS,
    EmbedLimits,
    HttpAsk,
    Json,
    TextAndCalls,
    count,
    failure_in,
    read_json,
)
from hrx.app.gateway.vendors.sse import SseEvent

_FINISH: Final = {
    "stop": Finish.STOP,
    "length": Finish.LENGTH,
    "tool_calls": Finish.TOOL_CALLS,
    "function_call": Finish.TOOL_CALLS,
    "content_filter": Finish.FILTERED,
}


#: OpenAI's reference: 2,048 texts and 300,000 tokens a request; the tokens are ours to estimate.
OPENAI_LIMITS: Final = EmbedLimits(texts=2_048, tokens=250_000)
#: Text Embeddings Inference takes 32 texts and 16,384 tokens a request unless told otherwise; others, more.
COMPATIBLE_LIMITS: Final = EmbedLimits(texts=32, tokens=16_000)


class OpenAiAdapter:
    """`names_limit`: what the limit of the answer is called; older compatible servers know `max_tokens`.
    `may_shorten`: whether a length of vectors may be asked for; others refuse it for models that have one."""

    def __init__(
        self,
        *,
        names_limit: str = "max_completion_tokens",
        embed_limits: EmbedLimits = OPENAI_LIMITS,
        may_shorten: bool = True,
    ) -> None:
        self._names_limit = names_limit
        self._may_shorten = may_shorten
        self.embed_limits: EmbedLimits | None = embed_limits

    def encode_chat(self, ask: Ask, *, model: str, key: str, is_streamed: bool) -> HttpAsk:
        body: Json = {
            "model": model,
            "messages": [_message(message) for message in ask.messages],
            self._names_limit: ask.max_output_tokens,
        }
        if ask.temperature is not None:
            body["temperature"] = ask.temperature
        if ask.tools:
            body["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description,
                        "parameters": tool.parameters,
                    },
                }
                for tool in ask.tools
            ]
            body["tool_choice"] = ask.tool_choice.value
        if is_streamed:
            # Without this a stream tells no usage at all.
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return HttpAsk(path="/chat/completions", headers=_headers(key), body=orjson.dumps(body))

    def decode_chat(self, body: bytes) -> Decoded:
        found = read_json(body)
        if found.get("error"):
            raise failure_in(found["error"])
        choices = found.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else {}
        message = choice.get("message")
        if not isinstance(message, dict):
            raise malformed("no choice")
        return Decoded(
            text=message.get("content") or "",
            tool_calls=tuple(
                ToolCall(
                    id=str(call.get("id", "")),
                    name=str(call["function"].get("name", "")),
                    arguments=str(call["function"].get("arguments") or "{}"),
                )
                for call in message.get("tool_calls") or ()
            ),
            finish=_FINISH.get(choice.get("finish_reason") or "", Finish.OTHER),
            usage=_usage(found.get("usage")),
        )

    def open_stream(self) -> OpenAiStream:
        return OpenAiStream()

    def encode_embeddings(self, ask: EmbedAsk, *, model: str, key: str) -> HttpAsk:
        body: Json = {"model": model, "input": list(ask.texts), "encoding_format": "float"}
        if self._may_shorten:
            body["dimensions"] = ask.dimensions
        return HttpAsk(path="/embeddings", headers=_headers(key), body=orjson.dumps(body))

    def decode_embeddings(self, body: bytes) -> Vectors:
        found = read_json(body)
        if found.get("error"):
            raise failure_in(found["error"])
        rows = found.get("data")
        if not isinstance(rows, list):
            raise malformed("no embeddings")
        by_index = {row["index"]: row["embedding"] for row in rows}
        if len(by_index) != len(rows) or sorted(by_index) != list(range(len(rows))):
            raise malformed("vectors without a place, or two in one")
        usage = _usage(found.get("usage"))
        return Vectors(vectors=tuple(tuple(by_index[at]) for at in range(len(rows))), usage=usage)


class OpenAiStream:
    """Reads `data: {…}` until `data: [DONE]`; the usage comes last, in an event without a choice."""

    def __init__(self) -> None:
        self.progress = 0
        self._got = TextAndCalls()
        self._usage: Usage | None = None

    def take(self, event: SseEvent) -> str:
        if event.data == b"[DONE]":
            return ""
        found = read_json(event.data)
        if found.get("error"):
            raise failure_in(found["error"])
        if found.get("usage"):
            self._usage = _usage(found["usage"])
        choices = found.get("choices")
        if not choices:
            return ""
        choice = choices[0]
        delta = choice.get("delta") or {}
        for call in delta.get("tool_calls") or ():
            function = call.get("function") or {}
            self.progress += 1
            self._got.add_call(
                call.get("index", 0),
                id=call.get("id") or "",
                name=function.get("name") or "",
                arguments=function.get("arguments") or "",
            )
        if choice.get("finish_reason"):
            self._got.finish = _FINISH.get(choice["finish_reason"], Finish.OTHER)
        text = delta.get("content") or ""
        if text or delta.get("reasoning_content"):
            self.progress += 1
        return self._got.add_text(text)

    def finish(self) -> Decoded:
        return self._got.complete(self._usage)


def _headers(key: str) -> dict[str, str]:
    # A server of one's own often asks for no key.
    return {**JSON_HEADERS, "Authorization": f"Bearer {key}"} if key else dict(JSON_HEADERS)


def _message(message: Message) -> Json:
    if message.speaker is Speaker.TOOL:
        return {"role": "tool", "tool_call_id": message.answers_call, "content": message.text}
    said: Json = {"role": message.speaker.value, "content": message.text}
    if message.tool_calls:
        said["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    return said


def _usage(found: object) -> Usage | None:
    if not isinstance(found, dict):
        return None
    details = found.get("prompt_tokens_details")
    cached = details.get("cached_tokens", 0) if isinstance(details, dict) else 0
    return Usage(
        input_tokens=count(found.get("prompt_tokens")),
        output_tokens=count(found.get("completion_tokens", 0)),
        cached_tokens=max(0, count(cached)),
    )
