"""The database made ready for the product: roles, schema, demo company. All of it safe to repeat."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from hrx.kit.errors import Text, Unavailable
from hrx.kit.search.encoders.settings import EncoderSettings
from hrx.kit.secrets import mask_text
from hrx.kit.settings import ENV_PREFIX
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.postgres import SUPERUSER, PostgresCluster
from hrx.ops.targets.machine.programs import fingerprint_tree
from hrx.ops.targets.machine.roles import (
    LOGIN_ROLES,
    create_roles_and_database,
    let_go_of_absent_standby,
    wait_for_connections,
)

DATABASE: Final = "hrx"
_MIGRATE_TIMEOUT_S: Final = 900
#: What schema and search index are made from.
_MAKE_READY: Final = ("migrations", "src/hrx/kit/search", "src/hrx/ops/release/indexes")
_DEMO_TIMEOUT_S: Final = 300


def ensure_roles(cluster: PostgresCluster, *, secrets: Mapping[str, str]) -> None:
    """Roles with the passwords of the secrets file, the database, its extension."""
    admin_url = cluster.url(SUPERUSER, secrets["HRX_POSTGRES_ADMIN_PASSWORD"], "postgres")
    create_roles_and_database(admin_url, list_passwords(secrets), database=DATABASE)


def list_passwords(secrets: Mapping[str, str]) -> dict[str, str]:
    """Role → the password that is on file for it."""
    return {role: secrets[f"HRX_POSTGRES_{role[4:].upper()}_PASSWORD"] for role in LOGIN_ROLES}


def migrate(layout: Layout, *, owner_url: str, identity: str) -> bool:
    """Bring the schema to this checkout's; gives whether there was anything to look at.

    Skipped when these very migrations were applied to this very database (`identity`) before, and its search
    index was made by this very code."""
    parts = (fingerprint_tree(layout.root / one) for one in _MAKE_READY)
    stamp, wanted = layout.run / "migrated", f"{identity} {' '.join(parts)}\n"
    if stamp.exists() and stamp.read_text() == wanted:
        return False
    _run_python(
        layout.root,
        ["-m", "hrx.ops.release.migrations.bringing_up"],
        variables={"HRX_OWNER_DATABASE_URL": owner_url},
        timeout_s=_MIGRATE_TIMEOUT_S,
        what=Text(ja="データベースの移行", en="The database migration"),
    )
    _run_python(
        layout.root,
        ["-m", "hrx.ops.release.indexes.preparing"],
        variables={"HRX_OWNER_DATABASE_URL": owner_url, **_encoders()},
        timeout_s=_MIGRATE_TIMEOUT_S,
        what=Text(ja="検索インデックスの準備", en="Making the search index"),
    )
    stamp.write_text(wanted)
    return True


def _encoders() -> dict[str, str]:
    """Which encoder the operator chose for the index."""
    names = [f"{ENV_PREFIX}{name.upper()}" for name in EncoderSettings.model_fields]
    return {name: os.environ[name] for name in names if name in os.environ}


def load_demo(layout: Layout, *, variables: Mapping[str, str], timeout_s: float = _DEMO_TIMEOUT_S) -> str:
    """Load the demo company unless it is there; gives what the loader said. Raises Unavailable."""
    return _run_python(
        layout.root,
        ["-m", "hrx.app.demo"],
        variables=variables,
        timeout_s=timeout_s,
        what=Text(ja="デモ会社の読み込み", en="Loading the demo company"),
    )


def _run_python(
    root: Path, arguments: list[str], *, variables: Mapping[str, str], timeout_s: float, what: Text
) -> str:
    """One of our own programs as a process of its own, for the application may not be imported here."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    try:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=root,
            env={**kept, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(
            Text(
                ja=f"{what.ja}が {timeout_s:g} 秒以内に終わりませんでした",
                en=f"{what.en} was not done within {timeout_s:g} s",
            ),
            hint=Text(
                ja="機械が混んでいるかもしれません。もう一度実行すれば続きから進みます。",
                en="The machine may be busy. Run it again: it goes on from where it is.",
            ),
            code="stack.program_too_slow",
        ) from error
    if done.returncode != 0:
        said = mask_text((done.stderr or done.stdout).strip()[-1200:])
        raise Unavailable(
            Text(ja=f"{what.ja}に失敗しました:\n{said}", en=f"{what.en} failed:\n{said}"),
            code="stack.program_failed",
        )
    return done.stdout


__all__ = [
    "DATABASE",
    "ensure_roles",
    "let_go_of_absent_standby",
    "load_demo",
    "migrate",
    "wait_for_connections",
]
