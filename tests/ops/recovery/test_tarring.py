"""Streams of tar: unpacked whole, whatever the system can do, and nothing but what they may hold."""

from __future__ import annotations

import errno
import io
import os
import shutil
import tarfile
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from hrx.ops.recovery.tarring import unpack

pytestmark = pytest.mark.req("R6.1-1")


@pytest.fixture(params=["kernel", "no_splice", "refusing_disk"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How the system moves bytes from a pipe into a file: not every one can do it by itself."""
    if request.param == "no_splice":
        monkeypatch.delattr(os, "splice", raising=False)
    if request.param == "refusing_disk":

        def splice(*_: object) -> int:
            raise OSError(errno.EINVAL, "not on this file system")

        monkeypatch.setattr(os, "splice", splice, raising=False)


def unpack_bytes(content: bytes, into: Path) -> None:
    """Through a pipe, as a restore does it."""
    read_end, write_end = os.pipe()

    def pour() -> None:
        with os.fdopen(write_end, "wb") as pipe, suppress(BrokenPipeError):
            pipe.write(content)

    pouring = threading.Thread(target=pour)
    pouring.start()
    try:
        unpack(read_end, into)
    finally:
        os.close(read_end)
        pouring.join(10)


@pytest.mark.parametrize(
    ("name", "kind"), [("../escape", "file"), ("/etc/escape", "file"), ("link", "link"), ("pipe", "pipe")]
)
def test_a_stream_that_holds_anything_but_a_data_directory_is_refused(
    tmp_path: Path, name: str, kind: str
) -> None:
    member = tarfile.TarInfo(name)
    member.type = {"file": tarfile.REGTYPE, "link": tarfile.SYMTYPE, "pipe": tarfile.FIFOTYPE}[kind]
    member.linkname = "/etc/passwd" if kind == "link" else ""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        tar.addfile(member)
    with pytest.raises(tarfile.TarError):
        unpack_bytes(stream.getvalue(), tmp_path / "inside")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("way")
def test_a_stream_is_unpacked_byte_by_byte_with_its_rights_and_times(tmp_path: Path) -> None:
    contents = {"empty": b"", "one": b"1", "block": b"b" * 512, "large": os.urandom(3_000_001)}
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        folder = tarfile.TarInfo("base/1")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, content in contents.items():
            member = tarfile.TarInfo(f"base/1/{name}")
            member.size, member.mode, member.mtime = len(content), 0o644, 1_700_000_000
            tar.addfile(member, io.BytesIO(content))
    into = tmp_path / "copy"
    into.mkdir()
    unpack_bytes(stream.getvalue(), into)
    assert {path.name: path.read_bytes() for path in (into / "base" / "1").iterdir()} == contents
    facts = (into / "base" / "1" / "large").stat()
    assert (facts.st_mode & 0o777, int(facts.st_mtime)) == (0o600, 1_700_000_000)
    for cut in (100, 512 * 3 + 7, len(stream.getvalue()) // 2):
        shutil.rmtree(into)
        into.mkdir()
        with pytest.raises(tarfile.TarError):
            unpack_bytes(stream.getvalue()[:cut], into)
