"""One request to one target, under its clocks: the only place that opens connections to vendors."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final, TypeVar

import aiohttp
from yarl import URL

from hrx.app.gateway.asking import Decoded
from hrx.app.gateway.failures import FailureKind, VendorFailure, cut_short, malformed
from hrx.app.gateway.targets import Target
from hrx.app.gateway.vendors.adapter import HttpAsk, StreamDecoder, failure_of_status
from hrx.app.gateway.vendors.sse import SseParser
from hrx.kit import clock

T = TypeVar("T")
_CONNECTIONS: Final = 200
#: What a stranger's JSON of another shape makes our reading raise.
_MISREAD: Final = (KeyError, IndexError, TypeError, AttributeError, ValueError)


class Connections:
    """Kept open between requests; made in the loop that uses them."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
                # Our own clocks are the only ones; a vendor's cookies are of no use to us.
                timeout=aiohttp.ClientTimeout(total=None),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(self, target: Target, ask: HttpAsk) -> aiohttp.ClientResponse:
        """An answer whose status is good, to be closed. Raises VendorFailure for every other."""
        response = await self.session().post(
            _address(target.endpoint.base_url, ask.path),
            data=ask.body,
            headers=ask.headers,
            timeout=_connecting_within(target.clocks.connect_s),
            allow_redirects=False,
        )
        if response.status != 200:
            waits_s = read_retry_after(response.headers)
            response.close()
            raise failure_of_status(response.status, retry_after_s=waits_s)
        return response


@lru_cache(maxsize=256)
def _address(base_url: str, path: str) -> URL:
    # Reading an address anew costs as much as the rest of sending a request.
    return URL(base_url + path, encoded=True)


@lru_cache(maxsize=16)
def _connecting_within(connect_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, connect=connect_s, sock_connect=connect_s)


async def fetch_whole(connections: Connections, target: Target, ask: HttpAsk, *, within_s: float) -> bytes:
    """The body of an answer that comes whole. Raises VendorFailure."""
    limit_s = min(target.clocks.answer_s, within_s)
    async with _bounded(limit_s, what="answer"), await connections.post(target, ask) as response:
        return await response.read()


@asynccontextmanager
async def _bounded(limit_s: float, *, what: str) -> AsyncIterator[None]:
    """Turns what the network does into a VendorFailure; `what` names the clock that runs out."""
    try:
        async with asyncio.timeout(limit_s):
            yield
    except aiohttp.ConnectionTimeoutError:
        raise VendorFailure(FailureKind.TIMEOUT, detail="connect") from None
    except TimeoutError:
        raise VendorFailure(FailureKind.TIMEOUT, detail=what) from None
    except (aiohttp.ClientError, OSError) as error:
        raise VendorFailure(FailureKind.CONNECTION, detail=type(error).__name__) from error


def read(reading: Callable[[bytes], T], body: bytes) -> T:
    """What an adapter makes of a stranger's bytes. Raises VendorFailure when they have another shape."""
    try:
        return reading(body)
    except _MISREAD as error:
        raise malformed(f"another shape ({type(error).__name__})") from error


class OpenAnswer:
    """A streamed answer while it is read. The clocks run while we wait, not while the reader is busy."""

    def __init__(self, target: Target, decoder: StreamDecoder, *, call_ends_s: float) -> None:
        self.target = target
        self.decoder = decoder
        self.decoded: Decoded | None = None
        self.first_token_s: float | None = None
        self.texts: list[str] = []
        self._began_s = self._moved_s = clock.monotonic_s()
        self._call_ends_s = call_ends_s
        self._parser = SseParser()
        self._ready: deque[str] = deque()
        # Words that came together with what broke the answer are given first.
        self._failure: VendorFailure | None = None
        self._progress = decoder.progress
        self._response: aiohttp.ClientResponse | None = None

    async def open(self, connections: Connections, ask: HttpAsk) -> None:
        """Send the question. Raises VendorFailure."""
        limit_s, what = self._clock()
        async with _bounded(limit_s, what=what):
            self._response = await connections.post(self.target, ask)

    async def read_text(self) -> str | None:
        """The next words; None at the good end, when `decoded` is there. Raises VendorFailure."""
        while not self._ready:
            if self.decoded is not None:
                return None
            if self._failure is not None:
                raise self._failure
            await self._read_more()
        text = self._ready.popleft()
        self.texts.append(text)
        return text

    async def _read_more(self) -> None:
        assert self._response is not None  # noqa: S101 - opened before it is read
        limit_s, what = self._clock()
        try:
            async with _bounded(limit_s, what=what):
                chunk = await self._response.content.readany()
        except VendorFailure as failure:
            # Some servers leave the line open, or break it, after the last word.
            self.decoded = self._find_whole()
            if self.decoded is None:
                raise cut_short() if failure.kind is FailureKind.CONNECTION else failure from failure
            return
        if not chunk:
            self.decoded = self.decoder.finish()
            self._response.release()
            return
        self._take(chunk)

    def _take(self, chunk: bytes) -> None:
        try:
            for event in self._parser.feed(chunk):
                text = self.decoder.take(event)
                if text:
                    self._ready.append(text)
        except VendorFailure as failure:
            self._failure = failure
        except _MISREAD as error:
            self._failure = malformed(f"another shape ({type(error).__name__})")
        if self.decoder.progress != self._progress:
            self._progress = self.decoder.progress
            self._moved_s = clock.monotonic_s()
            if self.first_token_s is None:
                self.first_token_s = self._moved_s - self._began_s

    def _find_whole(self) -> Decoded | None:
        try:
            return self.decoder.finish()
        except VendorFailure:
            return None

    def _clock(self) -> tuple[float, str]:
        """What is left, and of which clock. Keep-alives move none of them."""
        now_s, clocks = clock.monotonic_s(), self.target.clocks
        if self.first_token_s is None:
            left = (self._began_s + clocks.first_token_s - now_s, "first token")
        else:
            left = (self._moved_s + clocks.idle_s - now_s, "idle")
        return min(left, (self._call_ends_s - now_s, "call"))

    def close(self) -> None:
        """Leave it; a connection in the middle of an answer cannot be used again."""
        if self._response is not None:
            self._response.close()


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After, as a number, in milliseconds, or as a date. None where there is none."""
    millis, said = headers.get("retry-after-ms"), headers.get("Retry-After")
    try:
        if millis:
            return max(0.0, float(millis) / 1000)
        return max(0.0, float(said)) if said else None
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(str(said)) - clock.now()).total_seconds())
    except (TypeError, ValueError):
        return None
