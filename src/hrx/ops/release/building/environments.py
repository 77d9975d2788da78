"""The Python environment of a release: one for each state of the lock files, shared by all releases with it.

Nothing changes one that is there. It begins as a copy of the checkout's, whose packages are the lock's by
hash; files are linked, not copied, so that it costs names and no space. The product itself is not in it:
programs of a release find theirs by PYTHONPATH."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path
from typing import Final

from hrx.kit.errors import Refused, Text
from hrx.ops.release.building.locks import lock_digest

_ENVIRONMENTS: Final = "_environments"


def ensure_environment(root: Path, code: Path, *, releases: Path) -> Path:
    """The interpreter for the release whose sources lie in `code`; made out of the checkout's when missing.

    Raises Refused when the checkout's environment is of another lock."""
    digest = lock_digest(code)
    home = releases / _ENVIRONMENTS / digest[:16]
    if not home.exists():
        if lock_digest(root) != digest:
            raise Refused(
                Text(
                    ja="作業ツリーの Python 環境は、このリリースのロックファイルのものではありません",
                    en="The checkout's Python environment is not that of this release's lock file",
                ),
                hint=Text(
                    ja="そのコミットを checkout して `make up` を実行し、もう一度作ってください。",
                    en="Check that commit out, run `make up`, and build again.",
                ),
                code="release.other_lock",
            )
        home.parent.mkdir(parents=True, exist_ok=True)
        draft = home.with_name(f".{home.name}.{secrets.token_hex(4)}")
        try:
            shutil.copytree(root / ".venv", draft, symlinks=True, copy_function=_link, ignore=_ignored)
            draft.rename(home)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return home / "bin" / "python"


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        # Another disk, or a file of somebody else that may not be linked.
        shutil.copy2(source, target)
    return target


def _ignored(_folder: str, names: list[str]) -> set[str]:
    """The checkout's own product: what is edited there must not be found from here."""
    return {name for name in names if name.startswith(("__editable__", "hrx-")) or name == "hrx-stamps"}
