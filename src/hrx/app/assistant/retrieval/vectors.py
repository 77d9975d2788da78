"""The vector of a question, made by a model elsewhere before the transaction of its finding is opened: no
vendor is waited for while a connection is held. Without it the question is searched for by its words."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.assistant.retrieval.learned import read_learned
from hrx.app.assistant.retrieval.retriever import Retriever
from hrx.app.gateway.asking import EmbedAsk
from hrx.app.gateway.door import Gateway
from hrx.app.platform.search_index import find_live
from hrx.app.platform.tenancy import Principal
from hrx.kit.errors import HrxError
from hrx.kit.search.analysis import analyse, guess_language
from hrx.kit.search.encoders.describing import Description, find_description
from hrx.kit.search.encoders.protocol import Kind

_logger = logging.getLogger("hrx.assistant")
#: Budgets go by it: questions and passages that are turned into vectors.
FEATURE: Final = "search"
#: Opens a transaction of whoever asks.
Open = Callable[[], AbstractAsyncContextManager[AsyncSession]]


async def know_vector(
    retriever: Retriever,
    question: str,
    *,
    open_as_asker: Open,
    gateway: Gateway,
    within_s: float,
    is_weighed: bool = True,
) -> Retriever:
    """A retriever that knows the question's vector, where the index that answers is by a model elsewhere.

    `is_weighed` False: whatever meaning counts at the moment. Asks nobody, and opens nothing, where no such
    model is described. A model that is away, slow or too expensive is a leg that is off."""
    if not retriever.asks_elsewhere:
        return retriever
    async with open_as_asker() as session:
        principal: Principal = session.info["principal"]
        live = await find_live(session)
        dense = live.dense if live is not None else None
        weights = await read_learned(session, dense=dense) if is_weighed else {}
    try:
        description = find_description(retriever.folder, dense)
        if dense is None or description is None or description.kind != "gateway":
            return retriever
        spoken = guess_language(question)
        counts = not is_weighed or retriever.weigh(spoken, dense=dense, learned=weights).dense
        if not counts or spoken not in description.languages or not analyse(question).terms:
            return retriever
        [vector] = await embed(
            gateway, description, [question], kind="query", by=principal, within_s=within_s
        )
    except HrxError as error:
        fields = {"error": error.stable_code, "encoder": dense}
        _logger.warning("No vector for a question; searched for by its words", extra={"fields": fields})
        return retriever
    return replace(retriever, known={**retriever.known, (dense, question): vector})


async def embed(
    gateway: Gateway,
    description: Description,
    texts: Sequence[str],
    *,
    kind: Kind,
    by: Principal,
    within_s: float | None = None,
) -> Sequence[Sequence[float]]:
    """Vectors by the model that a description names, with its prefixes. Raises as the gateway does."""
    found = await gateway.embed(
        EmbedAsk(
            feature=FEATURE,
            texts=tuple(description.prefixed(one, kind=kind) for one in texts),
            model=description.model,
            dimensions=description.dimensions,
            kind=kind,
            within_s=within_s,
        ),
        by=by,
    )
    return found.vectors
