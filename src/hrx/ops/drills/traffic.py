"""People at work during a drill: signed-in requests through the edge at a steady rate.

Without them a fault of one route or of the pool would have nobody to hurt."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

import orjson

from hrx.kit.errors import Text, Unavailable
from hrx.ops.drills.ground import Ground

#: The demo company's HR account; its password is one of this machine's secrets.
_EMAIL: Final = "hr@minato-seiki.example"
_PATHS: Final = ("/api/v1/people", "/api/v1/session", "/api/v1/org-chart", "/api/v1/people")
_TIMEOUT_S: Final = 12.0
_CROWD: Final = 8


@contextlib.contextmanager
def people_at_work(ground: Ground, *, per_s: float) -> Iterator[None]:
    """So many requests a second while the block runs; failures are what drills are for, and ignored."""
    if per_s <= 0:
        yield
        return
    token = _sign_in(ground)
    stopped = threading.Event()
    threads = [
        threading.Thread(target=_work, args=(ground, token, stopped, _CROWD / per_s, number), daemon=True)
        for number in range(_CROWD)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopped.set()
        for thread in threads:
            thread.join(timeout=0.2)


def _sign_in(ground: Ground) -> str:
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


def _work(ground: Ground, token: str, stopped: threading.Event, pause_s: float, number: int) -> None:
    at = number
    while not stopped.wait(pause_s):
        at += 1
        connection = _connect(ground)
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", _PATHS[at % len(_PATHS)], headers={"Authorization": f"Bearer {token}"})
            connection.getresponse().read()
        connection.close()


def _connect(ground: Ground) -> http.client.HTTPConnection:
    parts = urlsplit(ground.edge_url)
    return http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=_TIMEOUT_S)
