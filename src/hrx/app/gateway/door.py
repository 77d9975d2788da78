"""The door of the gateway: ask a model, whole or as it comes, or have texts turned into vectors.

    gateway = build_gateway(settings, database=database, figures=AiFigures(registry))
    answer = await gateway.complete(ask, by=principal)
    async for event in gateway.stream(ask, by=principal): ...

Everything is reserved before and settled after; nothing is sent that the tenant wants masked."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from hrx.app.gateway.answering import Answer, Attempted, Embedded, Event, Finished, Piece, Restarted
from hrx.app.gateway.asking import Ask, EmbedAsk, Usage
from hrx.app.gateway.breaker import Breaker, BreakerState
from hrx.app.gateway.call import Call
from hrx.app.gateway.calling import Caller
from hrx.app.gateway.embedding import limits_of, split
from hrx.app.gateway.ledger import BudgetSpent, CallFacts, CallsTooFast, Ledger, Outcome, Reservation
from hrx.app.gateway.masking import Mask, NameIndex, PersonName, Unmasking
from hrx.app.gateway.targets import Route, Target, most_tokens, texts_of
from hrx.app.gateway.vendors.adapter import EmbedLimits
from hrx.app.platform.ai_figures import AiFigures
from hrx.app.platform.tenancy import Principal
from hrx.kit import clock
from hrx.kit.errors import HrxError, Text, Unavailable

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
        embedding: Mapping[str, Route],
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

    def may_embed(self, model: str) -> bool:
        """Whether texts can be turned into vectors by this model, `vendor:model`."""
        return model in self._embedding

    def limits_of(self, model: str) -> EmbedLimits:
        """What one request for vectors may hold. Raises NotConfigured."""
        return limits_of(self._embedding_route(model))

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

        Raises as `complete`, and AnswerInterrupted. Leave it with `aclosing`: what was said is paid then."""
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

    async def embed(self, ask: EmbedAsk, *, by: Principal) -> Embedded:
        """Vectors of all texts, by the one model that is named; more than the vendor takes at once are
        several calls. Raises as `complete`."""
        route = self._embedding_route(ask.model)
        vectors: list[tuple[float, ...]] = []
        for part in split(ask, limits=limits_of(route)):
            vectors += await self._embed(part, route, by=by)
        [target] = route.targets
        return Embedded(vectors=tuple(vectors), vendor=target.vendor.value, model=target.model)

    async def _embed(self, ask: EmbedAsk, route: Route, *, by: Principal) -> tuple[tuple[float, ...], ...]:
        facts = CallFacts(feature=ask.feature, operation="embeddings")
        reservation = await self._open(facts, route, ask.texts, 0, by=by)
        mask = await self._mask(reservation, by)
        if mask is not None:
            ask = replace(ask, texts=tuple(map(mask.mask, ask.texts)))
        call = self._caller.open_embedding(ask, route=route, permit=reservation)
        began_s, state = clock.monotonic_s(), "abandoned"
        try:
            vectors, _ = await self._caller.embed(ask, call)
            state = "answered"
        except HrxError:
            state = "failed"
            raise
        finally:
            await self._settle(reservation, call, state=state, began_s=began_s)
        return vectors

    def _embedding_route(self, model: str) -> Route:
        route = self._embedding.get(model)
        if route is None:
            raise NotConfigured(
                Text(
                    ja=f"ベクトルを作るモデル {model} が設定されていません。",
                    en=f"The model {model} that makes vectors is not set up.",
                ),
                hint=Text(
                    ja="その事業者の API キー(または HRX_LLM_URL)を設定してください。",
                    en="Set the API key of its vendor, or HRX_LLM_URL.",
                ),
            )
        return route

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
