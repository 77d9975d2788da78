"""Language models of three vendors on a socket, in the forms of their documentation, with faults on request.

Each answer is a sentence of numbered words that names its server, so that a reader sees at once what was
spliced; what each request is billed is kept, whatever the server says in its answer."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aiohttp import web

Json = dict[str, Any]
#: The tool that a stand-in asks for, when it is given tools and has no result yet.
TOOL_ARGUMENTS = {"city": "大阪", "limit": 3}


class Fault(StrEnum):
    """What goes wrong with one request."""

    TOO_MANY = "429"
    TOO_MANY_LONG = "429 for an hour"
    BROKEN = "500"
    OVERLOADED = "529"
    UNAUTHORIZED = "401"
    NOT_UNDERSTOOD = "400"
    UNKNOWN_MODEL = "404"
    HANG = "hang"
    CUT = "cut in the middle"
    STALL = "silent in the middle"
    PINGS = "keeps alive, says nothing"
    MALFORMED = "not JSON"
    ERROR_INSIDE = "error inside the answer"
    USAGE_MISSING = "no usage"
    USAGE_WRONG = "usage that cannot be"
    FEWER = "a vector too few"
    SHORTER = "vectors of another length"
    NOT_A_NUMBER = "a vector with NaN in it"
    NOTHING = "a vector of zeros"
    SAME_PLACE = "two vectors in one place"


#: Faults after which the answer is good all the same.
HARMLESS = (Fault.USAGE_MISSING, Fault.USAGE_WRONG)


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """What the vendor would bill for one request that it answered."""

    input_tokens: int
    output_tokens: int


@dataclass(slots=True)
class LlmServer:
    """One vendor's server; `speaks` is openai, anthropic or google."""

    speaks: str
    name: str = ""
    words: int = 12
    key: str = "test-key"
    url: str = ""
    delay_s: float = 0.0
    #: What to answer to a request; the numbered words without it.
    speech: Callable[[Json], str] | None = None
    #: Faults of the next requests, in order.
    faults: list[Fault] = field(default_factory=list)
    #: Share of requests that fail at random, and by what.
    failing: tuple[float, tuple[Fault, ...]] = (0.0, ())
    chance: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - chance, no secret
    #: Of a model that makes vectors: their length where none is asked for, and what it understands by what.
    dimensions: int = 8
    meanings: Sequence[Sequence[str]] = (("一",), ("二",), ("三",))
    #: Texts that the model refuses, by a word in them.
    refused_word: str = ""
    asked: list[Json] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    billed: list[Billed] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def sentence(self) -> str:
        """The whole answer."""
        return " ".join(self.pieces()).replace("  ", " ")

    def pieces(self) -> list[str]:
        return [f"{self.name or self.speaks}:{number}" for number in range(self.words)]

    def fail_next(self, fault: Fault, *, times: int = 1) -> None:
        self.faults += [fault] * times

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body: Json = await request.json()
        self.asked.append(body)
        self.paths.append(request.path_qs)
        self.arrived.set()
        fault = self._fault()
        self.met[fault or "none"] += 1
        if not self._has_key(request):
            fault = Fault.UNAUTHORIZED
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if self.refused_word and self.refused_word in json.dumps(body, ensure_ascii=False):
            fault = Fault.NOT_UNDERSTOOD
        refused = await self._refuse(fault)
        if refused is not None:
            return refused
        if "mbed" in request.path:
            return await self._embed(request, body, fault)
        if body.get("stream") or "stream" in request.path:
            return await self._stream(request, body, fault)
        return await self._answer(request, body, fault)

    def _fault(self) -> Fault | None:
        if self.faults:
            return self.faults.pop(0)
        share, kinds = self.failing
        return self.chance.choice(kinds) if kinds and self.chance.random() < share else None

    def _has_key(self, request: web.Request) -> bool:
        given = request.headers.get("x-goog-api-key" if self.speaks == "google" else "Authorization", "")
        if self.speaks == "anthropic":
            given = request.headers.get("x-api-key", given)
        return str(given).removeprefix("Bearer ") == self.key

    async def _refuse(self, fault: Fault | None) -> web.Response | None:
        statuses = {
            Fault.TOO_MANY: (429, "rate_limit_error"),
            Fault.TOO_MANY_LONG: (429, "rate_limit_error"),
            Fault.BROKEN: (500, "api_error"),
            Fault.OVERLOADED: (529, "overloaded_error"),
            Fault.UNAUTHORIZED: (401, "authentication_error"),
            Fault.NOT_UNDERSTOOD: (400, "invalid_request_error"),
            Fault.UNKNOWN_MODEL: (404, "not_found_error"),
        }
        if fault is Fault.HANG:
            await self.released.wait()
            raise web.HTTPServiceUnavailable
        if fault not in statuses:
            return None
        status, kind = statuses[fault]
        wait = {Fault.TOO_MANY: {"Retry-After": "0"}, Fault.TOO_MANY_LONG: {"Retry-After": "3600"}}
        return web.json_response(self._error(kind), status=status, headers=wait.get(fault))

    def _error(self, kind: str) -> Json:
        if self.speaks == "google":
            return {"error": {"code": 503, "status": "UNAVAILABLE", "message": kind}}
        if self.speaks == "anthropic":
            return {"type": "error", "error": {"type": kind, "message": "said by the stand-in"}}
        return {"error": {"type": kind, "code": kind, "message": "said by the stand-in"}}

    def _bill(self, body: Json, *, output: int) -> Billed:
        billed = Billed(
            input_tokens=max(1, len(json.dumps(body, ensure_ascii=False)) // 4), output_tokens=output
        )
        self.billed.append(billed)
        return billed

    def _calls_tool(self, body: Json) -> str:
        """The name of the tool to ask for; empty when there is none, or its result is there already."""
        tools = body.get("tools")
        told = json.dumps(body)
        if not tools or any(
            word in told for word in ('"tool_call_id"', '"tool_result"', '"functionResponse"')
        ):
            return ""
        if self.speaks == "google":
            return str(tools[0]["functionDeclarations"][0]["name"])
        return str(tools[0]["name"] if self.speaks == "anthropic" else tools[0]["function"]["name"])

    async def _answer(self, request: web.Request, body: Json, fault: Fault | None) -> web.StreamResponse:
        if fault is Fault.MALFORMED:
            return web.Response(text='{"choices": [', content_type="application/json")
        if fault is Fault.ERROR_INSIDE:
            return web.json_response(self._error("overloaded_error"))
        said = self._whole(body, self._bill(body, output=self.words), fault)
        if fault in (Fault.CUT, Fault.STALL, Fault.PINGS):
            self.billed.pop()
            response = web.StreamResponse(headers={"Content-Type": "application/json"})
            await response.prepare(request)
            await response.write(json.dumps(said).encode()[:40])
            return await self._leave(request, response, fault)
        return web.json_response(said)

    async def _stream(self, request: web.Request, body: Json, fault: Fault | None) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        if fault is Fault.PINGS:
            return await self._ping(request, response)
        billed = self._bill(body, output=self.words)
        events = list(self._events(body, billed, fault))
        breaks = fault in (Fault.CUT, Fault.STALL, Fault.MALFORMED, Fault.ERROR_INSIDE)
        half = len(events) // 2 if breaks else len(events)
        if self.speaks != "google":
            # Google sends none, and its own library would not read them.
            await response.write(b": keep-alive\n\n")
        for event in events[:half]:
            await response.write(event)
        if not breaks:
            await response.write_eof()
            return response
        self.billed.pop()
        if fault is Fault.MALFORMED:
            await response.write(b'data: {"choices": [{"delta"\n\n')
        elif fault is Fault.ERROR_INSIDE:
            await response.write(_event(self._error("overloaded_error"), name="error"))
        return await self._leave(request, response, fault)

    async def _leave(
        self, request: web.Request, response: web.StreamResponse, fault: Fault | None
    ) -> web.StreamResponse:
        if fault in (Fault.STALL, Fault.PINGS):
            await self.released.wait()
        if request.transport is not None:
            request.transport.close()
        return response

    async def _ping(self, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        ping = b": ping\n\n" if self.speaks != "anthropic" else _event({"type": "ping"}, name="ping")
        while not self.released.is_set() and request.transport is not None:
            try:
                await response.write(ping)
            except ConnectionError:
                break
            await asyncio.sleep(0.02)
        return response

    # ── the vendors' forms ─────────────────────────────────────────────────────────────────────────
    def _usage(self, billed: Billed, fault: Fault | None) -> Json | None:
        if fault is Fault.USAGE_MISSING:
            return None
        lie = 1_000_000 if fault is Fault.USAGE_WRONG else 0
        fresh, out = billed.input_tokens + lie, 0 if lie else billed.output_tokens
        if self.speaks == "openai":
            return {"prompt_tokens": fresh, "completion_tokens": out, "total_tokens": fresh + out}
        if self.speaks == "anthropic":
            return {"input_tokens": fresh, "output_tokens": out}
        return {"promptTokenCount": fresh, "candidatesTokenCount": out, "totalTokenCount": fresh + out}

    def _whole(self, body: Json, billed: Billed, fault: Fault | None) -> Json:
        tool, usage = self._calls_tool(body), self._usage(billed, fault)
        text = self.sentence if self.speech is None else self.speech(body)
        if self.speaks == "openai":
            message: Json = {"role": "assistant", "content": None if tool else text}
            if tool:
                function = {"name": tool, "arguments": json.dumps(TOOL_ARGUMENTS, ensure_ascii=False)}
                message["tool_calls"] = [{"id": "call_7", "type": "function", "function": function}]
            choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if tool else "stop"}
            return _openai(body, object="chat.completion", choices=[choice], usage=usage)
        if self.speaks == "anthropic":
            block: Json = {"type": "text", "text": text}
            if tool:
                block = {"type": "tool_use", "id": "toolu_7", "name": tool, "input": TOOL_ARGUMENTS}
            return _anthropic(body, [block], stop="tool_use" if tool else "end_turn", usage=usage)
        part: Json = {"text": text}
        if tool:
            part = {"functionCall": {"name": tool, "args": TOOL_ARGUMENTS}, "thoughtSignature": "c2VhbA=="}
        return _google([part], stop="STOP", usage=usage)

    def _events(self, body: Json, billed: Billed, fault: Fault | None) -> Iterator[bytes]:
        tool, usage = self._calls_tool(body), self._usage(billed, fault)
        pieces = [(" " if number else "") + piece for number, piece in enumerate(self.pieces())]
        if self.speech is not None:
            # Cut anywhere: through words, addresses, brackets.
            said = self.speech(body)
            pieces = [said[place : place + 3] for place in range(0, len(said), 3)]
        if self.speaks == "openai":
            yield from _openai_events(body, pieces, tool, usage)
        elif self.speaks == "anthropic":
            yield from _anthropic_events(body, pieces, tool, usage)
        else:
            yield from _google_events(pieces, tool, usage)

    # ── embeddings ─────────────────────────────────────────────────────────────────────────────────
    async def _embed(self, request: web.Request, body: Json, fault: Fault | None) -> web.StreamResponse:
        if fault is Fault.MALFORMED:
            return web.Response(text='{"data": [', content_type="application/json")
        if fault is Fault.ERROR_INSIDE:
            return web.json_response(self._error("overloaded_error"))
        told = json.dumps(self._embeddings(body, fault)).encode()
        if fault not in (Fault.CUT, Fault.STALL, Fault.PINGS):
            return web.Response(body=told, content_type="application/json")
        self.billed.pop()
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(told[:40])
        return await self._leave(request, response, fault)

    def _embeddings(self, body: Json, fault: Fault | None) -> Json:
        texts = (
            [one["content"]["parts"][0]["text"] for one in body["requests"]]
            if self.speaks == "google"
            else body["input"]
        )
        vectors = _spoil([self.vector(text, dimensions=_asked_dimensions(body)) for text in texts], fault)
        billed = self._bill(body, output=0)
        if self.speaks == "google":
            told: Json = {"embeddings": [{"values": vector} for vector in vectors]}
            usage: Json = {"promptTokenCount": billed.input_tokens, "totalTokenCount": billed.input_tokens}
            return told if fault is Fault.USAGE_MISSING else {**told, "usageMetadata": usage}
        rows = [
            {"object": "embedding", "index": at, "embedding": vector} for at, vector in enumerate(vectors)
        ]
        if fault is Fault.SAME_PLACE:
            rows[0]["index"] = len(rows) - 1
        usage = {"prompt_tokens": billed.input_tokens, "total_tokens": billed.input_tokens}
        # The protocol promises a place, not an order.
        return {"object": "list", "data": rows[::-1], "model": body["model"], "usage": usage}

    def vector(self, text: str, *, dimensions: int | None = None) -> list[float]:
        """Which of the meanings a text holds, each a direction; a text without any points elsewhere."""
        length = dimensions or self.dimensions
        found = [float(sum(text.count(word) for word in group)) for group in self.meanings]
        vector = [*found, 0.0 if any(found) else 1.0] + [0.0] * length
        return vector[:length]


def _asked_dimensions(body: Json) -> int | None:
    """OpenAI's and Google's name for it; None where it is the model's own."""
    if "requests" in body:
        return int(body["requests"][0]["outputDimensionality"])
    return int(body["dimensions"]) if "dimensions" in body else None


def _spoil(vectors: list[list[float]], fault: Fault | None) -> list[list[float]]:
    if fault is Fault.FEWER:
        return vectors[:-1]
    if fault is Fault.SHORTER:
        return [vector[:-1] for vector in vectors]
    if fault in (Fault.NOT_A_NUMBER, Fault.NOTHING):
        spoilt = 0.0 if fault is Fault.NOTHING else float("nan")
        return [*vectors[:-1], [spoilt] * len(vectors[-1])]
    return vectors


def _event(data: object, *, name: str = "") -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def _openai(body: Json, **more: Any) -> Json:
    return {"id": "chatcmpl-7", "created": 1, "model": body["model"], **more}


def _openai_events(body: Json, pieces: list[str], tool: str, usage: Json | None) -> Iterator[bytes]:
    def chunk(delta: Json, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return _event(_openai(body, object="chat.completion.chunk", choices=[choice]))

    yield chunk({"role": "assistant", "content": ""})
    if tool:
        told = json.dumps(TOOL_ARGUMENTS, ensure_ascii=False)
        named = {"index": 0, "id": "call_7", "type": "function", "function": {"name": tool, "arguments": ""}}
        yield chunk({"tool_calls": [named]})
        for place in range(0, len(told), 9):
            yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": told[place : place + 9]}}]})
    else:
        yield from (chunk({"content": piece}) for piece in pieces)
    yield chunk({}, "tool_calls" if tool else "stop")
    if usage:
        yield _event(_openai(body, object="chat.completion.chunk", choices=[], usage=usage))
    yield b"data: [DONE]\n\n"


def _anthropic(body: Json, content: list[Json], *, stop: str | None, usage: Json | None) -> Json:
    told = {"id": "msg_7", "type": "message", "role": "assistant", "model": body["model"], "content": content}
    return told | {"stop_reason": stop, "stop_sequence": None} | ({"usage": usage} if usage else {})


def _anthropic_events(body: Json, pieces: list[str], tool: str, usage: Json | None) -> Iterator[bytes]:
    def event(kind: str, **more: Any) -> bytes:
        return _event({"type": kind, **more}, name=kind)

    begins = {"input_tokens": usage["input_tokens"], "output_tokens": 1} if usage else None
    yield event("message_start", message=_anthropic(body, [], stop=None, usage=begins))
    yield event("ping")
    block: Json = {"type": "text", "text": ""}
    if tool:
        block = {"type": "tool_use", "id": "toolu_7", "name": tool, "input": {}}
    yield event("content_block_start", index=0, content_block=block)
    told = json.dumps(TOOL_ARGUMENTS, ensure_ascii=False)
    if tool:
        for place in range(0, len(told), 9):
            delta = {"type": "input_json_delta", "partial_json": told[place : place + 9]}
            yield event("content_block_delta", index=0, delta=delta)
    else:
        for piece in pieces:
            yield event("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
    yield event("content_block_stop", index=0)
    ends: Json = {"stop_reason": "tool_use" if tool else "end_turn", "stop_sequence": None}
    spent = {"usage": {"output_tokens": usage["output_tokens"]}} if usage else {}
    yield event("message_delta", delta=ends, **spent)
    yield event("message_stop")


def _google(parts: list[Json], *, stop: str | None, usage: Json | None) -> Json:
    candidate: Json = {"content": {"role": "model", "parts": parts}, "index": 0}
    if stop:
        candidate["finishReason"] = stop
    return {"candidates": [candidate], **({"usageMetadata": usage} if usage else {})}


def _google_events(pieces: list[str], tool: str, usage: Json | None) -> Iterator[bytes]:
    if tool:
        part = {"functionCall": {"name": tool, "args": TOOL_ARGUMENTS}, "thoughtSignature": "c2VhbA=="}
        yield _event(_google([part], stop=None, usage=None))
        yield _event(_google([{"text": ""}], stop="STOP", usage=usage))
        return
    for number, piece in enumerate(pieces):
        is_last = number == len(pieces) - 1
        yield _event(_google([{"text": piece}], stop="STOP" if is_last else None, usage=usage))


@asynccontextmanager
async def running_llm(speaks: str, **given: Any) -> AsyncIterator[LlmServer]:
    """A vendor's server on a free port of the loopback, until the block ends."""
    server = LlmServer(speaks=speaks, **given)
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_post("/{path:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        server.released.set()
        await runner.cleanup()
