"""The questions of 10.2: what people ask in trouble, found by their own words in either language."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.runbook.reading import as_node, read_yaml, wrong

#: Katakana is folded to hiragana: people search by either.
_KATAKANA: Final = {code: code - 0x60 for code in range(ord("ァ"), ord("ヶ") + 1)}
#: What a word is worth where it is found.
_IN_QUESTION, _IN_WORDS, _IN_ANSWER = 4, 3, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question with its answer (Markdown). `also`: other words that people search with."""

    id: str
    question: Text
    answer: Text
    also: tuple[str, ...]
    sops: tuple[str, ...]
    procedures: tuple[str, ...]


def load_faq(folder: Path) -> tuple[Question, ...]:
    """Every question in the order of the file. Raises ContentWrong with file and place."""
    path = folder / "faq.yaml"
    nodes = [as_node(item, place=f"{path.name}[{n}]") for n, item in enumerate(read_yaml(path))]
    found = tuple(
        Question(
            id=node.string("id"),
            question=node.text("question"),
            answer=node.text("answer"),
            also=tuple(str(word) for word in node.values.get("also", [])),
            sops=node.strings("sops"),
            procedures=node.strings("procedures"),
        )
        for node in nodes
    )
    names = [one.id for one in found]
    for name in sorted({name for name in names if names.count(name) > 1}):
        raise wrong(path.name, f"has {name} twice")
    return found


def search_faq(questions: Sequence[Question], words: str) -> list[Question]:
    """The questions in which every word is found, the best first; all of them for no words."""
    wanted = fold(words).split()
    if not wanted:
        return list(questions)
    scored = [(_score(one, wanted), n, one) for n, one in enumerate(questions)]
    return [one for score, _, one in sorted(scored, key=lambda item: (-item[0], item[1])) if score > 0]


def fold(text: str) -> str:
    """Width, case and kana made equal, so that any way of writing a word finds it."""
    return unicodedata.normalize("NFKC", text).casefold().translate(_KATAKANA)


def _score(one: Question, wanted: Sequence[str]) -> int:
    question = fold(f"{one.question.ja} {one.question.en}")
    also = fold(" ".join(one.also))
    answer = fold(f"{one.answer.ja} {one.answer.en}")
    total = 0
    for word in wanted:
        here = _IN_QUESTION * (word in question) + _IN_WORDS * (word in also) + _IN_ANSWER * (word in answer)
        if not here:
            return 0
        total += here
    return total
