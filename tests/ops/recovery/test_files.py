"""The product's files of the same moment as the database: none missing, none with other bytes."""

from __future__ import annotations

import asyncio
import hashlib
import random
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hrx.kit import clock
from hrx.ops.recovery.files import (
    NamedFile,
    check_storage,
    collect_all,
    collect_new,
    key_of,
    open_spool,
    restore_files,
    vault_name,
)
from hrx.ops.recovery.vault import Vault

pytestmark = pytest.mark.req("R6.1-1")


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    folder = tmp_path / "storage"
    open_spool(folder)
    return folder


def store(storage: Path, content: bytes, token: str, *, tenant: int = 1) -> NamedFile:
    """As the product does: the file, its link, then (the caller's) row."""
    key = f"t{tenant}/files/{token}"
    for top in (storage, storage / "outgoing"):
        (top / key).parent.mkdir(parents=True, exist_ok=True)
    (storage / key).write_bytes(content)
    (storage / "outgoing" / key).hardlink_to(storage / key)
    return NamedFile(tenant_id=tenant, key=key, sha256=hashlib.sha256(content).hexdigest())


def test_names_are_those_of_keys_and_back() -> None:
    for key in ("t1/files/-abc_DEF-123", "t22/files/_x", "t3/photos/A"):
        assert key_of(vault_name(key)) == key
    with pytest.raises(ValueError, match="not a key"):
        vault_name("../secrets.env")


def test_a_file_that_is_deleted_at_once_still_reaches_the_vault(vault: Vault, storage: Path) -> None:
    one = store(storage, b"short-lived", "-begins-with-a-dash")
    (storage / one.key).unlink()

    assert collect_new(vault, storage).files == 1
    assert collect_new(vault, storage).files == 0

    assert restore_files(vault, [one], storage).restored == 1
    assert (storage / one.key).read_bytes() == b"short-lived"


def test_files_from_before_backups_began_are_found(vault: Vault, storage: Path) -> None:
    one = store(storage, b"old", "old")
    (storage / "outgoing" / one.key).unlink()
    assert collect_new(vault, storage).files == 0
    assert collect_all(vault, storage, oldest_moment=None).files == 1


def test_rows_and_files_are_compared_both_ways(
    vault: Vault, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    well, absent, lost, wrong, unkept = (
        store(storage, name.encode(), name) for name in ("well", "absent", "lost", "wrong", "unkept")
    )
    for one in (lost, unkept):
        (storage / "outgoing" / one.key).unlink()
    collect_new(vault, storage)
    for one in (absent, lost):
        (storage / one.key).unlink()
    (storage / wrong.key).write_bytes(b"something else")
    store(storage, b"no row", "nameless")
    rows = [well, absent, lost, wrong, unkept]

    young = check_storage(vault, rows, storage, is_reading=True)
    assert young.nameless == ()
    later = datetime.now(UTC) + timedelta(hours=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    found = check_storage(vault, rows, storage, is_reading=True)

    assert (found.absent, found.lost, found.wrong, found.unkept) == ((absent,), (lost,), (wrong,), (unkept,))
    assert found.nameless == ("t1/files/nameless",)
    assert not found.is_well
    assert check_storage(vault, [well], storage).is_well


def test_a_damaged_or_wrong_copy_is_not_put_in_place(vault: Vault, storage: Path) -> None:
    one, other = store(storage, b"one" * 999, "one"), store(storage, b"other" * 999, "other")
    collect_new(vault, storage)
    path = vault.folder.root / vault.stored_name(vault_name(one.key))
    path.write_bytes(path.read_bytes()[:-7])
    liar = NamedFile(tenant_id=1, key=other.key, sha256=one.sha256)
    shutil.rmtree(storage)

    done = restore_files(vault, [one, liar], storage)

    assert done.lost == (one, liar)
    assert done.restored == 0
    assert not [path for path in storage.rglob("*") if path.is_file()]


def test_a_lost_storage_is_not_taken_for_an_emptied_one(
    vault: Vault, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = store(storage, b"precious", "precious")
    collect_new(vault, storage)
    shutil.rmtree(storage)
    start = datetime.now(UTC)
    for days in (0, 100):
        monkeypatch.setattr(clock, "now", lambda days=days: start + timedelta(days=days))
        done = collect_all(vault, storage, oldest_moment=clock.now() - timedelta(days=30))
        assert done.gone == 0
        assert done.forgotten == ()
    assert restore_files(vault, [one], storage).restored == 1


def test_the_products_own_storage_links_what_it_stores(storage: Path, vault: Vault) -> None:
    from hrx.app.platform.storage import Storage
    from hrx.app.platform.tenancy import TenantId

    async def chunks() -> AsyncIterator[bytes]:
        yield b"row,row\n"

    own = Storage(storage)
    stored = asyncio.run(own.put(chunks(), tenant_id=TenantId(7), limit_bytes=99))
    asyncio.run(own.delete(stored.key))

    assert collect_new(vault, storage).files == 1
    named = NamedFile(tenant_id=7, key=stored.key, sha256=stored.sha256)
    assert restore_files(vault, [named], storage).restored == 1


def test_a_spool_that_nobody_collects_does_not_keep_deleted_files(storage: Path) -> None:
    from hrx.app.platform.storage import Storage
    from hrx.app.platform.tenancy import TenantId

    one = store(storage, b"deleted by its owner", "old", tenant=7)
    own = Storage(storage)
    asyncio.run(own.delete(one.key))
    for days, is_there in ((1, True), (8, False)):
        moment = datetime.now(UTC) + timedelta(days=days)
        asyncio.run(own.delete_strays(tenant_id=TenantId(7), kept=(), stored_before=moment))
        assert (storage / "outgoing" / one.key).exists() is is_there


@dataclass(frozen=True, kw_only=True)
class _Life:
    """A file and the moments between which a row names it."""

    file: NamedFile
    content: bytes
    from_at: datetime
    until: datetime | None


def test_any_of_200_moments_has_exactly_its_files(
    vault: Vault, storage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """60 days of uploads and deletions; the product deletes the file before it commits that no row names it.

    The peers' recipe brings the database back and leaves the bucket as it is."""
    dice = random.Random(4)  # noqa: S311
    start = datetime(2026, 9, 1, tzinfo=UTC)
    now = start
    monkeypatch.setattr(clock, "now", lambda: now)
    lives: list[_Life] = []
    keep = timedelta(days=30)
    for step in range(360):
        now = start + timedelta(hours=4 * step)
        for _ in range(dice.choice((0, 1, 1, 2))):
            content = dice.randbytes(dice.randint(1, 400))
            one = store(storage, content, f"k{len(lives)}")
            lives.append(_Life(file=one, content=content, from_at=now, until=None))
        alive = [index for index, life in enumerate(lives) if life.until is None]
        for index in dice.sample(alive, min(len(alive), dice.choice((0, 1, 1, 1)))):
            (storage / lives[index].file.key).unlink()
            # Now and then the job is killed after deleting, and its commit comes a day later.
            late = timedelta(days=1 if dice.random() < 0.1 else 0, minutes=1)
            lives[index] = _Life(
                file=lives[index].file,
                content=lives[index].content,
                from_at=lives[index].from_at,
                until=now + late,
            )
        collect_new(vault, storage)
        if step % 6 == 0:
            # The oldest backup is a chain's full one: up to a week older than what is promised.
            collect_all(vault, storage, oldest_moment=now - keep - timedelta(days=step % 7))

    peers_dangling = dangling = wrong = looked = 0
    for _ in range(200):
        moment = now - keep * dice.random()
        rows = [life for life in lives if life.from_at <= moment and (not life.until or moment < life.until)]
        looked += len(rows)
        peers_dangling += sum(not (storage / life.file.key).exists() for life in rows)
        place = tmp_path / "restored"
        done = restore_files(vault, [life.file for life in rows], place)
        dangling += len(done.lost)
        wrong += sum((place / life.file.key).read_bytes() != life.content for life in rows)
        if dice.random() < 0.05:
            shutil.rmtree(place)
    print(f"files named at 200 moments: {looked}; peers' recipe: {peers_dangling} dangling;"
          f" ours: {dangling} dangling, {wrong} with other bytes")  # fmt: skip
    assert (dangling, wrong) == (0, 0)
    assert peers_dangling > 0
    # And the vault does let go of what no moment can name.
    horizon = now - keep - timedelta(days=9)
    old = [life for life in lives if life.until and life.until + timedelta(days=3) < horizon]
    names = set(vault.list_names("files"))
    assert old
    assert not any(vault_name(life.file.key) in names for life in old)
