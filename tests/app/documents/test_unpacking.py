"""A zip of files as stored files: all of it, or nothing."""

from __future__ import annotations

import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hrx.app.people.documents.extracting import archives
from hrx.app.people.documents.problems import FileUnreadable
from hrx.app.people.documents.unpacking import take_files
from hrx.app.platform.storage import Storage
from hrx.app.platform.tenancy import TenantId

pytestmark = pytest.mark.req("R2-5")

_SIZE_AT = 24
_MEMBER_BYTES = 60 * 1024 * 1024


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
    assert [one for one in storage.root.rglob("*") if one.is_file()] == []
