"""A portal that would send a server's secret to browsers never becomes part of a release."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from hrx.ops.release.leaks.refusing import BuildHoldsSecrets, check_portal
from hrx.ops.settings import HOME, OpsSettings

pytestmark = pytest.mark.req("R3.6-1")


@pytest.fixture
def settings(tmp_path: Path) -> OpsSettings:
    (tmp_path / "var").mkdir()
    return OpsSettings(var_dir=tmp_path / "var", fingerprint_key_file=tmp_path / "fingerprint.key")


def build(folder: Path, *, sent: str = "let a=1;", kept: str = "") -> Path:
    """A standalone portal: what browsers are sent, and code that stays on the server."""
    for name, text in (("static/chunks/a.js", sent), ("server/app/page.js", kept)):
        path = folder / "portal" / ".next" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "portal"


def test_a_secret_in_use_is_found_in_what_browsers_are_sent_and_named_without_its_value(
    settings: OpsSettings, tmp_path: Path
) -> None:
    value = secrets.token_urlsafe(48)
    kept = settings.var_dir / "secrets.env"
    kept.touch(mode=0o600)
    kept.write_text(f"HRX_SESSION_KEYS={value}\n")
    check_portal(build(tmp_path, kept=f'let k="{value}";'), root=HOME, settings=settings)
    with pytest.raises(BuildHoldsSecrets, match=r"static/chunks/a\.js:1 \(HRX_SESSION_KEYS") as refused:
        check_portal(build(tmp_path, sent=f'let k="{value}";'), root=HOME, settings=settings)
    assert value not in f"{refused.value.message}{refused.value.hint}"


def test_a_vendors_key_is_known_from_the_shell_and_by_its_form(
    settings: OpsSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = secrets.token_hex(24)
    portal = build(tmp_path, sent=f'fetch(u,{{h:"{key}"}})')
    check_portal(portal, root=HOME, settings=settings)
    monkeypatch.setenv("HRX_LLM_API_KEY", key)
    with pytest.raises(BuildHoldsSecrets, match="HRX_LLM_API_KEY"):
        check_portal(portal, root=HOME, settings=settings)
    monkeypatch.delenv("HRX_LLM_API_KEY")
    form = "_".join(("rk", "live", secrets.token_hex(20)))
    with pytest.raises(BuildHoldsSecrets):
        check_portal(build(tmp_path, sent=f'let s="{form}"'), root=HOME, settings=settings)


def test_what_cannot_be_looked_at_is_not_called_clean(settings: OpsSettings, tmp_path: Path) -> None:
    portal = build(tmp_path)
    with (portal / ".next" / "static" / "huge.js").open("wb") as file:
        file.truncate(21 * 1024 * 1024)
    with pytest.raises(BuildHoldsSecrets, match=r"huge\.js"):
        check_portal(portal, root=HOME, settings=settings)
