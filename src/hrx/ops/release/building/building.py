"""A release out of what is checked out and committed; a part is made once and found by its digest."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Text, Unavailable
from hrx.kit.secrets import mask_text
from hrx.ops.release.building.contents import write_contents
from hrx.ops.release.building.environments import ensure_environment
from hrx.ops.release.building.locks import lock_digest
from hrx.ops.release.building.sources import Commit, export, read_head
from hrx.ops.release.releases import Component, Release, SbomReference
from hrx.ops.release.store import ReleaseStore
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.portal import publish_portal
from hrx.ops.targets.machine.slot_code import SlotCode

CODE: Final = "code"
#: Parts of the API's and the portal's builds: the lock file's digest, the portal's build id.
REQUIREMENTS: Final = "requirements"
BUILD: Final = "build"
PORTAL: Final = "portal"
_BUILDS_WITHIN_S: Final = 1200.0

Tell = Callable[[Text], None]
Gather = Callable[[str, datetime, SbomReference], Release]
#: Raises for a built portal that must not come to people.
CheckPortal = Callable[[Path], None]


def build_release(
    layout: Layout, store: ReleaseStore, gather: Gather, *, check_portal: CheckPortal, tell: Tell
) -> Release:
    """The checkout's commit as a release; the one that is there already when nothing differs. `gather` reads
    what a checkout is, under an id, at a moment, with the list of what is inside.

    Raises TreeIsDirty, Refused, Unavailable when a part cannot be built or written, and what `check_portal`
    raises: nothing of it is left then."""
    commit = read_head(layout.root)
    known = next((one for one in reversed(store.list_all()) if one.commit == commit.id), None)
    if known is not None and find_code(store, known).is_there:
        return known
    try:
        return _build(layout, store, gather, commit, check_portal=check_portal, tell=tell)
    except OSError as error:
        raise _not_written(error) from error


def _build(
    layout: Layout,
    store: ReleaseStore,
    gather: Gather,
    commit: Commit,
    *,
    check_portal: CheckPortal,
    tell: Tell,
) -> Release:
    tell(Text(ja="ポータルと環境を作る(変わった所だけ)", en="build portal and environment (what changed)"))
    _bootstrap(layout.root)
    built = publish_portal(layout)
    tell(Text(ja="ブラウザーに送るものに秘密がないか調べる", en="look for secrets in what browsers are sent"))
    check_portal(built)
    tell(Text(ja="リリースの入れ物に移す", en="put it into a folder of its own"))
    return store.add_next(
        lambda release_id: _fill(layout, store, gather, store.folder / release_id, commit, built)
    )


def _not_written(error: OSError) -> Unavailable:
    """`copytree` tells of each file that failed; the first one says why."""
    told = error.args[0] if error.args and isinstance(error.args[0], list) else None
    said = str(told[0][-1]) if told else str(error)
    return Unavailable(
        Text(
            ja=f"リリースを書けません(作りかけは消しました): {said}",
            en=f"The release cannot be written (what was begun is gone): {said}",
        ),
        hint=Text(
            ja="空きを `df -h var` で確かめ、もう一度 `hrx release build` を。動いている版は変わりません。",
            en="See to room on the disk (`df -h var`) and `hrx release build` again. What runs is untouched.",
        ),
        code="release.not_written",
    )


def find_code(store: ReleaseStore, release: Release) -> SlotCode:
    """Where the programs of a release lie."""
    home = store.folder / release.id
    digest = release.components[Component.API].parts[REQUIREMENTS]
    return SlotCode(
        release=release.id,
        commit=release.commit[:12],
        code=home / CODE,
        python=store.folder / "_environments" / digest[:16] / "bin" / "python",
        portal=home / PORTAL,
    )


def is_built(store: ReleaseStore, release: Release) -> bool:
    """Whether its programs lie here; one that was only recorded, or built elsewhere, has none."""
    return REQUIREMENTS in release.components[Component.API].parts and find_code(store, release).is_there


def _fill(
    layout: Layout, store: ReleaseStore, gather: Gather, home: Path, commit: Commit, built: Path
) -> Release:
    code, at = home / CODE, clock.now()
    export(layout.root, commit.id, code)
    _name_product(code)
    ensure_environment(layout.root, code, releases=store.folder)
    shutil.copytree(built, home / PORTAL, symlinks=True, dirs_exist_ok=True)
    sbom = write_contents(home, code=code, release=home.name, commit=commit.id, at=at)
    found = gather(home.name, at, sbom)
    components = dict(found.components)
    components[Component.API] = replace(
        components[Component.API],
        digest=commit.trees["src"],
        parts={REQUIREMENTS: lock_digest(code)},
    )
    components[Component.WEB] = replace(
        components[Component.WEB], digest=commit.trees["web"], parts={BUILD: built.name}
    )
    return replace(found, components=components)


def _name_product(code: Path) -> None:
    """What an installation would leave beside the sources: the product asks for its own version there."""
    project = tomllib.loads((code / "pyproject.toml").read_text())["project"]
    folder = code / "src" / f"{project['name']}-{project['version']}.dist-info"
    folder.mkdir()
    lines = ("Metadata-Version: 2.1", f"Name: {project['name']}", f"Version: {project['version']}", "")
    (folder / "METADATA").write_text("\n".join(lines))


def _bootstrap(root: Path) -> None:
    """What `make up` does before anything starts: packages by hash, the portal where its sources changed."""
    argv = [sys.executable, str(root / "deploy" / "bootstrap.py")]
    try:
        done = subprocess.run(
            argv, cwd=root, capture_output=True, text=True, timeout=_BUILDS_WITHIN_S, check=False
        )
        failed, said = done.returncode != 0, f"{done.stdout}\n{done.stderr}".strip()
    except subprocess.TimeoutExpired:
        failed, said = True, f"> {_BUILDS_WITHIN_S:g} s"
    if failed:
        tail = mask_text(said)[-800:]
        raise Unavailable(
            Text(ja=f"ビルドできません: {tail}", en=f"It cannot be built: {tail}"),
            hint=Text(
                ja="直してコミットし、もう一度 `hrx release build` を。動いている版は変わりません。",
                en="Mend it, commit, and `hrx release build` again. What runs is untouched.",
            ),
            code="release.build_broke",
        )
