"""The sources of a release: exactly what a commit has, never what happens to lie in the checkout."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.kit.errors import Text, Unavailable
from hrx.ops.release.gathering import ask_git, require_clean

_EXPORTS_WITHIN_S: Final = 300.0


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
    """Lay out the commit's files in `into`, which appears whole. Raises Unavailable, OSError on a full disk;
    nothing is left then."""
    draft = into.with_name(f"{into.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        _unpack(root, commit, draft)
        draft.rename(into)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _unpack(root: Path, commit: str, draft: Path) -> None:
    """Straight from git, without an archive on the disk: it would need the room twice, and git's word for
    "no room" is that of any other failure."""
    # Says in git's own words what is wrong with the commit.
    ask_git(root, "cat-file", "-e", f"{commit}^{{commit}}")
    argv = ["git", "archive", "--format=tar", commit]
    with subprocess.Popen(argv, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as git:
        timer = threading.Timer(_EXPORTS_WITHIN_S, git.kill)
        timer.start()
        try:
            with tarfile.open(fileobj=git.stdout, mode="r|") as tar:
                # Our own commit's files: git writes no absolute names and no names that lead out.
                tar.extractall(draft)  # noqa: S202
        except tarfile.TarError as error:
            raise _not_exported(commit, str(error)) from error
        finally:
            timer.cancel()
            # Done, or its reader is gone: it has nothing to say any more.
            git.kill()


def _not_exported(commit: str, said: str) -> Unavailable:
    return Unavailable(
        Text(
            ja=f"コミット {commit[:12]} を取り出せません: {said}",
            en=f"Commit {commit[:12]} cannot be laid out: {said}",
        ),
        hint=Text(ja="`git fsck` で確かめてください。", en="See what `git fsck` says."),
        code="release.not_exported",
    )
