"""Runs the process that reads one file, and never waits for it longer than allowed.

The file is hostile until it was read: its process has limits of memory and time, no settings and no secrets
in its environment, and is killed when the job ends for whatever reason."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import orjson

from hrx.app.people.documents.problems import FileUnreadable
from hrx.app.platform.sql_states import ASK_FOR_ROOM
from hrx.kit.errors import Text, Unavailable

MEMORY_BYTES: Final = 1536 * 1024 * 1024
CPU_S: Final = 120
#: Wall time; a machine under load gives a process a part of a core.
TIMEOUT_S: Final = 480.0
_MODULE: Final = "hrx.app.people.documents.extracting"
_LINE_BYTES: Final = 64 * 1024
_KEPT_VARIABLES: Final = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "LD_LIBRARY_PATH", "TMPDIR")


class ReaderUnavailable(Unavailable):
    """The machine had no memory for the process, or no room for its result; the file is not to blame."""

    code = "document.reader_unavailable"


async def read_file(
    path: Path, *, name: str, document_kind: str, on_progress: Callable[[int, int], None]
) -> dict[str, Any]:
    """What `extracting` says of a file. Raises FileUnreadable, ReaderUnavailable.

    `on_progress` hears (pages done, pages in all)."""
    try:
        with tempfile.TemporaryDirectory(prefix="hrx-document-") as folder:
            result = Path(folder) / "result.json"
            request = {
                "path": str(path),
                "name": name,
                "document_kind": document_kind,
                "result": str(result),
                "memory_bytes": MEMORY_BYTES,
                "cpu_s": CPU_S,
            }
            judge_ending(await _run(request, on_progress))
            found: dict[str, Any] = orjson.loads(await asyncio.to_thread(result.read_bytes))
    except OSError as error:
        raise _unavailable() from error
    if problem := found.get("problem"):
        raise _as_error(problem)
    return found


def judge_ending(code: int | None) -> None:
    """Raises FileUnreadable for what the file did to its reader, ReaderUnavailable for what the machine did.

    `code`: how the process ended, as `subprocess` says it; None when its time was over."""
    if code is None or code == -signal.SIGXCPU:
        raise FileUnreadable("file.too_complex")
    # We end it only when its time is over: whoever else kills so is a machine out of memory.
    if code in (os.EX_IOERR, -signal.SIGKILL):
        raise _unavailable()
    if code != 0:
        raise FileUnreadable("file.crashed")


def _unavailable() -> ReaderUnavailable:
    return ReaderUnavailable(
        Text(
            ja="サーバーの空き容量かメモリーが足りず、ファイルを読めません。",
            en="The server has no room or no memory left to read files.",
        ),
        hint=ASK_FOR_ROOM,
    )


async def _run(request: dict[str, Any], on_progress: Callable[[int, int], None]) -> int | None:
    """How the process ended; None when it took too long."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", _MODULE,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=_LINE_BYTES,
        env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
        start_new_session=True,
    )  # fmt: skip
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the pipes that were asked for are missing")
    try:
        async with asyncio.timeout(TIMEOUT_S):
            with suppress(ConnectionError):
                process.stdin.write(orjson.dumps(request))
                await process.stdin.drain()
                process.stdin.close()
            async for line in process.stdout:
                done, total = line.split()
                on_progress(int(done), int(total))
            return await process.wait()
    except TimeoutError:
        # The job's own time-out is told by the task's cancellation, not by this.
        return None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _as_error(problem: dict[str, Any]) -> FileUnreadable:
    error = FileUnreadable("file.corrupt")
    error.message = Text(**problem["message"])
    error.hint = Text(**problem["hint"]) if problem["hint"] else None
    error.stable_code = problem["code"]
    return error
