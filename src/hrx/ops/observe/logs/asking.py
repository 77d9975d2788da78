"""A search for the console: text in its own process, the archive in one that may be killed.

The engine takes 60 MB and a core; the process that pages people gives away neither. Another process costs a
third of a second, and is started only when archived files can hold what is looked for."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import Final

from hrx.kit.errors import Text, Unavailable
from hrx.kit.settings import to_environment
from hrx.ops.observe.logs.files import ArchivedFile, folders_of
from hrx.ops.observe.logs.records import LogRecord
from hrx.ops.observe.logs.scanning import too_long
from hrx.ops.observe.logs.searching import LogQuery, Page, search
from hrx.ops.settings import OpsSettings

#: Starting up, on a busy machine.
_START_S: Final = 3.0


def ask(settings: OpsSettings, query: LogQuery) -> Page:
    """One page. Raises Unavailable (`logs.too_long`, `logs.reader_failed`) and Invalid."""
    environment = {**os.environ, **to_environment(settings)}

    def read_elsewhere(
        files: list[ArchivedFile], wanted: LogQuery, limit: int, timeout_s: float
    ) -> Iterator[LogRecord]:
        # Our own two processes, over a pipe that nobody else can write to.
        asked = pickle.dumps((files, wanted, limit, timeout_s))
        try:
            done = subprocess.run(
                [sys.executable, "-m", "hrx.ops.observe.logs", "read"],
                input=asked,
                env=environment,
                stdout=subprocess.PIPE,
                timeout=timeout_s + _START_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise too_long() from error
        if done.returncode != 0:
            raise _failed(done.returncode)
        answer = pickle.loads(done.stdout)  # noqa: S301
        return iter(answer)

    return search(
        folders_of(settings), query, read_archive=read_elsewhere, timeout_s=settings.log_search_timeout_s
    )


def _failed(code: int) -> Unavailable:
    return Unavailable(
        Text(
            ja=f"保管庫を読めません(終了コード {code})", en=f"The archive cannot be read (exit code {code})"
        ),
        hint=Text(
            ja="期間を短くするか、`hrx logs search` を試してください。",
            en="Ask for a shorter time, or try `hrx logs search`.",
        ),
        code="logs.reader_failed",
    )
