"""Programs that a check asks: each with a time limit that its children keep, and its words in a file."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.kit.secrets import mask_text

_TAIL: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """`code` None: it did not end in time and was ended."""

    code: int | None
    out: str
    log: Path

    @property
    def tail(self) -> str:
        """The end of what it said, without credentials."""
        said = self.log.with_suffix(".err").read_text(errors="replace").strip() or self.out.strip()
        return mask_text(said[-_TAIL * 4 :])[-_TAIL:]


def run_program(
    argv: Sequence[str],
    *,
    cwd: Path,
    timeout_s: float,
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> Ran:
    """What the program said on standard output, which lies in `log` while it runs; the rest lies beside it.

    Raises OSError when it cannot be started."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out, log.with_suffix(".err").open("wb") as err:
        process = subprocess.Popen(
            list(argv), cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
            env=dict(environment) if environment is not None else clean_environment(),
            start_new_session=True,
        )  # fmt: skip
        try:
            code: int | None = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            # Also what it left behind: a test run starts servers, a scanner its helpers.
            _end_group(process)
    return Ran(code=code, out=log.read_text(errors="replace"), log=log)


def clean_environment(**more: str) -> dict[str, str]:
    """This process's environment without the settings of the running system, none of their business."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HRX_")}
    return {**kept, **more}


def find_program(name: str, *, beside: Path | None = None) -> str | None:
    """The program on the PATH, or in the folder `beside`."""
    path = os.environ.get("PATH", os.defpath)
    return shutil.which(name, path=f"{beside}{os.pathsep}{path}" if beside else path)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)
