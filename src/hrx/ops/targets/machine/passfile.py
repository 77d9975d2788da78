"""libpq's file of passwords for those who copy the database: a line a login, read at each connection."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from hrx.ops.targets.machine.replacing import replace_file

#: Fields end at a colon that has no backslash before it.
_FIELDS: Final = re.compile(r"((?:\\.|[^:\\])*)(?::|$)")


def format_pass_line(*, host: str, port: int, login: str, password: str) -> str:
    """One line, for every database of that server."""
    return ":".join(_escape(word) for word in (host, str(port), "*", login, password)) + "\n"


def list_pass_logins(path: Path) -> tuple[str, ...]:
    """The logins that the file has a password for; none without a file."""
    return tuple(fields[3] for fields in map(_split, _read_lines(path)) if len(fields) == 5)


def put_pass_line(path: Path, login: str, password: str | None) -> None:
    """Have the file give this login this password, or none; other logins keep theirs. Safe to repeat.

    Host and port are those of the lines that are there: without a line there is nobody to serve. Owner and
    mode stay, for libpq refuses a file that others may read."""
    lines = _read_lines(path)
    if not lines:
        return
    kept = [line for line in lines if _split(line)[3:4] != [login]]
    host, port = _split(lines[0])[:2]
    added = (
        format_pass_line(host=host, port=int(port), login=login, password=password)
        if password is not None
        else ""
    )
    replace_file(path, added + "".join(f"{line}\n" for line in kept))


def _read_lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text().splitlines() if line.strip()]
    except FileNotFoundError:
        return []


def _split(line: str) -> list[str]:
    return [re.sub(r"\\(.)", r"\1", found.group(1)) for found in _FIELDS.finditer(line)][:5]


def _escape(word: str) -> str:
    """A colon ends a field, and a backslash takes the next letter as it is."""
    return word.replace("\\", "\\\\").replace(":", "\\:")
