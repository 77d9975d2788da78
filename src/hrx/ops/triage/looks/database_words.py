"""Statements without their literals, and the refusal of a database that nobody named."""

from __future__ import annotations

import re
from typing import Final

from hrx.kit.errors import Text
from hrx.kit.secrets import mask_text
from hrx.ops.seams.postgres import DatabaseRefused, Door

_QUOTED: Final = re.compile(r"(?:\b[eEbBxX])?'(?:[^']|'')*'?")
_DOLLAR: Final = re.compile(r"\$([a-zA-Z_]*)\$.*?(?:\$\1\$|\Z)", re.S)
_NUMBER: Final = re.compile(r"\b\d+(?:\.\d+)?\b")
_COMMENT: Final = re.compile(r"/\*.*?(?:\*/|\Z)|--[^\n]*", re.S)
_PARAMETERS: Final = re.compile(r"(DETAIL|parameters|Key \()(.*)$", re.S)


def normalise(statement: str) -> str:
    """A statement or log line with every literal replaced: its shape without anybody's data."""
    text = _DOLLAR.sub("?", _COMMENT.sub(" ", statement))
    text = _PARAMETERS.sub(r"\1 ?", text)
    text = _NUMBER.sub("?", _QUOTED.sub("?", text))
    return mask_text(" ".join(text.split()))[:400]


def unknown_database() -> DatabaseRefused:
    return DatabaseRefused(
        Text(ja="データベースの URL が設定されていません", en="No database URL is configured"),
        door=Door.FAILED,
    )
