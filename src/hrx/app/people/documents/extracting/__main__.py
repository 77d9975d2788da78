"""`python -m hrx.app.people.documents.extracting`: reads one file, in limits, and writes what it found.

Standard input holds the request as JSON; lines of progress go to standard output; the result goes to a file.
A file that brings this process down brings down nothing else."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, Final

import orjson

from hrx.app.people.documents.extracting.effective_days import find_effective_day, read_day
from hrx.app.people.documents.extracting.laying_out import LaidOut, clean, lay_out
from hrx.app.people.documents.extracting.readers import READERS
from hrx.app.people.documents.extracting.resumes import find_proposals
from hrx.app.people.documents.extracting.shapes import Notice, Reading
from hrx.app.people.documents.extracting.sniffing import MEDIA_TYPES, detect_kind, is_misnamed
from hrx.app.people.documents.problems import NOTICES, FileUnreadable, fill

MAX_CHARACTERS: Final = 10_000_000
_MAX_PASSAGES: Final = 60_000
_MAX_NOTICES: Final = 50
_MAX_FILE_BYTES: Final = 512 * 1024 * 1024
_PR_SET_PDEATHSIG: Final = 1
_MEGABYTE: Final = 1 << 20
#: The kernel tells a process that its time is over before it ends it for good.
_CPU_GRACE_S: Final = 10
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_RESUMES: Final = frozenset({"resume", "career_history"})


def main() -> int:
    request = orjson.loads(sys.stdin.buffer.read())
    _limit(memory_bytes=request["memory_bytes"], cpu_s=request["cpu_s"])
    try:
        result = read_file(Path(request["path"]), name=request["name"], kind=request["document_kind"])
    except FileUnreadable as error:
        result = _problem(error)
    except MemoryError:
        limit = request["memory_bytes"] // _MEGABYTE
        result = _problem(FileUnreadable("file.too_much_memory", limit=limit))
    except RecursionError:
        result = _problem(FileUnreadable("file.too_complex"))
    except OSError as error:
        # A reader that lays something down, in a machine that has no room for it.
        return _told(error)
    try:
        Path(request["result"]).write_bytes(orjson.dumps(result))
    except OSError as error:
        return _told(error)
    return 0


def _told(error: OSError) -> int:
    """The way to end that says: it is the machine, not the file. Raises what is anything else."""
    if error.errno not in _NO_ROOM:
        raise error
    return os.EX_IOERR


def read_file(path: Path, *, name: str, kind: str) -> dict[str, Any]:
    """Everything that is kept of a file, as JSON. Raises FileUnreadable."""
    file_kind = detect_kind(path, name=name)
    reading = READERS[file_kind]()(path, _tell)
    if is_misnamed(file_kind, name=name):
        reading.notices.append(Notice(code="file.extension", value=file_kind.value))
    laid = lay_out(reading.blocks)
    if not laid.passages:
        raise FileUnreadable("file.no_text")
    if len(laid.body) > MAX_CHARACTERS or len(laid.passages) > _MAX_PASSAGES:
        raise FileUnreadable("file.too_long", pages=3_000, characters=MAX_CHARACTERS)
    reading.note_hidden("hidden.characters", laid.unseen)
    _propose_day(reading, laid)
    return {
        "media_type": MEDIA_TYPES[file_kind],
        # Unlike a heading, a title that the file gives itself is no part of the text that was cleaned.
        "title": clean(reading.title)[0] or _first_heading(laid),
        "pages_total": reading.pages_total,
        "language": _main_language(laid),
        "body": laid.body,
        "page_starts": laid.page_starts,
        "passages": [asdict(passage) for passage in laid.passages],
        "notices": [_notice_json(notice) for notice in reading.notices[:_MAX_NOTICES]],
        "proposals": [asdict(found) for found in find_proposals(laid.body)] if kind in _RESUMES else [],
    }


def _limit(*, memory_bytes: int, cpu_s: int) -> None:
    """End with the parent, and never take more than allowed of the machine."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + _CPU_GRACE_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_MAX_FILE_BYTES, _MAX_FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _tell(done: int, total: int) -> None:
    sys.stdout.write(f"{done} {total}\n")
    sys.stdout.flush()


def _problem(error: FileUnreadable) -> dict[str, Any]:
    hint = error.hint
    return {
        "problem": {
            "code": error.stable_code,
            "message": asdict(error.message),
            "hint": asdict(hint) if hint else None,
        }
    }


def _notice_json(notice: Notice) -> dict[str, Any]:
    value = clean(notice.value)[0]
    message = fill(NOTICES[notice.code], count=notice.count, value=value)
    return {**asdict(notice), "value": value, "message": asdict(message)}


def _propose_day(reading: Reading, laid: LaidOut) -> None:
    """One proposal at most: what the front matter says, else what the text says of itself."""
    stated = [notice for notice in reading.notices if notice.code == "effective.proposed"]
    reading.notices = [notice for notice in reading.notices if notice.code != "effective.proposed"]
    day: date | None = read_day(stated[0].value) if stated else None
    day = day or find_effective_day(laid.body)
    if day is not None:
        reading.notices.append(Notice(code="effective.proposed", value=day.isoformat()))


def _first_heading(laid: LaidOut) -> str:
    headings = laid.passages[0].headings
    return headings[0] if headings else ""


def _main_language(laid: LaidOut) -> str:
    japanese = sum(len(each.body) for each in laid.passages if each.language == "ja")
    return "ja" if japanese * 2 >= sum(len(each.body) for each in laid.passages) else "en"


if __name__ == "__main__":
    sys.exit(main())
