"""Nothing that looks like a credential reaches a log line."""

from __future__ import annotations

import io
import json
import logging

import pytest

from hrx.kit import log
from hrx.kit.secrets import MASK, mask_mapping, mask_text

CANARY = "c4n4ry-9f2b"


@pytest.mark.req("R3.6-1")
@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://hrx_app:{CANARY}@127.0.0.1:8432/hrx",
        f"redis://:{CANARY}@127.0.0.1:8379/0",
        f"Authorization: Bearer {CANARY}",
        f"password={CANARY}",
        f"token: {CANARY}, and more",
    ],
)
def test_credentials_in_text_are_masked(text: str) -> None:
    assert CANARY not in mask_text(text)
    assert MASK in mask_text(text)


@pytest.mark.req("R3.6-1")
def test_secret_sounding_fields_are_masked_at_any_depth() -> None:
    masked = mask_mapping(
        {"user": {"password": CANARY, "name": "山田"}, "items": [{"api_key": CANARY}], "cookie": CANARY}
    )
    assert CANARY not in json.dumps(masked)
    assert "山田" in json.dumps(masked, ensure_ascii=False)


@pytest.mark.req("R4.2-1")
def test_a_log_line_is_json_with_the_correlation_id_and_without_secrets() -> None:
    stream = io.StringIO()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    token = log.correlation_id.set("abcd1234abcd1234")
    try:
        log.configure(process="test", stream=stream)
        try:
            raise ValueError(f"password={CANARY}")
        except ValueError:
            logging.getLogger("hrx.test").exception(
                "sign-in failed for token=%s",
                CANARY,
                extra={"fields": {"session_token": CANARY, "user_id": 7}},
            )
    finally:
        log.correlation_id.reset(token)
        root.handlers[:], root.level = before
    line = json.loads(stream.getvalue())
    assert CANARY not in stream.getvalue()
    assert line["correlation_id"] == "abcd1234abcd1234"
    assert line["user_id"] == 7
    assert line["level"] == "error"
