"""What an encoder of texts is, whoever computes it: a file here, or a server behind the gateway."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from hrx.kit.errors import Language

Kind = Literal["query", "passage"]


class Encoder(Protocol):
    """Vectors of length 1. `revision` changes when the same text would give other numbers; `languages`: those
    that the encoder was made for."""

    @property
    def name(self) -> str: ...
    @property
    def revision(self) -> str: ...
    @property
    def dimensions(self) -> int: ...
    @property
    def languages(self) -> frozenset[Language]: ...
    def encode(self, texts: Sequence[str], *, kind: Kind) -> list[list[float]]: ...
    def unknown_share(self, texts: Sequence[str]) -> float:
        """Of the pieces into which the encoder cuts these texts, how many it does not know: 0 to 1."""
        ...
