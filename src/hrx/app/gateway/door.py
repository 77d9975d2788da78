"""The door of the gateway: ask a model, whole or as it comes, or have texts turned into vectors.

    gateway = build_gateway(settings, database=database, figures=AiFigures(registry))
    answer = await gateway.complete(ask, by=principal)
    async for event in gateway.stream(ask, by=principal): ...

Everything is reserved before and settled after; nothing is sent that the tenant wants masked."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from hrx.app.gateway.answering import Answer, Attempted, Embedded, Event, Finished, Piece, Restarted
from hrx.app.gateway.asking import Ask, Usage
from hrx.app.gateway.breaker import Breaker, BreakerState
from hrx.app.gateway.call import Call
from hrx.app.gateway.calling import Caller
from hrx.app.gateway.ledger import BudgetSpent, CallFacts, CallsTooFast, Ledger, Outcome, Reservation
from hrx.app.gateway.masking import Mask, NameIndex, PersonName, Unmasking
from hrx.app.gateway.prices import SHIPPED, read_prices
from hrx.app.gateway.targets import (
    Clocks,
    Endpoint,
    Route,
    Target,
    endpoints_with_keys,
    most_tokens,
    parse_targets,
    texts_of,
)
from hrx.app.gateway.vendors.adapter import Vendor
from hrx.app.platform.ai_figures import AiFigures
from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Principal
from hrx.app.settings import AppSettings
from hrx.kit import clock
from hrx.kit.errors import HrxError, Text, Unavailable
from hrx.kit.secrets import newest

_logger = logging.getLogger("hrx.gateway")
NANO: Final = 1_000_000_000
#: The names of a tenant's directory, for masking.
Directory = Callable[[Principal], Awaitable[Sequence[PersonName]]]
_BREAKER_LEVEL: Final = {BreakerState.CLOSED: 0.0, BreakerState.TRYING: 0.5, BreakerState.OPEN: 1.0}


class NotConfigured(Unavailable):
    """No vendor has a key, or no model is named: whoever asks answers without one."""

    code = "gateway.not_configured"


class Gateway:
    """One for each process; the connections belong to its loop."""

    def __init__(
        self,
        *,
        chat: Route | None,
        embedding: Route | None,
        ledger: Ledger,
        figures: AiFigures,
        directory: Directory | None = None,
    ) -> None:
        self._chat = chat
        self._embedding = embedding
        self._ledger = ledger
        self._figures = figures
        self._directory = directory
        self._caller = Caller(Watch(figures))

    @property
    def may_chat(self) -> bool:
        """Whether there is a model to ask; without one the assistant answers by quoting."""
        return self._chat is not None

    @property
    def may_embed(self) -> bool:
        return self._embedding is not None

    async def close(self) -> None:
        await self._caller.close()

    async def complete(self, ask: Ask, *, by: Principal) -> Answer:
        """The whole answer. Raises NotConfigured, BudgetSpent, CallsTooFast, and what Caller raises."""
        route = _route(self._chat, is_interactive=ask.is_interactive)
        reservation = await self._open(_facts(ask), route, texts_of(ask), ask.max_output_tokens, by=by)
        mask = await self._mask(reservation, by)
        asked = _masked(ask, mask)
        call = self._caller.open_call(asked, route=route, permit=reservation)
        began_s, state = clock.monotonic_s(), "abandoned"
        try:
            answer = await self._caller.complete(asked, call)
            state = "answered"
        except HrxError:
            state = "failed"
            raise
        finally:
            await self._settle(reservation, call, state=state, began_s=began_s)
        return _unmasked(answer, mask)

    async def stream(self, ask: Ask, *, by: Principal) -> AsyncGenerator[Event]:
        """The answer as it comes (decision 0019); a Finished answer is on the ledger already.

        Raises as `complete`, and AnswerInterrupted. Leave it with `aclosing`: then what was said is sett"""
        route = _route(self._chat, is_interactive=ask.is_interactive)
        reservation = await self._open(_facts(ask), route, texts_of(ask), ask.max_output_tokens, by=by)
        mask = await self._mask(reservation, by)
        asked = _masked(ask, mask)
        call = self._caller.open_call(asked, route=route, permit=reservation)
        began_s, state, finished = clock.monotonic_s(), "abandoned", None
        try:
            async with aclosing(_shown(self._caller.stream(asked, call), mask)) as events:
                async for event in events:
                    if isinstance(event, Finished):
                        finished, state = event, "answered"
                    else:
                        yield event
        except HrxError:
            state = "failed"
            raise
        finally:
            await self._settle(reservation, call, state=state, began_s=began_s)
        if finished is not None:
            yield finished

    async def embed(self, texts: Sequence[str], *, feature: str, by: Principal) -> Embedded:
        """Vectors of texts, all by one model. Raises as `complete`."""
        route = _route(self._embedding, is_interactive=False)
        facts = CallFacts(feature=feature, operation="embeddings")
        reservation = await self._open(facts, route, texts, 0, by=by)
        mask = await self._mask(reservation, by)
        sent = [mask.mask(text) if mask else text for text in texts]
        call = self._caller.open_embedding(sent, route=route, permit=reservation)
        began_s, state = clock.monotonic_s(), "abandoned"
        try:
            vectors, target = await self._caller.embed(call)
            state = "answered"
        except HrxError:
            state = "failed"
            raise
        finally:
            await self._settle(reservation, call, state=state, began_s=began_s)
        return Embedded(vectors=vectors, vendor=target.vendor.value, model=target.model)

    async def _open(
        self, facts: CallFacts, route: Route, texts: Sequence[str], most_output: int, *, by: Principal
    ) -> Reservation:
        most = Usage(input_tokens=most_tokens(texts), output_tokens=most_output)
        amount_nano = max(target.price.cost_nano(most) for target in route.targets)
        try:
            reservation = await self._ledger.open(facts, by=by, amount_nano=amount_nano)
        except (BudgetSpent, CallsTooFast) as error:
            self._figures.refused.labels("budget" if isinstance(error, BudgetSpent) else "pace").inc()
            raise
        self._figures.note_budget(by.tenant_id, reservation.left_ratio)
        return reservation

    async def _mask(self, reservation: Reservation, by: Principal) -> Mask | None:
        if not reservation.is_masked:
            return None
        names = await self._directory(by) if self._directory is not None else ()
        return Mask(NameIndex(names))

    async def _settle(self, reservation: Reservation, call: Call, *, state: str, began_s: float) -> None:
        """Even when whoever asked is gone. A ledger that is away gets the call later, as a lost one."""
        outcome = Outcome(
            state=state,
            attempts=tuple(call.attempts),
            fallback_reason=call.fallback_reason,
            latency_s=clock.monotonic_s() - began_s,
        )
        await asyncio.shield(asyncio.ensure_future(self._settle_quietly(reservation, outcome)))

    async def _settle_quietly(self, reservation: Reservation, outcome: Outcome) -> None:
        try:
            await self._ledger.settle(reservation, outcome)
        except Unavailable as error:
            fields = {"call": reservation.call_id, "error": error.stable_code}
            _logger.warning("Call not settled; the worker will", extra={"fields": fields})


class Watch:
    """Turns what happens to calls into figures."""

    def __init__(self, figures: AiFigures) -> None:
        self._figures = figures
        self._watched: set[str] = set()

    def note_attempt(self, attempted: Attempted, *, operation: str) -> None:
        who = (operation, attempted.vendor, attempted.model)
        if attempted.outcome != "abandoned":
            error_type = "" if attempted.outcome == "ok" else attempted.outcome
            self._figures.duration.labels(*who, error_type).observe(attempted.duration_s)
        if attempted.first_token_s is not None:
            self._figures.first_chunk.labels(*who).observe(attempted.first_token_s)
        usage = attempted.usage
        if usage is not None:
            self._figures.tokens.labels(*who, "input").observe(usage.input_tokens)
            self._figures.tokens.labels(*who, "output").observe(usage.output_tokens)
            self._figures.cost.labels(attempted.vendor, attempted.model).inc(attempted.cost_nano / NANO)
            if usage.is_estimated:
                self._figures.estimated.labels(attempted.vendor, attempted.model).inc()

    def note_fallback(self, target: Target, *, reason: str) -> None:
        self._figures.fallbacks.labels(target.vendor.value, target.model, reason).inc()

    def note_breaker(self, target: Target, breaker: Breaker) -> None:
        """From the first request on, the state is read whenever it is looked at: a rest ends by itself."""
        if target.name not in self._watched:
            self._watched.add(target.name)
            gauge = self._figures.breaker.labels(target.vendor.value, target.model)
            gauge.set_function(lambda: _BREAKER_LEVEL[breaker.state])


def build_gateway(
    settings: AppSettings, *, database: Database, figures: AiFigures, directory: Directory | None = None
) -> Gateway:
    """The gateway as the settings want it. Raises Invalid for models that cannot be read or have no price."""
    return Gateway(
        chat=_read_route(settings, settings.llm_targets),
        embedding=_read_route(settings, settings.llm_embedding_targets),
        ledger=Ledger(database),
        figures=figures,
        directory=directory,
    )


def _read_route(settings: AppSettings, named: str) -> Route | None:
    """The models named whose vendor has a key; None when there is none."""
    endpoints = endpoints_with_keys(_endpoints(settings))
    prices = read_prices(settings.llm_prices_file or SHIPPED)
    clocks = Clocks(
        connect_s=settings.llm_connect_timeout_s,
        first_token_s=settings.llm_first_token_timeout_s,
        idle_s=settings.llm_idle_timeout_s,
        answer_s=settings.llm_answer_timeout_s,
        call_s=settings.llm_call_timeout_s,
    )
    targets = tuple(
        Target(
            vendor=vendor,
            model=model,
            endpoint=endpoints[vendor],
            clocks=clocks,
            price=prices.get(vendor.value, model, on=clock.now().date()),
        )
        for vendor, model in parse_targets(named)
        if vendor in endpoints
    )
    if not targets:
        return None
    return Route(targets=targets, laps=settings.llm_laps, hedge_s=settings.llm_hedge_s or None)


def _endpoints(settings: AppSettings) -> dict[Vendor, Endpoint]:
    given = {
        Vendor.OPENAI: (settings.openai_url, settings.openai_api_key),
        Vendor.ANTHROPIC: (settings.anthropic_url, settings.anthropic_api_key),
        Vendor.GOOGLE: (f"{settings.google_url}/v1beta", settings.google_api_key),
        Vendor.COMPATIBLE: (settings.llm_url or "", settings.llm_api_key),
    }
    return {
        vendor: Endpoint(base_url=url.rstrip("/"), key=newest(key.get_secret_value()) if key else "")
        for vendor, (url, key) in given.items()
    }


def _route(route: Route | None, *, is_interactive: bool) -> Route:
    if route is None:
        raise NotConfigured(
            Text(ja="言語モデルが設定されていません。", en="No language model is set up."),
            hint=Text(
                ja="HRX_LLM_TARGETS と事業者の API キーを設定してください。",
                en="Set HRX_LLM_TARGETS and a vendor's API key.",
            ),
        )
    # A second request costs money: only where a person waits.
    return route if is_interactive or route.hedge_s is None else replace(route, hedge_s=None)


def _facts(ask: Ask) -> CallFacts:
    return CallFacts(feature=ask.feature, operation="chat", prompt_version=ask.prompt_version)


def _masked(ask: Ask, mask: Mask | None) -> Ask:
    """The question as it leaves."""
    if mask is None:
        return ask
    return replace(
        ask,
        messages=tuple(
            replace(
                one,
                text=mask.mask(one.text),
                tool_calls=tuple(
                    replace(call, arguments=mask.mask(call.arguments)) for call in one.tool_calls
                ),
            )
            for one in ask.messages
        ),
    )


def _unmasked(answer: Answer, mask: Mask | None) -> Answer:
    """The answer as it was meant."""
    if mask is None:
        return answer
    calls = tuple(
        replace(call, arguments=mask.unmask(call.arguments, is_json=True)) for call in answer.tool_calls
    )
    return replace(answer, text=mask.unmask(answer.text), tool_calls=calls)


async def _shown(events: AsyncGenerator[Event], mask: Mask | None) -> AsyncGenerator[Event]:
    """Events with the values put back, and their source closed with them."""
    unmasking = Unmasking(mask) if mask is not None else None
    async with aclosing(events) as source:
        async for event in source:
            if unmasking is None:
                yield event
            elif isinstance(event, Piece):
                text = unmasking.take(event.text)
                if text:
                    yield Piece(text=text)
            elif isinstance(event, Restarted):
                unmasking.rest()
                yield event
            else:
                rest = unmasking.rest()
                if rest:
                    yield Piece(text=rest)
                yield Finished(answer=_unmasked(event.answer, mask))
