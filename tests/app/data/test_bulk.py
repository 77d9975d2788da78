"""Arrays written as text come back from PostgreSQL as they were."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from hrx.app.people.employees.importing.bulk import array_literal
from hrx.app.platform.db import Database

pytestmark = pytest.mark.req("R2-2")

_TEXTS = [
    "",
    "NULL",
    "null",
    None,
    '"',
    "\\",
    '\\"',
    "{a,b}",
    "髙橋 𠮷野",
    "a\nb\tc",
    " padded ",
    "'",
    "%s:x",
]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("text", _TEXTS),
        ("bigint", [0, -1, 2**62, None]),
        ("boolean", [True, False, None]),
        ("date", [date(1989, 1, 8), date(2999, 12, 31), None]),
        ("timestamptz", [datetime(2026, 4, 1, 9, 30, tzinfo=UTC), None]),
        ("numeric", [Decimal("0.500"), Decimal(1), None]),
        ("text", []),
    ],
)
async def test_an_array_comes_back_as_it_was(database: Database, kind: str, values: list[Any]) -> None:
    async with database.transaction(None) as session:
        statement = text(f"SELECT x FROM unnest(CAST(:given AS {kind}[])) AS x")
        assert list(await session.scalars(statement, {"given": array_literal(values)})) == values


@given(st.lists(st.none() | st.text(), max_size=5))
def test_no_text_leaves_its_quotes(values: list[str | None]) -> None:
    literal = array_literal(values)
    quoted, outside, escaped = False, "", False
    for letter in literal[1:-1]:
        if quoted and not escaped and letter == "\\":
            escaped = True
            continue
        if letter == '"' and not escaped:
            quoted = not quoted
        elif not quoted:
            outside += letter
        escaped = False
    assert not quoted
    assert outside.replace("NULL", "").strip(",") == ""


def test_what_has_no_known_form_is_refused() -> None:
    with pytest.raises(TypeError, match="no array of bytes"):
        array_literal([b"raw"])
