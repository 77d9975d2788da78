"""A language model that answers at once, for measuring what is around it: `python -m benchmarks.llm_server`.

One process on a raw protocol, so that it is no part of what is measured; prints its port. Paths that begin
with /hang never answer."""

from __future__ import annotations

import asyncio
from typing import Final

import orjson

_TEXT: Final = "年次有給休暇は入社 6 か月後に 10 日付与されます。" * 12
_WORDS: Final = 200
_WHOLE: Final = orjson.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m-1",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": _TEXT}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 300, "completion_tokens": 200, "total_tokens": 500},
    }
)


def _stream() -> bytes:
    events = []
    for number in range(_WORDS):
        choice = {"index": 0, "delta": {"content": f"語{number} "}, "finish_reason": None}
        events.append(
            {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m-1", "choices": [choice]}
        )
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 300, "completion_tokens": _WORDS, "total_tokens": 500}
    events.append({**events[0], "choices": [end]})
    events.append({**events[0], "choices": [], "usage": usage})
    return b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events) + b"data: [DONE]\n\n"


def _answer(kind: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (kind, len(body))
    return head + body


_ANSWER: Final = _answer(b"application/json", _WHOLE)
_STREAMED: Final = _answer(b"text/event-stream", _stream())


class Model(asyncio.Protocol):
    """HTTP as far as our clients speak it: one request after the other, each with a Content-Length."""

    def __init__(self) -> None:
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        while b"\r\n\r\n" in self._got:
            head, _, rest = self._got.partition(b"\r\n\r\n")
            size = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            if len(rest) < size:
                return
            body, self._got = rest[:size], rest[size:]
            if head.startswith(b"POST /hang"):
                continue
            self._transport.write(_STREAMED if b'"stream":true' in body else _ANSWER)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Model, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
