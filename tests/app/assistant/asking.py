"""Asking as the portal does, and reading the stream of the answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.app.clients import Browser


@dataclass(frozen=True, slots=True)
class Heard:
    """The events of one answer, in their order."""

    events: tuple[tuple[str, dict[str, Any]], ...]

    def all(self, name: str) -> list[dict[str, Any]]:
        return [data for event, data in self.events if event == name]

    def only(self, name: str) -> dict[str, Any]:
        [found] = self.all(name)
        return found

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    @property
    def text(self) -> str:
        return "".join(one["text"] for one in self.all("sentence"))

    @property
    def everything(self) -> str:
        return json.dumps(self.events, ensure_ascii=False)


async def ask(browser: Browser, question: str, **more: Any) -> Heard:
    answer = await browser.post("/assistant/questions", {"question": question, **more})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    return read(answer.text)


def read(stream: str) -> Heard:
    events = []
    for block in stream.strip().split("\n\n"):
        if block.startswith(":"):
            continue
        name, data = block.split("\n", 1)
        events.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return Heard(tuple(events))
