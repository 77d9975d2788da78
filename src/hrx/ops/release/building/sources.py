"""The sources of a release: exactly what a commit has, never what happens to lie in the checkout."""

from __future__ import annotations

import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

from hrx.ops.release.gathering import ask_git, require_clean


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """`trees` are git's own digests of the parts, by folder: the same digest is the same content."""

    id: str
    short: str
    trees: dict[str, str]


def read_head(root: Path) -> Commit:
    """What is checked out. Raises TreeIsDirty, Unavailable without git or a commit."""
    require_clean(root)
    commit = ask_git(root, "rev-parse", "HEAD")
    trees = {name: ask_git(root, "rev-parse", f"HEAD:{name}") for name in ("src", "web", "migrations")}
    return Commit(id=commit, short=commit[:12], trees=trees)


def export(root: Path, commit: str, into: Path) -> None:
    """Lay out the commit's files in `into`, which appears whole. Raises Unavailable."""
    draft = into.with_name(f"{into.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    archive = draft.with_name(f"{into.name}.tar")
    try:
        ask_git(root, "archive", "--format=tar", f"--output={archive}", commit)
        with tarfile.open(archive) as tar:
            # Our own commit's files: git writes no absolute names and no names that lead out.
            tar.extractall(draft)  # noqa: S202
    finally:
        archive.unlink(missing_ok=True)
    draft.rename(into)
