"""Whether the files that a copy's rows name can be brought back: one finding among those of a copy."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.recovery.checks.findings import Finding, name_some, timed
from hrx.ops.recovery.files import check_storage, list_named
from hrx.ops.recovery.vault import Vault
from hrx.ops.seams.sessions import Session

_TITLE: Final = Text(ja="ファイル", en="Files")


def check_named_files(session: Session, vault: Vault, storage: Path) -> Finding:
    """Every file that a row of this database names is in the vault, or at least still in the storage.

    Those that are in the vault alone are brought back when the copy is switched in. Raises SessionLost."""
    return timed(lambda: _check(session, vault, storage))


def _check(session: Session, vault: Vault, storage: Path) -> Finding:
    if session.row("SELECT to_regclass('seam.stored_file') IS NOT NULL") != (True,):
        said = Text(
            ja="この時点の製品は、どの行がファイルを持つかをまだ言えません",
            en="At this moment the product could not tell yet which rows have files",
        )
        return Finding(code="files", is_well=True, title=_TITLE, said=said)
    found = check_storage(vault, list_named(session), storage)
    named = name_some([one.key for one in found.lost])
    if found.lost:
        said = Text(
            ja=f"{found.rows:,} 行のうち {len(found.lost):,} 行のファイルが失われています: {named.ja}",
            en=f"Of {found.rows:,} rows {len(found.lost):,} have lost their file: {named.en}",
        )
    elif not found.rows:
        said = Text(ja="ファイルを持つ行はありません", en="No row names a file")
    else:
        said = Text(
            ja=f"{found.rows:,} 行のファイルがあります。うち {len(found.absent):,} 個は控えから戻します",
            en=f"The files of all {found.rows:,} rows are kept; {len(found.absent):,} are to be brought back",
        )
    return Finding(
        code="files",
        is_well=not found.lost,
        title=_TITLE,
        said=said,
        figures={
            "rows": found.rows,
            "lost": len(found.lost),
            "to_bring_back": len(found.absent),
            "not_kept_yet": len(found.unkept),
        },
    )
