"""`hrx settings matrix|drift|export|import|age|leaks|rotate` as an operator types them."""

from __future__ import annotations

import io
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hrx.cli.__main__ import main
from tests.servers.issuers import IssuersServer
from tests.servers.vendor import running

pytestmark = pytest.mark.req("R3.6-1", "R10.1-1")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty var folder, no stack, and staging and production in files."""
    monkeypatch.setenv("HRX_VAR_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("HRX_LANGUAGE", "en")
    shared = secrets.token_urlsafe(32)
    for environment in ("staging", "production"):
        path = tmp_path / f"{environment}.env"
        path.touch(mode=0o600)
        values = {
            "HRX_DATABASE_URL": f"postgresql://hrx_app:{secrets.token_urlsafe(24)}@{environment}/hrx",
            "HRX_SESSION_KEYS": secrets.token_urlsafe(48),
            "HRX_SEAL_KEYS": shared,
            "HRX_API_URL": f"https://{environment}.example",
        }
        path.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
        monkeypatch.setenv(f"HRX_SETTINGS_{environment.upper()}", f"env-file:{path}")
    return tmp_path


# `Any`: JSON.
def run(capfdbinary: pytest.CaptureFixture[bytes], *arguments: str) -> tuple[int, Any]:
    """Exit code and what was said as JSON."""
    with pytest.raises(SystemExit) as ended:
        main(["settings", *arguments, "--json"])
    out = capfdbinary.readouterr().out
    return int(str(ended.value.code)), json.loads(out) if out else None


def values_of(place: Path) -> Mapping[str, str]:
    rows = (line.partition("=") for name in ("staging", "production") for line in _lines(place, name))
    return {f"{name} {value}": value for name, _, value in rows if "SECRET" in name or "KEYS" in name}


def _lines(place: Path, name: str) -> list[str]:
    return (place / f"{name}.env").read_text().splitlines()


def test_a_secret_shared_by_staging_and_production_is_said_and_never_shown(
    place: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    code, document = run(capfdbinary, "matrix")
    assert code == 1
    shared = [one for one in document["findings"] if one["trouble"] == "shared"]
    assert [(one["name"], one["is_serious"]) for one in shared] == [("HRX_SEAL_KEYS", True)]
    text = json.dumps(document)
    assert not [name for name, value in values_of(place).items() if value in text]
    code, rows = run(capfdbinary, "drift", "staging", "production")
    assert (code, [row["name"] for row in rows]) == (1, ["HRX_SEAL_KEYS"])


def test_fingerprints_travel_in_a_file_and_are_compared_without_the_environment(
    place: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = place / "production.json"
    assert run(capfdbinary, "export", "production", "--to", str(file))[0] == 0
    monkeypatch.delenv("HRX_SETTINGS_PRODUCTION")
    code, told = run(capfdbinary, "drift", "staging", "production")
    assert (code, told["error"]["code"]) == (1, "settings.no_source")
    assert run(capfdbinary, "import", str(file))[0] == 0
    assert run(capfdbinary, "drift", "staging", "production")[1][0]["name"] == "HRX_SEAL_KEYS"
    assert run(capfdbinary, "drift", str(file), "production") == (0, [])
    # What was taken in is looked for in logs, too, though no value of it is here.
    seal = next(line for line in _lines(place, "production") if line.startswith("HRX_SEAL_KEYS="))
    (place / "var" / "log").mkdir(parents=True)
    (place / "var" / "log" / "api.log").write_text(f"sealing with {seal.partition('=')[2]}\n")
    code, report = run(capfdbinary, "leaks", "log")
    assert code == 1
    assert [(leak["rule"], leak["path"], leak["line"]) for leak in report["leaks"]] == [
        ("in-use", "api.log", 1)
    ]


def test_ages_are_kept_and_a_way_to_rotate_is_said(
    place: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    code, rows = run(capfdbinary, "age")
    assert code == 0
    seal = next(row for row in rows if (row["environment"], row["name"]) == ("production", "HRX_SEAL_KEYS"))
    assert (seal["days"], seal["is_exact"], seal["is_due"]) == (0, False, False)
    code, plan = run(capfdbinary, "rotate", "HRX_SLACK_SIGNING_SECRET", "--dry-run")
    assert (code, plan["kind"], len(plan["steps"])) == (0, "checked_here", 3)
    assert (plan["stands"]["stage"], plan["stands"]["keys"]) == ("alone", 0)
    code, told = run(capfdbinary, "rotate", "HRX_SLACK_SIGNING_SECRET")
    assert (code, told["error"]["code"]) == (1, "rotation.not_set")
    code, told = run(capfdbinary, "rotate", "HRX_LOG_LEVEL")
    assert (code, told["error"]["code"]) == (1, "settings.no_rotation")


def test_a_key_is_proved_at_its_issuer_before_it_is_put_in_place_and_is_never_an_argument(
    place: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, old, new = IssuersServer(), secrets.token_hex(20), secrets.token_hex(20)
    with running(server):
        with (place / "production.env").open("a") as file:
            file.write(f"HRX_OPENAI_URL={server.url}/openai/v1\nHRX_OPENAI_API_KEY={old}\n")
        server.valid["openai"].add(old)
        asked = ("prove", "HRX_OPENAI_API_KEY", "--environment", "production")
        code, rows = run(capfdbinary, *asked)
        assert (code, [row["standing"] for row in rows]) == (0, ["accepted"])
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{new}\n"))
        code, rows = run(capfdbinary, *asked, "--stdin")
        assert (code, [row["standing"] for row in rows]) == (1, ["refused"])
        server.valid["openai"].add(new)
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{new}\n"))
        code, rows = run(capfdbinary, *asked, "--stdin")
        assert (code, [row["standing"] for row in rows]) == (0, ["accepted"])
        assert new not in json.dumps(rows)
        monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
        code, told = run(capfdbinary, *asked, "--stdin")
        assert (code, told["error"]["code"]) == (2, "settings.no_candidate")
        code, rows = run(capfdbinary, "prove", "--environment", "production")
        off = [row["name"] for row in rows if row["standing"] == "off"]
        assert (code, len(off), len(rows)) == (0, 4, 5)


@pytest.mark.parametrize(
    "arguments",
    [
        ("matrix",),
        ("drift", "staging", "production"),
        ("age",),
        ("rotate",),
        ("rotate", "HRX_SLACK_SIGNING_SECRET", "--dry-run"),
        ("rotate", "HRX_POSTGRES_BACKUP_PASSWORD"),
        ("prove", "--environment", "production"),
        ("leaks", "log"),
    ],
)
@pytest.mark.parametrize("language", ["ja", "en"])
def test_every_verb_speaks_both_languages(
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    language: str,
) -> None:
    monkeypatch.setenv("HRX_LANGUAGE", language)
    with pytest.raises(SystemExit) as ended:
        main(["settings", *arguments])
    assert ended.value.code in (0, 1)
    assert capsys.readouterr().out


def test_wrong_words_are_told(place: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    for arguments in (("leaks", "attic"), ("export", "prod", "--to", str(place / "x"))):
        assert run(capfdbinary, *arguments)[0] == 2
    assert run(capfdbinary, "import", str(place / "none.json"))[0] == 2
