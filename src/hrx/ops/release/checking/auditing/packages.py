"""The packages of a release, as its lock files pin them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson

from hrx.ops.release.building.locks import Package

PYPI: Final = "PyPI"
NPM: Final = "npm"
NODE_LOCK: Final = Path("web") / "package-lock.json"


def normalize(name: str, *, ecosystem: str) -> str:
    """The name by which two spellings are one package (PEP 503); npm has one spelling."""
    return re.sub(r"[-_.]+", "-", name).lower() if ecosystem == PYPI else name


def list_node(tree: Path) -> tuple[Package, ...]:
    """What the portal is built of and serves with; tools of development are none of a release's. Raises
    OSError, ValueError."""
    # `Any`: a document of npm's.
    lock: Any = orjson.loads((tree / NODE_LOCK).read_bytes())
    return tuple(sorted(set(_named(lock["packages"])), key=lambda one: (one.name, one.version)))


def _named(packages: dict[str, Any]) -> Iterator[Package]:
    for path, facts in packages.items():
        name = path.rpartition("node_modules/")[2]
        if name and facts.get("version") and not (facts.get("dev") or facts.get("link")):
            yield Package(name=str(facts.get("name", name)), version=str(facts["version"]))
