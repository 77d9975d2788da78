"""Which of two versions is the newer one: PEP 440 for Python, Semantic Versioning 2.0 for Node."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

from packaging.version import InvalidVersion, Version

_SEMVER: Final = re.compile(
    r"v?(?P<numbers>\d+(?:\.\d+){0,2})(?:-(?P<before>[0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?"
)


class VersionUnclear(Exception):
    """It follows no rule by which it could be compared."""


class NodeVersion(NamedTuple):
    """Compares as semver.org, clause 11, says: numbers first; a pre-release is older than its release."""

    numbers: tuple[int, int, int]
    is_released: bool
    before: tuple[tuple[int, int, str], ...]


def python_version(text: str) -> Version:
    """Raises VersionUnclear."""
    try:
        return Version(text)
    except InvalidVersion as error:
        raise VersionUnclear(text) from error


def node_version(text: str) -> NodeVersion:
    """Missing numbers count as 0. Raises VersionUnclear."""
    found = _SEMVER.fullmatch(text.strip())
    if found is None:
        raise VersionUnclear(text)
    first, second, third = (*map(int, found["numbers"].split(".")), 0, 0)[:3]
    parts = (found["before"] or "").split(".") if found["before"] else ()
    # Numbers compare as numbers and are older than words.
    before = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)
    return NodeVersion(numbers=(first, second, third), is_released=not before, before=before)


def parse_version(text: str, *, ecosystem: str) -> Any:
    """`Any`: two versions of one ecosystem compare, of two they do not. Raises VersionUnclear."""
    return python_version(text) if ecosystem == "PyPI" else node_version(text)
