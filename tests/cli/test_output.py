"""Exit codes and messages that operators and scripts rely on."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from hrx.cli import output
from hrx.kit.errors import Conflict, HrxError, Invalid, NotFound, Refused, Text, Unavailable

SAID = Text(ja="できません", en="It cannot be done")


class LockHeld(Conflict):
    code = "lock_held"


@pytest.mark.req("R1-1")
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (Unavailable(SAID), 1),
        (NotFound(SAID), 1),
        (Invalid(SAID), 2),
        (LockHeld(SAID), 3),
        (Refused(SAID), 4),
    ],
)
def test_each_family_of_errors_has_its_exit_code(error: HrxError, expected: int) -> None:
    assert output.exit_code_of(error) == expected


@pytest.mark.req("R1-1")
def test_an_error_as_json_is_one_document_with_the_next_step(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HRX_LANGUAGE", "ja")
    output.show_error(Refused(SAID, hint=Text(ja="`hrx check`", en="`hrx check`")), as_json=True)
    shown = json.loads(capfdbinary.readouterr().out)["error"]
    assert (shown["message"], shown["hint"], shown["code"]) == ("できません", "`hrx check`", "refused")


@pytest.mark.req("R1-1")
def test_an_unknown_command_is_wrong_use_and_names_the_help() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hrx.cli", "nonsense"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "hrx --help" in done.stderr
    assert "Traceback" not in done.stderr
