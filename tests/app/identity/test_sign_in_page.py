"""docs/sign-in.md names nothing that does not exist."""

from __future__ import annotations

import json
import re

import pytest
from pydantic import SecretStr

from hrx.app.identity import passwords
from hrx.app.identity.oidc import ALGORITHMS, ProviderConfig, open_providers
from hrx.app.settings import AppSettings
from tests.app.conftest import MakeSettings
from tests.conftest import ROOT

pytestmark = pytest.mark.req("R2-1")
PAGE = (ROOT / "docs/sign-in.md").read_text()


def test_every_setting_that_the_page_names_exists() -> None:
    named = set(re.findall(r"HRX_[A-Z_]+", PAGE))
    assert named >= {"HRX_OIDC_PROVIDERS", "HRX_SEAL_KEYS", "HRX_SESSION_IDLE_S"}
    assert {name.removeprefix("HRX_").lower() for name in named} <= set(AppSettings.model_fields)


def test_every_sign_in_setting_is_on_the_page() -> None:
    about = re.compile("^(session_|totp_|sign_in_|oidc_|seal_)")
    expected = {f"HRX_{name.upper()}" for name in AppSettings.model_fields if about.match(name)}
    assert expected <= set(re.findall(r"HRX_[A-Z_]+", PAGE))


def test_the_example_of_providers_is_taken_and_every_key_is_told(make_settings: MakeSettings) -> None:
    example = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert example is not None
    providers = open_providers(make_settings(oidc_providers=SecretStr(example[1])))
    assert set(providers.by_id) == {entry["id"] for entry in json.loads(example[1])}
    table = "".join(re.findall(r"^\| `.*$", PAGE, re.MULTILINE))
    assert {name for name in ProviderConfig.model_fields if f"`{name}`" not in table} == set()


def test_the_rules_on_the_page_are_those_of_the_code() -> None:
    assert f"{passwords.MIN_CHARACTERS}\nto {passwords.MAX_CHARACTERS} characters" in PAGE
    assert all(name in PAGE for name in ALGORITHMS if name != "Ed25519")
