"""Who may import, what is refused at the door, and how a running import is seen."""

from __future__ import annotations

import io
import os
from datetime import timedelta
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import text

from hrx.app.people.employees.importing.fields import FIELDS
from hrx.app.people.employees.importing.jobs import forget_old_imports
from hrx.app.platform import jobs
from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Role, TenantId, system_principal
from hrx.kit import clock
from tests.app.conftest import MakeUser, SignIn
from tests.app.data.conftest import Facts, Importer, csv_bytes
from tests.conftest import MakeTenant

pytestmark = pytest.mark.req("R2-2")

FILE = csv_bytes("社員番号,氏名,部署,入社日", "1,佐藤 健,本社,2020-04-01")


@pytest.mark.parametrize("role", [Role.EMPLOYEE, Role.MANAGER, Role.AUDITOR])
async def test_only_hr_and_owner_import(sign_in: SignIn, role: Role) -> None:
    browser = await sign_in(role)
    assert (await browser.post("/imports", files={"file": ("a.csv", FILE)})).status_code == 403
    assert (await browser.post("/imports/1/commit", {})).status_code == 403
    may_look = role is Role.AUDITOR
    assert (await browser.get("/imports")).status_code == (200 if may_look else 403)


async def test_another_tenants_import_does_not_exist(
    importer: Importer, sign_in: SignIn, make_tenant: MakeTenant, make_user: MakeUser
) -> None:
    mine = await importer.upload(FILE)
    stranger = await make_user(Role.OWNER, tenant_id=await make_tenant())
    browser = await sign_in(user=stranger)
    for method, path in (
        ("GET", ""),
        ("GET", "/rows"),
        ("GET", "/errors.csv"),
        ("POST", "/check"),
        ("POST", "/commit"),
        ("POST", "/cancel"),
    ):
        answer = await browser.request(method, f"/imports/{mine['id']}{path}")
        assert answer.status_code == 404, path
    assert (await browser.get("/imports")).json()["total"] == 0


async def test_an_upload_shows_how_it_was_read(importer: Importer) -> None:
    found = await importer.upload(
        csv_bytes("社員番号;氏名;Abteilung", "1;髙橋 美咲;営業", encoding="cp932"),
        name="../../evil\u202e.csv",
    )
    assert (found["encoding"], found["delimiter"], found["rows_total"]) == ("cp932", ";", 1)
    assert found["file_name"] == "evil.csv"
    assert found["state"] == "uploaded"
    assert found["mapping"] == {"社員番号": "employee_number", "氏名": "full_kanji"}
    assert found["columns"][2] == {
        "name": "Abteilung",
        "samples": ["営業"],
        "guessed_field": None,
        "confidence": 0.0,
    }


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "file.empty"), (b"\xff\xff\xfe,\x81", "file.encoding"), (b"PK\x03\x04", "file.workbook")],
)
async def test_unreadable_files_are_refused_and_leave_nothing_behind(
    importer: Importer, facts: Facts, content: bytes, code: str
) -> None:
    problem = await importer.refuse(content)
    assert problem["code"] == code
    assert problem["hint"]
    assert await facts.one("SELECT count(*) FROM app.data_import") == 0


async def test_messages_come_in_the_users_language(
    sign_in: SignIn, queue: jobs.Queue, tenant: TenantId
) -> None:
    importer = Importer(browser=await sign_in(Role.HR, locale="en"), queue=queue)
    done = await importer.check(csv_bytes("Employee no,Name,Dept,Hired", "1,Sato Ken,HQ,soon"))
    (row,) = await importer.rows(done["id"], only="errors")
    assert row["errors"][0]["message"].startswith("“soon” is not a date.")
    assert (await importer.refuse(b""))["detail"] == "The file is empty."


@pytest.mark.parametrize(
    ("mapping", "code"),
    [
        ({"氏名": "full_kanji"}, "field.required"),
        ({"社員番号": "employee_number", "氏名": "employee_number"}, "field.twice"),
        ({"社員番号": "employee_number", "氏名": "salary"}, "field.unknown"),
        ({"社員番号": "employee_number", "ない列": "grade"}, "column.unknown"),
    ],
)
async def test_a_wrong_mapping_is_refused_with_its_column(
    importer: Importer, mapping: dict[str, str], code: str
) -> None:
    found = await importer.upload(FILE)
    answer = await importer.browser.put(f"/imports/{found['id']}/mapping", {"mapping": mapping})
    assert answer.status_code == 422
    assert code in [error["code"] for error in answer.json()["errors"]]


async def test_steps_out_of_order_are_refused(importer: Importer) -> None:
    found = await importer.upload(FILE)
    commit = await importer.browser.post(f"/imports/{found['id']}/commit", {})
    assert (commit.status_code, commit.json()["code"]) == (409, "import.not_ready")
    done = await importer.load(FILE)
    for path in ("check", "cancel"):
        answer = await importer.browser.post(f"/imports/{done['id']}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (409, "import.not_ready")


async def test_a_new_mapping_voids_the_check(importer: Importer) -> None:
    done = await importer.check(FILE)
    await importer.browser.put(f"/imports/{done['id']}/mapping", {"mapping": done["mapping"]})
    answer = await importer.browser.post(f"/imports/{done['id']}/commit", {})
    assert answer.json()["code"] == "import.not_ready"


async def test_a_check_that_was_overtaken_writes_nothing(importer: Importer) -> None:
    found = await importer.upload(FILE)
    await importer.browser.post(f"/imports/{found['id']}/check")
    # The first job still waits; the mapping cannot change while it does, but a cancellation can.
    cancelled = await importer.browser.post(f"/imports/{found['id']}/cancel")
    assert cancelled.json()["state"] == "cancelled"
    await importer.queue.work_until_idle()
    assert (await importer.get(found["id"]))["state"] == "cancelled"
    assert await importer.rows(found["id"]) == []


async def test_four_eyes_need_somebody_else_to_commit(
    importer: Importer, sign_in: SignIn, database: Database, tenant: TenantId
) -> None:
    async with database.transaction(system_principal(tenant)) as session:
        await session.execute(text("UPDATE app.tenant SET needs_four_eyes = true"))
    done = await importer.check(FILE)
    answer = await importer.browser.post(f"/imports/{done['id']}/commit", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "import.needs_second_person")
    other = Importer(browser=await sign_in(Role.OWNER), queue=importer.queue)
    assert (await other.commit(done["id"]))["state"] == "committed"


async def test_templates_have_every_column_and_import_nobody_by_mistake(importer: Importer) -> None:
    answer = await importer.browser.get("/imports/template.csv")
    header = answer.content.decode("utf-8-sig").strip().split(",")
    assert header == [field.label.ja for field in FIELDS if field.is_template]
    book = await importer.browser.get("/imports/template.xlsx")
    grid = CalamineWorkbook.from_object(io.BytesIO(book.content)).get_sheet_by_index(0).to_python()
    assert grid == [header]
    assert (await importer.refuse(answer.content))["code"] == "file.no_rows"


async def test_old_imports_lose_their_file_and_rows_but_not_their_line(
    importer: Importer, facts: Facts, database: Database, tenant: TenantId, queue: jobs.Queue
) -> None:
    done = await importer.load(FILE)
    key = await facts.one("SELECT file_key FROM app.data_import")
    with clock.shifted(timedelta(days=31)):
        async with database.transaction(system_principal(tenant)) as session:
            await jobs.enqueue(session, forget_old_imports)
        await queue.work_until_idle()
    assert await facts.one("SELECT file_key FROM app.data_import") is None
    assert await importer.rows(done["id"]) == []
    assert (await importer.get(done["id"]))["state"] == "committed"
    assert not (Path(queue.runtime.settings.storage_url.removeprefix("file:")) / key).exists()


async def test_files_that_no_import_knows_go_after_a_day(
    importer: Importer, facts: Facts, database: Database, tenant: TenantId, queue: jobs.Queue
) -> None:
    """What an API process leaves that was killed between storing a file and committing its key."""
    await importer.load(FILE)
    key = await facts.one("SELECT file_key FROM app.data_import")
    folder = (Path(queue.runtime.settings.storage_url.removeprefix("file:")) / key).parent
    half, whole, fresh = folder / "half.part", folder / "whole", folder / "fresh"
    two_days_ago = clock.now().timestamp() - 2 * 86_400
    for path in (half, whole, fresh):
        path.write_bytes(b"personal")
    for path in (half, whole, folder.parent.parent / key):
        os.utime(path, (two_days_ago, two_days_ago))
    async with database.transaction(system_principal(tenant)) as session:
        await jobs.enqueue(session, forget_old_imports)
    await queue.work_until_idle()
    assert {path.name for path in folder.iterdir()} == {"fresh", Path(key).name}
