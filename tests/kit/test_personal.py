"""What is recognised as personal by its form is masked; what only looks like it stays readable."""

from __future__ import annotations

import time

import pytest

from hrx.kit.personal import is_individual_number, mask_fields, mask_line
from hrx.kit.secrets import MASK

pytestmark = pytest.mark.req("R4.2-1")


@pytest.mark.parametrize(
    ("line", "private"),
    [
        ("連絡先 taro.yamada@example.co.jp", "taro.yamada"),
        ("GET /reset/taro.yamada%40example.co.jp", "taro.yamada"),
        ("電話:090-1234-5678", "1234-5678"),
        ("TEL 0312345678 と 09012345678", "12345678"),
        ("+819012345678", "9012345678"),
        ("番号 1234 5678 9018", "5678"),
        ("123456789018", "123456789018"),
        ("普通 口座番号: 1234567", "1234567"),
        ('"account_no":"1234567"', "1234567"),
        ("Authorization: Bearer abcdefghijkl", "abcdefghijkl"),
        ("eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.SflKxwRJ", "SflKxwRJ"),
        ("key sk-live-abcdefghijkl", "abcdefghijkl"),
        ("GET /people?q=%E5%B1%B1%E7%94%B0&x=1", "%E5%B1%B1"),
        ("Key (tenant_id, name)=(1, 山田 太郎) already exists.", "山田"),
        ('invalid input syntax for type integer: "山田"', "山田"),
        ("[parameters: {'name': '山田 (太郎)'}]\nnext", "山田"),
        ('{"exception":"[parameters: (\'山田\')]\\nDETAIL:  Key (a)=(太郎) already exists."}', "太郎"),
        ("DETAIL:  Failing row contains (1, 山田, null).", "山田"),
        ('CONTEXT:  COPY person, line 3, column name: "山田"', "山田"),
        ("input_value={'login': 'x', 'password': 'hunter2 x'}", "hunter2"),
        ('body {"new_password":"hunter2"}', "hunter2"),
        (r'said "{\"password\": \"hunter2\"}"', "hunter2"),
        ("Set-Cookie: __Host-hrx=hunter2; Path=/", "hunter2"),
        ("X-Api-Key: hunter2", "hunter2"),
        ("Authorization: hunter2", "hunter2"),
        ("passphrase=hunter2", "hunter2"),
        ("Key (name)=(山田 太郎", "山田"),
    ],
)
def test_what_is_private_by_its_form_is_masked(line: str, private: str) -> None:
    shown = mask_line(line)
    assert private not in shown
    assert MASK in shown


@pytest.mark.parametrize(
    "line",
    [
        '{"at":"2026-11-26T11:27:46.374+00:00","correlation_id":"c8bb2445bcf142d8a1dc0552bcb587b3"}',
        "3673:M 26 Nov 2026 11:27:42.331 * Running mode=standalone, port=8379.",
        "hrx_app@hrx hrx c8bb2445bcf142d8a1dc0552bcb587b3 LOG:  duration: 1234.567 ms",
        "checkpoint complete: wrote 123456 buffers (12.3%); 0 WAL file(s) added",
        "0190a6e2-7b1c-7c3d-8e4f-0123456789ab",
        "process 71 still waiting for ShareLock on transaction 1234567 after 1000.123 ms",
        "127.0.0.1:8101 next@16.4.6",
    ],
)
def test_what_operators_need_stays(line: str) -> None:
    assert mask_line(line) == line


@pytest.mark.parametrize(
    "part",
    [
        "a",
        "a%40",
        "a+",
        "eyJ-",
        "Key (a)=(",
        "account",
        "0",
        "09-",
        "1234 ",
        "?a=",
        "&a",
        "x://:",
        'password="',
        "cookie: ",
        "token\\'",
        "basic ",
        "-----BEGIN PRIVATE KEY-----",
        "a@a.",
        "[parameters: ",
        "+81 ",
    ],
)
def test_a_long_line_of_an_attacker_costs_no_more_than_its_length(part: str) -> None:
    line = "token " + part * (60_000 // len(part))
    started_s = time.process_time()
    mask_line(line)
    assert time.process_time() - started_s < 1.0


def test_values_under_private_names_are_masked_at_any_depth() -> None:
    shown = mask_fields({"family_name": "山田", "user_id": "u1", "more": [{"phone": "x"}], "email": None})
    assert shown == {"family_name": MASK, "user_id": "u1", "more": [{"phone": MASK}], "email": None}


@pytest.mark.parametrize(
    ("number", "is_one"), [("123456789018", True), ("123456789012", False), ("1", False)]
)
def test_individual_numbers_are_known_by_their_check_digit(number: str, is_one: bool) -> None:
    assert is_individual_number(number) is is_one
