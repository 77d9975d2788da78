"""What one stage has on disk, as whoever keeps its command sees it, too. Cheap to load: that is a program of
its own for each stage."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from hrx.kit.secrets import mask_text


@dataclass(frozen=True, slots=True)
class StageFolder:
    """What one stage of one run has on disk."""

    home: Path

    @property
    def log(self) -> Path:
        return self.home / "log"

    @property
    def lock(self) -> Path:
        """Held by whoever runs the command, as long as it runs."""
        return self.home / "lock"

    @property
    def record(self) -> Path:
        return self.home / "record.json"

    def order(self, attempt: int) -> Path:
        """What the keeper is to do."""
        return self.home / f"order-{attempt}.json"

    def keeper(self, attempt: int) -> Path:
        """Which process keeps the command."""
        return self.home / f"keeper-{attempt}.json"

    def result(self, attempt: int) -> Path:
        """How the command ended."""
        return self.home / f"result-{attempt}.json"

    def tail(self, *, lines: int = 20, size_bytes: int = 16_384) -> tuple[str, ...]:
        """The last lines of the log, which was masked when it was written; masked again all the same."""
        try:
            with self.log.open("rb") as file:
                file.seek(0, os.SEEK_END)
                start = max(0, file.tell() - size_bytes)
                file.seek(start)
                said = file.read().decode(errors="replace")
        except OSError:
            return ()
        found = said.splitlines()
        return tuple(mask_text(one) for one in (found[1:] if start else found)[-lines:])


def write_whole(path: Path, content: bytes) -> None:
    """The file, on disk, whole. Raises OSError."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


# `Any`: it is stored JSON.
def read_json(path: Path) -> Mapping[str, Any] | None:
    """What was written there; None when nothing is, or nothing that can be read."""
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    return found if isinstance(found, dict) else None
