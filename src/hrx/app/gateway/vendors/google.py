"""Google's generateContent and batchEmbedContents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import orjson

from hrx.app.gateway.asking import (
    Ask,
    Decoded,
    EmbedAsk,
    Finish,
    Message,
    Speaker,
    ToolChoice,
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
from hrx.kit.search.encoders.protocol import Kind

_CHOICE: Final = {ToolChoice.AUTO: "AUTO", ToolChoice.REQUIRED: "ANY", ToolChoice.NONE: "NONE"}
_FINISH: Final = {
    "STOP": Finish.STOP,
    "MAX_TOKENS": Finish.LENGTH,
    "SAFETY": Finish.FILTERED,
    "RECITATION": Finish.FILTERED,
    "BLOCKLIST": Finish.FILTERED,
    "PROHIBITED_CONTENT": Finish.FILTERED,
    "SPII": Finish.FILTERED,
}


_TASK: Final[Mapping[Kind, str]] = {"query": "RETRIEVAL_QUERY", "passage": "RETRIEVAL_DOCUMENT"}


class GoogleAdapter:
    """The model stands in the path; calls of tools have names, and ids only from newer models."""

    #: A batch of 100 is the most; what is beyond 2,048 tokens of a text, the model does not read.
    embed_limits: EmbedLimits | None = EmbedLimits(texts=100, tokens=200_000)

    def encode_chat(self, ask: Ask, *, model: str, key: str, is_streamed: bool) -> HttpAsk:
        body: Json = {
            "contents": _contents(ask.messages),
            "generationConfig": {"maxOutputTokens": ask.max_output_tokens},
        }
        system = [{"text": one.text} for one in ask.messages if one.speaker is Speaker.SYSTEM]
        if system:
            body["systemInstruction"] = {"parts": system}
        if ask.temperature is not None:
            body["generationConfig"]["temperature"] = ask.temperature
        if ask.tools:
            declared = [
                {"name": tool.name, "description": tool.description, "parametersJsonSchema": tool.parameters}
                for tool in ask.tools
            ]
            body["tools"] = [{"functionDeclarations": declared}]
            body["toolConfig"] = {"functionCallingConfig": {"mode": _CHOICE[ask.tool_choice]}}
        verb = "streamGenerateContent?alt=sse" if is_streamed else "generateContent"
        return HttpAsk(path=f"/models/{model}:{verb}", headers=_headers(key), body=orjson.dumps(body))

    def decode_chat(self, body: bytes) -> Decoded:
        stream = GoogleStream()
        stream.take_chunk(read_json(body))
        return stream.finish()

    def open_stream(self) -> GoogleStream:
        return GoogleStream()

    def encode_embeddings(self, ask: EmbedAsk, *, model: str, key: str) -> HttpAsk:
        asked = [
            {
                "model": f"models/{model}",
                "content": {"parts": [{"text": text}]},
                "taskType": _TASK[ask.kind],
                "outputDimensionality": ask.dimensions,
            }
            for text in ask.texts
        ]
        return HttpAsk(
            path=f"/models/{model}:batchEmbedContents",
            headers=_headers(key),
            body=orjson.dumps({"requests": asked}),
        )

    def decode_embeddings(self, body: bytes) -> Vectors:
        found = read_json(body)
        if found.get("error"):
            raise failure_in(found["error"])
        rows = found.get("embeddings")
        if not isinstance(rows, list):
            raise malformed("no embeddings")
        # Older models tell no usage.
        usage = _usage(found["usageMetadata"]) if found.get("usageMetadata") else None
        return Vectors(vectors=tuple(tuple(row["values"]) for row in rows), usage=usage)


class GoogleStream:
    """Each event is a whole answer with the next words; the last one says why it ends."""

    def __init__(self) -> None:
        self.progress = 0
        self._got = TextAndCalls()
        self._usage: Usage | None = None

    def take(self, event: SseEvent) -> str:
        return self.take_chunk(read_json(event.data))

    def take_chunk(self, found: Json) -> str:
        if found.get("error"):
            raise failure_in(found["error"])
        if found.get("usageMetadata"):
            self._usage = _usage(found["usageMetadata"])
        if (found.get("promptFeedback") or {}).get("blockReason"):
            self._got.finish = Finish.FILTERED
        candidates = found.get("candidates")
        if not candidates:
            return ""
        candidate = candidates[0]
        text = "".join(self._take_part(part) for part in (candidate.get("content") or {}).get("parts") or ())
        if candidate.get("finishReason"):
            ended = _FINISH.get(candidate["finishReason"], Finish.OTHER)
            self._got.finish = Finish.TOOL_CALLS if self._got.calls and ended is Finish.STOP else ended
        return self._got.add_text(text)

    def _take_part(self, part: Json) -> str:
        self.progress += 1
        call = part.get("functionCall")
        if isinstance(call, dict):
            index = len(self._got.calls)
            self._got.add_call(
                index,
                id=call.get("id") or f"call_{index}",
                name=str(call.get("name", "")),
                arguments=orjson.dumps(call.get("args") or {}).decode(),
                seal=part.get("thoughtSignature") or "",
            )
        return "" if part.get("thought") else part.get("text") or ""

    def finish(self) -> Decoded:
        return self._got.complete(self._usage)


def _headers(key: str) -> dict[str, str]:
    return {**JSON_HEADERS, "x-goog-api-key": key}


def _contents(messages: Sequence[Message]) -> list[Json]:
    contents: list[Json] = []
    for message in messages:
        if message.speaker is Speaker.SYSTEM:
            continue
        role = "model" if message.speaker is Speaker.ASSISTANT else "user"
        parts = _parts(message)
        # Answers to several calls belong into one turn.
        if message.speaker is Speaker.TOOL and contents and "functionResponse" in contents[-1]["parts"][0]:
            contents[-1]["parts"] += parts
        else:
            contents.append({"role": role, "parts": parts})
    return contents


def _parts(message: Message) -> list[Json]:
    if message.speaker is Speaker.TOOL:
        answer = {"id": message.answers_call, "name": message.tool, "response": {"result": message.text}}
        return [{"functionResponse": answer}]
    parts: list[Json] = [{"text": message.text}] if message.text or not message.tool_calls else []
    for call in message.tool_calls:
        given = read_json(call.arguments.encode())
        part: Json = {"functionCall": {"id": call.id, "name": call.name, "args": given}}
        if call.seal:
            part["thoughtSignature"] = call.seal
        parts.append(part)
    return parts


def _usage(found: Json) -> Usage:
    thoughts = max(0, count(found.get("thoughtsTokenCount", 0)))
    said = count(found.get("candidatesTokenCount", 0))
    return Usage(
        input_tokens=count(found.get("promptTokenCount")),
        # Thinking is billed as output, and counted beside it.
        output_tokens=said + thoughts if said >= 0 else said,
        cached_tokens=max(0, count(found.get("cachedContentTokenCount", 0))),
    )
