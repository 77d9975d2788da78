"""People at work during a drill: signed-in requests through the edge at a steady rate.

Without them a fault of one route or of the pool would have nobody to hurt."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol
from urllib.parse import urlsplit

import orjson

from hrx.kit.errors import Text, Unavailable

#: The demo company's HR account; its password is one of this machine's secrets.
_EMAIL: Final = "hr@minato-seiki.example"
_PATHS: Final = ("/api/v1/people", "/api/v1/session", "/api/v1/org-chart", "/api/v1/people")
#: The same and a page of the portal in between, so that both services have something to be compared by.
BOTH_SERVICES: Final = ("/api/v1/people", "/sign-in", "/api/v1/session", "/sign-in")
_TIMEOUT_S: Final = 12.0
_CROWD: Final = 8


class Doors(Protocol):
    """Where people come in: a living ground or a scratch one."""

    @property
    def edge_url(self) -> str: ...

    def secret(self, name: str) -> str: ...


@dataclass(slots=True)
class Tally:
    """What people got: `answered` below 500, `failed` 5xx, `lost` without any answer."""

    answered: int = 0
    failed: int = 0
    lost: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def note(self, status: int | None) -> None:
        """Count one request by its answer's status; None when there was none."""
        with self._lock:
            if status is None:
                self.lost += 1
            elif status >= 500:
                self.failed += 1
            else:
                self.answered += 1


@contextlib.contextmanager
def people_at_work(ground: Doors, *, per_s: float, paths: Sequence[str] = _PATHS) -> Iterator[Tally]:
    """So many requests a second while the block runs; failures are counted, never raised.

    Raises Unavailable when nobody can sign in."""
    tally = Tally()
    if per_s <= 0:
        yield tally
        return
    token = _sign_in(ground)
    stopped = threading.Event()
    threads = [
        threading.Thread(
            target=_work,
            args=(ground, token, stopped, tally),
            kwargs={"paths": paths, "pause_s": _CROWD / per_s, "number": number},
            daemon=True,
        )
        for number in range(_CROWD)
    ]
    for thread in threads:
        thread.start()
    try:
        yield tally
    finally:
        stopped.set()
        for thread in threads:
            thread.join(timeout=0.2)


def _sign_in(ground: Doors) -> str:
    """A session of the demo company's HR. Raises Unavailable: without people the drill would hurt nobody."""
    connection = _connect(ground)
    try:
        body = {"email": _EMAIL, "password": ground.secret("HRX_DEMO_PASSWORD"), "bearer": True}
        connection.request(
            "POST",
            "/api/v1/auth/login",
            body=orjson.dumps(body),
            headers={"Content-Type": "application/json", "Origin": ground.edge_url},
        )
        token = orjson.loads(connection.getresponse().read()).get("token")
    except (OSError, http.client.HTTPException, ValueError, KeyError, AttributeError) as error:
        raise _nobody_signs_in() from error
    finally:
        connection.close()
    if not token:
        raise _nobody_signs_in()
    return str(token)


def _nobody_signs_in() -> Unavailable:
    return Unavailable(
        Text(
            ja="訓練の利用者がデモ会社にサインインできません",
            en="The drill's people cannot sign in to the demo company",
        ),
        hint=Text(
            ja="HRX_DEMO=true で起動し、少し待ってからもう一度実施してください。",
            en="Start with HRX_DEMO=true, wait a moment and run it again.",
        ),
        code="drill.nobody_at_work",
    )


def _work(
    ground: Doors,
    token: str,
    stopped: threading.Event,
    tally: Tally,
    *,
    paths: Sequence[str],
    pause_s: float,
    number: int,
) -> None:
    at = number
    while not stopped.wait(pause_s):
        at += 1
        connection, status = _connect(ground), None
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", paths[at % len(paths)], headers={"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        connection.close()
        tally.note(status)


def _connect(ground: Doors) -> http.client.HTTPConnection:
    parts = urlsplit(ground.edge_url)
    return http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=_TIMEOUT_S)
