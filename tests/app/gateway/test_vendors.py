"""Adapters write and read what the vendors' own libraries do, on the same servers, and survive the rest."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
import anthropic
import openai
import pytest
from google import genai
from google.genai import types as google_types
from hypothesis import given
from hypothesis import strategies as some

from hrx.app.gateway.asking import Ask, Decoded, Finish, ToolCall, Usage
from hrx.app.gateway.failures import FailureKind, VendorFailure
from hrx.app.gateway.vendors.adapter import HttpAsk, Vendor, failure_of_status
from hrx.app.gateway.vendors.known import ADAPTERS
from hrx.app.gateway.vendors.sse import SseParser
from tests.app.gateway.asks import FIND, make_ask, make_ask_with_result
from tests.servers.llm import TOOL_ARGUMENTS, LlmServer, running_llm

pytestmark = [
    pytest.mark.req("R2-7"),
    # Google's library does what aiohttp discourages.
    pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning"),
]
VENDORS = ("openai", "anthropic", "google")


async def post(server: LlmServer, ask: HttpAsk) -> bytes:
    async with (
        aiohttp.ClientSession() as session,
        session.post(server.url + ask.path, data=ask.body, headers=ask.headers) as answer,
    ):
        assert answer.status == 200, await answer.text()
        return await answer.read()


async def ask_ours(server: LlmServer, ask: Ask, *, is_streamed: bool) -> Decoded:
    adapter = ADAPTERS[Vendor(server.speaks)]
    body = await post(server, adapter.encode_chat(ask, model="m-1", key=server.key, is_streamed=is_streamed))
    if not is_streamed:
        return adapter.decode_chat(body)
    stream, parser = adapter.open_stream(), SseParser()
    texts = [stream.take(event) for event in parser.feed(body)]
    decoded = stream.finish()
    assert "".join(texts) == decoded.text
    return decoded


async def ask_official(server: LlmServer, *, is_streamed: bool, with_tool: bool) -> dict[str, Any]:
    """The same question through the vendor's own library: text, calls, tokens, and what it sent."""
    asks = {"openai": _ask_openai, "anthropic": _ask_anthropic, "google": _ask_google}
    return await asks[server.speaks](server, is_streamed, with_tool)


SYSTEM, QUESTION = (one.text for one in make_ask().messages)


async def _ask_openai(server: LlmServer, is_streamed: bool, with_tool: bool) -> dict[str, Any]:
    messages: Any = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}]
    function = {"name": FIND.name, "description": FIND.description, "parameters": FIND.parameters}
    more: Any = (
        {"tools": [{"type": "function", "function": function}], "tool_choice": "auto"} if with_tool else {}
    )
    asked = {"model": "m-1", "messages": messages, "max_completion_tokens": 200, **more}
    async with openai.AsyncOpenAI(api_key=server.key, base_url=server.url, max_retries=0) as client:
        if not is_streamed:
            whole = await client.chat.completions.create(**asked)
        else:
            async with client.chat.completions.stream(
                **asked, stream_options={"include_usage": True}
            ) as stream:
                whole = await stream.get_final_completion()
    message, usage = whole.choices[0].message, whole.usage
    assert usage is not None
    return {
        "text": message.content or "",
        "calls": [
            (c.id, c.function.name, json.loads(c.function.arguments)) for c in message.tool_calls or ()
        ],
        "tokens": (usage.prompt_tokens, usage.completion_tokens),
    }


async def _ask_anthropic(server: LlmServer, is_streamed: bool, with_tool: bool) -> dict[str, Any]:
    tool = {"name": FIND.name, "description": FIND.description, "input_schema": FIND.parameters}
    more: Any = {"tools": [tool], "tool_choice": {"type": "auto"}} if with_tool else {}
    asked: Any = {"model": "m-1", "max_tokens": 200, "system": SYSTEM, **more}
    asked["messages"] = [{"role": "user", "content": QUESTION}]
    async with anthropic.AsyncAnthropic(api_key=server.key, base_url=server.url, max_retries=0) as client:
        if not is_streamed:
            whole = await client.messages.create(**asked)
        else:
            async with client.messages.stream(**asked) as stream:
                whole = await stream.get_final_message()
    return {
        "text": "".join(block.text for block in whole.content if block.type == "text"),
        "calls": [(b.id, b.name, b.input) for b in whole.content if b.type == "tool_use"],
        "tokens": (whole.usage.input_tokens, whole.usage.output_tokens),
    }


async def _ask_google(server: LlmServer, is_streamed: bool, with_tool: bool) -> dict[str, Any]:
    config: Any = {"system_instruction": SYSTEM, "max_output_tokens": 200}
    if with_tool:
        declared = {
            "name": FIND.name,
            "description": FIND.description,
            "parameters_json_schema": FIND.parameters,
        }
        config["tools"] = [{"function_declarations": [declared]}]
        config["tool_config"] = {"function_calling_config": {"mode": "AUTO"}}
        config["automatic_function_calling"] = {"disable": True}
    options = google_types.HttpOptions(base_url=server.url, api_version="")
    client = genai.Client(api_key=server.key, http_options=options)
    asked: Any = {"model": "m-1", "contents": QUESTION, "config": config}
    try:
        if not is_streamed:
            chunks: Any = [await client.aio.models.generate_content(**asked)]
        else:
            chunks = [chunk async for chunk in await client.aio.models.generate_content_stream(**asked)]
    finally:
        await client.aio.aclose()
        client.close()
    parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts or ()]
    usage = chunks[-1].usage_metadata
    assert usage is not None
    return {
        "text": "".join(part.text or "" for part in parts),
        "calls": [("call_0", p.function_call.name, p.function_call.args) for p in parts if p.function_call],
        "tokens": (usage.prompt_token_count, usage.candidates_token_count),
    }


@pytest.mark.parametrize("with_tool", [False, True], ids=["text", "tool"])
@pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("speaks", VENDORS)
async def test_we_read_an_answer_as_the_vendors_own_library_does(
    speaks: str, is_streamed: bool, with_tool: bool
) -> None:
    async with running_llm(speaks) as server:
        official = await ask_official(server, is_streamed=is_streamed, with_tool=with_tool)
        ask = make_ask(tools=(FIND,)) if with_tool else make_ask()
        ours = await ask_ours(server, ask, is_streamed=is_streamed)
    told = official["tokens"]
    assert ours.text == official["text"] == ("" if with_tool else server.sentence)
    assert [(c.id, c.name, json.loads(c.arguments)) for c in ours.tool_calls] == official["calls"]
    assert ours.finish is (Finish.TOOL_CALLS if with_tool else Finish.STOP)
    assert ours.usage == Usage(input_tokens=server.billed[1].input_tokens, output_tokens=server.words)
    assert told == (server.billed[0].input_tokens, server.words)
    if with_tool:
        assert official["calls"][0][2] == TOOL_ARGUMENTS


@pytest.mark.parametrize("with_tool", [False, True], ids=["text", "tool"])
@pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("speaks", VENDORS)
async def test_we_send_what_the_vendors_own_library_sends(
    speaks: str, is_streamed: bool, with_tool: bool
) -> None:
    async with running_llm(speaks) as server:
        await ask_official(server, is_streamed=is_streamed, with_tool=with_tool)
        await ask_ours(server, make_ask(tools=(FIND,)) if with_tool else make_ask(), is_streamed=is_streamed)
    official, ours = server.asked
    assert without_style(ours) == without_style(official)
    assert server.paths[1].rstrip("?") == server.paths[0].rstrip("?").replace("//", "/")


def without_style(body: Any) -> Any:
    """A body without what says the same in two ways: a role that is the default, a false, a name's style."""
    if isinstance(body, dict):
        # Google reads both spellings of a name; its library writes this one name in the other.
        kept = {
            name.replace("parameters_json_schema", "parametersJsonSchema"): without_style(value)
            for name, value in body.items()
        }
        if "parts" in kept:
            kept.setdefault("role", "user")
        return {name: value for name, value in kept.items() if value not in (None, False)}
    return [without_style(one) for one in body] if isinstance(body, list) else body


@pytest.mark.parametrize("speaks", VENDORS)
async def test_the_result_of_a_tool_goes_back_with_its_call(speaks: str) -> None:
    async with running_llm(speaks) as server:
        asked = await ask_ours(server, make_ask(tools=(FIND,)), is_streamed=True)
        answer = await ask_ours(server, make_ask_with_result(asked.tool_calls[0]), is_streamed=False)
    assert answer.text == server.sentence
    told = json.dumps(server.asked[1], ensure_ascii=False)
    assert asked.tool_calls[0].id in told
    assert "佐藤" in told
    if speaks == "google":
        assert asked.tool_calls[0].seal == "c2VhbA=="
        assert '"thoughtSignature": "c2VhbA=="' in told


def test_results_of_several_tools_are_one_turn_where_the_vendor_wants_it() -> None:
    calls = tuple(ToolCall(id=f"t{n}", name="find_people", arguments="{}") for n in range(2))
    ask = make_ask_with_result(calls[0])
    second = make_ask_with_result(calls[1]).messages[-1]
    both = make_ask(messages=(*ask.messages, second))
    anthropic_body = json.loads(
        ADAPTERS[Vendor.ANTHROPIC].encode_chat(both, model="m", key="k", is_streamed=False).body
    )
    google_body = json.loads(
        ADAPTERS[Vendor.GOOGLE].encode_chat(both, model="m", key="k", is_streamed=False).body
    )
    assert [block["tool_use_id"] for block in anthropic_body["messages"][-1]["content"]] == ["t0", "t1"]
    assert [part["functionResponse"]["id"] for part in google_body["contents"][-1]["parts"]] == ["t0", "t1"]


@pytest.mark.parametrize(
    ("status", "kind", "is_of_target"),
    [
        (429, FailureKind.RATE_LIMITED, True),
        (401, FailureKind.AUTHENTICATION, True),
        (500, FailureKind.SERVER_ERROR, True),
        (529, FailureKind.SERVER_ERROR, True),
        (302, FailureKind.SERVER_ERROR, True),
        (404, FailureKind.INVALID_REQUEST, True),
        (413, FailureKind.INVALID_REQUEST, True),
        (400, FailureKind.INVALID_REQUEST, False),
        (422, FailureKind.INVALID_REQUEST, False),
    ],
)
def test_a_status_says_whether_another_vendor_may_answer(
    status: int, kind: FailureKind, is_of_target: bool
) -> None:
    failure = failure_of_status(status, retry_after_s=None)
    assert (failure.kind, failure.is_of_target) == (kind, is_of_target)


EVENTS = (
    b'event: a\ndata: {"x":1}\n\n: keep-alive\r\n\r\ndata: one\r\ndata: two\r\n\r\ndata: \xe6\x9d\xb1\n\n'
)


@given(some.lists(some.integers(0, len(EVENTS)), max_size=12))
def test_events_are_the_same_however_the_network_cuts_them(cuts: list[int]) -> None:
    places = sorted({0, *cuts, len(EVENTS)})
    parser = SseParser()
    found = [event for begin, end in itertools.pairwise(places) for event in parser.feed(EVENTS[begin:end])]
    assert [event.data for event in found] == [b'{"x":1}', b"one\ntwo", "東".encode()]
    assert [event.name for event in found] == ["a", "", ""]


@contextmanager
def malformed() -> Iterator[None]:
    with pytest.raises(VendorFailure) as caught:
        yield
    assert caught.value.kind in (FailureKind.INVALID_RESPONSE, FailureKind.CONNECTION)


def test_what_is_no_event_stream_is_refused() -> None:
    with malformed():
        SseParser().feed(b"<html>\n")
    with malformed():
        SseParser().feed(b"data: " + b"x" * (5 * 1024 * 1024))


@pytest.mark.parametrize("vendor", list(Vendor))
def test_a_stream_that_ends_without_saying_so_is_no_answer(vendor: Vendor) -> None:
    with malformed():
        ADAPTERS[vendor].open_stream().finish()


@pytest.mark.parametrize("vendor", list(Vendor))
@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b'"x"'])
def test_what_is_no_object_is_no_answer(vendor: Vendor, body: bytes) -> None:
    with malformed():
        ADAPTERS[vendor].decode_chat(body)
