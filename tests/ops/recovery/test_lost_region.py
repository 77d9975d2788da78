"""Everything of a region is gone but a key file and a bucket: database, files and ledger come back."""

from __future__ import annotations

import hashlib
import shutil
import threading
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from hrx.ops.ledger.entries import Kind, open_ledger
from hrx.ops.recovery.basebackup import list_backups, take_backup
from hrx.ops.recovery.copy_server import Ground, conninfo_of
from hrx.ops.recovery.fetching import fetch
from hrx.ops.recovery.files import NamedFile, check_storage, open_spool, restore_files
from hrx.ops.recovery.keys import load_keyring
from hrx.ops.recovery.ledger_copy import copy_ledger, restore_ledger
from hrx.ops.recovery.places import Folder
from hrx.ops.recovery.planning import Stock, Target, plan_restore
from hrx.ops.recovery.records import list_received, list_segments, read_histories, ship
from hrx.ops.recovery.restoring import remove_copy, restore_beside
from hrx.ops.recovery.vault import Vault
from tests.conftest import free_port
from tests.ops.recovery.conftest import Living
from tests.ops.recovery.test_elsewhere import copy_of, to_bucket
from tests.ops.recovery.test_files import store
from tests.ops.recovery.test_restoring import Receiver, receiver
from tests.servers.s3 import running_s3_server

pytestmark = [pytest.mark.req("R6.1-1", "R6.2-2"), pytest.mark.timeout(300)]
__all__ = ["receiver"]


class Product:
    """Commits a row with its file, again and again, and remembers when each was acknowledged."""

    def __init__(self, living: Living, storage: Path) -> None:
        self._living, self._storage = living, storage
        self.acknowledged: dict[int, datetime] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def _work(self) -> None:
        with psycopg.connect(self._living.url, autocommit=True) as session:
            number = 0
            while not self._stop.wait(0.01):
                one = store(self._storage, f"content {number}".encode(), f"n{number}")
                try:
                    session.execute("INSERT INTO paper VALUES (%s, 1, %s, %s)", (number, one.key, one.sha256))
                except psycopg.Error:
                    return
                self.acknowledged[number] = datetime.now(UTC)
                number += 1

    def __enter__(self) -> Product:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)


def test_a_lost_region_comes_back_from_a_bucket_and_a_key_file(
    living: Living, receiver: Receiver, vault: Vault, tmp_path: Path
) -> None:
    storage, url = tmp_path / "storage", f"sqlite:///{tmp_path / 'ops' / 'ledger.sqlite3'}"
    open_spool(storage)
    ledger = open_ledger(url)
    ledger.append(Kind.LOOK, actor="test")
    ledger.store.close()
    living.execute("CREATE TABLE paper (id int PRIMARY KEY, tenant_id int, key text, sha256 text)")
    with running_s3_server() as s3:
        bucket = s3.make_bucket()
        copy = copy_of(vault, to_bucket(s3.endpoint, bucket), tmp_path)
        copy.received_dir, copy.storage = receiver.directory, storage
        with Product(living, storage) as product:
            take_backup(vault, living.source, parent=None, timeout_s=120)
            living.execute("SELECT pg_switch_wal()")
            copy_ledger(vault, url)
            # As the keeper does, until the region goes.
            for _ in range(6):
                receiver.wait_for(living)
                ship(vault, receiver.directory)
                state = copy.copy_records()
                copy.copy_rest()
            living.cluster.stop(mode="immediate")
        lost_at = datetime.now(UTC)
        assert state.covered_at is not None
        for folder in (
            living.cluster.data_dir,
            vault.folder.root,
            receiver.directory,
            storage,
            tmp_path / "ops",
        ):
            shutil.rmtree(folder)

        new = Vault(folder=Folder(tmp_path / "new-vault"), keyring=load_keyring(tmp_path / "backup.key"))
        received = living.home / "new-received"
        fetched = fetch(new, to_bucket(s3.endpoint, bucket), received_dir=received)
    assert fetched.tail is not None
    restore_ledger(new, url, actor="test")
    assert open_ledger(url).verify().is_valid

    _, tail = list_received(received)
    stock = Stock(
        backups=tuple(list_backups(new)),
        segments=tuple(list_segments(new)),
        histories=read_histories(new),
        tail=tail,
    )
    ground = Ground(
        directory=living.home / "new-copy",
        port=free_port(),
        socket_dir=living.home,
        run_as=living.cluster.run_as,
        install_dir=None,
        receiver_dir=received,
    )
    try:
        restored = restore_beside(new, plan_restore(stock, target=Target()), ground, timeout_s=60)
        with psycopg.connect(conninfo_of(restored.cluster)) as session:
            rows = session.execute("SELECT id, tenant_id, key, sha256 FROM paper ORDER BY id").fetchall()
    finally:
        remove_copy(ground)

    there = {int(row[0]) for row in rows}
    promised = {number for number, at in product.acknowledged.items() if at < state.covered_at}
    missing = sorted(product.acknowledged.keys() - there)
    behind_s = (lost_at - state.covered_at).total_seconds()
    print(
        f"acknowledged {len(product.acknowledged)}, promised {len(promised)}, lost {len(missing)};"
        f" the copy was {behind_s:.2f} s behind"
    )
    assert len(promised) > 20
    assert promised <= there
    assert there == set(range(len(there))), "what is missing is the end, never the middle"

    named = [NamedFile(tenant_id=row[1], key=row[2], sha256=row[3]) for row in rows]
    done = restore_files(new, named, storage)
    assert done.lost == (), "a row never arrives before its file"
    assert check_storage(new, named, storage, is_reading=True).is_well
    assert hashlib.sha256((storage / named[0].key).read_bytes()).hexdigest() == named[0].sha256
