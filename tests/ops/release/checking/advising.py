"""Advisories as databases publish them: OSV documents recorded, and shortened, from the public data."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

#: jinja2: an attribute filter that lets keys through (fixed in 3.1.4).
JINJA: dict[str, Any] = {
    "id": "GHSA-h75v-3vvj-5mfj",
    "modified": "2026-11-20T08:00:00Z",
    "aliases": ["CVE-2024-34064"],
    "summary": "Jinja: HTML attribute injection when user input is passed as keys to xmlattr",
    "affected": [
        {
            "package": {"name": "jinja2", "ecosystem": "PyPI", "purl": "pkg:pypi/jinja2"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.1.4"}]}],
        }
    ],
    "database_specific": {"severity": "MODERATE", "cwe_ids": ["CWE-79"]},
    "schema_version": "1.6.0",
}
#: The same hole as another database tells it: by a list of versions, without a severity.
JINJA_AGAIN: dict[str, Any] = {
    "id": "PYSEC-2024-9001",
    "modified": "2026-11-21T08:00:00Z",
    "aliases": ["CVE-2024-34064", "GHSA-h75v-3vvj-5mfj"],
    "affected": [
        {
            "package": {"name": "Jinja2", "ecosystem": "PyPI"},
            "ranges": [{"type": "GIT", "repo": "https://github.com/pallets/jinja", "events": []}],
            "versions": ["3.1.2", "3.1.3"],
        }
    ],
}
#: next: a middleware that can be gone around; four lines of releases, each with its own fix.
NEXT: dict[str, Any] = {
    "id": "GHSA-f82v-jwr5-mffw",
    "modified": "2026-11-19T08:00:00Z",
    "aliases": ["CVE-2025-29927"],
    "summary": "Authorization Bypass in Next.js Middleware",
    "affected": [
        {
            "package": {"name": "next", "ecosystem": "npm"},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": start}, {"fixed": end}]}],
        }
        for start, end in (
            ("13.0.0", "13.5.9"),
            ("14.0.0", "14.2.25"),
            ("15.0.0", "15.2.3"),
            ("11.1.4", "12.3.5"),
        )
    ],
    "database_specific": {"severity": "CRITICAL"},
}


def about(package: str, *, ecosystem: str, modified_at: datetime, **more: Any) -> dict[str, Any]:
    """An advisory that every version has."""
    return {
        "id": f"GHSA-test-{package}",
        "modified": modified_at.isoformat(),
        "affected": [
            {
                "package": {"name": package, "ecosystem": ecosystem},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
            }
        ],
        "database_specific": {"severity": "HIGH"},
        **more,
    }


def put(folder: Path, *documents: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for one in documents:
        (folder / f"{one['id']}.json").write_text(json.dumps(one))
    return folder
