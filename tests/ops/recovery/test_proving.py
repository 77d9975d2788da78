"""Backups are taken when due, really restored, and what that showed decides what happens next."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hrx.kit import clock
from hrx.ops.ledger.entries import Kind, open_ledger
from hrx.ops.recovery.backing_up import back_up, back_up_when_due, look_for_due, parent_for_now
from hrx.ops.recovery.basebackup import BackupKind, list_backups
from hrx.ops.recovery.checks.findings import mark_of
from hrx.ops.recovery.claiming import VaultBusy, claimed_vault
from hrx.ops.recovery.keeping.sampling import Sampler, beat, make_heartbeat
from hrx.ops.recovery.keys import create_key
from hrx.ops.recovery.proofs import list_proofs
from hrx.ops.recovery.proving import find_next, prove, prove_next, remove_leftovers
from hrx.ops.recovery.records import ship
from hrx.ops.recovery.retention import prune_old
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.standing import read_standing
from hrx.ops.recovery.tallies import read_tallies
from hrx.ops.recovery.troubles import list_troubles
from hrx.ops.recovery.visibility import checksum_of
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.layout import Layout
from tests.ops.recovery.conftest import Living
from tests.ops.recovery.test_restoring import Receiver, eventually

pytestmark = [pytest.mark.req("R6.1-1", "R6.2-1"), pytest.mark.timeout(300)]


#: As much of the product as the checks ask for.
PRODUCT = """
CREATE SCHEMA IF NOT EXISTS seam;
CREATE OR REPLACE VIEW seam.integrity AS SELECT 'rule'::text AS check_name, 0::bigint AS violations;
CREATE SCHEMA IF NOT EXISTS app;
CREATE TABLE IF NOT EXISTS app.audit_link (tenant_id bigint, seq bigint, hash bytea);
CREATE TABLE IF NOT EXISTS app.tenant (id bigint);
CREATE TABLE IF NOT EXISTS kept (n int);
INSERT INTO kept VALUES (1)
"""


@pytest.fixture
def receiver(living: Living) -> Iterator[Receiver]:
    running = Receiver(living)
    try:
        yield running
    finally:
        running.stop()
        eventually(lambda: living.execute("SELECT active FROM pg_replication_slots") == [(False,)])
        living.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")


@pytest.fixture
def site(living: Living, receiver: Receiver) -> Iterator[Site]:
    home = living.home / receiver.directory.name.replace("wal", "m")
    home.mkdir(mode=0o711)
    settings = OpsSettings(
        var_dir=home,
        backup_conninfo=f"host=127.0.0.1 port={living.cluster.port} user=hrx_admin dbname=postgres",
        backup_passfile=living.home / "pgpass",
    )
    create_key(home / "backup.key")
    (home / "recovery").mkdir(mode=0o711)
    (home / "recovery" / "received").symlink_to(receiver.directory)
    (home / "run").mkdir(mode=0o711)
    found = Site(
        settings=settings,
        layout=Layout(root=home, var=home, user=living.cluster.run_as, tools=home / "tools"),
    )
    yield found
    remove_leftovers(found)
    shutil.rmtree(home)


def arrive(living: Living, receiver: Receiver, site: Site) -> Sampler:
    """Everything of now is received and known."""
    sampler = Sampler(site)
    sampler.look()
    beat(make_heartbeat(site))
    receiver.wait_for(living)
    ship(site.vault, receiver.directory)
    sampler.look()
    return sampler


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def test_the_first_is_taken_at_once_proven_and_the_next_one_builds_on_it(
    living: Living, receiver: Receiver, site: Site
) -> None:
    living.execute(PRODUCT)
    assert look_for_due(site) is None, "nothing is known of the server yet"
    arrive(living, receiver, site)
    first = back_up_when_due(site)
    assert first is not None
    assert first.kind is BackupKind.FULL
    assert back_up_when_due(site) is None

    arrive(living, receiver, site)
    proof = prove_next(site, database="postgres")
    assert proof is not None
    assert proof.backup_id == first.id
    assert proof.why_not() is None
    assert {"fetch", "check", "records", "replay", "checks"} <= set(proof.seconds)
    assert {str(one["code"]) for one in proof.findings} >= {"server", "moment", "pages"}
    assert not (site.recovery_dir / "proving" / "copy").exists()
    assert find_next(site) is None
    assert list_proofs(site.folder) == [proof]

    with clock.shifted(timedelta(days=1)):
        second = back_up_when_due(site)
        assert second is not None
        assert (second.kind, second.parent) == (BackupKind.INCREMENTAL, first.id)
    assert read_tallies(site)["full", "succeeded"] == 1
    ledger = open_ledger(site.settings.ledger_location)
    told = ledger.find_last(Kind.BACKUP_TAKEN)
    assert told is not None
    assert told.actor == "keeper"
    assert ledger.find_last(Kind.BACKUP_PROVEN, subject=first.id) is not None
    ledger.store.close()


def test_a_damaged_backup_is_told_by_name_and_a_new_one_is_due(
    living: Living, receiver: Receiver, site: Site
) -> None:
    arrive(living, receiver, site)
    made = back_up_when_due(site)
    assert made is not None
    arrive(living, receiver, site)
    flip(site.folder.root / site.vault.stored_name(made.tar_name))
    proof = prove_next(site, database="postgres")
    assert proof is not None
    assert not proof.is_well
    why = proof.why_not()
    assert why is not None
    assert made.tar_name in why.en
    standing = read_standing(site)
    assert [one.code for one in list_troubles(standing) if one.is_grave] == ["proof_failed"]
    assert find_next(site) is None, "not again at once"
    due = look_for_due(site)
    assert due is not None
    assert due.parent is None
    assert parent_for_now(site) is None


def test_one_at_a_time(living: Living, receiver: Receiver, site: Site) -> None:
    with claimed_vault(site), pytest.raises(VaultBusy):
        back_up(site, parent=None, why="test")
    assert list_backups(site.vault) == []


def test_what_a_killed_backup_left_goes_and_the_rest_stays(
    living: Living, receiver: Receiver, site: Site
) -> None:
    arrive(living, receiver, site)
    made = back_up_when_due(site)
    site.vault.put_bytes("base/20260101T000000000Z/base.tar", b"half")
    plan = prune_old(site)
    assert plan.backups == ()
    assert list_backups(site.vault) == [made]
    assert {name.split("/")[1] for name in site.folder.list_names("base")} == {made.id if made else ""}


#: Where Debian's postgresql-18 was unpacked, or installed; without it amcheck is not checked.
MODULES = Path(os.environ.get("HRX_TEST_POSTGRES_MODULES", "/"))
HAS_AMCHECK = (MODULES / "usr/share/postgresql/18/extension/amcheck.control").exists()


def swap_two_entries(living: Living) -> None:
    """Of an index in one page: each entry is as it was, its page's checksum is right, the order is not."""
    living.execute("DROP TABLE IF EXISTS ordered")
    living.execute("CREATE TABLE ordered AS SELECT n FROM generate_series(1, 100) n")
    living.execute("CREATE INDEX ordered_n ON ordered (n)")
    ((path,),) = living.execute("SELECT pg_relation_filepath('ordered_n')")
    living.cluster.stop()
    file = living.cluster.data_dir / str(path)
    content = bytearray(file.read_bytes())
    leaf = content[8192:16384]
    first, sixth = bytes(leaf[24:28]), bytes(leaf[44:48])
    leaf[24:28], leaf[44:48] = sixth, first
    leaf[8:10] = checksum_of(bytes(leaf), 1).to_bytes(2, "little")
    content[8192:16384] = leaf
    file.write_bytes(bytes(content))
    living.cluster.start()


@pytest.mark.skipif(not HAS_AMCHECK, reason="amcheck not checked: HRX_TEST_POSTGRES_MODULES names no modules")
def test_an_index_in_the_wrong_order_is_found_where_amcheck_is_at_hand(
    living: Living, receiver: Receiver, site: Site
) -> None:
    site = replace(site, settings=site.settings.model_copy(update={"postgres_modules_dir": MODULES}))
    living.execute(PRODUCT)
    arrive(living, receiver, site)
    sound = back_up(site, parent=None, why="test")
    arrive(living, receiver, site)
    proof = prove(site, sound, database="postgres")
    (structure,) = [one for one in proof.findings if one["code"] == "structure"]
    assert structure["is_checked"]
    assert proof.why_not() is None

    swap_two_entries(living)
    eventually(lambda: living.execute("SELECT active FROM pg_replication_slots") == [(True,)])
    arrive(living, receiver, site)
    broken = back_up(site, parent=None, why="test")
    arrive(living, receiver, site)
    proof = prove(site, broken, database="postgres")
    assert [one["code"] for one in proof.findings if not one["is_well"]] == ["structure"]
    why = proof.why_not()
    assert why is not None
    assert "ordered_n" in why.en
    living.execute("DROP TABLE ordered")


def test_without_amcheck_nothing_is_claimed(living: Living, receiver: Receiver, site: Site) -> None:
    living.execute(PRODUCT)
    arrive(living, receiver, site)
    made = back_up(site, parent=None, why="test")
    arrive(living, receiver, site)
    proof = prove(site, made, database="postgres")
    (structure,) = [one for one in proof.findings if one["code"] == "structure"]
    assert (structure["is_checked"], structure["is_well"], mark_of(structure)) == (False, True, "–")
    assert "Not checked" in str(structure["said"])
    ledger = open_ledger(site.settings.ledger_location)
    told = ledger.find_last(Kind.BACKUP_PROVEN, subject=made.id)
    assert told is not None
    assert told.body["checks"]["structure"] == "not checked"
    ledger.store.close()
