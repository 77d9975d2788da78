"""A disk without room: told in the reader's language, nothing is lost, and it goes on when there is room.

A process may be allowed no file larger than so many bytes (RLIMIT_FSIZE). Writing more fails in the kernel as
on a full disk, without being root; and the limit is lifted while the process runs, as a disk is cleared."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Role, TenantId
from tests.app.clients import User, create_user
from tests.app.conftest import MakeSettings
from tests.app.data.conftest import Facts, Importer, csv_bytes
from tests.app.serving import Process, running_process

pytestmark = pytest.mark.req("R2-2")

HEADER = "社員番号,氏名,部署,入社日"
PEOPLE = csv_bytes(HEADER, *(f"{n:05d},佐藤 健{n},本社,2020-04-01" for n in range(1, 301)))
#: Smaller than any file below, larger than nothing.
ROOM_BYTES = 2_048


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("full-disk")


@pytest.fixture(scope="module")
def api(make_settings: MakeSettings, folder: Path) -> Iterator[Process]:
    settings = make_settings(storage_url=f"file:{folder}", access_log=False)
    with running_process("hrx.app.api", settings, port_variable="HRX_API_PORT") as process:
        process.wait_until_ready()
        yield process


def fill_disk(process: Process) -> None:
    resource.prlimit(process.popen.pid, resource.RLIMIT_FSIZE, (ROOM_BYTES, resource.RLIM_INFINITY))


def clear_disk(process: Process) -> None:
    room = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(process.popen.pid, resource.RLIMIT_FSIZE, room)


@pytest.fixture
def full_disk(api: Process) -> Iterator[Process]:
    fill_disk(api)
    yield api
    clear_disk(api)


def files_in(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def sign_in(process: Process, user: User) -> httpx.Client:
    client = httpx.Client(base_url=f"{process.url}/api/v1", trust_env=False, timeout=60)
    body = {"email": user.email, "password": user.password, "bearer": True}
    answer = client.post("/auth/login", json=body)
    assert answer.status_code == 200, answer.text
    client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    return client


SAID = {
    "ja": ("ファイルを保存できません。何も取り込んでいません。", "ファイルを作成できません。"),
    "en": ("The file cannot be stored. Nothing was imported.", "The file cannot be made."),
}


@pytest.mark.parametrize("locale", ["ja", "en"])
async def test_uploads_and_downloads_say_so_lose_nothing_and_work_again(
    app: FastAPI,
    database: Database,
    tenant: TenantId,
    importer: Importer,
    facts: Facts,
    api: Process,
    folder: Path,
    locale: str,
) -> None:
    await importer.load(PEOPLE)
    user = await create_user(app, database, tenant_id=tenant, roles=frozenset({Role.HR}), locale=locale)
    client = sign_in(api, user)
    upload = {"file": ("社員.csv", PEOPLE)}
    before = files_in(folder)
    not_stored, not_made = SAID[locale]
    fill_disk(api)
    try:
        answer = client.post("/imports", files=upload)
        assert (answer.status_code, answer.json()["code"]) == (503, "storage.unavailable")
        assert answer.json()["detail"] == not_stored
        for kind in ("csv", "xlsx"):
            answer = client.get(f"/exports/people.{kind}")
            assert (answer.status_code, answer.json()["code"]) == (503, "download.no_room"), kind
            assert answer.json()["detail"] == not_made
        # Reading and writing people needs no file: it goes on.
        assert client.get("/people").json()["total"] == 300
        unit = {"code": "NEW", "name_ja": "新設部", "effective_on": "2024-04-01"}
        assert client.post("/org-units", json=unit).status_code == 201
    finally:
        clear_disk(api)
    assert files_in(folder) == before
    assert await facts.one("SELECT count(*) FROM app.data_import") == 1
    assert client.post("/imports", files=upload).status_code == 201
    for kind in ("csv", "xlsx"):
        assert client.get(f"/exports/people.{kind}").headers["X-HRX-Rows"] == "300"
    assert "Traceback" not in api.output.read_text()
    client.close()


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("ja", "サーバーのディスクに空きがないため、保存できませんでした。"),
        ("en", "The server's disk has no room left; nothing was saved."),
    ],
)
async def test_an_upload_that_cannot_even_be_taken_in_is_not_called_unreadable(
    app: FastAPI,
    database: Database,
    tenant: TenantId,
    api: Process,
    full_disk: Process,
    locale: str,
    said: str,
) -> None:
    # Beyond 1 MB the framework keeps an upload in a temporary file, before any route of ours is asked.
    user = await create_user(app, database, tenant_id=tenant, roles=frozenset({Role.HR}), locale=locale)
    client = sign_in(api, user)
    answer = client.post(
        "/imports", files={"file": ("社員.csv", PEOPLE * 200)}, headers={"Accept-Language": locale}
    )
    assert (answer.status_code, answer.json()["code"]) == (503, "disk.full"), answer.text
    assert answer.json()["detail"] == said
    client.close()
