"""Versions of files in which no rule found anything: they never change, and are read by the rules once.

What is remembered counts for these very rules only: another word in them, and everything is read again. Our
own secrets are looked for every time, for those do change."""

from __future__ import annotations

import hashlib
import json
import secrets
from contextlib import suppress
from pathlib import Path

from hrx.ops.release.leaks import judging, rules


class CleanBlobs:
    """Git's names of such versions, in a file of ours; a file that cannot be read counts as empty."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rules = _hash_rules()
        self._names: set[str] = set()
        self._is_changed = False
        with suppress(OSError, ValueError, KeyError, TypeError):
            kept = json.loads(path.read_text())
            if kept["rules"] == self._rules:
                self._names = set(kept["blobs"])

    def knows(self, blob: str) -> bool:
        """Whether the rules found nothing in it before."""
        return bool(blob) and blob in self._names

    def add(self, blob: str) -> None:
        """They found nothing in it now."""
        if blob and blob not in self._names:
            self._names.add(blob)
            self._is_changed = True

    def save(self) -> None:
        """Keep it for the next scan; a full disk only costs that one its time."""
        if not self._is_changed:
            return
        draft = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps({"rules": self._rules, "blobs": sorted(self._names)}))
            draft.replace(self._path)
        except OSError:
            draft.unlink(missing_ok=True)


def _hash_rules() -> str:
    sources = (Path(str(module.__file__)).read_bytes() for module in (rules, judging))
    return hashlib.sha256(b"\0".join(sources)).hexdigest()
