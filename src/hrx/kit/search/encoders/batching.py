"""Texts to an encoder in batches that waste little. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

_BATCH: Final = 32


def encode_in_batches(
    texts: Sequence[str], encode: Callable[[list[str]], list[list[float]]]
) -> list[list[float]]:
    """A vector for each text, in its order. `encode` is given texts of like length together, for in a batch
    the shorter ones are filled up to the longest."""
    order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
    vectors: list[list[float]] = [[] for _ in texts]
    for start in range(0, len(order), _BATCH):
        batch = order[start : start + _BATCH]
        for at, vector in zip(batch, encode([texts[at] for at in batch]), strict=True):
            vectors[at] = vector
    return vectors
