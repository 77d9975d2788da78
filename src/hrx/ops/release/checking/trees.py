"""The sources whose tests are run: this checkout when it is that commit, else a clone of it that shares the
checkout's packages, where both want the same ones."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path
from typing import Final

from hrx.kit.errors import Conflict, Text
from hrx.ops.release.checking.results import Bench
from hrx.ops.release.gathering import ask_git

#: What decides the packages of a tree → where they lie.
_PACKAGES: Final = {"requirements-dev.lock": ".venv", "web/package-lock.json": "web/node_modules"}


class PackagesDiffer(Conflict):
    """The release wants other packages than those that lie in this checkout."""

    code = "check.packages_differ"


def find_tree(bench: Bench) -> Path:
    """A git tree of the release's commit. Raises Unavailable without git, PackagesDiffer."""
    root, release = bench.layout.root, bench.release
    if release is None or _is_at(root, release.commit):
        return root
    tree = bench.folder / "trees" / release.commit[:12]
    if not tree.exists():
        _clone(root, commit=release.commit, into=tree)
        _lay_portal(bench, tree)
    _require_same_packages(root, tree)
    return tree


def has_changes(tree: Path) -> bool:
    """Whether it holds what no commit has. Raises Unavailable without git."""
    return bool(ask_git(tree, "status", "--porcelain"))


def _is_at(root: Path, commit: str) -> bool:
    return ask_git(root, "rev-parse", "HEAD") == commit and not has_changes(root)


def _clone(root: Path, *, commit: str, into: Path) -> None:
    draft = into.with_name(f".{into.name}.{secrets.token_hex(4)}")
    draft.parent.mkdir(parents=True, exist_ok=True)
    try:
        ask_git(root, "clone", "--quiet", "--shared", "--no-checkout", str(root), str(draft))
        ask_git(draft, "checkout", "--quiet", commit)
        (draft / ".git" / "info" / "exclude").write_text(".venv\nnode_modules\n")
        for name in _PACKAGES.values():
            (draft / name).symlink_to(root / name, target_is_directory=True)
        draft.rename(into)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _lay_portal(bench: Bench, tree: Path) -> None:
    """Tests on a whole stack need a built portal: the release's own."""
    portal = bench.settings.var_dir / "releases" / bench.release.id / "portal" if bench.release else None
    if portal is not None and portal.is_dir():
        shutil.copytree(portal, tree / "web" / ".next" / "standalone", symlinks=True)


def _require_same_packages(root: Path, tree: Path) -> None:
    for lock in _PACKAGES:
        if (root / lock).read_bytes() != (tree / lock).read_bytes():
            raise PackagesDiffer(
                Text(
                    ja=f"このコミットの {lock} は、作業ツリーのものと違います",
                    en=f"{lock} of that commit is not that of this checkout",
                ),
                hint=Text(
                    ja=f"`git checkout {tree.name}` と `python3 deploy/bootstrap.py --dev` のあとに。",
                    en=f"`git checkout {tree.name}`, `python3 deploy/bootstrap.py --dev`, and again.",
                ),
            )
