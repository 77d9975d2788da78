"""Many requests for one answer: the next target after a failure, a second one beside a slow one.

What a reader sees when a vendor dies in the middle of an answer is decision 0019."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final

from hrx.app.gateway.answering import Answer, Attempted, Event, Finished, Piece, Restarted
from hrx.app.gateway.asking import Ask, Decoded, EmbedAsk, Finish, Usage
from hrx.app.gateway.attempts import Connections, OpenAnswer, fetch_whole, read
from hrx.app.gateway.breaker import Breaker
from hrx.app.gateway.call import Begun, Call, Permit, Watcher, end_of, spent
from hrx.app.gateway.embedding import check_vectors
from hrx.app.gateway.failures import PASSING, FailureKind, VendorFailure
from hrx.app.gateway.targets import Route, Target, believed_usage, estimate_tokens, texts_of
from hrx.app.gateway.unanswered import (
    AnswerTooExpensive,
    QuestionRefused,
    VendorsUnavailable,
    interrupted,
    no_answer,
    question_refused,
    too_expensive,
)
from hrx.app.gateway.vendors.adapter import HttpAsk
from hrx.app.gateway.vendors.known import ADAPTERS
from hrx.kit import clock

#: Pause before the targets are gone through once more, doubled each time; Retry-After may ask for more.
_PAUSE_S: Final = 0.25


Begin = Callable[[Target], Awaitable[Begun]]


class Caller:
    """Asks the targets of a route until one answers."""

    def __init__(self, watcher: Watcher) -> None:
        self.connections = Connections()
        self._watcher = watcher
        self._breakers: dict[str, Breaker] = {}

    async def close(self) -> None:
        await self.connections.close()

    def breaker_of(self, target: Target) -> Breaker:
        return self._breakers.setdefault(target.name, Breaker())

    def open_call(self, ask: Ask, *, route: Route, permit: Permit) -> Call:
        """A call that begins now."""
        return Call(
            route=route,
            permit=permit,
            operation="chat",
            texts=texts_of(ask),
            most_output=ask.max_output_tokens,
            ends_s=end_of(route),
            left=list(route.targets),
        )

    def open_embedding(self, ask: EmbedAsk, *, route: Route, permit: Permit) -> Call:
        """The same for texts to be turned into vectors."""
        return Call(
            route=route,
            permit=permit,
            operation="embeddings",
            texts=list(ask.texts),
            most_output=0,
            ends_s=end_of(route, within_s=ask.within_s),
            left=list(route.targets),
        )

    async def complete(self, ask: Ask, call: Call) -> Answer:
        """The whole answer. Raises VendorsUnavailable, QuestionRefused, AnswerTooExpensive."""

        async def begin(target: Target) -> Begun:
            began_s, adapter = clock.monotonic_s(), ADAPTERS[target.vendor]
            asked = adapter.encode_chat(ask, model=target.model, key=target.endpoint.key, is_streamed=False)
            body = await fetch_whole(self.connections, target, asked, within_s=call.left_s)
            decoded = read(adapter.decode_chat, body)
            return Begun(target=target, began_s=began_s, decoded=decoded)

        begun = await self._begin(call, begin)
        assert begun.decoded is not None  # noqa: S101 - an answer that comes whole
        return self._finish(call, begun, begun.decoded)

    async def embed(self, ask: EmbedAsk, call: Call) -> tuple[tuple[tuple[float, ...], ...], Target]:
        """Vectors of the texts, and who made them: all of them good, or none. Raises as `complete`."""

        async def begin(target: Target) -> Begun:
            began_s, adapter = clock.monotonic_s(), ADAPTERS[target.vendor]
            asked = adapter.encode_embeddings(ask, model=target.model, key=target.endpoint.key)
            body = await fetch_whole(self.connections, target, asked, within_s=call.left_s)
            found = read(adapter.decode_embeddings, body)
            vectors = check_vectors(found.vectors, ask)
            decoded = Decoded(text="", tool_calls=(), finish=Finish.STOP, usage=found.usage)
            return Begun(target=target, began_s=began_s, decoded=decoded, vectors=vectors)

        begun = await self._begin(call, begin)
        assert begun.decoded is not None  # noqa: S101 - an answer that comes whole
        self._finish(call, begun, begun.decoded)
        return begun.vectors, begun.target

    async def stream(self, ask: Ask, call: Call) -> AsyncGenerator[Event]:
        """The answer as it comes. Raises as `complete`, and AnswerInterrupted after the first words."""

        async def begin(target: Target) -> Begun:
            return await self._open(ask, call, target)

        begun = await self._begin(call, begin)
        restarted: Restarted | None = None
        while True:
            try:
                if restarted is not None:
                    yield restarted
                while begun.first is not None:
                    yield Piece(text=begun.first)
                    assert begun.open is not None  # noqa: S101 - a stream
                    begun.first = await begun.open.read_text()
                break
            except VendorFailure as failure:
                self._note_failure(call, begun.target, failure, begun)
                begun = await self._begin_anew(call, begin)
                restarted = Restarted(
                    reason=failure.kind.value, vendor=begun.target.vendor.value, model=begun.target.model
                )
            except BaseException:
                # The reader went away, or we are told to stop: what was said so far is paid for.
                self._note_abandoned(call, begun.target, begun.began_s, begun)
                raise
        assert begun.open is not None  # noqa: S101 - a stream
        assert begun.open.decoded is not None  # noqa: S101 - read to its end
        yield Finished(answer=self._finish(call, begun, begun.open.decoded))

    async def _open(self, ask: Ask, call: Call, target: Target) -> Begun:
        """Read until the first words, or until an answer without words is whole."""
        adapter = ADAPTERS[target.vendor]
        asked: HttpAsk = adapter.encode_chat(
            ask, model=target.model, key=target.endpoint.key, is_streamed=True
        )
        answer = OpenAnswer(target, adapter.open_stream(), call_ends_s=call.ends_s)
        began_s = clock.monotonic_s()
        try:
            await answer.open(self.connections, asked)
            first = await answer.read_text()
        except BaseException:
            answer.close()
            raise
        return Begun(target=target, began_s=began_s, open=answer, first=first)

    async def _begin_anew(self, call: Call, begin: Begin) -> Begun:
        try:
            return await self._begin(call, begin)
        except (VendorsUnavailable, QuestionRefused, AnswerTooExpensive) as error:
            raise interrupted() from error

    # ── who is next ────────────────────────────────────────────────────────────────────────────────
    async def _begin(self, call: Call, begin: Begin) -> Begun:
        """The first request that begins to answer."""
        while True:
            if call.paid and not await call.permit.cover(call.paid + 1):
                raise too_expensive()
            target = await self._next_target(call)
            try:
                return await self._race(call, target, begin)
            except VendorFailure as failure:
                if not failure.is_of_target:
                    raise question_refused(failure) from failure

    async def _next_target(self, call: Call) -> Target:
        while call.left_s > 0:
            while call.left:
                target = call.left.pop(0)
                if target.name not in call.given_up and self.breaker_of(target).take():
                    return target
            call.lap += 1
            hopeful = [one for one in call.route.targets if one.name not in call.given_up]
            if call.lap >= call.route.laps or not hopeful:
                raise no_answer(call)
            pause_s = self._pause_s(call, hopeful)
            if pause_s > min(call.route.longest_wait_s, call.left_s):
                raise no_answer(call)
            await asyncio.sleep(pause_s)
            call.left = hopeful
        raise no_answer(call)

    def _pause_s(self, call: Call, hopeful: list[Target]) -> float:
        """Until the first of them may be asked again."""
        soonest = min(max(self.breaker_of(one).wait_s(), call.waits_s.get(one.name, 0.0)) for one in hopeful)
        return max(soonest, _PAUSE_S * (1 << (call.lap - 1)))

    async def _race(self, call: Call, target: Target, begin: Begin) -> Begun:
        """This target; and beside it the next one when nothing came in time."""
        hedge_s = call.route.hedge_s
        if hedge_s is None:
            return await self._try(call, target, begin)
        tasks = {asyncio.create_task(self._try(call, target, begin))}
        winner: Begun | None = None
        try:
            done, _ = await asyncio.wait(tasks, timeout=hedge_s)
            second = None if done else await self._spare_target(call)
            if second is not None:
                tasks.add(asyncio.create_task(self._try(call, second, begin)))
            winner = await _first_good(tasks)
            return winner
        finally:
            for task in tasks:
                task.cancel()
            for late in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(late, Begun) and late is not winner:
                    self._note_abandoned(call, late.target, late.began_s, late)

    async def _spare_target(self, call: Call) -> Target | None:
        """Another target that may be asked at once, if the budget covers both."""
        for place, target in enumerate(call.left):
            if self.breaker_of(target).wait_s() > 0:
                continue
            if not await call.permit.cover(call.paid + 2) or not self.breaker_of(target).take():
                return None
            del call.left[place]
            return target
        return None

    # ── one request, and what is noted of it ───────────────────────────────────────────────────────
    async def _try(self, call: Call, target: Target, begin: Begin) -> Begun:
        began_s = clock.monotonic_s()
        try:
            return await begin(target)
        except VendorFailure as failure:
            self._note_failure(call, target, failure, Begun(target=target, began_s=began_s))
            raise
        except asyncio.CancelledError:
            self._note_abandoned(call, target, began_s, None)
            raise

    def _finish(self, call: Call, begun: Begun, decoded: Decoded) -> Answer:
        target = begun.target
        usage = believed_usage(decoded, texts=call.texts, most_output=call.most_output)
        self.breaker_of(target).note_success()
        call.fallback_reason = call.why_not_first(target)
        if call.fallback_reason:
            self._watcher.note_fallback(call.route.targets[0], reason=call.fallback_reason)
        self._note(call, target, begun, outcome="ok", usage=usage)
        return Answer(
            text=decoded.text,
            tool_calls=decoded.tool_calls,
            finish=decoded.finish,
            usage=usage,
            vendor=target.vendor.value,
            model=target.model,
            cost_nano_usd=call.cost_nano,
            fallback_reason=call.fallback_reason,
        )

    def _note_failure(self, call: Call, target: Target, failure: VendorFailure, begun: Begun) -> None:
        self.breaker_of(target).note_failure(failure)
        if failure.kind not in PASSING:
            call.given_up.add(target.name)
        if failure.retry_after_s is not None:
            call.waits_s[target.name] = failure.retry_after_s
        self._note(
            call, target, begun, outcome=failure.kind.value, detail=failure.detail, usage=spent(call, begun)
        )
        if begun.open is not None:
            begun.open.close()

    def _note_abandoned(self, call: Call, target: Target, began_s: float, begun: Begun | None) -> None:
        """A request that we left: the vendor read the question, and bills what it said."""
        self.breaker_of(target).note_nothing()
        begun = begun or Begun(target=target, began_s=began_s)
        usage = spent(call, begun) or Usage(
            input_tokens=sum(map(estimate_tokens, call.texts)), output_tokens=0, is_estimated=True
        )
        self._note(call, target, begun, outcome="abandoned", usage=usage)
        if begun.open is not None:
            begun.open.close()

    def _note(
        self,
        call: Call,
        target: Target,
        begun: Begun,
        *,
        outcome: str,
        usage: Usage | None,
        detail: str = "",
    ) -> None:
        attempted = Attempted(
            vendor=target.vendor.value,
            model=target.model,
            outcome=outcome,
            detail=detail,
            duration_s=clock.monotonic_s() - begun.began_s,
            first_token_s=begun.open.first_token_s if begun.open is not None else None,
            usage=usage,
            cost_nano=target.price.cost_nano(usage) if usage is not None else 0,
        )
        call.attempts.append(attempted)
        self._watcher.note_attempt(attempted, operation=call.operation)
        self._watcher.note_breaker(target, self.breaker_of(target))


async def _first_good(tasks: set[asyncio.Task[Begun]]) -> Begun:
    """The result of the first that succeeds; the failure of the last when none does."""
    pending, failure = set(tasks), VendorFailure(FailureKind.CONNECTION, detail="not asked")
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            try:
                return task.result()
            except VendorFailure as error:
                failure = error
                if not error.is_of_target:
                    raise
    raise failure
