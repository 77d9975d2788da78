"""What code does with the schema, as the server itself resolves it (R3.7-1)."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from hrx.ops.release.recorded import (
    Recording,
    RecordingUnusable,
    load_recording,
    merge_recordings,
    save_recording,
    take_recording,
)
from hrx.ops.release.recording import SERVER_CONFIGURATION
from hrx.ops.targets.machine.postgres import PostgresCluster
from tests.conftest import UNPRIVILEGED_USER, free_port

pytestmark = pytest.mark.req("R3.7-1")
_SCHEMA = """
CREATE ROLE writer LOGIN PASSWORD 'w';
CREATE ROLE other LOGIN PASSWORD 'o';
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO writer, other;
CREATE TABLE public.schema_revision (version_num text);
INSERT INTO public.schema_revision VALUES ('0042');
CREATE TABLE app.person (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, kana text DEFAULT 'none',
  state text CHECK (state IN ('active', 'left')), secret text, gone text);
ALTER TABLE app.person DROP COLUMN gone;
ALTER TABLE app.person ADD COLUMN later text;
CREATE UNIQUE INDEX person_name_key ON app.person (name) WHERE state = 'active';
CREATE VIEW app.listed AS SELECT id, name FROM app.person WHERE state = 'active';
CREATE TABLE app.log (id bigint, line text);
CREATE FUNCTION app.note(line text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS
  $$ BEGIN INSERT INTO app.log (id, line) SELECT count(secret), note.line FROM app.person; RETURN 1; END $$;
GRANT ALL ON ALL TABLES IN SCHEMA app TO writer, other;
"""


@dataclass(frozen=True, slots=True)
class Watched:
    cluster: PostgresCluster

    def url(self, role: str) -> str:
        passwords = {"writer": "w", "other": "o", "hrx_admin": "a"}
        return self.cluster.url(role, passwords[role], "watched")

    def run(self, *statements: str, role: str = "writer") -> None:
        with psycopg.connect(self.url(role), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def take(self) -> Recording:
        return take_recording(self.cluster.data_dir, self.url("hrx_admin"), database="watched", role="writer")


@pytest.fixture
def watched() -> Iterator[Watched]:
    run_as = UNPRIVILEGED_USER if os.geteuid() == 0 else None
    home = Path(tempfile.mkdtemp(prefix="hrx-test-watched-"))
    home.chmod(0o711)
    if run_as:
        shutil.chown(home, run_as)
    cluster = PostgresCluster(data_dir=home / "data", port=free_port(), socket_dir=home, run_as=run_as)
    cluster.init("a")
    with (cluster.data_dir / "postgresql.auto.conf").open("a") as config:
        config.write("fsync = off\n" + SERVER_CONFIGURATION)
    cluster.start(timeout_s=60)
    try:
        with psycopg.connect(cluster.url("hrx_admin", "a", "postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE watched")
        found = Watched(cluster)
        found.run(_SCHEMA, role="hrx_admin")
        yield found
    finally:
        cluster.stop(mode="immediate")
        shutil.rmtree(home, ignore_errors=True)


def test_reads_writes_and_calls_are_what_the_server_makes_of_them(watched: Watched) -> None:
    watched.run(
        "INSERT INTO app.person (name, state) VALUES ('佐藤', 'active')"
        " ON CONFLICT (id) DO UPDATE SET later = 'x'",
        "INSERT INTO app.person (name) VALUES ('RTEPERMISSIONINFO :relid 1 app.log.line')",
        "WITH changed AS (UPDATE app.person SET kana = 'サトウ' WHERE name = '佐藤' RETURNING id)"
        " SELECT * FROM changed",
        "SELECT count(*) FROM app.log",
        "SELECT name FROM app.listed",
        "SELECT app.note('hello')",
    )
    watched.run("DELETE FROM app.log", "SELECT secret FROM app.person", role="other")
    found = watched.take()
    assert found.revision == "0042"
    assert found.use.reads == {"app.person.id", "app.person.name", "app.listed.name"}
    assert found.use.writes == {f"app.person.{name}" for name in ("name", "state", "later", "kana")}
    assert found.use.inserts == {"app.person": {"app.person.name"}}
    assert found.use.deletes == frozenset()
    assert found.use.tables == {"app.person", "app.listed", "app.log"}
    assert found.use.calls == {"app.note(text)"}
    assert found.unresolved == 0
    assert found.known_use == found.use
    kept = found.shape.rules["app.person.person_name_key"]
    assert kept.columns == frozenset(), "an index on part of the rows may concern any column"
    assert found.shape.columns["app.person.kana"].default == "'none'::text"
    assert found.shape.columns["app.person.id"].is_generated
    assert "app.person.gone" not in found.shape.columns


def test_a_whole_row_a_star_and_a_copy_are_every_column(watched: Watched) -> None:
    watched.run("SELECT to_json(p) FROM app.person AS p")
    everything = {f"app.person.{name}" for name in ("id", "name", "kana", "state", "secret", "later")}
    assert watched.take().use.reads == everything
    with psycopg.connect(watched.url("writer")) as connection, connection.cursor() as cursor:
        with cursor.copy("COPY app.log FROM STDIN") as copy:
            copy.write_row((1, "a"))
        with cursor.copy("COPY app.log (line) TO STDOUT") as copy:
            assert b"".join(copy)
        with cursor.copy("COPY (SELECT id FROM app.log) TO STDOUT") as copy:
            assert b"".join(copy)
    watched.run("DELETE FROM app.log")
    use = watched.take().use
    assert use.reads - everything == {"app.log.id", "app.log.line"}
    assert use.inserts == {"app.log": {"app.log.id", "app.log.line"}}
    assert use.deletes == {"app.log"}


def test_what_cannot_be_named_makes_everything_count_as_used(watched: Watched) -> None:
    watched.run("CREATE TABLE app.passing (x int)", "GRANT ALL ON app.passing TO writer", role="hrx_admin")
    watched.run("SELECT x FROM app.passing")
    watched.run("DROP TABLE app.passing", role="hrx_admin")
    found = watched.take()
    assert found.unresolved == 1
    assert found.known_use is None


def test_recordings_of_one_run_are_put_together(watched: Watched, tmp_path: Path) -> None:
    watched.run("INSERT INTO app.person (name, kana) VALUES ('a', 'b')")
    first = watched.take()
    save_recording(first, tmp_path / "one.json")
    assert load_recording(tmp_path / "one.json") == first
    watched.run("INSERT INTO app.person (name) VALUES ('c')", "SELECT kana FROM app.person")
    merged = merge_recordings([first, watched.take()])
    assert merged.use.inserts == {"app.person": {"app.person.name"}}
    assert merged.use.reads == {"app.person.kana"}
    watched.run("ALTER TABLE app.person ADD COLUMN newer text", role="hrx_admin")
    with pytest.raises(RecordingUnusable):
        merge_recordings([first, watched.take()])
    (tmp_path / "two.json").write_text("[]")
    with pytest.raises(RecordingUnusable):
        load_recording(tmp_path / "two.json")
