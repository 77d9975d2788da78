"""What we meant to make at Railway, written down before it is asked for.

Its deployments carry no name of ours. So the name, the image and the newest deployment of that moment are
kept here: with them a deployment is found again whose answer was lost, also by the next run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

_KEPT: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """`after` is the newest deployment when it was asked for; `deployment` is known once it was answered."""

    key: str
    version: str
    image: str
    after: str | None
    deployment: str | None = None


class Journal:
    """A small file, replaced as a whole; the newest intents last. One that cannot be read counts as empty."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def list_intents(self) -> tuple[Intent, ...]:
        try:
            told = orjson.loads(self._path.read_bytes())
            return tuple(Intent(**one) for one in told["intents"])
        except (OSError, ValueError, KeyError, TypeError):
            return ()

    def intend(self, intent: Intent) -> None:
        self._change(lambda known: (*(one for one in known if one.key != intent.key), intent))

    def settle(self, key: str, *, deployment: str) -> None:
        self._change(
            lambda known: tuple(
                dataclasses.replace(one, deployment=deployment) if one.key == key else one for one in known
            )
        )

    def _change(self, change: Callable[[tuple[Intent, ...]], tuple[Intent, ...]]) -> None:
        kept = change(self.list_intents())[-_KEPT:]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".new")
        draft.write_bytes(orjson.dumps({"intents": [dataclasses.asdict(one) for one in kept]}))
        draft.replace(self._path)
