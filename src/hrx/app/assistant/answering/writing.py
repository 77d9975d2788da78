"""An answer that a model writes: shown while it comes, kept only as far as it stands on what it cites."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from hrx.app.assistant.answering.checking import check_sentence
from hrx.app.assistant.answering.cleaning import Cleaning, clean
from hrx.app.assistant.answering.events import Event
from hrx.app.assistant.answering.preparing import Material
from hrx.app.assistant.answering.quoting import above
from hrx.app.assistant.answering.sentences import find_end
from hrx.app.assistant.conversations.models import Said
from hrx.app.assistant.parts import AssistantParts
from hrx.app.assistant.retrieval.finding import Passage
from hrx.app.gateway.answering import Finished, Piece
from hrx.app.gateway.asking import Ask, Message, Speaker
from hrx.app.platform.tenancy import Principal
from hrx.kit.errors import Language
from hrx.kit.prompts import Prompt
from hrx.kit.search.analysis import fold

FEATURE: Final = "assistant"
#: About 600 Japanese letters, or 500 English words.
MOST_OUTPUT_TOKENS: Final = 900
#: What a model is told to say when the passages hold no answer (prompts/answer.yaml), folded.
_NOT_FOUND: Final = ("見つかりませんでした", "not found in the documents")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """An earlier question with what was answered, as far as the asker may see it now."""

    question: str
    answer: str


@dataclass(slots=True, kw_only=True)
class Written:
    """What a model wrote so far: as it came, and as it may be shown."""

    raw: str = ""
    shown: str = ""
    usage: dict[str, object] | None = field(default=None)


def make_ask(
    prompt: Prompt, question: str, *, language: Language, material: Material, turns: Sequence[Turn]
) -> Ask:
    """The question with its passages, numbered, behind the turns before it."""
    passages = "\n\n".join(_told(number, one) for number, one in material.passages.items())
    filled = prompt.fill(language, {"question": question, "passages": passages})
    earlier = [
        message
        for turn in turns
        for message in (
            Message(speaker=Speaker.USER, text=turn.question),
            Message(speaker=Speaker.ASSISTANT, text=turn.answer),
        )
    ]
    return Ask(
        feature=FEATURE,
        messages=(*earlier, Message(speaker=Speaker.USER, text=filled)),
        max_output_tokens=MOST_OUTPUT_TOKENS,
        prompt_version=f"{prompt.name}@{prompt.version}",
        is_interactive=True,
    )


def _told(number: int, passage: Passage) -> str:
    path = " › ".join(above(passage))
    page = f" (p. {passage.page})" if passage.page else ""
    return f"[{number}] {path}{page}\n{passage.body}"


async def write(
    ask: Ask, written: Written, *, asked: str, by: Principal, assistant: AssistantParts
) -> AsyncGenerator[Event]:
    """Deltas while the model writes; what is whole stands in `written` at the end. Raises as the gateway.

    Words that another vendor makes void are called back by `interrupted`."""
    cleaning = Cleaning(asked=asked)
    async with aclosing(assistant.gateway.stream(ask, by=by)) as events:
        async for event in events:
            if isinstance(event, Piece):
                written.raw += event.text
                delta = cleaning.take(event.text)
            elif isinstance(event, Finished):
                delta = cleaning.rest()
                usage = event.answer.usage
                written.raw = event.answer.text
                written.usage = {
                    "model": event.answer.model,
                    "input_tokens": usage.input_tokens,
                    "output_tokens": usage.output_tokens,
                }
            else:
                yield Event(name="interrupted", data={"text": written.shown, "reason": "restarted"})
                cleaning, delta = Cleaning(asked=asked), ""
                written.raw = written.shown = ""
            if delta:
                written.shown += delta
                yield Event(name="delta", data={"text": delta})


def check(written: Written, *, asked: str, material: Material) -> list[Said]:
    """The sentences that were written, each with what it stands on; none when the model found no answer."""
    sources = material.sources
    found = []
    for raw in cut_sentences(clean(written.raw, asked=asked)):
        checked = check_sentence(raw, sources=sources)
        if any(letter.isalnum() for letter in checked.text):
            found.append(
                Said(
                    text=checked.text,
                    citations=checked.citations,
                    is_supported=checked.is_supported,
                    document_ids=material.cited(checked.citations),
                )
            )
    return [] if _says_not_found(found) else found


def cut_sentences(text: str) -> list[str]:
    """Sentences with the numbers of their sources, which follow the full stop as often as not."""
    found = []
    rest = text.strip()
    while rest:
        end = find_end(rest)
        end = len(rest) if end <= 0 else end
        found.append(rest[:end].strip())
        rest = rest[end:].lstrip()
    return [one for one in found if one]


def _says_not_found(found: Sequence[Said]) -> bool:
    said = fold(" ".join(one.text for one in found))
    return not any(one.is_supported for one in found) and any(word in said for word in _NOT_FOUND)
