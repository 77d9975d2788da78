"""Questions that several tests ask."""

from __future__ import annotations

from typing import Any

from hrx.app.gateway.asking import Ask, EmbedAsk, Message, Speaker, Tool, ToolCall

FIND = Tool(
    name="find_people",
    description="Finds people by city.",
    parameters={
        "type": "object",
        "properties": {"city": {"type": "string"}, "limit": {"type": "integer"}},
        "required": ["city"],
    },
)


def make_ask(text: str = "有給休暇は何日ありますか。", **given: Any) -> Ask:
    """A question of the assistant; anything may be given."""
    values: dict[str, Any] = {
        "feature": "assistant",
        "messages": (
            Message(speaker=Speaker.SYSTEM, text="規程だけを根拠に答える。"),
            Message(speaker=Speaker.USER, text=text),
        ),
        "max_output_tokens": 200,
        **given,
    }
    return Ask(**values)


def make_embed_ask(*texts: str, **given: Any) -> EmbedAsk:
    """Passages to be turned into vectors of eight numbers; anything may be given."""
    values: dict[str, Any] = {
        "feature": "search",
        "texts": texts or ("一", "二", "三"),
        "model": "openai:m-1",
        "dimensions": 8,
        "kind": "passage",
        **given,
    }
    return EmbedAsk(**values)


def make_ask_with_result(call: ToolCall, result: str = '[{"name": "佐藤"}]') -> Ask:
    """The turn after a tool was called."""
    return make_ask(
        tools=(FIND,),
        messages=(
            Message(speaker=Speaker.SYSTEM, text="規程だけを根拠に答える。"),
            Message(speaker=Speaker.USER, text="大阪には誰がいますか。"),
            Message(speaker=Speaker.ASSISTANT, tool_calls=(call,)),
            Message(speaker=Speaker.TOOL, text=result, answers_call=call.id, tool=call.name),
        ),
    )
