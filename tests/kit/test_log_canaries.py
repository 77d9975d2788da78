"""What must not be logged does not reach the line, by whichever way a program of ours says it."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from hrx.kit import log

pytestmark = pytest.mark.req("R4.2-1")
CANARIES = (
    "canary.person@example.co.jp",
    "090-7777-1234",
    "03-7777-1234",
    "123456789018",
    "口座番号 7654321",
    "postgresql://hrx:canary-password@db/hrx",
    "Bearer canary-token-0123456789",
    "password=canary-password",
    "eyJhbGciOiJIUzI1.eyJjYW5hcnkiOjF9.c2lnbmF0dXJl",
    "/people?q=canary-name",
    "DETAIL:  Key (tenant_id, name)=(1, canary-name) already exists.",
    "[parameters: {'name': 'canary-name'}]",
)


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    log.configure(process="canary", stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    log._access.stream = None


@pytest.mark.parametrize("canary", CANARIES)
def test_canaries_reach_no_line(written: io.StringIO, canary: str) -> None:
    logger = logging.getLogger("hrx.canary")
    logger.warning("said %s", canary)
    logger.warning("said", extra={"fields": {"note": canary, "deep": {"list": [canary]}, "email": canary}})
    try:
        raise ValueError(f"failed at {canary}")
    except ValueError:
        logger.exception("broke")
    text = written.getvalue()
    # Whatever a thread of an earlier test still has to say is held to the same below.
    assert sum('"logger":"hrx.canary"' in line for line in text.splitlines()) == 3
    for private in ("canary-", "canary.person", "7777", "789018", "7654321", "c2lnbmF0dXJl"):
        assert private not in text
