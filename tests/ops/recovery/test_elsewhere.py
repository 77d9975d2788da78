"""The copy elsewhere against an object store on a socket: what goes up, in order, what cannot break it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import orjson
import pytest

from hrx.kit.errors import HrxError, Text
from hrx.kit.settings import SecretStr
from hrx.ops.recovery.buckets import Pace, PlaceRefused, open_place
from hrx.ops.recovery.elsewhere import Elsewhere
from hrx.ops.recovery.elsewhere_state import read_state
from hrx.ops.recovery.fetching import fetch
from hrx.ops.recovery.keys import KeyLost, create_key
from hrx.ops.recovery.places import Folder, Place, PlaceUnavailable
from hrx.ops.recovery.records import KeptSegment, list_segments
from hrx.ops.recovery.vault import Vault
from hrx.ops.recovery.wal import SEGMENT_BYTES, Segment
from tests.conftest import ROOT
from tests.servers.s3 import REGION, S3Server, running_network, running_s3_server, running_sick_store

_NO = Text(ja="不可", en="no")
NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with running_s3_server() as server:
        yield server


def to_bucket(endpoint: str, bucket: str, *, answers_within_s: float = 5.0, **others: object) -> Place:
    known: dict[str, object] = {
        "access_key_id": SecretStr("test"), "secret_access_key": SecretStr("test"), **others,
    }  # fmt: skip
    return open_place(
        f"s3://{bucket}/prod",
        endpoint=endpoint,
        region=REGION,
        answers_within_s=answers_within_s,
        access_key_id=cast("SecretStr", known["access_key_id"]),
        secret_access_key=cast("SecretStr", known["secret_access_key"]),
        max_rate_kbytes=cast("int | None", known.get("max_rate_kbytes")),
    )


def copy_of(vault: Vault, place: Place, home: Path) -> Elsewhere:
    return Elsewhere(
        vault=vault,
        place=place,
        where="there",
        received_dir=home / "received",
        scratch_dir=home / "scratch",
        state_file=home / "elsewhere.json",
    )


def put_segment(vault: Vault, number: int, *, at: datetime = NOW) -> KeptSegment:
    kept = KeptSegment(segment=Segment(1, number), received_at=at)
    vault.put_bytes(kept.name, os.urandom(20_000))
    return kept


def put_backup(vault: Vault, backup_id: str, *, ended_at: datetime = NOW, kind: str = "full") -> None:
    vault.put_bytes(f"base/{backup_id}/base.tar", os.urandom(50_000))
    vault.put_bytes(f"base/{backup_id}/backup_manifest", b"{}")
    with vault.folder.writing(f"base/{backup_id}/backup.json") as file:
        file.write(
            orjson.dumps(
                {"id": backup_id, "kind": kind, "ended_at": ended_at, "timeline": 1, "start": "0/5000000"}
            )
        )


def put_received(home: Path, number: int, content: bytes, *, is_whole: bool = False) -> Path:
    folder = home / "received"
    folder.mkdir(exist_ok=True)
    path = folder / (Segment(1, number).name + ("" if is_whole else ".partial"))
    path.write_bytes(content.ljust(SEGMENT_BYTES, b"\0"))
    return path


@pytest.mark.req("R6.1-1")
def test_everything_goes_up_and_comes_back_the_same(s3: S3Server, vault: Vault, tmp_path: Path) -> None:
    bucket = s3.make_bucket()
    segments = [put_segment(vault, number) for number in range(3)]
    put_backup(vault, "20261126T000000000Z")
    put_received(tmp_path, 3, b"unfilled")
    copy = copy_of(vault, to_bucket(s3.endpoint, bucket), tmp_path)

    state = copy.copy_once()

    assert state.problem is None
    assert state.waiting == 0
    assert state.differing == ()
    assert state.covered_to == Segment(1, 3).start + len(b"unfilled")
    assert read_state(tmp_path / "elsewhere.json") == state

    lost = Vault(folder=Folder(tmp_path / "new"), keyring=vault.keyring)
    fetched = fetch(lost, to_bucket(s3.endpoint, bucket), received_dir=tmp_path / "new-received")

    assert list_segments(lost) == segments
    assert {one.name for one in lost.folder.list_files()} == {one.name for one in vault.folder.list_files()}
    for name in vault.list_names():
        assert lost.get_bytes(name) == vault.get_bytes(name)
    assert fetched.tail is not None
    assert fetched.tail.segment == Segment(1, 3)
    tail = (tmp_path / "new-received" / (Segment(1, 3).name + ".partial")).read_bytes()
    assert tail == b"unfilled".ljust(SEGMENT_BYTES, b"\0")
    again = fetch(lost, to_bucket(s3.endpoint, bucket), received_dir=tmp_path / "new-received")
    assert again.files == 0


def test_a_backup_without_its_facts_does_not_go_up(s3: S3Server, vault: Vault, tmp_path: Path) -> None:
    bucket = s3.make_bucket()
    vault.put_bytes("base/20261126T000000000Z/base.tar", b"half")
    copy = copy_of(vault, to_bucket(s3.endpoint, bucket), tmp_path)

    copy.copy_once()
    assert not any("base/" in name for name in s3.list_names(bucket))

    put_backup(vault, "20261126T000000000Z")
    copy.copy_once()
    assert any(name.endswith("backup.json") for name in s3.list_names(bucket))


def test_only_what_is_new_of_an_unfilled_file_is_sent_and_goes_when_the_whole_is_there(
    s3: S3Server, vault: Vault, tmp_path: Path
) -> None:
    bucket = s3.make_bucket()
    place = to_bucket(s3.endpoint, bucket)
    copy = copy_of(vault, place, tmp_path)
    content = os.urandom(900_000)

    def tails() -> dict[str, int]:
        return {one.name: one.size_bytes for one in place.list_files("tail")}

    put_received(tmp_path, 7, content[:500_000])
    copy.copy_records()
    copy.copy_records()
    assert len(tails()) == 1
    put_received(tmp_path, 7, content[:500_100])
    # Another process goes on where the first one ended.
    copy = copy_of(vault, place, tmp_path)
    copy.copy_records()
    assert len(tails()) == 2
    assert min(tails().values()) < 1000
    new = Vault(folder=Folder(tmp_path / "new"), keyring=vault.keyring)
    fetched = fetch(new, place, received_dir=tmp_path / "new-received")
    assert fetched.tail is not None
    assert fetched.tail.end == Segment(1, 7).start + 500_100
    brought = (tmp_path / "new-received" / (Segment(1, 7).name + ".partial")).read_bytes()
    assert brought == content[:500_100].ljust(SEGMENT_BYTES, b"\0")

    # So many pieces are put together again: what is to be fetched stays few files.
    for size in range(500_200, 502_100, 100):
        put_received(tmp_path, 7, content[:size])
        copy.copy_records()
    assert len(tails()) == 1

    # Full, but not in the vault yet: without it the next one would stand behind a hole.
    put_received(tmp_path, 7, content, is_whole=True)
    (tmp_path / "received" / (Segment(1, 7).name + ".partial")).unlink()
    put_received(tmp_path, 8, b"b")
    copy.copy_records()
    assert {name[5:29] for name in tails()} == {Segment(1, 7).name, Segment(1, 8).name}

    put_segment(vault, 7)
    (tmp_path / "received" / Segment(1, 7).name).unlink()
    copy.copy_records()
    assert [name[5:29] for name in tails()] == [Segment(1, 8).name]


def test_a_lost_piece_ends_the_tail_there(vault: Vault, tmp_path: Path) -> None:
    place = Folder(tmp_path / "there")
    copy = copy_of(vault, place, tmp_path)
    content = os.urandom(400)
    for size in (100, 200, 300, 400):
        put_received(tmp_path, 7, content[:size])
        copy.copy_records()
    third = sorted(one.name for one in place.list_files("tail"))[2]
    place.delete(third)

    new = Vault(folder=Folder(tmp_path / "new"), keyring=vault.keyring)
    fetched = fetch(new, place, received_dir=tmp_path / "new-received")

    assert fetched.tail is not None
    assert fetched.tail.end == Segment(1, 7).start + 200
    # The sender finds out when it lists anew, and sends from there.
    copy_of(vault, place, tmp_path).copy_records()
    again = Vault(folder=Folder(tmp_path / "again"), keyring=vault.keyring)
    fetched = fetch(again, place, received_dir=tmp_path / "again-received")
    assert fetched.tail is not None
    assert fetched.tail.end == Segment(1, 7).start + 400


@pytest.mark.req("R6.1-1")
def test_a_cut_network_loses_nothing_and_the_next_try_ends_it(
    s3: S3Server, vault: Vault, tmp_path: Path
) -> None:
    bucket = s3.make_bucket()
    for number in range(6):
        put_segment(vault, number)
    # Larger than a part, so that it goes up in several.
    vault.put_bytes("base/20261126T000000000Z/base.tar", os.urandom(20 << 20))
    put_backup_facts_only(vault, "20261126T000000000Z")
    with running_network(s3.endpoint) as network:
        place = to_bucket(network.endpoint, bucket, answers_within_s=0.5)
        copy = copy_of(vault, place, tmp_path)
        network.cut(after=70_000)
        with pytest.raises(PlaceUnavailable):
            copy.copy_records()
        state = read_state(tmp_path / "elsewhere.json")
        assert state is not None
        assert state.problem is not None
        sent = s3.list_names(bucket)
        assert 0 < len(sent) < 6

        network.mend()
        copy.copy_records()
        network.cut(after=12 << 20)
        with pytest.raises(PlaceUnavailable):
            copy.copy_rest()
        assert not any(name.endswith(("backup.json", "base.tar.zst.age")) for name in s3.list_names(bucket))

        network.mend()
        assert copy.copy_once().problem is None
        lost = Vault(folder=Folder(tmp_path / "new"), keyring=vault.keyring)
        # Only what we send is counted: this is in the middle of the first requests.
        network.cut(after=500)
        with pytest.raises(PlaceUnavailable):
            fetch(lost, place, received_dir=tmp_path / "new-received")
        network.mend()
        fetch(lost, place, received_dir=tmp_path / "new-received")
    for name in vault.list_names():
        assert lost.get_bytes(name) == vault.get_bytes(name)


def test_two_may_send_at_once(vault: Vault, tmp_path: Path) -> None:
    """The keeper and somebody at the command line."""
    place = Folder(tmp_path / "there")
    for number in range(5):
        put_segment(vault, number)
    put_received(tmp_path, 9, b"unfilled")
    copies = [copy_of(vault, place, tmp_path) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        states = [one for _ in range(3) for one in pool.map(Elsewhere.copy_once, copies)]
    assert [state.problem for state in states] == [None] * 12
    assert {one.name.partition("/")[0] for one in place.list_files()} == {"keys.txt", "wal", "tail"}
    assert not any((tmp_path / "scratch").iterdir())


_SENDER = """
import sys
from pathlib import Path
from tests.ops.recovery.test_elsewhere import copy_of, to_bucket
from hrx.ops.recovery.keys import load_keyring
from hrx.ops.recovery.places import Folder
from hrx.ops.recovery.vault import Vault
home, endpoint, bucket = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
vault = Vault(folder=Folder(home / "vault"), keyring=load_keyring(home / "backup.key"))
copy_of(vault, to_bucket(endpoint, bucket), home).copy_once()
"""


def test_killed_anywhere_it_is_run_again_and_ends(s3: S3Server, vault: Vault, tmp_path: Path) -> None:
    bucket = s3.make_bucket()
    for number in range(40):
        put_segment(vault, number)
    put_backup(vault, "20261126T000000000Z")
    argv = [sys.executable, "-c", _SENDER, str(tmp_path), s3.endpoint, bucket]
    for enough in (5, 25):
        sender = subprocess.Popen(argv, cwd=ROOT)
        deadline = time.monotonic() + 60
        while len(s3.list_names(bucket)) < enough and sender.poll() is None:
            assert time.monotonic() < deadline
        sender.kill()
        sender.wait(10)
    assert not any(name.endswith("backup.json") for name in s3.list_names(bucket))

    subprocess.run(argv, cwd=ROOT, check=True, timeout=60)

    lost = Vault(folder=Folder(tmp_path / "new"), keyring=vault.keyring)
    fetch(lost, to_bucket(s3.endpoint, bucket), received_dir=tmp_path / "new-received")
    for name in vault.list_names():
        assert lost.get_bytes(name) == vault.get_bytes(name)


def put_backup_facts_only(vault: Vault, backup_id: str) -> None:
    with vault.folder.writing(f"base/{backup_id}/backup.json") as file:
        file.write(b"{}")


def test_a_lost_vault_does_not_empty_its_copy(s3: S3Server, vault: Vault, tmp_path: Path) -> None:
    bucket = s3.make_bucket()
    old = datetime.now(UTC) - timedelta(days=80)
    put_segment(vault, 1, at=old)
    put_backup(vault, f"{old:%Y%m%dT%H%M%S}000Z", ended_at=old)
    copy_of(vault, to_bucket(s3.endpoint, bucket), tmp_path).copy_once()
    before = s3.list_names(bucket)

    shutil.rmtree(vault.folder.root)
    put_backup(vault, f"{datetime.now(UTC):%Y%m%dT%H%M%S}000Z", ended_at=datetime.now(UTC))
    copy = copy_of(vault, to_bucket(s3.endpoint, bucket), tmp_path)
    copy.copy_once()

    assert copy.remove_old(keep_days=30) == []
    assert before <= s3.list_names(bucket)


@pytest.mark.req("R6.1-1")
def test_retention_elsewhere_follows_pruning_here(s3: S3Server, vault: Vault, tmp_path: Path) -> None:
    bucket = s3.make_bucket()
    now = datetime.now(UTC)
    ages = (60, 40, 5)
    ids = [f"{now - timedelta(days=age):%Y%m%dT%H%M%S}000Z" for age in ages]
    for age, backup_id in zip(ages, ids, strict=True):
        put_backup(vault, backup_id, ended_at=now - timedelta(days=age))
    before, after = put_segment(vault, 1, at=now - timedelta(days=60)), put_segment(vault, 5, at=now)
    copy = copy_of(vault, to_bucket(s3.endpoint, bucket), tmp_path)
    copy.copy_once()
    # Nothing was pruned here yet, so nothing goes there.
    assert copy.remove_old(keep_days=30) == []

    shutil.rmtree(vault.folder.root / "base" / ids[0])
    vault.delete(before.name)
    gone = copy.remove_old(keep_days=30)

    assert gone[0] == f"base/{ids[0]}/backup.json"
    left = s3.list_names(bucket)
    assert not any(ids[0] in name or before.segment.name in name for name in left)
    assert any(ids[1] in name for name in left)
    assert any(after.segment.name in name for name in left)


def test_what_is_here_damaged_is_replaced_and_what_is_there_damaged_is_not_taken(
    s3: S3Server, vault: Vault, tmp_path: Path
) -> None:
    bucket = s3.make_bucket()
    kept = [put_segment(vault, number) for number in range(3)]
    place = to_bucket(s3.endpoint, bucket)
    copy_of(vault, place, tmp_path).copy_once()
    wanted = vault.get_bytes(kept[0].name)
    for number in (0, 1):
        path = vault.folder.root / vault.stored_name(kept[number].name)
        damaged = bytearray(path.read_bytes())
        damaged[len(damaged) // 2] ^= 1
        path.write_bytes(damaged)
    s3.client.put_object(Bucket=bucket, Key=f"prod/{vault.stored_name(kept[1].name)}", Body=b"rot" * 9000)

    fetched = fetch(vault, place, received_dir=tmp_path / "received", is_checking=True)

    assert fetched.replaced == (vault.stored_name(kept[0].name),)
    assert fetched.damaged_there == (vault.stored_name(kept[1].name),)
    assert vault.get_bytes(kept[0].name) == wanted


def test_a_truncated_file_here_does_not_replace_the_good_one_there(
    s3: S3Server, vault: Vault, tmp_path: Path
) -> None:
    bucket = s3.make_bucket()
    kept = put_segment(vault, 1)
    place = to_bucket(s3.endpoint, bucket)
    copy_of(vault, place, tmp_path).copy_once()
    path = vault.folder.root / vault.stored_name(kept.name)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])

    state = copy_of(vault, place, tmp_path).copy_once()

    assert state.differing == (vault.stored_name(kept.name),)
    fetch(vault, place, received_dir=tmp_path / "received")
    assert path.read_bytes() == whole


def test_the_wrong_key_file_is_told_before_anything_is_fetched(
    s3: S3Server, vault: Vault, tmp_path: Path
) -> None:
    bucket = s3.make_bucket()
    put_segment(vault, 1)
    place = to_bucket(s3.endpoint, bucket)
    copy_of(vault, place, tmp_path).copy_once()
    stranger = Vault(folder=Folder(tmp_path / "new"), keyring=create_key(tmp_path / "other.key"))

    with pytest.raises(KeyLost):
        fetch(stranger, place, received_dir=tmp_path / "new-received")
    assert not list(stranger.list_names())


def test_refusals_say_what_to_do(s3: S3Server, vault: Vault, tmp_path: Path) -> None:
    put_segment(vault, 1)
    with pytest.raises(PlaceRefused, match="bucket is not there"):
        copy_of(vault, to_bucket(s3.endpoint, "hrx-nobody-made-it"), tmp_path).copy_once()
    for status, code, says in (
        (403, "RequestTimeTooSkewed", "clock"),
        (403, "SignatureDoesNotMatch", "key is wrong"),
        (403, "AccessDenied", "lacks a right"),
    ):
        with running_sick_store() as sick:
            sick.status, sick.code = status, code
            with pytest.raises(PlaceRefused, match=says) as caught:
                copy_of(vault, to_bucket(sick.endpoint, "b"), tmp_path).copy_once()
            assert caught.value.hint is not None
            assert "Debug source" not in str(caught.value.message.en)


def test_a_busy_store_is_asked_again_and_then_told(vault: Vault, tmp_path: Path) -> None:
    put_segment(vault, 1)
    with running_sick_store() as sick:
        place = to_bucket(sick.endpoint, "b", answers_within_s=0.3)
        with pytest.raises(HrxError) as caught:
            copy_of(vault, place, tmp_path).copy_once()
        assert sick.requests > 1
    assert isinstance(caught.value, PlaceUnavailable)
    assert not isinstance(caught.value, PlaceRefused)


def test_wrong_credentials_are_refused_by_the_store_itself(vault: Vault, tmp_path: Path) -> None:
    with running_s3_server() as own:
        bucket = own.make_bucket()
        own.require_credentials(after=0)
        place = to_bucket(own.endpoint, bucket, access_key_id=SecretStr("AKIAWRONG"))
        put_segment(vault, 1)
        with pytest.raises(PlaceRefused, match="key is wrong"):
            copy_of(vault, place, tmp_path).copy_once()
        # Others in this process share moto's switch.
        own.require_credentials(after=10**9)


def test_the_rate_is_kept() -> None:
    waits: list[float] = []
    pace = Pace(1_000_000.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hrx.ops.recovery.buckets.time.sleep", waits.append)
        patch.setattr("hrx.ops.recovery.buckets.clock.monotonic_s", lambda: 50.0)
        for _ in range(4):
            pace.spend(500_000)
    assert waits == [0.0, 0.5, 1.0, 1.5]


def test_without_the_right_to_delete_it_works_and_tells(vault: Vault, tmp_path: Path) -> None:
    class WriteOnly(Folder):
        def delete(self, name: str) -> None:
            raise PlaceRefused(_NO)

    place = WriteOnly(tmp_path / "there")
    copy = copy_of(vault, place, tmp_path)
    put_received(tmp_path, 7, b"a" * 100)
    copy.copy_records()
    put_received(tmp_path, 7, b"a" * 200)
    copy.copy_records()
    lost = Vault(folder=Folder(tmp_path / "new"), keyring=vault.keyring)
    fetched = fetch(lost, place, received_dir=tmp_path / "new-received")
    assert fetched.tail is not None
    assert fetched.tail.end == Segment(1, 7).start + 200

    kept = put_segment(vault, 7)
    shutil.rmtree(tmp_path / "received")
    state = copy.copy_records()
    assert state.problem is None
    assert state.undeletable == 2
    lost = Vault(folder=Folder(tmp_path / "newer"), keyring=vault.keyring)
    assert fetch(lost, place, received_dir=tmp_path / "newer-received").tail is None
    assert list_segments(lost) == [kept]
