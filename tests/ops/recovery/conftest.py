"""A small PostgreSQL of its own to back up and to break, with settings as the product's."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from hrx.ops.recovery.basebackup import Source
from hrx.ops.recovery.keys import create_key
from hrx.ops.recovery.places import Folder
from hrx.ops.recovery.vault import Vault
from hrx.ops.targets.machine.postgres import PostgresCluster
from tests.conftest import UNPRIVILEGED_USER, free_port

PASSWORD = secrets.token_hex(12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Living:
    """A running server; `home` is a folder that its user may write to."""

    cluster: PostgresCluster
    home: Path

    @property
    def url(self) -> str:
        return self.cluster.url("hrx_admin", PASSWORD, "postgres")

    @property
    def source(self) -> Source:
        passfile = self.home / "pgpass"
        passfile.touch(mode=0o600)
        passfile.write_text(f"*:*:*:hrx_admin:{PASSWORD}\n")
        return Source(
            program=self.cluster.program("pg_basebackup"),
            conninfo=f"host=127.0.0.1 port={self.cluster.port} user=hrx_admin",
            environment={"PGPASSFILE": str(passfile)},
        )

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url, autocommit=True) as session:
            done = session.execute(statement.encode())
            return done.fetchall() if done.description else []


@pytest.fixture(scope="module")
def living() -> Iterator[Living]:
    home = Path(tempfile.mkdtemp(prefix="hrx-test-living-"))
    home.chmod(0o711)
    run_as = UNPRIVILEGED_USER if os.geteuid() == 0 else None
    if run_as:
        shutil.chown(home, run_as)
    cluster = PostgresCluster(data_dir=home / "data", port=free_port(), socket_dir=home, run_as=run_as)
    cluster.init(PASSWORD)
    cluster.start()
    try:
        yield Living(cluster=cluster, home=home)
    finally:
        cluster.stop(mode="immediate")
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(folder=Folder(tmp_path / "vault"), keyring=create_key(tmp_path / "backup.key"))
