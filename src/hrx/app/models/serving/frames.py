"""What goes over the socket: a head in JSON and numbers as they are, many requests on one connection.

4 bytes  length of the head, 4 bytes  length of the numbers (both unsigned, big-endian)
head     JSON: what is asked or answered, and how many rows and columns follow
numbers  float32, little-endian, row by row"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson

_LENGTHS: Final = struct.Struct(">II")
LARGEST_HEAD_BYTES: Final = 64 * 1024
#: 1,024 rows of 4,096 numbers: more than any request of ours.
LARGEST_NUMBERS_BYTES: Final = 16 * 1024 * 1024


class FrameBroken(Exception):
    """The other side speaks something else, or more than anybody of ours would say."""


@dataclass(frozen=True, slots=True)
class Frame:
    """`head`: JSON. `rows`: float32, two dimensions; None when there are no numbers."""

    head: dict[str, Any]
    rows: Any = None


def encode(head: dict[str, Any], rows: Any = None) -> bytes:
    """One frame. `rows`: float32, n × m."""
    numbers = b""
    if rows is not None:
        head = {**head, "rows": rows.shape[0], "columns": rows.shape[1]}
        numbers = np.ascontiguousarray(rows, dtype="<f4").tobytes()
    told = orjson.dumps(head)
    return _LENGTHS.pack(len(told), len(numbers)) + told + numbers


async def read_frame(reader: asyncio.StreamReader) -> Frame | None:
    """The next frame; None when the other side closed between two. Raises FrameBroken, and
    IncompleteReadError or OSError when the connection broke inside one."""
    try:
        lengths = await reader.readexactly(_LENGTHS.size)
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            return None
        raise
    head_bytes, numbers_bytes = _LENGTHS.unpack(lengths)
    if head_bytes > LARGEST_HEAD_BYTES or numbers_bytes > LARGEST_NUMBERS_BYTES:
        raise FrameBroken("too long")
    content = await reader.readexactly(head_bytes + numbers_bytes)
    try:
        head = orjson.loads(content[:head_bytes])
        if not isinstance(head, dict):
            raise FrameBroken("no head")
        if "rows" not in head:
            return Frame(head)
        flat = np.frombuffer(content, dtype="<f4", offset=head_bytes)
        return Frame(head, flat.reshape(int(head["rows"]), int(head["columns"])))
    except (ValueError, TypeError, KeyError) as error:
        raise FrameBroken(type(error).__name__) from error
