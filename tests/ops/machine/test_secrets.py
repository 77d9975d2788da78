"""Secrets are made once, belong to their owner alone, and are never overwritten."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hrx.kit.errors import Refused
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.secrets import GENERATED, ensure_secrets, parse_env
from hrx.ops.targets.machine.supervisor_config import Program, write_config


@pytest.mark.req("R1-1")
def test_secrets_are_made_once_and_readable_by_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    first = ensure_secrets(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert first.keys() == GENERATED.keys()
    assert len(set(first.values())) == len(first)
    before = path.read_bytes()
    assert ensure_secrets(path) == first
    assert path.read_bytes() == before


def test_a_secret_added_by_a_new_version_keeps_the_old_ones_and_the_comments(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    path.touch(mode=0o600)
    path.write_text("# mine\nHRX_SEAL_KEYS=do-not-touch\n")
    made = ensure_secrets(path)
    assert made["HRX_SEAL_KEYS"] == "do-not-touch"
    assert path.read_text().startswith("# mine\nHRX_SEAL_KEYS=do-not-touch\n")
    assert ensure_secrets(path) == made


def test_secrets_that_others_may_read_are_refused_with_the_command_that_closes_them(tmp_path: Path) -> None:
    path = tmp_path / "secrets.env"
    ensure_secrets(path)
    path.chmod(0o644)
    with pytest.raises(Refused) as refused:
        ensure_secrets(path)
    assert refused.value.hint is not None
    assert f"chmod 600 {path}" in refused.value.hint.en


def test_an_env_file_may_have_comments_quotes_and_export() -> None:
    text = "# c\n\nexport HRX_A=1\nHRX_B=\"two words\"\nHRX_C='x=y'\nnot a line\n"
    assert parse_env(text) == {"HRX_A": "1", "HRX_B": "two words", "HRX_C": "x=y"}


@pytest.mark.parametrize("value", ['[{"id":"g","x":"a,b"}]', 'it\'s "both"', "100% $HOME `id` ;", "二\n行"])
def test_any_value_reaches_its_program_unharmed_and_stays_out_of_the_configuration(
    layout: Layout, value: str
) -> None:
    program = Program(name="p", argv=["/usr/bin/env"], cwd=layout.run, environment={"HRX_SECRET": value})
    config = write_config(layout, [program])
    assert value not in config.read_text()
    assert (layout.run / "env" / "p.env").stat().st_mode & 0o777 == 0o600
    done = subprocess.run(
        [
            str(layout.root / "deploy" / "with-env"),
            str(layout.run / "env" / "p.env"),
            "printenv",
            "HRX_SECRET",
        ],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin"},
        timeout=10,
        check=True,
    )
    assert done.stdout == value + "\n"
