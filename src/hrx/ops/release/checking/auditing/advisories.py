"""Advisories in OSV's format on this disk, for machines that reach no database of holes.

A folder of `*.json` documents, of `*.zip` archives of them as osv.dev publishes them, or both. How a version
is held against a range is the evaluation that the specification gives (ossf.github.io/osv-schema)."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

from hrx.ops.release.building.locks import Package
from hrx.ops.release.checking.auditing.holes import Hole, merge_same, read_severity
from hrx.ops.release.checking.auditing.packages import normalize
from hrx.ops.release.checking.auditing.versions import VersionUnclear, parse_version

_COMPARABLE: Final = ("ECOSYSTEM", "SEMVER")


@dataclass(slots=True, kw_only=True)
class Found:
    """`read` counts the ecosystem's documents; `unreadable` names those that are none; `newest_at` is when
    the youngest of them changed, which is how old the collection is."""

    holes: tuple[Hole, ...] = ()
    read: int = 0
    unreadable: list[str] = field(default_factory=list)
    newest_at: datetime | None = None


def search(folder: Path, packages: Sequence[Package], *, ecosystem: str) -> Found:
    """Every hole that the advisories know in these packages. Raises OSError."""
    wanted: dict[str, list[Package]] = {}
    for package in packages:
        wanted.setdefault(normalize(package.name, ecosystem=ecosystem), []).append(package)
    found, holes = Found(), []
    for place, content in _list_documents(folder):
        try:
            document = orjson.loads(content)
            holes += list(_judge_document(document, wanted, ecosystem=ecosystem, found=found))
        except (ValueError, KeyError, TypeError, AttributeError):
            found.unreadable.append(place)
    found.holes = merge_same(holes)
    return found


def _list_documents(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".json":
            yield path.name, path.read_bytes()
        elif path.suffix == ".zip":
            yield from _list_archived(path)


def _list_archived(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith(".json"):
                    yield f"{path.name}:{name}", archive.read(name)
    except zipfile.BadZipFile:
        yield path.name, b""


# `Any`, here and below: documents that others wrote.
def _judge_document(
    document: Mapping[str, Any], wanted: Mapping[str, list[Package]], *, ecosystem: str, found: Found
) -> Iterator[Hole]:
    identity = str(document["id"])
    # Ecosystems may carry a suffix: `Debian:12`.
    affected = [
        one
        for one in document.get("affected", ())
        if str(one.get("package", {}).get("ecosystem", "")).partition(":")[0] == ecosystem
    ]
    if not affected:
        return
    found.read += 1
    changed_at = datetime.fromisoformat(str(document["modified"])).astimezone(UTC)
    found.newest_at = max(found.newest_at or changed_at, changed_at)
    if document.get("withdrawn"):
        return
    for one in affected:
        for package in wanted.get(normalize(str(one["package"]["name"]), ecosystem=ecosystem), ()):
            is_hit, unclear = _is_affected(package.version, one, ecosystem=ecosystem)
            if is_hit or unclear:
                yield _to_hole(identity, document, one, package, unclear=unclear and not is_hit)


def _to_hole(
    identity: str, document: Mapping[str, Any], one: Mapping[str, Any], package: Package, *, unclear: bool
) -> Hole:
    told = one.get("database_specific") or {}
    general = document.get("database_specific") or {}
    return Hole(
        package=package.name,
        version=package.version,
        id=identity,
        aliases=frozenset(map(str, document.get("aliases") or ())),
        severity=read_severity(told.get("severity") or general.get("severity")),
        fixed=tuple(_list_fixed(one)),
        summary=str(document.get("summary") or "")[:200],
        unclear=unclear,
    )


def _list_fixed(one: Mapping[str, Any]) -> Iterable[str]:
    for span in one.get("ranges") or ():
        if span.get("type") in _COMPARABLE:
            yield from (str(event["fixed"]) for event in span.get("events", ()) if "fixed" in event)


def _is_affected(version: str, one: Mapping[str, Any], *, ecosystem: str) -> tuple[bool, bool]:
    """Whether it is, and whether that could not be told."""
    if version in (one.get("versions") or ()):
        return True, False
    spans = [span for span in one.get("ranges") or () if span.get("type") in _COMPARABLE]
    if not spans:
        # A list of versions without this one clears it; commits alone tell nothing about a version.
        return False, not one.get("versions")
    try:
        return any(_is_within(version, span, ecosystem=ecosystem) for span in spans), False
    except VersionUnclear:
        return False, True


def _is_within(version: str, span: Mapping[str, Any], *, ecosystem: str) -> bool:
    ours = parse_version(version, ecosystem=ecosystem)
    is_in = False
    for event in sorted(span.get("events", ()), key=lambda one: _order(one, ecosystem=ecosystem)):
        ((kind, text),) = list(event.items())[:1]
        bound = None if text == "0" else parse_version(str(text), ecosystem=ecosystem)
        if kind == "introduced" and (bound is None or ours >= bound):
            is_in = True
        elif (kind == "fixed" and bound is not None and ours >= bound) or (
            kind == "last_affected" and bound is not None and ours > bound
        ):
            is_in = False
    return is_in


def _order(event: Mapping[str, Any], *, ecosystem: str) -> tuple[int, Any]:
    """By version; "0" stands before everything."""
    text = str(next(iter(event.values())))
    return (0, 0) if text == "0" else (1, parse_version(text, ecosystem=ecosystem))
