"""The weights of finding, learned from the tenant's questions. Nothing is written before the last question
was asked: a run that was killed is begun anew by the next night."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.assistant.evaluation.asking import Open, find_place
from hrx.app.assistant.evaluation.models import PLACES, AskedQuestion
from hrx.app.assistant.evaluation.weighing import Choice
from hrx.app.assistant.retrieval.finding import find_passages
from hrx.app.assistant.retrieval.retriever import Retriever, Weights
from hrx.app.platform import audit
from hrx.app.platform.db import send
from hrx.kit.errors import Language
from hrx.kit.search.analysis import guess_language

_KEEP: Final = """
INSERT INTO app.search_weights (language, terms, grams, dense, encoder, questions, mrr, mrr_before)
VALUES (:language, :terms, :grams, :dense, :encoder, :questions, :mrr, :mrr_before)
ON CONFLICT (tenant_id, language) DO UPDATE
SET terms = excluded.terms, grams = excluded.grams, dense = excluded.dense, encoder = excluded.encoder,
    questions = excluded.questions,
    mrr = excluded.mrr, mrr_before = excluded.mrr_before, learned_at = now()
"""
_FORGET: Final = "DELETE FROM app.search_weights AS w WHERE w.language = :language"


async def try_weights(
    question: AskedQuestion, candidates: Sequence[Weights], *, open_as_asker: Open, retriever: Retriever
) -> Mapping[Weights, float]:
    """1 / place of the first expected passage by each candidate, 0 where it is not among ten; asked with the
    rights of the asker, as a person's question is. Raises Expected for what cannot be asked."""
    reached = {}
    spoken = guess_language(question.question)
    async with open_as_asker() as session:
        for weights in candidates:
            found = await find_passages(
                session,
                question.question,
                limit=PLACES,
                retriever=retriever,
                weights={spoken: weights},
            )
            place = find_place(found.passages, question.expected)
            reached[weights] = 1 / place if place else 0.0
    return reached


async def keep_weights(
    session: AsyncSession, language: Language, choice: Choice, *, encoder: str | None
) -> None:
    """From the next question on they are in force. `encoder`: whose vectors they were learned with."""
    weights = choice.weights
    values = {
        "terms": weights.terms,
        "grams": weights.grams,
        "dense": weights.dense,
        "encoder": encoder,
        "questions": choice.questions,
        "mrr": choice.mrr,
        "mrr_before": choice.before,
    }
    await send(session, _KEEP, {"language": language, **values})
    await audit.record(session, action="assistant.weights_learned", details={"language": language, **values})


async def forget_weights(session: AsyncSession, language: Language) -> None:
    """Back to those delivered."""
    await send(session, _FORGET, {"language": language})
    await audit.record(session, action="assistant.weights_forgotten", details={"language": language})
