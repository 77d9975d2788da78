"""Which operating-system user runs a native program, and whether that user can reach a file.

PostgreSQL refuses to run as root, and nothing that listens should. As root, the native programs therefore run
as a service user; without root everything runs as whoever typed the command and this module has no say."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

SERVICE_USER: Final = "hrx"
#: Used when no account can be made (read-only /etc, no useradd); owns nothing else on a Debian system.
FALLBACK_USER: Final = "nobody"
_REACH_TIMEOUT_S: Final = 10


def choose_service_user(*, preferred: str | None = None, may_create: bool = True) -> str | None:
    """The user for native programs: None when not root, else the preferred, the made or the fallback one."""
    if os.geteuid() != 0:
        return None
    if preferred:
        return preferred
    return SERVICE_USER if _exists(SERVICE_USER) or (may_create and _create(SERVICE_USER)) else FALLBACK_USER


def run_as_user(
    argv: Sequence[str],
    *,
    user: str | None,
    timeout_s: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program as `user` (None: as ourselves) with its output captured; never raises on its exit code.

    The environment is the given one only: a native program has no business with ours."""
    return subprocess.run(
        list(argv),
        user=user,
        group=primary_group(user) if user else None,
        extra_groups=[] if user else None,
        cwd=cwd or Path("/"),
        env=dict(env or {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def primary_group(user: str) -> int:
    """The numeric primary group of a user. Raises KeyError for a user that does not exist."""
    return pwd.getpwnam(user).pw_gid


def give_to(path: Path, *, user: str | None, mode: int) -> None:
    """Set the mode of a path and, as root, its owner."""
    path.chmod(mode)
    if user is not None:
        os.chown(path, pwd.getpwnam(user).pw_uid, primary_group(user))


def can_reach(path: Path, *, user: str | None) -> bool:
    """Whether `user` may read `path`, with every folder above it; asked of the kernel, not computed."""
    if user is None:
        return os.access(path, os.R_OK)
    return run_as_user(["test", "-r", str(path)], user=user, timeout_s=_REACH_TIMEOUT_S).returncode == 0


def blocked_at(path: Path, *, user: str) -> Path:
    """The first folder on the way to `path` that `user` may not enter, for the message to the operator."""
    for folder in reversed(path.absolute().parents):
        if run_as_user(["test", "-x", str(folder)], user=user, timeout_s=_REACH_TIMEOUT_S).returncode != 0:
            return folder
    return path


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _create(user: str) -> bool:
    """Make a system account without a password, home or shell."""
    program = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        return False
    argv = [program, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    done = subprocess.run(
        [*argv, "--shell", "/usr/sbin/nologin", user], capture_output=True, timeout=30, check=False
    )
    return done.returncode == 0 or _exists(user)
