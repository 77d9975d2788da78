"""What the assistant is made of; lives on `app.state.assistant`."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from fastapi import Request
from prometheus_client import CollectorRegistry

from hrx.app.assistant.directory import NameDirectory
from hrx.app.assistant.retrieval.retriever import Retriever
from hrx.app.gateway.building import build_gateway
from hrx.app.gateway.door import Gateway
from hrx.app.platform.ai_figures import AiFigures, AssistantFigures
from hrx.app.platform.db import Database
from hrx.app.settings import AppSettings
from hrx.kit.prompts import Prompt, load_prompts
from hrx.kit.search.encoders.describing import list_descriptions

_logger = logging.getLogger("hrx.assistant")
#: Prompts belong to the checkout that runs, as the release that names them does.
PROMPTS: Final = Path(__file__).resolve().parents[4] / "prompts"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantParts:
    """`prompt` is None where the checkout has none; then no model is asked."""

    gateway: Gateway
    retriever: Retriever
    question_vector_within_s: float
    prompt: Prompt | None
    ai: AiFigures
    figures: AssistantFigures

    @property
    def may_write(self) -> bool:
        """Whether a model can be asked to write."""
        return self.prompt is not None and self.gateway.may_chat


def assistant_of(request: Request) -> AssistantParts:
    parts: AssistantParts = request.app.state.assistant
    return parts


def build_assistant(
    settings: AppSettings, *, database: Database, ai: AiFigures, registry: CollectorRegistry
) -> AssistantParts:
    """Nothing is connected yet. Raises Invalid for models without a price, EncoderWrong, PromptWrong."""
    prompt = load_prompts(PROMPTS).get("answer")
    if prompt is None:
        fields = {"path": str(PROMPTS)}
        _logger.warning("No prompt for answers; documents are quoted", extra={"fields": fields})
    models = [one.model for one in list_descriptions(settings.encoders_dir) if one.kind == "gateway"]
    gateway = build_gateway(
        settings,
        database=database,
        figures=ai,
        directory=NameDirectory(database),
        embedding_models=models,
    )
    return AssistantParts(
        gateway=gateway,
        retriever=Retriever(folder=settings.encoders_dir, asks_elsewhere=bool(models)),
        question_vector_within_s=settings.llm_question_vector_timeout_s,
        prompt=prompt,
        ai=ai,
        figures=AssistantFigures(registry),
    )


def without_model(assistant: AssistantParts) -> AssistantParts:
    """The same that asks no model: documents are quoted."""
    return replace(assistant, prompt=None)
