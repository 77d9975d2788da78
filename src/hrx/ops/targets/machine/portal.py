"""The built portal, put aside under its build id before it runs.

A running portal must not live in the folder that the next build overwrites; and a build that is kept can be
gone back to.

Next's `deploymentId` is not set: a build bakes it in, and serves all releases of the same `web/`.
Without it a tab compares build ids, and loads the page anew when it navigates to another build
(tests/browser/test_old_tabs.py)."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path
from typing import Final

from hrx.kit.errors import Text, Unavailable
from hrx.ops.targets.machine.layout import Layout

_KEPT_BUILDS: Final = 3
#: Builds whose files tabs may still ask for.
_KEPT_ASSETS: Final = 10


def publish_portal(layout: Layout) -> Path:
    """The folder of the current build below `var/web`, copied there on first sight.

    Raises Unavailable when the portal has not been built, OSError on a full disk: no draft is left then."""
    built = layout.root / "web" / ".next" / "standalone"
    try:
        build_id = (built / ".next" / "BUILD_ID").read_text().strip()
    except OSError as error:
        kept = _newest(layout.var / "web")
        if kept is not None:
            # Somebody is building right now: the portal that people have goes on.
            return kept
        raise Unavailable(
            Text(ja="ポータルがまだビルドされていません。", en="The portal has not been built yet."),
            hint=Text(ja="`make up` を実行してください。", en="Run `make up`, which builds it."),
            code="portal.not_built",
        ) from error
    home = layout.var / "web" / build_id
    if not home.exists():
        home.parent.mkdir(exist_ok=True)
        draft = home.with_name(f".{build_id}.{secrets.token_hex(4)}")
        try:
            shutil.copytree(built, draft, symlinks=True)
            draft.rename(home)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    home.touch()
    _forget_old(home.parent, keep=_KEPT_BUILDS)
    keep_assets(layout, home)
    return home


def keep_assets(layout: Layout, portal: Path) -> None:
    """Keep what browsers load of this build beyond the portal itself: a tab loads its parts when it needs
    them, perhaps days after a release. The builds that were placed last stay. Raises OSError.

    Hard links where the disk has them; a copy of some MB elsewhere."""
    kept, built = layout.kept_assets, portal / ".next" / "static"
    home = kept / (portal / ".next" / "BUILD_ID").read_text().strip()
    if not home.exists() and built.is_dir():
        kept.mkdir(exist_ok=True)
        draft = kept / f".{home.name}.{secrets.token_hex(4)}"
        try:
            shutil.copytree(built, draft, copy_function=_link_or_copy)
            _put_in_place(draft, home)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    if home.exists():
        home.touch()
    _forget_old(kept, keep=_KEPT_ASSETS)


def _put_in_place(draft: Path, home: Path) -> None:
    try:
        draft.rename(home)
    except OSError:
        # Somebody else may have kept the same build meanwhile.
        if not home.exists():
            raise


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _newest(folder: Path) -> Path | None:
    return next(iter(_list_builds(folder)), None)


def _list_builds(folder: Path) -> list[Path]:
    """Whole builds, newest first; a name with a dot is one still being copied."""
    found = [path for path in folder.glob("*") if not path.name.startswith(".")]
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def _forget_old(folder: Path, *, keep: int) -> None:
    for old in _list_builds(folder)[keep:]:
        shutil.rmtree(old, ignore_errors=True)
