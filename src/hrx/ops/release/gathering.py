"""The release that a checkout is: what is read from it, component by component. It builds nothing.

Versions come from git's own ids of trees, so that the same source is the same version wherever it is built.
What is only found by reading source (operations that pages ask for, kinds of jobs) is found by name."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import orjson

import hrx
from hrx.kit.errors import Refused, Text, Unavailable
from hrx.kit.settings import SettingDoc
from hrx.ops.plan import canonical_json
from hrx.ops.release.contracts import list_operations
from hrx.ops.release.migrations.revisions import read_revisions
from hrx.ops.release.recorded import Recording
from hrx.ops.release.releases import Build, CheckResult, Component, Release, SbomReference

_GIT_TIMEOUT_S: Final = 120
_SHOWN: Final = 5
_CALL: Final = re.compile(r"\.(GET|PUT|POST|DELETE|PATCH)\(\s*[\"'`](/[^\"'`]+)[\"'`]")
_PATH: Final = re.compile(r"[\"'`](/api/[^\"'`?]+)")
_PARAMETER: Final = re.compile(r"\$?\{[^}]*\}")
_JOB: Final = re.compile(r"jobs\.(task|every_tenant)\(\s*\"([\w.]+)\"")
#: Made from the API's own document, so it names every operation whether a page uses it or not.
_GENERATED: Final = "schema.d.ts"


class TreeIsDirty(Refused):
    """The checkout holds changes that no commit has: the release could not be built again."""

    code = "release.dirty_tree"


def gather_release(
    home: Path,
    *,
    id: str,
    built_at: datetime,
    product_settings: Sequence[SettingDoc],
    plane_settings: Sequence[SettingDoc],
    recording: Recording | None,
    checks: tuple[CheckResult, ...] = (),
    sbom: SbomReference | None = None,
    pointers: Mapping[Component, Build] | None = None,
) -> Release:
    """`pointers`: models, prompts and indexes, as `pointers.gather_pointers` reads them.

    Raises TreeIsDirty, Unavailable without git, RevisionsUnreadable."""
    require_clean(home)
    offers = list_operations(orjson.loads((home / "web" / "openapi.json").read_bytes()))
    head = read_revisions(home / "migrations")[-1].id
    # Recorded on another revision, it says nothing about this one.
    known = recording if recording is not None and recording.revision == head else None
    return Release(
        id=id,
        version=hrx.__version__,
        commit=ask_git(home, "rev-parse", "HEAD"),
        built_at=built_at,
        components={
            Component.WEB: Build(
                version=ask_git(home, "rev-parse", "HEAD:web/src")[:16],
                needs=find_asked(home / "web/src", offers),
            ),
            Component.API: Build(
                version=ask_git(home, "rev-parse", "HEAD:src/hrx")[:16],
                needs=frozenset(f"settings:{one.variable}" for one in product_settings if one.is_required),
                offers=offers,
            ),
            Component.SCHEMA: Build(version=head),
            Component.SETTINGS: Build(
                version=fingerprint_settings([*product_settings, *plane_settings])[:16],
                needs=frozenset(),
                offers=frozenset(f"settings:{one.variable}" for one in (*product_settings, *plane_settings)),
            ),
            **(pointers or {}),
        },
        use=known.known_use if known is not None else None,
        shape=known.shape if known is not None else None,
        handles=find_jobs(home / "src/hrx/app"),
        sbom=sbom,
        checks=checks,
    )


def require_clean(home: Path) -> None:
    """Raises TreeIsDirty with the names of what no commit has, Unavailable without git. Files that git was
    never told of count: a build would take them in."""
    changed = ask_git(home, "status", "--porcelain").splitlines()
    if not changed:
        return
    names = [line[2:].strip() for line in changed]
    shown = names[:_SHOWN] + (["…"] if len(names) > _SHOWN else [])
    raise TreeIsDirty(
        Text(
            ja=f"コミットしていない変更が {len(names)} 件あります({'、'.join(shown)})",
            en=f"{len(names)} changes are in no commit ({', '.join(shown)}): it could not be built again",
        ),
        hint=Text(
            ja="`git status` で確かめ、`git commit` か `git stash` のあと、もう一度実行してください。",
            en="See `git status`; `git commit` or `git stash` them, and run it again.",
        ),
    )


def fingerprint_settings(documents: Iterable[SettingDoc]) -> str:
    """SHA-256 over what settings there are, their types, units and defaults; explanations may change."""
    rows = [
        [one.variable, one.type_name, one.unit, one.default, one.is_secret, one.is_required]
        for one in sorted(documents, key=lambda found: found.variable)
    ]
    return hashlib.sha256(canonical_json(rows)).hexdigest()


def find_asked(source: Path, offers: frozenset[str]) -> frozenset[str]:
    """The operations, with all they answer, that pages ask for: by the client's calls, else by their address.

    An address that is put together at run time is not seen; every part of it that is written out is."""
    calls: set[tuple[str, str]] = set()
    paths: set[str] = set()
    for path in sorted((*source.rglob("*.ts"), *source.rglob("*.tsx"))):
        if path.name != _GENERATED and ".test." not in path.name:
            text = path.read_text()
            found = {(method, _blank(where)) for method, where in _CALL.findall(text)}
            calls |= found
            paths |= {_blank(where) for where in _PATH.findall(text)} - {where for _, where in found}
    return frozenset(name for name in offers if _is_asked(name, calls, paths))


def _is_asked(name: str, calls: set[tuple[str, str]], paths: set[str]) -> bool:
    method, _, rest = name.partition(":")[2].partition(" ")
    where = _blank(re.split(r"[(>]", rest, maxsplit=1)[0])
    return (method, where) in calls or where in paths


def _blank(path: str) -> str:
    """A path with its parameters left blank, however they are written."""
    return _PARAMETER.sub("{}", path)


def find_jobs(source: Path) -> frozenset[str]:
    """Kinds of jobs that the worker knows, by the names that they are declared under."""
    found: set[str] = set()
    for path in source.rglob("*.py"):
        for kind, name in _JOB.findall(path.read_text()):
            # What is done for every tenant is spread by a job of its own.
            found |= {name} if kind == "task" else {name, f"{name}.spread"}
    return frozenset(found)


def ask_git(home: Path, *arguments: str) -> str:
    """What git says. Raises Unavailable, with git's own words, where it cannot or will not answer."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=home, capture_output=True, text=True, timeout=_GIT_TIMEOUT_S, check=False
        )
        failed, said = done.returncode != 0, done.stderr.strip()[-300:]
    except (OSError, subprocess.SubprocessError) as error:
        raise _no_git(str(error)) from error
    if failed:
        raise _no_git(said)
    return done.stdout.strip()


def _no_git(said: str) -> Unavailable:
    return Unavailable(
        Text(ja=f"git が使えません: {said}", en=f"git cannot be asked: {said}"),
        hint=Text(ja="git の作業ツリーの中で実行してください。", en="Run this inside a git checkout."),
        code="release.no_git",
    )
