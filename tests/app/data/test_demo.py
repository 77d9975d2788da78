"""The demo company: the same every time it is made, believable, complete, and loaded once only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrx.app.demo.accounts import ACCOUNTS
from hrx.app.demo.bulk import plan_crowd
from hrx.app.demo.careers import simulate
from hrx.app.demo.loading import SEED, SLUG, plan_company, provide_tenant
from hrx.app.demo.names import spell
from hrx.app.demo.units import list_units
from hrx.app.people.employees.importing.timeline import FOREVER
from hrx.app.platform.db import Database
from hrx.app.settings import AppSettings
from tests.app.clients import Browser, User
from tests.app.conftest import MakeSettings, SignIn
from tests.app.data.conftest import Facts

pytestmark = pytest.mark.req("R2-2")

ANCHOR = date(2026, 11, 24)
PASSWORD = "minato-2026-静かな海"


def run_demo(app_settings: AppSettings) -> dict[str, object]:
    """The loader as `make up` starts it."""
    environment = {
        **os.environ,
        "HRX_DATABASE_URL": app_settings.database_url.get_secret_value(),
        "HRX_SESSION_KEYS": app_settings.session_keys.get_secret_value(),
        "HRX_SEAL_KEYS": app_settings.seal_keys.get_secret_value(),
        "HRX_DEMO_PASSWORD": PASSWORD,
        # Jobs to read them would be found by whatever test works the queue next.
        "HRX_DEMO_DOCUMENTS": "false",
    }
    done = subprocess.run(
        [sys.executable, "-m", "hrx.app.demo"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    said: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return said


def test_the_same_day_gives_the_same_company() -> None:
    first, second = plan_company(anchor=ANCHOR), plan_company(anchor=ANCHOR)
    assert repr(first) == repr(second)
    assert repr(plan_company(anchor=ANCHOR + timedelta(days=200))) != repr(first)


@given(st.dates(min_value=date(2024, 1, 1), max_value=date(2040, 12, 31)))
@settings(max_examples=12, deadline=None)
def test_on_any_day_it_is_a_whole_company(anchor: date) -> None:
    company = simulate(anchor=anchor, seed=SEED)
    working = [place for career in company.careers if (place := career.place_on(anchor)) is not None]
    assert 270 <= len(working) <= 370
    heads = Counter(place.unit for place in working if place.is_head)
    assert heads == {unit.code: 1 for unit in list_units()}, "every unit has one head"
    assert anchor - company.begins >= timedelta(days=3 * 365)
    plan = plan_company(anchor=anchor)
    posts = [segment for person in plan.people for spell in person.spells for segment in spell.opened]
    assert all(segment.start < segment.end for segment in posts)
    assert any(segment.kind == "concurrent" for segment in posts)
    assert any(len(person.spells) == 2 for person in plan.people), "somebody came back"
    assert sum(person.spells[-1].end != FOREVER for person in plan.people) >= 15, "some left"
    assert len({person.work_email for person in plan.people}) == len(plan.people)
    assert max(segment.start for segment in posts) <= anchor


def test_names_are_spelt_as_passports_do() -> None:
    assert [
        spell(reading) for reading in ("さとう", "じゅん", "ほんま", "おおの", "いのうえ", "しょうじ")
    ] == [
        "Sato",
        "Jun",
        "Homma",
        "Ono",
        "Inoue",
        "Shoji",
    ]


async def test_it_is_loaded_once_and_every_role_can_sign_in(
    make_settings: MakeSettings, database: Database, browser: Browser, sign_in: SignIn
) -> None:
    said = run_demo(make_settings())
    tenant_id = await provide_tenant(database, slug=SLUG, name="")
    facts = Facts(database, tenant_id)
    counts = (
        "SELECT (SELECT count(*) FROM app.person), (SELECT count(*) FROM app.assignment),"
        " (SELECT count(*) FROM app.change_order), (SELECT count(*) FROM app.user_account)"
    )
    before = await facts.one(counts)
    again = run_demo(make_settings())
    assert (again["is_new"], again["accounts"]) == (False, said["accounts"])
    assert await facts.one(counts) == before
    for account in ACCOUNTS:
        user = User(tenant_id=tenant_id, id=0, email=account.email, password=PASSWORD)  # type: ignore[arg-type]
        signed_in = await sign_in(user=user)
        session = (await signed_in.get("/session")).json()
        assert session["roles"] == [account.role.value]
        assert session["person_id"] is not None
    unnamed = (
        "SELECT (SELECT count(*) FROM app.org_unit_version WHERE name_en = '')"
        " + (SELECT count(*) FROM app.position_version WHERE title_en = '')"
    )
    assert await facts.one(unnamed) == 0, "whoever reads English has names to read"
    orders = await facts.all("SELECT kind, state FROM app.change_order WHERE kind <> 'import'")
    assert Counter(orders) == {
        ("unit_rename", "applied"): 1,
        ("transfer", "reserved"): 3,
        ("hire", "reserved"): 2,
        ("departure", "reserved"): 1,
        ("correction", "applied"): 1,
        ("transfer", "proposed"): 1,
    }


def test_crowds_are_the_same_for_the_same_seed_and_have_one_top() -> None:
    plan = plan_crowd(people=1_000, today=ANCHOR, seed=7)
    assert repr(plan) == repr(plan_crowd(people=1_000, today=ANCHOR, seed=7))
    assert len(plan.people) == 1_000
    top = [person.number for person in plan.people if person.spells[0].opened[-1].terms.manager is None]
    assert top == ["000001"]
