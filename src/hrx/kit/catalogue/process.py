"""What every process of ours says of itself: CPU, memory, files, and of Python ones garbage collection."""

from __future__ import annotations

from typing import Final

from hrx.kit.catalogue.declaring import PYTHON, bounded, chosen, counter, gauge
from hrx.kit.figures import Source

PROCESS: Final = (
    counter(
        "process_cpu_seconds_total",
        *PYTHON,
        Source.WEB,
        unit="s",
        ja="プロセスが使った CPU 時間。",
        en="CPU time of the process.",
    ),
    gauge(
        "process_resident_memory_bytes",
        *PYTHON,
        Source.WEB,
        unit="bytes",
        ja="プロセスの常駐メモリー。",
        en="Resident memory of the process.",
    ),
    gauge(
        "process_virtual_memory_bytes",
        *PYTHON,
        unit="bytes",
        ja="プロセスの仮想メモリー。",
        en="Virtual memory of the process.",
    ),
    gauge(
        "process_open_fds",
        *PYTHON,
        unit="files",
        ja="開いているファイルの数。",
        en="Open files and sockets.",
    ),
    gauge(
        "process_max_fds",
        *PYTHON,
        unit="files",
        ja="開けるファイルの上限。",
        en="How many the process may open.",
    ),
    gauge(
        "process_start_time_seconds",
        *PYTHON,
        Source.WEB,
        unit="s since 1970",
        ja="プロセスが始まった時刻。",
        en="When the process started.",
    ),
    gauge(
        "python_info",
        *PYTHON,
        unit="1",
        ja="Python の版。",
        en="The Python that runs.",
        labels=tuple(
            bounded(name, "the interpreter's own word", at_most=1)
            for name in ("implementation", "major", "minor", "patchlevel", "version")
        ),
    ),
    *(
        counter(
            f"python_gc_{name}_total",
            *PYTHON,
            unit=unit,
            ja=ja,
            en=en,
            labels=(chosen("generation", "0", "1", "2"),),
        )
        for name, unit, ja, en in (
            ("collections", "collections", "ゴミ集めの回数。", "Garbage collections."),
            ("objects_collected", "objects", "ゴミ集めで片付いたもの。", "Objects collected."),
            ("objects_uncollectable", "objects", "片付けられなかったもの。", "Objects that could not be."),
        )
    ),
)
