"""Texts in requests that a vendor takes, and vectors that can be compared. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from hrx.app.gateway.asking import EmbedAsk
from hrx.app.gateway.failures import malformed
from hrx.app.gateway.targets import Route, most_tokens
from hrx.app.gateway.vendors.adapter import EmbedLimits
from hrx.app.gateway.vendors.known import ADAPTERS
from hrx.kit.errors import Invalid, Text


def limits_of(route: Route) -> EmbedLimits:
    """What one request of a route for vectors may hold. Raises Invalid where the vendor has no embeddings."""
    [target] = route.targets
    limits = ADAPTERS[target.vendor].embed_limits
    if limits is None:
        raise Invalid(
            Text(ja=f"{target.name} はベクトルを作れません。", en=f"{target.name} makes no vectors."),
            hint=Text(
                ja="openai、google、compatible のモデルを指定してください。",
                en="Name a model of openai, google or compatible.",
            ),
            code="gateway.no_embeddings",
        )
    return limits


def split(ask: EmbedAsk, *, limits: EmbedLimits) -> Iterator[EmbedAsk]:
    """The same in as few requests as the limits allow; a text that is beyond them alone goes alone."""
    texts: list[str] = []
    tokens = 0
    for text in ask.texts:
        size = most_tokens([text])
        if texts and (len(texts) == limits.texts or tokens + size > limits.tokens):
            yield replace(ask, texts=tuple(texts))
            texts, tokens = [], 0
        texts.append(text)
        tokens += size
    if texts:
        yield replace(ask, texts=tuple(texts))


def check_vectors(found: Sequence[Sequence[object]], ask: EmbedAsk) -> tuple[tuple[float, ...], ...]:
    """Vectors of length 1, one for each text. Raises VendorFailure for another number of them or of their
    numbers, and for what is no direction: one bad vector makes all of them doubtful."""
    if len(found) != len(ask.texts):
        raise malformed(f"{len(found)} vectors for {len(ask.texts)} texts")
    return tuple(_check(vector, ask.dimensions) for vector in found)


def _check(vector: Sequence[object], dimensions: int) -> tuple[float, ...]:
    if len(vector) != dimensions:
        raise malformed(f"vectors of {len(vector)} numbers instead of {dimensions}")
    numbers = [float(one) for one in vector if isinstance(one, int | float) and not isinstance(one, bool)]
    length = math.hypot(*numbers)
    if len(numbers) != dimensions or not math.isfinite(length) or length == 0:
        raise malformed("a vector that is none")
    # Some models shorten vectors without making them of length 1 again.
    return tuple(one / length for one in numbers)
