"""Migrations go up, down and up again and leave the same schema; the verification command reads it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import psycopg
import pytest

from tests.conftest import ROOT, PostgresServer, migrate

pytestmark = pytest.mark.req("R3.5-1")


def schema_of(server: PostgresServer) -> str:
    """The schema as pg_dump tells it, without what differs from run to run."""
    done = subprocess.run(
        [server.cluster.program("pg_dump"), "--schema-only", "--dbname", server.owner_url],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return re.sub(r"^(--|\\(un)?restrict).*$", "", done.stdout, flags=re.M)


def test_up_down_and_up_again_gives_the_same_schema(postgres: PostgresServer) -> None:
    server = postgres.create_migrated_database("up_down_up")
    before = schema_of(server)
    migrate(server.owner_url, to="base", down=True)
    with psycopg.connect(server.owner_url) as connection:
        left = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname IN ('app', 'jobs', 'seam', 'gate')"
        ).fetchall()
    assert left == []
    migrate(server.owner_url)
    assert schema_of(server) == before


def test_the_job_schema_is_the_one_of_the_installed_library(postgres: PostgresServer) -> None:
    # When the library brings a migration that ours do not run, this fails and names it.
    from procrastinate.schema import SchemaManager

    newest = sorted(os.listdir(SchemaManager.get_migrations_path()))
    assert [name for name in newest if name.endswith(".sql")][-1] == (
        "03.04.00_50_post_add_retry_failed_job_procedure.sql"
    )


def test_the_verification_command_prints_a_line_for_each_tenant(postgres: PostgresServer) -> None:
    server = postgres.create_migrated_database("verify_command")
    with psycopg.connect(server.app_url) as connection:
        connection.execute("SELECT app.create_tenant('a-company', '会社', 'Asia/Tokyo', 'ja')")
        row = connection.execute("SELECT app.find_tenant('a-company')").fetchone()
        assert row is not None
        connection.execute("SELECT set_config('hrx.tenant_id', %s, true)", [str(row[0])])
        connection.execute("INSERT INTO app.audit_entry (action) VALUES ('person.private_read')")
    environment = {
        "PATH": os.environ["PATH"],
        "HRX_DATABASE_URL": server.app_url,
        "HRX_SESSION_KEYS": "k" * 40,
        "HRX_SEAL_KEYS": "k" * 40,
    }
    done = subprocess.run(
        [sys.executable, "-m", "hrx.app.platform.audit"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    verdict = json.loads(done.stdout)
    assert (verdict["is_valid"], verdict["entries"]) == (True, 1)


def test_the_settings_reference_and_the_openapi_document_need_no_environment() -> None:
    for command in (["hrx.app.settings"], ["hrx.app.api", "--openapi"]):
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        assert json.loads(done.stdout)
