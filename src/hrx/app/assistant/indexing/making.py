"""Vectors of passages, by an encoder that is opened here or a model behind the gateway."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from hrx.app.assistant.retrieval.vectors import embed
from hrx.app.gateway.door import Gateway
from hrx.app.gateway.unanswered import QuestionRefused
from hrx.app.platform.tenancy import Principal
from hrx.kit.errors import LANGUAGES
from hrx.kit.search.encoders.describing import Description
from hrx.kit.search.encoders.finding import can_read
from hrx.kit.search.encoders.onnx_folder import OnnxEncoder, open_folder
from hrx.kit.search.passages import PassageText

_logger = logging.getLogger("hrx.assistant")
#: Passages of one batch: read, turned into vectors and written before the next.
_BATCH: Final = 64
_MOST_AT_ONCE: Final = 256
_PROBE: Final = "年次有給休暇 annual leave"

#: In the order of the passages; None for one that is to have none.
Made = list[Sequence[float] | None]


class Maker(Protocol):
    """`batch`: so many passages at a time."""

    @property
    def batch(self) -> int: ...
    async def make(self, passages: Sequence[PassageText]) -> Made:
        """All of them, or it raises: Unavailable, BudgetSpent, QuestionRefused, EncoderWrong."""
        ...


def open_maker(description: Description, *, gateway: Gateway, by: Principal) -> Maker:
    """Raises EncoderWrong, NotConfigured."""
    if description.kind == "onnx":
        return _Here(encoder=open_folder(description))
    most = gateway.limits_of(description.model).texts
    return _Elsewhere(description=description, gateway=gateway, by=by, batch=min(most, _MOST_AT_ONCE))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Here:
    encoder: OnnxEncoder
    batch: int = _BATCH

    async def make(self, passages: Sequence[PassageText]) -> Made:
        return await asyncio.to_thread(self._make, passages)

    def _make(self, passages: Sequence[PassageText]) -> Made:
        made: Made = [None] * len(passages)
        for language in LANGUAGES:
            places = [at for at, one in enumerate(passages) if one.language == language]
            texts = [passages[at].searched for at in places]
            if texts and can_read(self.encoder, texts, language=language):
                for at, vector in zip(places, self.encoder.encode(texts, kind="passage"), strict=True):
                    made[at] = vector
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class _Elsewhere:
    description: Description
    gateway: Gateway
    by: Principal
    batch: int

    async def make(self, passages: Sequence[PassageText]) -> Made:
        made: Made = [None] * len(passages)
        places = [at for at, one in enumerate(passages) if one.language in self.description.languages]
        texts = [passages[at].searched for at in places]
        if texts:
            for at, vector in zip(places, await self._ask(texts), strict=True):
                made[at] = vector
        return made

    async def _ask(self, texts: Sequence[str]) -> Made:
        try:
            return list(await self._embed(texts))
        except QuestionRefused:
            # A text that no other than this one is refused for must not hold up all others; a model that
            # refuses everything is set up wrong, and says so.
            await self._embed([_PROBE])
        if len(texts) == 1:
            _logger.warning("A passage that the model refuses is searched for by its words alone")
            return [None]
        middle = len(texts) // 2
        return [*await self._ask(texts[:middle]), *await self._ask(texts[middle:])]

    async def _embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        return await embed(self.gateway, self.description, texts, kind="passage", by=self.by)
