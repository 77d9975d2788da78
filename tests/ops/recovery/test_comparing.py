"""What a switch would lose and bring back, by table and tenant, against a plain computation of the same."""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest

from hrx.ops.recovery.comparing import Comparison, RowCounts, compare, tell_comparison
from hrx.ops.seams.sessions import SessionLost, opened_session
from tests.ops.recovery.conftest import Living

pytestmark = pytest.mark.req("R6.2-1")


@dataclass(frozen=True, slots=True)
class Pair:
    """A database and a copy of it, made before somebody went on writing into the first."""

    living: str
    copy: str

    def compare(self) -> Comparison:
        with (
            opened_session(self.copy, timeout_s=30) as copy,
            opened_session(self.living, timeout_s=30) as here,
        ):
            return compare(copy, here)


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


_TABLES = """
CREATE SCHEMA app;
CREATE TABLE app.note (id bigint PRIMARY KEY, tenant_id bigint, said text,
                       updated_at timestamptz DEFAULT now());
CREATE TABLE app.grant_of (tenant_id bigint, who text, what text, PRIMARY KEY (who, what));
INSERT INTO app.note SELECT n, n % 3, 'words ' || n FROM generate_series(1, 3000) AS n;
INSERT INTO app.grant_of SELECT n % 3, E'名前 ' || n || E'\\t\\\\', 'x' FROM generate_series(1, 300) AS n;
"""


@pytest.fixture
def pair(living: Living) -> Iterator[Pair]:
    name = f"pair_{secrets.token_hex(4)}"
    base = living.url.rsplit("/", 1)[0]
    living.execute(f"CREATE DATABASE {name}")
    execute(f"{base}/{name}", _TABLES)
    living.execute(f"CREATE DATABASE {name}_copy TEMPLATE {name}")
    yield Pair(living=f"{base}/{name}", copy=f"{base}/{name}_copy")
    living.execute(f"DROP DATABASE {name} WITH (FORCE)")
    living.execute(f"DROP DATABASE {name}_copy WITH (FORCE)")


def test_two_that_are_the_same_differ_in_nothing(pair: Pair) -> None:
    found = pair.compare()
    assert (found.counts, found.by_tenant, found.only_living, found.only_copy) == (RowCounts(), {}, (), ())
    assert {one.table: one.rows_living for one in found.tables} == {"app.grant_of": 300, "app.note": 3000}


def test_random_changes_are_counted_exactly_by_tenant(pair: Pair) -> None:
    chance = random.Random(11)  # noqa: S311 - a seed, so that a failure can be seen again
    touched = chance.sample(range(1, 3001), 300)
    gone, altered, new = touched[:120], touched[120:], range(9001, 9051)
    execute(pair.living, f"DELETE FROM app.note WHERE id IN ({', '.join(map(str, gone))})")
    execute(
        pair.living, f"UPDATE app.note SET said = said || '!' WHERE id IN ({', '.join(map(str, altered))})"
    )
    execute(pair.living, "INSERT INTO app.note SELECT n, 1, 'new' FROM generate_series(9001, 9050) AS n")
    found = pair.compare()
    assert found.counts == RowCounts(lost=len(new), regained=len(gone), changed=len(altered))
    assert found.by_tenant == {
        tenant: RowCounts(
            lost=len(new) if tenant == 1 else 0,
            regained=sum(one % 3 == tenant for one in gone),
            changed=sum(one % 3 == tenant for one in altered),
        )
        for tenant in (0, 1, 2)
    }
    (differing,) = found.differing
    assert differing.newest_living is not None
    assert differing.newest_copy is not None
    assert differing.newest_living > differing.newest_copy


def test_keys_of_text_are_merged_in_one_order(pair: Pair) -> None:
    execute(pair.living, "DELETE FROM app.grant_of WHERE tenant_id = 2")
    execute(pair.living, "INSERT INTO app.grant_of VALUES (0, 'あ', 'y'), (0, 'z', 'y'), (0, '𠮷', 'y')")
    found = pair.compare()
    assert found.by_tenant == {0: RowCounts(lost=3), 2: RowCounts(regained=100)}


def test_tables_and_columns_of_a_later_release_are_named(pair: Pair) -> None:
    execute(
        pair.living, "ALTER TABLE app.note ADD COLUMN mood text; CREATE TABLE app.later (id int PRIMARY KEY)"
    )
    found = pair.compare()
    assert (found.only_living, found.counts.total) == (("app.later", "app.note.mood"), 0)


def test_nothing_of_a_row_is_told(pair: Pair) -> None:
    execute(pair.living, "UPDATE app.note SET said = 'secret words' WHERE id < 10")
    found = pair.compare()
    told = str(found.as_dict()) + tell_comparison(found).ja + tell_comparison(found).en
    assert "words" not in told
    assert "9 " in tell_comparison(found).en


def test_a_role_that_sees_some_rows_only_is_refused(pair: Pair, living: Living) -> None:
    execute(
        pair.living,
        "CREATE ROLE partial LOGIN PASSWORD 'partial'; GRANT USAGE ON SCHEMA app TO partial;"
        "GRANT SELECT ON ALL TABLES IN SCHEMA app TO partial;"
        "ALTER TABLE app.note ENABLE ROW LEVEL SECURITY;"
        "CREATE POLICY part ON app.note USING (tenant_id = 1)",
    )
    url = living.cluster.url("partial", "partial", pair.living.rsplit("/", 1)[1])
    with (
        opened_session(pair.copy, timeout_s=30) as copy,
        opened_session(url, timeout_s=30) as narrow,
        pytest.raises(SessionLost, match="row-level security"),
    ):
        compare(copy, narrow)
    execute(pair.living, "DROP OWNED BY partial")
    execute(pair.living, "DROP ROLE partial")


def test_a_living_server_that_is_gone_is_said(pair: Pair) -> None:
    with opened_session(pair.copy, timeout_s=30) as copy:
        found = compare(copy, None)
    assert not found.is_living_known
    assert "lost already" in tell_comparison(found).en
