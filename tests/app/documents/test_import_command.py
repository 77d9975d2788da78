"""`hrx import documents`: a folder through the API, again without harm, and what cannot be read is told."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi import FastAPI

from hrx.app.platform import jobs
from hrx.app.platform.tenancy import Role
from tests.app.clients import PASSWORD
from tests.app.conftest import MakeUser
from tests.app.documents import files
from tests.app.documents.conftest import Library
from tests.app.serving import served
from tests.conftest import ROOT

pytestmark = pytest.mark.req("R2-5")


async def run(*arguments: str, folder: Path, said: str = PASSWORD) -> tuple[int, str, str]:
    """The command as a person types it, its password on standard input."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hrx.cli", "import", "documents", str(folder), *arguments,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HRX_LANGUAGE": "en", "HRX_VAR_DIR": str(folder.parent / "var")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(f"{said}\n".encode()), 90)
    return process.returncode or 0, out.decode(), err.decode()


def make_folder(folder: Path) -> Path:
    (folder / "rules").mkdir(parents=True)
    (folder / "rules" / "就業規則.md").write_text(files.MARKDOWN)
    (folder / "rules" / "旅費.docx").write_bytes(files.word())
    (folder / "locked.pdf").write_bytes(files.encrypted_pdf())
    (folder / "logo.png").write_bytes(b"\x89PNG")
    (folder / ".git").mkdir()
    (folder / ".git" / "notes.md").write_text("# hidden")
    return folder


async def test_a_folder_is_imported_once_and_again_without_harm(
    make_user: MakeUser, queue: jobs.Queue, library: Library, tmp_path: Path, app: FastAPI
) -> None:
    folder = await asyncio.to_thread(make_folder, tmp_path / "handbook")
    user = await make_user(Role.HR, locale="en")
    said_by = ("--email", user.email, "--yes", "--json")
    async with served(app) as url:
        worker = asyncio.create_task(queue.work(concurrency=1, stop_after_s=5))
        try:
            code, out, err = await run("--url", url, *said_by, folder=folder)
            assert code == 1, err + out
            first = json.loads(out)
            again = json.loads((await run("--url", url, *said_by, folder=folder))[1])
        finally:
            worker.cancel()
            await asyncio.wait([worker])
    counts = ("created", "new_version", "unchanged", "failed", "left")
    assert [first[name] for name in counts] == [3, 0, 0, 1, 1]
    assert first["problems"][0]["path"] == "handbook/locked.pdf"
    assert "password" in first["problems"][0]["problem"]
    # What failed is tried again; what is the same is left.
    assert [again[name] for name in counts] == [0, 1, 2, 1, 1]
    listed = await library.browser.get("/documents")
    assert {item["source_path"] for item in listed.json()["items"]} == {
        "handbook/rules/就業規則.md", "handbook/rules/旅費.docx", "handbook/locked.pdf",
    }  # fmt: skip


async def test_a_dry_run_lists_files_and_a_wrong_password_says_so(
    make_user: MakeUser, tmp_path: Path, app: FastAPI
) -> None:
    folder = await asyncio.to_thread(make_folder, tmp_path / "handbook")
    code, out, _ = await run("--dry-run", "--json", folder=folder)
    assert (code, len(json.loads(out)["files"]), len(json.loads(out)["left"])) == (0, 3, 1)
    user = await make_user(Role.HR)
    async with served(app) as url:
        code, _, err = await run("--url", url, "--email", user.email, "--yes", folder=folder, said="wrong")
    assert (code, "cannot sign in" in err) == (1, True), err
    code, _, err = await run("--dry-run", folder=tmp_path / "nowhere")
    assert (code, "There is no folder" in err) == (2, True), err
