"""Which outside programs are known, what versions are accepted, and which package bytes were tested.

Read from deploy/tools.json, so that a version is raised by changing data, in review, in one place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hrx.kit.errors import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """One outside program. `accepts` is a half-open range of versions; `suites` are tried in order.

    `fixed_share` is a folder whose absolute path is compiled into the program (see `debian.relocate`)."""

    name: str
    path_names: tuple[str, ...]
    package: str
    also_in: str | None
    program: str
    suites: tuple[str, ...]
    version_argument: str
    accepts: tuple[str, str]
    is_required: bool
    affects: Text
    fixed_share: str | None = None

    def accepts_version(self, version: str) -> bool:
        lowest, below = self.accepts
        return _numbers(lowest) <= _numbers(version) < _numbers(below)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The whole of deploy/tools.json. `pins` maps (package, version, architecture) to SHA-256."""

    tools: tuple[ToolSpec, ...]
    libraries: Mapping[str, tuple[str, ...]]
    pins: Mapping[tuple[str, str, str], str]

    def knows_package(self, package: str) -> bool:
        return any(name == package for name, _, _ in self.pins)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A program that was found. `source` says where: path, debian or release.

    With a `share_dir` it looks for that folder's files in `share` below its working directory."""

    name: str
    path: Path
    version: str
    source: str
    library_dir: Path | None = None
    share_dir: Path | None = None
    remark: Text | None = None

    def environment(self) -> dict[str, str]:
        """What its process needs to find libraries that were unpacked beside it."""
        return {"LD_LIBRARY_PATH": str(self.library_dir)} if self.library_dir else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A program that could not be had, what its absence costs, and why."""

    spec: ToolSpec
    reason: Text


def read_catalogue(path: Path) -> Catalogue:
    """The catalogue of a checkout."""
    document: dict[str, Any] = json.loads(path.read_text())
    return Catalogue(
        tools=tuple(_read_tool(entry) for entry in document["tools"]),
        libraries={soname: tuple(packages) for soname, packages in document["libraries"].items()},
        pins={
            (pin["package"], pin["version"], pin["architecture"]): pin["sha256"] for pin in document["pins"]
        },
    )


def upstream_version(debian_version: str) -> str:
    """2.53.3 of 1:2.53.3+ds1-2."""
    without_epoch = debian_version.rpartition(":")[2]
    match = re.match(r"\d+(\.\d+)*", without_epoch)
    return match.group(0) if match else "0"


def _read_tool(entry: dict[str, Any]) -> ToolSpec:
    lowest, below = entry["accepts"]
    return ToolSpec(
        name=entry["name"],
        path_names=tuple(entry["path_names"]),
        package=entry["package"],
        also_in=entry.get("also_in"),
        program=entry["program"],
        suites=tuple(entry["suites"]),
        version_argument=entry["version_argument"],
        accepts=(lowest, below),
        is_required=entry["is_required"],
        fixed_share=entry.get("fixed_share"),
        affects=Text(ja=entry["affects"]["ja"], en=entry["affects"]["en"]),
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in upstream_version(version).split("."))
