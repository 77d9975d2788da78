"""Reading content files: what is wrong is said with the file, the place and the key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hrx.kit.errors import Invalid, Text


class ContentWrong(Invalid):
    """A file of the runbook breaks a rule; the message says which file, where and what."""

    code = "runbook.content_wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One mapping of a content file, knowing where it stands. `Any`: YAML has no types yet."""

    values: Mapping[str, Any]
    place: str

    def text(self, key: str) -> Text:
        """A sentence that must be given in both languages."""
        found = self.values.get(key)
        if not isinstance(found, dict) or not found.get("ja") or not found.get("en"):
            raise wrong(f"{self.place}.{key}", "needs `ja` and `en`")
        return Text(ja=str(found["ja"]).strip(), en=str(found["en"]).strip())

    def find_text(self, key: str) -> Text | None:
        return self.text(key) if key in self.values else None

    def string(self, key: str) -> str:
        found = self.values.get(key)
        if not isinstance(found, str) or not found:
            raise wrong(f"{self.place}.{key}", "is missing")
        return found

    def find_string(self, key: str) -> str | None:
        return self.string(key) if key in self.values else None

    def flag(self, key: str) -> bool:
        found = self.values.get(key, False)
        if not isinstance(found, bool):
            raise wrong(f"{self.place}.{key}", "must be true or false")
        return found

    def seconds(self, key: str) -> float:
        found = self.values.get(key)
        if isinstance(found, bool) or not isinstance(found, int | float) or found <= 0:
            raise wrong(f"{self.place}.{key}", "must be a number of seconds above 0")
        return float(found)

    def strings(self, key: str) -> tuple[str, ...]:
        found = self.values.get(key, [])
        if not isinstance(found, list):
            raise wrong(f"{self.place}.{key}", "must be a list")
        return tuple(str(item) for item in found)

    def node(self, key: str) -> Node:
        return as_node(self.values.get(key), place=f"{self.place}.{key}")

    def nodes(self, key: str) -> tuple[Node, ...]:
        found = self.values.get(key, [])
        if not isinstance(found, list):
            raise wrong(f"{self.place}.{key}", "must be a list")
        return tuple(as_node(item, place=f"{self.place}.{key}[{at}]") for at, item in enumerate(found))


def read_yaml(path: Path) -> Any:
    """What the file says. Raises ContentWrong when it is missing or no YAML. `Any`: not yet judged."""
    try:
        # The safe loader in C: the pure one takes most of a command's start.
        return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise wrong(str(path), str(error)) from error


def as_node(value: object, *, place: str) -> Node:
    if not isinstance(value, dict):
        raise wrong(place, "must be a mapping")
    return Node(values=value, place=place)


def wrong(place: str, what: str) -> ContentWrong:
    return ContentWrong(
        Text(ja=f"ランブックの内容に誤りがあります: {place}: {what}", en=f"Runbook content: {place} {what}"),
        hint=Text(ja="runbook/ のそのファイルを直してください。", en="Correct that file under runbook/."),
    )
