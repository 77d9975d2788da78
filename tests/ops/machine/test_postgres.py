"""PostgreSQL is made once; a lost or exchanged data directory is a refusal, never a fresh empty database."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from hrx.kit.errors import Refused
from hrx.ops.targets.machine import users
from hrx.ops.targets.machine.postgres import PostgresCluster, create_roles_and_database
from tests.conftest import free_port

PASSWORDS = {
    "hrx_owner": "o'wner",
    "hrx_app": 'a"pp %',
    "hrx_ops": "ops",
    "hrx_repair": "repair",
    "hrx_backup": r"back:up \\ ",
    "hrx_restore": "restore",
}


@pytest.fixture
def cluster(folder: Path) -> Iterator[PostgresCluster]:
    user = users.choose_service_user() if os.geteuid() == 0 else None
    users.give_to(folder, user=user, mode=0o711)
    made = PostgresCluster(data_dir=folder / "data", port=free_port(), socket_dir=folder, run_as=user)
    made.init("admin-password")
    yield made
    if made.data_dir.exists():
        made.stop(mode="immediate")


@pytest.mark.req("R6.1-1")
def test_a_lost_data_directory_is_refused_and_not_replaced_by_an_empty_one(cluster: PostgresCluster) -> None:
    shutil.rmtree(cluster.data_dir)
    with pytest.raises(Refused, match="are gone"):
        cluster.init("admin-password")
    with pytest.raises(Refused, match="are gone"):
        cluster.prepare()
    with pytest.raises(Refused) as refused:
        cluster.start()
    assert refused.value.stable_code == "postgres.data_lost"
    assert not cluster.data_dir.exists()


def test_the_data_of_another_system_is_refused(cluster: PostgresCluster, folder: Path) -> None:
    other = PostgresCluster(
        data_dir=folder / "other", port=cluster.port, socket_dir=folder, run_as=cluster.run_as
    )
    other.init("admin-password")
    shutil.rmtree(cluster.data_dir)
    other.data_dir.rename(cluster.data_dir)
    with pytest.raises(Refused) as refused:
        cluster.start()
    assert refused.value.stable_code == "postgres.other_system"


def test_a_killed_initdb_leaves_nothing_under_the_real_name(folder: Path, cluster: PostgresCluster) -> None:
    half = folder / "second.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    second = PostgresCluster(
        data_dir=folder / "second", port=cluster.port, socket_dir=folder, run_as=cluster.run_as
    )
    second.init("admin-password")
    assert second.marker.read_text().strip() == second.system_identifier() != cluster.system_identifier()
    assert not half.exists()


@pytest.mark.req("R2-1")
def test_roles_have_no_way_around_row_level_security_and_making_them_again_is_harmless(
    cluster: PostgresCluster,
) -> None:
    cluster.start()
    admin = cluster.url("hrx_admin", "admin-password", "postgres")
    for _ in range(2):
        create_roles_and_database(admin, PASSWORDS)
    with psycopg.connect(cluster.url("hrx_app", PASSWORDS["hrx_app"], "hrx")) as app:
        roles = app.execute(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'hrx_%' AND rolname <> 'hrx_admin'"
            " AND (rolsuper OR (rolbypassrls AND rolname <> 'hrx_restore') OR rolcreaterole OR rolcreatedb"
            " OR (rolreplication AND rolname <> 'hrx_backup'))"
        ).fetchall()
        assert roles == []
        settings: dict[str, str] = dict(
            app.execute(
                "SELECT name, setting FROM pg_settings WHERE name IN ('data_checksums', 'wal_level',"
                " 'password_encryption', 'log_parameter_max_length', 'track_commit_timestamp')"
            ).fetchall()
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("CREATE TABLE public.mine (id int)")
    assert settings == {
        "data_checksums": "on",
        "wal_level": "replica",
        "password_encryption": "scram-sha-256",
        "log_parameter_max_length": "0",
        "track_commit_timestamp": "on",
    }


def test_no_role_gets_in_with_a_wrong_password_or_none(cluster: PostgresCluster) -> None:
    cluster.start()
    create_roles_and_database(cluster.url("hrx_admin", "admin-password", "postgres"), PASSWORDS)
    for role, password in (("hrx_app", "wrong"), ("hrx_admin", ""), ("hrx_policy", "")):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(cluster.url(role, password, "hrx"), connect_timeout=5)
