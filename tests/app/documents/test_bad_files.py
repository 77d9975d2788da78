"""Files that cannot be read say why and what to do, and leave nothing half indexed."""

from __future__ import annotations

import asyncio
import io
import os
import zipfile
from pathlib import Path

import pytest

from tests.app.data.conftest import Facts
from tests.app.documents import files
from tests.app.documents.conftest import Library

pytestmark = pytest.mark.req("R2-5")

#: What an Office file with a password looks like from outside: an old container with one named stream.
LOCKED = (
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "EncryptedPackage".encode("utf-16-le") + bytes(512)
)
OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1024)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("locked.pdf", files.encrypted_pdf(), "file.encrypted"),
        ("locked.docx", LOCKED, "file.encrypted"),
        ("old.doc", OLD, "file.old_office"),
        ("cut.pdf", files.pages_of_text(3)[:200], "file.corrupt"),
        ("scan.pdf", files.pdf([[], [], []]), "file.scanned_only"),
        ("bomb.docx", files.office_bomb(), "file.bomb"),
        ("blank.txt", b"  \n \t\n", "file.empty"),
        ("dots.md", b"<!-- nothing -->\n", "file.no_text"),
        ("photo.txt", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "file.unknown_kind"),
        ("odd.txt", b"\xff\xfa\x81\x20\xfe\xfe text", "file.encoding"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_file_that_cannot_be_read_says_why_and_what_to_do(
    library: Library, facts: Facts, name: str, content: bytes, code: str
) -> None:
    document = await library.add(content, name=name)
    (version,) = document["versions"]
    assert (version["state"], version["problem"]["code"]) == ("failed", code)
    assert version["problem"]["message"]
    assert version["problem"]["hint"]
    assert await facts.one("SELECT count(*) FROM app.document_passage") == 0
    assert await facts.one("SELECT count(*) FROM app.document_text") == 0
    stored = await facts.one("SELECT problem FROM app.document_version")
    assert set(stored["message"]) == set(stored["hint"]) == {"ja", "en"}


async def test_an_empty_file_and_a_broken_zip_are_refused_at_the_door(
    library: Library, facts: Facts, stored: Path
) -> None:
    assert (await library.refuse(b"", name="empty.pdf"))["code"] == "file.empty"
    whole = files.folder({"a.md": b"# A\n\ntext"})
    assert (await library.refuse(whole[: len(whole) // 2], name="half.zip"))["code"] == "file.corrupt"
    assert await facts.one("SELECT count(*) FROM app.document") == 0
    assert await asyncio.to_thread(os.listdir, stored) == []


async def test_a_folder_is_taken_file_by_file_and_what_is_dangerous_in_it_is_said(
    library: Library, facts: Facts
) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.txt", bytes(3 << 20))
    content = files.folder(
        {
            "規程/就業規則.md": files.MARKDOWN.encode(),
            "規程/旅費.docx": files.word(),
            "規程/.DS_Store": b"x",
            "__MACOSX/規程/旅費.docx": b"x",
            "../../etc/passwd.md": b"# root",
            "inner.zip": bomb.getvalue(),
            "zeros.txt": bytes(3 << 20),
            ".": b"# nowhere",
        }
    )
    found = await library.post(content, name="folder.zip", kind="policy")
    assert {item["source_path"]: item["outcome"] for item in found["items"]} == {
        "規程/就業規則.md": "created",
        "規程/旅費.docx": "created",
    }
    assert {each["path"].rpartition("/")[2]: each["code"] for each in found["skipped"]} == {
        "passwd.md": "archive.path",
        "inner.zip": "archive.nested",
        "zeros.txt": "file.bomb",
        "": "archive.path",
    }
    await library.queue.work_until_idle()
    assert {await facts.one("SELECT DISTINCT state FROM app.document_version")} == {"ready"}
    again = await library.post(content, name="folder.zip", kind="policy")
    assert {item["outcome"] for item in again["items"]} == {"unchanged"}
    assert await facts.one("SELECT count(*) FROM app.document_version") == 2


async def test_a_file_that_takes_too_much_memory_is_given_up_and_the_worker_goes_on(
    library: Library, facts: Facts
) -> None:
    # Each page is cheap to write and dear to open: a form of forms of forms.
    deep = b"<p>" * 400_000 + b"end"
    document = await library.add(b"<html><body>" + deep, name="deep.html")
    assert document["versions"][0]["state"] in {"ready", "failed"}
    after = await library.add(files.MARKDOWN.encode(), name="after.md")
    assert after["versions"][0]["state"] == "ready"
    assert await facts.one("SELECT count(*) FROM app.document_version WHERE state = 'reading'") == 0
