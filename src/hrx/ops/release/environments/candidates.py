"""New keys on their way into their place: kept for this user alone until they are there, so that a run that
died goes on with the same one. Never shown, and never longer kept than that."""

from __future__ import annotations

from pathlib import Path

from hrx.kit.errors import Invalid, Text
from hrx.ops.release.environments.keeping import is_one_secret
from hrx.ops.targets.machine.second_login import keep_password, read_kept_password


def keep_candidate(var: Path, name: str, value: str) -> None:
    """Keep it for the next run. Raises Invalid for what cannot be one key of a list."""
    if not is_one_secret(value):
        raise Invalid(
            Text(ja="一つの鍵として読めません", en="This cannot be read as one key"),
            hint=Text(
                ja="空白とカンマを含まない 8 文字以上の鍵を、一行で渡してください。",
                en="Give one key in one line: at least 8 characters, no space, no comma.",
            ),
            code="rotation.not_a_key",
        )
    keep_password(_path(var, name), value)


def find_candidate(var: Path, name: str) -> str | None:
    """The key that waits for its place; None when none does."""
    return read_kept_password(_path(var, name))


def drop_candidate(var: Path, name: str) -> None:
    """It is in its place, or nobody wants it any more. Safe to repeat."""
    _path(var, name).unlink(missing_ok=True)


def _path(var: Path, name: str) -> Path:
    return var / "candidates" / name
