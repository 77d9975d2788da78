"""Planted troubles between environments are all found, a good set-up has none, and no value gets out."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest

from hrx.kit import clock
from hrx.kit.errors import Conflict, Invalid
from hrx.ops.release.environments.ages import Age, AgeRecord
from hrx.ops.release.environments.drift import Difference, compare
from hrx.ops.release.environments.fingerprints import FingerprintKey
from hrx.ops.release.environments.matrix import SettingFinding, Trouble, judge_matrix
from hrx.ops.release.environments.schema import KnownSetting, list_known
from hrx.ops.release.environments.snapshots import (
    Snapshot,
    read_snapshot,
    take_snapshot,
    without_values,
    write_snapshot,
)
from hrx.ops.release.environments.source import Reading
from hrx.ops.release.releases import Environment

pytestmark = pytest.mark.req("R3.6-1", "R10.1-1")
KEY = FingerprintKey(secrets.token_bytes(32))
DEVELOPMENT, STAGING, PRODUCTION = Environment


@pytest.fixture(scope="module")
def known() -> Mapping[str, KnownSetting]:
    return {one.name: one for one in list_known()}


def make_values(environment: Environment, **changed: str | None) -> dict[str, str]:
    """A good set-up of an environment, every secret its own."""
    values: dict[str, str | None] = {
        "HRX_DATABASE_URL": f"postgresql://hrx_app:{secrets.token_urlsafe(24)}@{environment}.db/hrx",
        "HRX_SESSION_KEYS": secrets.token_urlsafe(48),
        "HRX_SEAL_KEYS": secrets.token_urlsafe(48),
        "HRX_API_URL": f"https://{environment}.hrx.example",
        "HRX_ENVIRONMENT": environment.value,
        "HRX_CACHE_TTL_S": "300",
        **changed,
    }
    return {name: value for name, value in values.items() if value is not None}


def snap(
    environment: Environment,
    values: Mapping[str, str],
    known: Mapping[str, KnownSetting],
    *,
    key: FingerprintKey = KEY,
    is_machine: bool = False,
) -> Snapshot:
    return take_snapshot(
        environment, Reading(values=values, is_machine=is_machine), source="test", key=key, known=known
    )


def judge(
    known: Mapping[str, KnownSetting],
    *snapshots: Snapshot,
    ages: Mapping[Environment, Mapping[str, Age]] | None = None,
) -> tuple[SettingFinding, ...]:
    return judge_matrix(
        {one.environment: one for one in snapshots}, known=known, ages=ages or {}, now=clock.now()
    )


def told(findings: tuple[SettingFinding, ...]) -> set[tuple[str, str, str, bool]]:
    return {(one.trouble.value, one.environment.value, one.name, one.is_serious) for one in findings}


def test_three_good_environments_have_no_finding(known: Mapping[str, KnownSetting]) -> None:
    snapshots = [snap(environment, make_values(environment), known) for environment in Environment]
    assert judge(known, *snapshots) == ()


def test_every_planted_trouble_is_found_and_nothing_else(known: Mapping[str, KnownSetting]) -> None:
    shared = secrets.token_urlsafe(24)
    staging = make_values(
        STAGING,
        HRX_DATABASE_URL=f"postgresql://hrx_app:{shared}@staging.db/hrx",
        HRX_SLACK_SIGNING_SECRET=secrets.token_hex(16),
        HRX_POSTGRES_ADMIN_PASSWORD=secrets.token_urlsafe(24),
    )
    token = secrets.token_urlsafe(32)
    production = make_values(
        PRODUCTION,
        # The very password of staging, in an address that differs.
        HRX_DATABASE_URL=f"postgresql://hrx_app:{shared}@production.db/hrx",
        HRX_SEAL_KEYS=None,
        HRX_SESSION_KEYS="changeme-changeme",
        HRX_SESION_IDLE_S="600",
        HRX_FAULTS_FILE="var/faults.json",
        HRX_OPS_HOOK_TOKEN=token,
        HRX_SUBSCRIBER_KEY=token,
    )
    old = Age(name="HRX_OPS_HOOK_TOKEN", since=clock.now() - timedelta(days=200), is_exact=True, max_days=180)
    young = Age(name="HRX_SUBSCRIBER_KEY", since=clock.now(), is_exact=True, max_days=730)
    findings = judge(
        known,
        snap(STAGING, staging, known),
        snap(PRODUCTION, production, known),
        ages={PRODUCTION: {one.name: one for one in (old, young)}},
    )
    assert told(findings) == {
        ("missing", "production", "HRX_SEAL_KEYS", True),
        ("weak", "production", "HRX_SESSION_KEYS", True),
        ("development_only", "production", "HRX_FAULTS_FILE", True),
        ("unknown", "production", "HRX_SESION_IDLE_S", False),
        ("reused", "production", "HRX_OPS_HOOK_TOKEN", False),
        ("too_old", "production", "HRX_OPS_HOOK_TOKEN", False),
        ("unused", "staging", "HRX_SLACK_SIGNING_SECRET", False),
        ("unused", "staging", "HRX_POSTGRES_ADMIN_PASSWORD", False),
        ("shared", "production", "HRX_DATABASE_URL", True),
    }
    assert [one.is_serious for one in findings] == sorted((one.is_serious for one in findings), reverse=True)
    typo = next(one for one in findings if one.trouble is Trouble.UNKNOWN)
    assert "HRX_SESSION_IDLE_S" in typo.says.en
    assert shared not in repr(findings)


def test_what_a_machine_derives_is_neither_missing_nor_used_twice(known: Mapping[str, KnownSetting]) -> None:
    password = secrets.token_urlsafe(24)
    values = make_values(
        DEVELOPMENT,
        HRX_DATABASE_URL=f"postgresql://hrx_app:{password}@127.0.0.1/hrx",
        HRX_POSTGRES_APP_PASSWORD=password,
        HRX_SEAL_KEYS=None,
    )
    reading = Reading(values=values, derives=frozenset({"HRX_SEAL_KEYS"}), is_machine=True)
    snapshot = take_snapshot(DEVELOPMENT, reading, source="machine", key=KEY, known=known)
    assert judge(known, snapshot) == ()


def test_a_file_of_fingerprints_holds_no_value_and_is_believed_only_whole(
    tmp_path: Path, known: Mapping[str, KnownSetting]
) -> None:
    values = make_values(PRODUCTION)
    snapshot = snap(PRODUCTION, values, known)
    path = tmp_path / "production.json"
    write_snapshot(snapshot, path, key=KEY)
    text = path.read_text()
    for value in values.values():
        assert json.dumps(value) not in text or value == "production"
    assert KEY.secret.hex() not in text
    assert read_snapshot(path, key=KEY) == without_values(snapshot)
    with pytest.raises(Conflict):
        read_snapshot(path, key=FingerprintKey(secrets.token_bytes(32)))
    document = json.loads(text)
    document["entries"].pop("HRX_SEAL_KEYS")
    for wrong in (json.dumps(document), text[:-40], "[]", "{}", json.dumps({"format": "other"})):
        path.write_text(wrong)
        with pytest.raises(Invalid):
            read_snapshot(path, key=KEY)
    with pytest.raises(Invalid):
        read_snapshot(tmp_path / "none.json", key=KEY)


def test_between_environments_secrets_should_differ_and_settings_be_the_same(
    known: Mapping[str, KnownSetting],
) -> None:
    shared = secrets.token_urlsafe(48)
    staging = make_values(STAGING, HRX_SEAL_KEYS=shared, HRX_ACCESS_LOG="true")
    production = make_values(PRODUCTION, HRX_SEAL_KEYS=shared, HRX_CACHE_TTL_S="600")
    rows = compare(snap(STAGING, staging, known), snap(PRODUCTION, production, known), known=known)
    bad = {row.name: row.difference for row in rows if not row.is_wanted}
    assert bad == {
        "HRX_SEAL_KEYS": Difference.SAME,
        "HRX_CACHE_TTL_S": Difference.DIFFERENT,
        "HRX_ACCESS_LOG": Difference.ONLY_FIRST,
    }
    assert [row.is_wanted for row in rows] == sorted(row.is_wanted for row in rows)
    assert all("token" not in str(asdict(row)) or not row.is_secret for row in rows)


def test_an_address_that_differs_and_shares_its_password_is_told(known: Mapping[str, KnownSetting]) -> None:
    word = secrets.token_urlsafe(24)
    one = {"HRX_DATABASE_URL": f"postgresql://a:{word}@one/hrx"}
    other = {"HRX_DATABASE_URL": f"postgresql://a:{word}@other/hrx"}
    rows = compare(snap(STAGING, one, known), snap(PRODUCTION, other, known), known=known)
    assert [(row.difference, row.is_wanted) for row in rows] == [(Difference.DIFFERENT, False)]


def test_one_environment_should_be_the_same_everywhere_it_is_kept(known: Mapping[str, KnownSetting]) -> None:
    values = make_values(PRODUCTION)
    then = snap(PRODUCTION, values, known)
    assert all(row.is_wanted for row in compare(then, snap(PRODUCTION, values, known), known=known))
    now = snap(PRODUCTION, {**values, "HRX_API_URL": "https://new.example"}, known)
    assert [row.name for row in compare(then, now, known=known) if not row.is_wanted] == ["HRX_API_URL"]
    other = snap(PRODUCTION, values, known, key=FingerprintKey(secrets.token_bytes(32)))
    with pytest.raises(Conflict):
        compare(then, other, known=known)


@pytest.fixture
def record(tmp_path: Path) -> Iterator[AgeRecord]:
    yield AgeRecord(tmp_path / "ops" / "secret-ages.json")
    text = "".join(path.read_text() for path in (tmp_path / "ops").iterdir())
    assert "postgresql://" not in text


def test_a_secret_ages_from_its_first_sight_and_is_young_again_when_it_changes(
    record: AgeRecord, known: Mapping[str, KnownSetting]
) -> None:
    values = make_values(PRODUCTION)

    def ages() -> dict[str, Age]:
        snapshot = snap(PRODUCTION, values, known)
        record.observe(snapshot, known=known)
        return record.list_ages(snapshot, known=known, house_days=180)

    first = ages()
    assert set(first) == {"HRX_DATABASE_URL", "HRX_SESSION_KEYS", "HRX_SEAL_KEYS"}
    assert not any(age.is_exact for age in first.values()), "they were there before we looked"
    with clock.shifted(timedelta(days=100)):
        values["HRX_SEAL_KEYS"] = secrets.token_urlsafe(48)
        found = ages()
        now = clock.now()
        assert (found["HRX_SESSION_KEYS"].days(now), found["HRX_SESSION_KEYS"].is_due(now)) == (100, True)
        assert (found["HRX_DATABASE_URL"].days(now), found["HRX_DATABASE_URL"].is_due(now)) == (100, False)
        assert (found["HRX_SEAL_KEYS"].days(now), found["HRX_SEAL_KEYS"].is_exact) == (0, True)
    # Another environment's look leaves this one's record alone.
    record.observe(snap(STAGING, make_values(STAGING), known), known=known)
    assert record.list_ages(snap(PRODUCTION, values, known), known=known, house_days=180)[
        "HRX_SEAL_KEYS"
    ].is_exact


def test_a_record_that_is_broken_begins_anew(
    tmp_path: Path, record: AgeRecord, known: Mapping[str, KnownSetting]
) -> None:
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "secret-ages.json").write_text("{")
    snapshot = snap(PRODUCTION, make_values(PRODUCTION), known)
    assert record.list_ages(snapshot, known=known, house_days=180) == {}
    record.observe(snapshot, known=known)
    assert len(record.list_ages(snapshot, known=known, house_days=180)) == 3
    assert (tmp_path / "ops" / "secret-ages.json").stat().st_mode & 0o777 == 0o600
