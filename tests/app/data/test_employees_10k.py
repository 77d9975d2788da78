"""The adapter for the employees sample: what is in the scripts is in the record, on every day.

A small made-up folder in the same format is used here; the official one is loaded and verified by the same
commands (examples/employees_10k/README.md), and by this module too when HRX_SHARED_DATA points to it."""

from __future__ import annotations

import os
import secrets
import shutil
from datetime import date
from pathlib import Path

import pytest

from hrx.app.people.employees.importing.employees_10k.loading import find_tenant, load_employees
from hrx.app.people.employees.importing.employees_10k.source import OPEN, parse_inserts, read_source
from hrx.app.people.employees.importing.employees_10k.verifying import NaiveReplay, verify
from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Role, TenantId
from hrx.kit.errors import HrxError
from tests.app.conftest import MakeUser, SignIn
from tests.app.data.conftest import Facts

pytestmark = pytest.mark.req("R2-2")

SAMPLE = Path(__file__).resolve().parents[3] / "examples" / "employees_10k" / "sample"


def folders() -> list[Path]:
    """The sample of the repository, and the official data where somebody has it."""
    shared = os.environ.get("HRX_SHARED_DATA")
    official = Path(shared) / "employees-10k" if shared else None
    return [SAMPLE, *([official] if official and official.is_dir() else [])]


async def load(database: Database, folder: Path) -> TenantId:
    slug = f"e-{secrets.token_hex(6)}"
    report = await load_employees(database, folder=folder, slug=slug, name="Employees")
    assert report.is_new
    tenant_id = await find_tenant(database, slug=slug)
    assert tenant_id is not None
    return tenant_id


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
async def test_the_record_equals_a_naive_replay_of_the_files(database: Database, folder: Path) -> None:
    tenant_id = await load(database, folder)
    verdict = await verify(database, tenant_id=tenant_id, folder=folder, days=100)
    assert verdict.is_equal, verdict
    assert verdict.days == 100
    assert verdict.people_seen > 100


async def test_the_replay_notices_a_record_that_differs(database: Database, tmp_path: Path) -> None:
    tenant_id = await load(database, SAMPLE)
    changed = tmp_path / "changed"
    shutil.copytree(SAMPLE, changed)
    script = changed / "load_dept_emp.sql"
    script.write_text(script.read_text().replace("(6,'d003','1996-10-01'", "(6,'d001','1996-10-01'"))
    verdict = await verify(database, tenant_id=tenant_id, folder=changed, days=100)
    assert not verdict.is_equal
    assert "d001" in str(verdict.first_difference)


async def test_overlapping_departments_become_a_concurrent_post(database: Database) -> None:
    facts = Facts(database, await load(database, SAMPLE))
    assert [(post[0], post[1], post[4], post[5]) for post in await facts.posts("3")] == [
        ("primary", "Marketing", date(1990, 4, 1), date(1997, 1, 1)),
        ("concurrent", "Finance", date(1996, 4, 1), date(1998, 4, 1)),
        ("primary", "Marketing", date(1997, 1, 1), date(1998, 4, 1)),
        ("primary", "Finance", date(1998, 4, 1), None),
    ]


async def test_a_spell_of_no_days_is_skipped_and_said(database: Database) -> None:
    slug = f"e-{secrets.token_hex(6)}"
    report = await load_employees(database, folder=SAMPLE, slug=slug, name="Employees")
    assert report.skipped == ("department d002 of 5: 1995-04-01 to 1995-04-01",)
    assert (report.employees, report.department_spells, report.titles) == (6, 8, 7)
    again = await load_employees(database, folder=SAMPLE, slug=slug, name="Employees")
    assert not again.is_new, "a second run changes nothing"
    tenant_id = await find_tenant(database, slug=slug)
    assert tenant_id is not None
    assert await Facts(database, tenant_id).one("SELECT count(*) FROM app.person") == 6


async def test_the_org_chart_of_the_api_equals_the_files(
    database: Database, make_user: MakeUser, sign_in: SignIn
) -> None:
    tenant_id = await load(database, SAMPLE)
    facts = Facts(database, tenant_id)
    browser = await sign_in(user=await make_user(Role.HR, tenant_id=tenant_id))
    numbers = dict(await facts.all("SELECT id, employee_number FROM app.person"))
    replay = NaiveReplay(SAMPLE)
    for day in (date(1986, 1, 1), date(1994, 6, 1), date(1996, 12, 31), date(1997, 1, 1), date(2000, 1, 1)):
        answer = await browser.get("/org-chart", params={"as_of": day.isoformat(), "people": "true"})
        assert answer.status_code == 200, answer.text
        found = {
            (
                node["name"],
                numbers[person["id"]],
                person["position_title"] or None,
                numbers.get(person["manager_id"]),
            )
            for node in answer.json()["nodes"]
            for person in node["people"]
        }
        names = {"d001": "Marketing", "d002": "Finance", "d003": "R&D, Kawasaki"}
        assert found == {(names[unit], *rest) for unit, *rest in replay.chart(day)}, day


@pytest.mark.parametrize(
    "script",
    [
        "DROP TABLE employee;",
        "INSERT INTO employee VALUES (1,'a'); DELETE FROM employee;",
        "INSERT INTO employee VALUES (1,now());",
        "INSERT INTO employee VALUES (1,'a'",
        "INSERT INTO employee VALUES (1,'a') (2,'b');",
        "INSERT INTO employee SELECT 1;",
    ],
)
def test_nothing_but_rows_is_understood(script: str) -> None:
    with pytest.raises(HrxError) as refused:
        list(parse_inserts(script, name="x.sql"))
    assert refused.value.stable_code == "employees.unreadable"


def test_quotes_and_open_ends_are_read_as_meant() -> None:
    source = read_source(SAMPLE)
    assert source.employees[1].family == "O'Hara"
    assert source.departments["d003"] == "R&D, Kawasaki"
    assert source.titles[2].end == OPEN


def test_a_missing_script_is_named(tmp_path: Path) -> None:
    with pytest.raises(HrxError) as refused:
        read_source(tmp_path)
    assert "load_department.sql" in refused.value.message.en
