"""A zip of files as stored files: all of it, or nothing."""

from __future__ import annotations

import asyncio
import io
import struct
import tracemalloc
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from hrx.app.people.documents import folders
from hrx.app.people.documents.extracting import archives
from hrx.app.people.documents.problems import FileUnreadable
from hrx.app.people.documents.unpacking import take_files
from hrx.app.platform.storage import Storage
from hrx.app.platform.tenancy import TenantId
from tests.app.data.conftest import Facts
from tests.app.documents.conftest import Library
from tests.conftest import PostgresServer

pytestmark = pytest.mark.req("R2-5")

_SIZE_AT = 24
_MEMBER_BYTES = 60 * 1024 * 1024
_FILES = 60


def lying_zip(path: Path, *, members: int) -> bytes:
    """Files of nothing but blanks, each of which the directory calls ten bytes long."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(members):
            archive.writestr(f"rules/{number}.txt", b" " * _MEMBER_BYTES)
    data = bytearray(path.read_bytes())
    at = data.find(b"PK\x01\x02")
    while at != -1:
        data[at + _SIZE_AT : at + _SIZE_AT + 4] = (10).to_bytes(4, "little")
        at = data.find(b"PK\x01\x02", at + 4)
    return bytes(data)


async def test_a_zip_that_lies_about_its_sizes_ends_at_the_limit_and_nothing_stays(tmp_path: Path) -> None:
    members = archives.MAX_UNPACKED_BYTES // _MEMBER_BYTES + 1
    data = lying_zip(tmp_path / "made.zip", members=members)

    async def chunks() -> AsyncIterator[bytes]:
        yield data

    storage = Storage(tmp_path / "storage")
    with pytest.raises(FileUnreadable) as refused:
        await take_files(
            chunks(),
            name="rules.zip",
            source_path=None,
            storage=storage,
            tenant_id=TenantId(1),
            limit_bytes=archives.MAX_UNPACKED_BYTES,
            unpacks=True,
        )
    assert refused.value.stable_code == "file.bomb"
    assert list_files(storage.root) == []


def crowded_zip(*, entries: int) -> bytes:
    """Nothing but a directory: every entry names the same empty file."""
    name = b"word/a.xml"
    local = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0) + name
    entry = struct.pack(
        "<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0, 0, 0, 0, 0, 0
    )
    directory = (entry + name) * entries
    # The number of entries that the end tells is wrong on purpose: whoever believes it counts one.
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, len(directory), len(local), 0)
    return local + directory + end


@pytest.mark.parametrize("entries", [archives.MAX_ENTRIES + 1, 300_000])
def test_a_directory_over_the_limit_is_refused_before_its_entries_are_made(
    tmp_path: Path, entries: int
) -> None:
    path = tmp_path / "crowded.zip"
    path.write_bytes(crowded_zip(entries=entries))
    tracemalloc.start()
    try:
        with pytest.raises(FileUnreadable) as refused:
            folders.is_folder(path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert refused.value.stable_code == "archive.too_many"
    # 300,000 entries are 17 MB of directory and 150 MB of objects.
    assert most < 8 * archives.MAX_DIRECTORY_BYTES


def list_files(folder: Path) -> list[Path]:
    return [one for one in folder.rglob("*") if one.is_file()]


async def test_no_transaction_waits_while_an_upload_is_unpacked(
    library: Library, facts: Facts, stored: Path, postgres: PostgresServer
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(_FILES):
            archive.writestr(f"rules/{number}.txt", f"{number} " * 200_000)
    upload = asyncio.create_task(library.post(packed.getvalue(), name="rules.zip"))
    waiting: list[int] = []
    async with await psycopg.AsyncConnection.connect(postgres.admin_url, autocommit=True) as looking:
        while not upload.done():
            # Between the first file and the last but a few it is unpacking, and at nothing else.
            if 2 < len(await asyncio.to_thread(list_files, stored)) < _FILES - 5:
                found = await looking.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
                )
                waiting += [int(row[0]) for row in await found.fetchall()]
    assert len((await upload)["items"]) == _FILES
    assert waiting
    assert max(waiting) == 0
    assert await facts.one("SELECT count(*) FROM app.document_version") == _FILES
    # Millions of words: the tidying would queue them again, to be read in the time of another test.
    for item in (await upload)["items"]:
        assert (await library.browser.request("DELETE", f"/documents/{item['id']}")).status_code == 204
