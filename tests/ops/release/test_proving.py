"""Older code's own tests, run on newer tables in a database of their own, decide what fits (R3.7-1).

A small product in a git repository of its own: two commits, each with migrations, code and tests; PostgreSQL
and Alembic are real."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from hrx.kit.errors import Text
from hrx.ops.release.fits import Fault, judge_fit
from hrx.ops.release.proofs import ProofShelf
from hrx.ops.release.proving import TestsNotRun, TestsTooOld, prove_code_on_schema
from hrx.ops.release.releases import Build, Component, Release
from tests.conftest import ROOT, PostgresServer
from tests.ops.release.shop import R1, R2, SHAPES

pytestmark = [pytest.mark.req("R3.7-1"), pytest.mark.timeout(900)]

_CONFTEST = """
import os, subprocess, sys
from pathlib import Path
import psycopg, pytest

@pytest.fixture(scope="session")
def database():
    url = os.environ["TRIED_URL"]
    with psycopg.connect(url, autocommit=True) as session:
        session.execute("DROP SCHEMA IF EXISTS app CASCADE")
        session.execute("DROP TABLE IF EXISTS public.schema_revision")
    here = os.environ.get("HRX_TEST_SCHEMA_OF", str(Path(__file__).parents[1]))
    env = {**os.environ, "HRX_OWNER_DATABASE_URL": url.replace("postgresql://", "postgresql+psycopg://", 1)}
    subprocess.run([sys.executable, "-m", "alembic", "upgrade", "head"], cwd=here, env=env, check=True)
    with psycopg.connect(url, autocommit=True) as session:
        yield session
"""
_TEST = """
from product import add

def test_a_person_is_added(database):
    add(database, "Aoki")
    assert database.execute("SELECT count(*) FROM app.person").fetchone() == (1,)

def test_of_the_weather():
    assert {is_fine}
"""
_PRODUCT = """
def add(session, name):
    session.execute("INSERT INTO app.person (name) VALUES (%s)", (name,))
"""
_REVISION = '''"""Change."""
from alembic import op
revision = "{id}"
down_revision = {below!r}
def upgrade():
    op.execute("{up}")
def downgrade():
    pass
'''
_FIRST = "CREATE SCHEMA app; CREATE TABLE app.person (id bigint GENERATED ALWAYS AS IDENTITY, name text)"
_HARMLESS = "ALTER TABLE app.person ADD COLUMN kana text"
_HARMFUL = "ALTER TABLE app.person ADD COLUMN kana text NOT NULL"


class Product:
    """The repository, with a release for each commit."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> str:
        named = ("-c", "user.name=t", "-c", "user.email=t@example.com")
        done = subprocess.run(
            ["git", *named, *words], cwd=self.home, capture_output=True, text=True, timeout=60, check=True
        )
        return done.stdout.strip()

    def commit(self, like: Release, *ups: str, is_fine: bool = True, conftest: str = _CONFTEST) -> Release:
        self._write("tests/conftest.py", conftest)
        self._write("tests/test_people.py", _TEST.format(is_fine=is_fine))
        self._write("src/product.py", _PRODUCT)
        self._write("alembic.ini", (ROOT / "alembic.ini").read_text())
        self._write("migrations/env.py", (ROOT / "migrations" / "env.py").read_text())
        for number, up in enumerate(ups, start=1):
            below = f"{number - 1:04}" if number > 1 else None
            text = _REVISION.format(id=f"{number:04}", below=below, up=up)
            self._write(f"migrations/versions/{number:04}_test.py", text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "A change.")
        schema = Build(version=f"{len(ups):04}")
        return replace(
            like,
            commit=self.git("rev-parse", "HEAD"),
            components={**like.components, Component.SCHEMA: schema},
        )

    def _write(self, name: str, text: str) -> None:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def product(tmp_path: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Product:
    name = f"p_{os.getpid()}"
    with psycopg.connect(postgres.admin_url, autocommit=True) as session:
        session.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
        session.execute(f"CREATE DATABASE {name}".encode())
    monkeypatch.setenv("TRIED_URL", f"{postgres.admin_url.rpartition('/')[0]}/{name}")
    home = tmp_path / "product"
    home.mkdir()
    return Product(home)


def quiet(_: Text) -> None:
    return


TESTS = ("tests/test_people.py",)


def test_older_code_that_passes_on_newer_tables_is_known_to_fit(product: Product, tmp_path: Path) -> None:
    old, shelf = product.commit(R1, _FIRST), ProofShelf(tmp_path)
    new = product.commit(R2, _FIRST, _HARMLESS)
    proven = prove_code_on_schema(product.home, shelf, code=old, schema=new, tests=TESTS, tell=quiet)
    assert (proven.passed, proven.revision) == (True, "0002")
    assert "2 passed" in proven.said
    assert shelf.list_tests() == {("r1", "0002"): True}


def test_older_code_that_fails_there_is_known_not_to(product: Product, tmp_path: Path) -> None:
    old, shelf = product.commit(R1, _FIRST, is_fine=False), ProofShelf(tmp_path)
    new = product.commit(R2, _FIRST, _HARMFUL)
    proven = prove_code_on_schema(product.home, shelf, code=old, schema=new, tests=TESTS, tell=quiet)
    assert proven.failed == ("tests/test_people.py::test_a_person_is_added",)
    assert proven.unclear == ("tests/test_people.py::test_of_the_weather",), "it fails on its own tables too"
    assert shelf.list_tests() == {("r1", "0002"): False}
    # And the planner heeds it, whatever the recorded tables look like.
    found = judge_fit(R1, SHAPES["0008"], proof=shelf.list_tests()[("r1", "0002")])
    assert {one.fault for one in found} == {Fault.TESTS_FAILED}


def test_what_fails_anyway_or_cannot_run_shows_nothing(product: Product, tmp_path: Path) -> None:
    old, shelf = product.commit(R1, _FIRST, is_fine=False), ProofShelf(tmp_path)
    new = product.commit(R2, _FIRST, _HARMLESS)
    with pytest.raises(TestsNotRun, match="on its own tables too"):
        prove_code_on_schema(product.home, shelf, code=old, schema=new, tests=TESTS, tell=quiet)
    with pytest.raises(TestsNotRun, match="exit code"):
        prove_code_on_schema(
            product.home, shelf, code=old, schema=new, tests=(f"{TESTS[0]}::test_nobody",), tell=quiet
        )
    assert shelf.list_tests() == {}


def test_tests_that_know_nothing_of_other_tables_are_not_believed(product: Product, tmp_path: Path) -> None:
    old = product.commit(R1, _FIRST, conftest=_CONFTEST.replace("HRX_TEST_SCHEMA_OF", "OTHER"))
    new = product.commit(R2, _FIRST, _HARMLESS)
    with pytest.raises(TestsTooOld):
        prove_code_on_schema(
            product.home, ProofShelf(tmp_path), code=old, schema=new, tests=TESTS, tell=quiet
        )
