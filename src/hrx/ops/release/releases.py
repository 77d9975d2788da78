"""A release: everything that was built and tested together, named once and never changed afterwards.

A release knows nothing of where it runs: that is the store's and the target's affair."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from hrx.kit.errors import Invalid, Text
from hrx.ops.plan import canonical_json
from hrx.ops.release.shapes import (
    SchemaShape,
    SchemaUse,
    shape_from_json,
    shape_to_json,
    use_everything,
    use_from_json,
    use_to_json,
)

#: Raised when what is written changes its meaning; older manifests are still read.
FORMAT: Final = 1
_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class Component(StrEnum):
    """What a release consists of; each is versioned, and may move, on its own."""

    WEB = "web"
    API = "api"
    SCHEMA = "schema"
    MODEL = "model"
    PROMPT = "prompt"
    INDEX = "index"
    SETTINGS = "settings"


class Slot(StrEnum):
    """One of the two places of a version side by side."""

    BLUE = "blue"
    GREEN = "green"


class Environment(StrEnum):
    """Where a copy of HRX-AI runs."""

    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"


class Outcome(StrEnum):
    """What a check of the pipeline found. What was not checked is never called passed."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not_checked"


class ReleaseUnreadable(Invalid):
    """A manifest is not what a release is written as."""

    code = "release.unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One component. The schema's version is its Alembic head; `parts` are the models or prompts by name.

    `needs` and `offers` are what it uses of the other components and what they may use of it, as
    `kind:name` (see `contracts`); None means that nobody recorded it, so only what it was built with will
    do. `digest`: SHA-256 of what was built, in hex."""

    version: str
    digest: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)
    needs: frozenset[str] | None = None
    offers: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    name: str
    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SbomReference:
    """Where the list of what is inside lies (a path within the release's folder), and its SHA-256."""

    path: str
    sha256: str
    format: str = "CycloneDX"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """`use`: what its code was seen to do with the schema; None when nobody watched. `shape`: the schema it
    was tested on. `handles`: kinds of jobs its worker understands; None when nobody listed them."""

    id: str
    version: str
    commit: str
    built_at: datetime
    components: Mapping[Component, Build]
    use: SchemaUse | None = None
    shape: SchemaShape | None = None
    handles: frozenset[str] | None = None
    sbom: SbomReference | None = None
    checks: tuple[CheckResult, ...] = ()

    def __post_init__(self) -> None:
        if not is_release_id(self.id):
            raise ReleaseUnreadable(
                Text(
                    ja=f"リリースの名前に使えません: {self.id!r}",
                    en=f"Not the id of a release: {self.id!r}",
                ),
                hint=Text(
                    ja="英小文字と数字、「.」「_」「-」を 64 文字まで使えます。",
                    en="Lower-case letters, digits and . _ - may be used, 64 at most.",
                ),
                code="release.bad_id",
            )

    @property
    def reads(self) -> frozenset[str]:
        """Columns that its code reads; all there were when nobody watched."""
        return self.known_use.reads

    @property
    def writes(self) -> frozenset[str]:
        return self.known_use.writes

    @property
    def known_use(self) -> SchemaUse:
        """What was seen, or everything (runbook 3.7: the safe side)."""
        if self.use is not None:
            return self.use
        return use_everything(self.shape) if self.shape is not None else SchemaUse()

    @property
    def content_hash(self) -> str:
        """SHA-256 over everything but its id and its moment: the same content is the same hash."""
        values = release_to_json(self)
        for name in ("id", "built_at"):
            del values[name]
        return hashlib.sha256(canonical_json(values)).hexdigest()

    def find_version(self, component: Component) -> str | None:
        """The version of one component; None when the release has none."""
        build = self.components.get(component)
        return build.version if build is not None else None


def is_release_id(name: str) -> bool:
    """Whether a release may be called so: it is also the name of its folder."""
    return _ID.fullmatch(name) is not None


def release_to_json(release: Release) -> dict[str, object]:
    """The release as plain values."""
    return {
        "format": FORMAT,
        "id": release.id,
        "version": release.version,
        "commit": release.commit,
        "built_at": release.built_at.isoformat(),
        "components": {name.value: _build_to_json(one) for name, one in sorted(release.components.items())},
        "use": use_to_json(release.use) if release.use else None,
        "shape": shape_to_json(release.shape) if release.shape else None,
        "handles": sorted(release.handles) if release.handles is not None else None,
        "sbom": {"path": release.sbom.path, "sha256": release.sbom.sha256, "format": release.sbom.format}
        if release.sbom
        else None,
        "checks": [
            {"name": one.name, "outcome": one.outcome.value, "detail": one.detail} for one in release.checks
        ],
    }


def release_from_json(values: Mapping[str, Any]) -> Release:
    """The release that `release_to_json` wrote. `Any`: it comes back from stored JSON.

    Raises ReleaseUnreadable when it is something else, or written by a newer HRX."""
    try:
        if values["format"] != FORMAT:
            raise ValueError(f"format {values['format']}")
        return Release(
            id=values["id"],
            version=values["version"],
            commit=values["commit"],
            built_at=datetime.fromisoformat(values["built_at"]),
            components={Component(name): _build_from_json(one) for name, one in values["components"].items()},
            use=use_from_json(values["use"]) if values["use"] is not None else None,
            shape=shape_from_json(values["shape"]) if values["shape"] is not None else None,
            handles=_as_set(values["handles"]),
            sbom=SbomReference(**values["sbom"]) if values["sbom"] is not None else None,
            checks=tuple(
                CheckResult(name=one["name"], outcome=Outcome(one["outcome"]), detail=one["detail"])
                for one in values["checks"]
            ),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ReleaseUnreadable(
            Text(
                ja=f"リリースの記録を読めません({type(error).__name__}: {error})",
                en=f"This is no record of a release ({type(error).__name__}: {error})",
            ),
            hint=Text(
                ja="このリリースを作り直してください: `hrx release build`",
                en="Build the release again: `hrx release build`.",
            ),
        ) from error


def _build_to_json(build: Build) -> dict[str, object]:
    return {
        "version": build.version,
        "digest": build.digest,
        "parts": dict(sorted(build.parts.items())),
        "needs": sorted(build.needs) if build.needs is not None else None,
        "offers": sorted(build.offers) if build.offers is not None else None,
    }


def _build_from_json(values: Mapping[str, Any]) -> Build:
    return Build(
        version=str(values["version"]),
        digest=values["digest"],
        parts=dict(values["parts"]),
        needs=_as_set(values["needs"]),
        offers=_as_set(values["offers"]),
    )


def _as_set(values: list[str] | None) -> frozenset[str] | None:
    return frozenset(values) if values is not None else None
