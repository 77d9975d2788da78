"""What is inside a release, by name and version, as CycloneDX 1.6 (its JSON form; ECMA-424)."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from hrx.ops.release.building.locks import list_python
from hrx.ops.release.releases import SbomReference

FILE: Final = "sbom.cdx.json"


def write_contents(home: Path, *, code: Path, release: str, commit: str, at: datetime) -> SbomReference:
    """List what the lock files pin, into the release's folder."""
    components = sorted(
        [*_python(code), *_npm(code / "web" / "package-lock.json")],
        key=lambda one: one["purl"],
    )
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, f'{release} {commit}')}",
        "version": 1,
        "metadata": {
            "timestamp": at.isoformat(),
            "component": {"type": "application", "bom-ref": "hrx", "name": "hrx", "version": commit},
        },
        "components": components,
    }
    content = json.dumps(document, indent=1, ensure_ascii=False).encode()
    (home / FILE).write_bytes(content)
    return SbomReference(path=FILE, sha256=hashlib.sha256(content).hexdigest())


def _python(code: Path) -> Iterator[dict[str, Any]]:
    for package in list_python(code):
        name = re.sub(r"[-_.]+", "-", package.name).lower()
        yield _component(name, package.version, purl=f"pkg:pypi/{name}@{quote(package.version)}")


def _npm(lock: Path) -> Iterator[dict[str, Any]]:
    """What production needs; tools of the build are not shipped."""
    packages: dict[str, dict[str, Any]] = json.loads(lock.read_text())["packages"]
    seen = set()
    for path, facts in packages.items():
        name = path.rpartition("node_modules/")[2]
        if not name or facts.get("dev") or (name, facts.get("version")) in seen:
            continue
        seen.add((name, facts.get("version")))
        version = str(facts.get("version", ""))
        scope, _, bare = name.rpartition("/")
        at = f"{quote(scope, safe='')}/{bare}" if scope else bare
        yield _component(name, version, purl=f"pkg:npm/{at}@{quote(version)}")


def _component(name: str, version: str, *, purl: str) -> dict[str, Any]:
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
