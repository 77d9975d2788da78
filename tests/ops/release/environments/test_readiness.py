"""A release comes to an environment whose settings were seen, and in which nothing serious is wrong."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from hrx.kit.errors import NotFound
from hrx.kit.settings import SettingDoc
from hrx.ops.release.environments.looking import Desk, look_everywhere, open_desk
from hrx.ops.release.environments.matrix import Trouble
from hrx.ops.release.environments.readiness import SettingsNotReady, check_settings
from hrx.ops.release.environments.schema import ask_product
from hrx.ops.release.environments.source import SourceRefuses
from hrx.ops.release.releases import Environment
from hrx.ops.settings import HOME, OpsSettings

pytestmark = pytest.mark.req("R3.6-1", "R10.1-1")
PRODUCTION = Environment.PRODUCTION


def write(folder: Path, environment: str, **changed: str) -> str:
    """A file of fit settings with some changed; gives its line of settings."""
    values = {
        "HRX_DATABASE_URL": f"postgresql://hrx_app:{secrets.token_urlsafe(24)}@{environment}/hrx",
        "HRX_SESSION_KEYS": secrets.token_urlsafe(48),
        "HRX_SEAL_KEYS": secrets.token_urlsafe(48),
        "HRX_API_URL": f"https://{environment}.example",
        **changed,
    }
    path = folder / f"{environment}.env"
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items() if value))
    return f"env-file:{path}"


def desk_at(folder: Path, **places: str) -> Desk:
    return open_desk(
        OpsSettings(
            var_dir=folder / "var",
            settings_staging=places.get("staging"),
            settings_production=places.get("production"),
            fingerprint_key_file=folder / "fingerprint.key",
        )
    )


def test_fit_settings_let_a_release_in_and_what_could_not_be_compared_is_told(tmp_path: Path) -> None:
    desk = desk_at(tmp_path, production=write(tmp_path, "production"))
    unseen = check_settings(desk, PRODUCTION)
    assert [text.en.partition(":")[0] for text in unseen if "staging" in text.en] == ["staging"]


def test_a_missing_required_setting_and_a_shared_secret_stop_it_by_name_and_never_by_value(
    tmp_path: Path,
) -> None:
    shared = secrets.token_urlsafe(48)
    staging = write(tmp_path, "staging", HRX_SEAL_KEYS=shared)
    production = write(tmp_path, "production", HRX_SEAL_KEYS=shared, HRX_SESSION_KEYS="")
    desk = desk_at(tmp_path, staging=staging, production=production)
    with pytest.raises(SettingsNotReady) as refused:
        check_settings(desk, PRODUCTION)
    said = f"{refused.value.message}{refused.value.hint}"
    assert "HRX_SEAL_KEYS" in said
    assert "HRX_SESSION_KEYS" in said
    assert shared not in said
    # What production shares is production's affair: staging may be released to.
    check_settings(desk, Environment.STAGING)
    check_settings(desk, PRODUCTION, names={"HRX_DATABASE_URL"})


def test_an_environment_that_cannot_be_seen_is_not_fit(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        check_settings(desk_at(tmp_path), PRODUCTION)
    with pytest.raises(SourceRefuses):
        check_settings(desk_at(tmp_path, production=f"env-file:{tmp_path / 'gone.env'}"), PRODUCTION)


def test_what_the_release_itself_declares_counts_and_not_what_runs_here(tmp_path: Path) -> None:
    desk = desk_at(tmp_path, production=write(tmp_path, "production", HRX_SEAL_KEYS=""))
    with pytest.raises(SettingsNotReady):
        check_settings(desk, PRODUCTION)
    here = ask_product(folder=HOME)
    without = [row for row in here if row.variable != "HRX_SEAL_KEYS"]
    check_settings(desk, PRODUCTION, product=without)
    newer = SettingDoc(
        variable="HRX_NEW_IN_NEXT",
        type_name="str",
        unit="",
        default=None,
        is_secret=False,
        is_required=True,
        ja="",
        en="",
        example="",
    )
    with pytest.raises(SettingsNotReady, match="HRX_NEW_IN_NEXT"):
        check_settings(desk, PRODUCTION, product=[*without, newer])


def test_of_two_environments_that_share_a_secret_the_heavier_one_is_named(tmp_path: Path) -> None:
    shared = secrets.token_urlsafe(48)
    places = {name: write(tmp_path, name, HRX_SEAL_KEYS=shared) for name in ("staging", "production")}
    matrix = look_everywhere(desk_at(tmp_path, **places))
    found = [one.environment for one in matrix.findings if one.trouble is Trouble.SHARED]
    assert found == [PRODUCTION]
