"""Where everything is on this machine: one checkout, one var folder, nothing elsewhere."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import hrx
from hrx.kit.errors import Refused, Text
from hrx.ops.targets.machine import users
from hrx.ops.targets.machine.settings import MachineSettings

# The kernel refuses longer Unix socket paths; the longest name of ours below `run/` is kept in the margin.
_SOCKET_DIR_MAX: Final = 107 - len("/.s.PGSQL.65535")
#: Where data goes when root's checkout is closed to every other user (a clone in /root).
_SYSTEM_VAR: Final = Path("/var/lib")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The folders of one HRX-AI on this machine. `user` runs the native programs (None: ourselves)."""

    root: Path
    var: Path
    user: str | None
    tools: Path

    @property
    def run(self) -> Path:
        return self.var / "run"

    @property
    def log(self) -> Path:
        return self.var / "log"

    @property
    def secrets_file(self) -> Path:
        return self.var / "secrets.env"

    @property
    def ports_file(self) -> Path:
        return self.run / "ports.json"

    @property
    def faults(self) -> Path:
        """Files by which drills disturb the application, one a part."""
        return self.run / "faults"

    @property
    def drill(self) -> Path:
        """What a drill puts on the disk on purpose; not there between drills."""
        return self.var / "drill"

    @property
    def status_public(self) -> Path:
        """The public status page's files; they hold nothing that is not public."""
        return self.var / "status" / "public"

    @property
    def kept_assets(self) -> Path:
        """Files of portals before this one, one folder a build, for browser tabs that were opened on them."""
        return self.var / "web-assets"

    @property
    def recovery(self) -> Path:
        """Change records as they are received, what the keeper of the backups knows, restored copies."""
        return self.var / "recovery"

    @property
    def proving(self) -> Path:
        """Where the keeper restores a backup to prove it, unless HRX_RESTORE_DIR names another disk."""
        return self.recovery / "proving"

    @property
    def postgres_data(self) -> Path:
        return self.var / "postgres"

    @property
    def standby_data(self) -> Path:
        """The standby's data directory; there once a standby was built."""
        return self.var / "postgres-standby"

    @property
    def sockets(self) -> Path:
        """Folder of Unix sockets: `run/`, or a short private folder when that path is too long."""
        if len(str(self.run)) <= _SOCKET_DIR_MAX:
            return self.run
        name = hashlib.sha256(str(self.var).encode()).hexdigest()[:10]
        return Path(tempfile.gettempdir()) / f"hrx-{os.getuid()}-{name}"

    @property
    def supervisor_socket(self) -> Path:
        return self.sockets / "supervisor.sock"

    @property
    def haproxy_socket(self) -> Path:
        return self.sockets / "haproxy.sock"

    @property
    def scoring_socket(self) -> Path:
        return self.sockets / "scoring.sock"

    @property
    def stack_mark(self) -> str:
        """What every process of this stack carries in its environment as HRX_STACK."""
        return str(self.var)

    def make_folders(self) -> None:
        """Create what is missing with the right owners; harmless when all is there."""
        shared = 0o711 if self.user else 0o700
        for folder in (self.var, self.run, self.log, self.sockets):
            folder.mkdir(parents=True, exist_ok=True)
            _refuse_foreign(folder)
            folder.chmod(shared)
        self.tools.mkdir(mode=0o711, parents=True, exist_ok=True)
        for private in (self.var / "storage", self.var / "ops", self.run / "env", self.faults):
            private.mkdir(exist_ok=True)
            private.chmod(0o700)
        for owned in ("redis", "prometheus", "alertmanager", "exporters"):
            folder = self.var / owned
            folder.mkdir(exist_ok=True)
            users.give_to(folder, user=self.user, mode=0o700)
        self._refuse_unreachable()

    def _refuse_unreachable(self) -> None:
        if self.user is None or users.can_reach(self.var / "redis", user=self.user):
            return
        at = users.blocked_at(self.var / "redis", user=self.user)
        raise Refused(
            Text(
                ja=f"PostgreSQL などを動かす利用者 {self.user} が {at} に入れません。",
                en=f"User {self.user}, who runs PostgreSQL and the like, may not enter {at}.",
            ),
            hint=Text(
                ja=f"`HRX_VAR_DIR=/var/lib/hrx make up` とするか、`chmod o+x {at}` を実行してください。",
                en=f"Run `HRX_VAR_DIR=/var/lib/hrx make up`, or `chmod o+x {at}`.",
            ),
            code="layout.unreachable",
        )


def find_layout(settings: MachineSettings, *, may_create_user: bool = False) -> Layout:
    """Where this checkout's HRX-AI lives; creates nothing, except as root the service user when allowed."""
    root = Path(hrx.__file__).resolve().parents[2]
    user = users.choose_service_user(preferred=settings.service_user, may_create=may_create_user)
    var = _choose_var(settings, root=root, user=user)
    return Layout(root=root, var=var, user=user, tools=_choose_tools(settings, root=root, var=var, user=user))


def _choose_var(settings: MachineSettings, *, root: Path, user: str | None) -> Path:
    if settings.var_dir is not None:
        return (root / settings.var_dir).resolve()
    if user is None or users.can_reach(root / "pyproject.toml", user=user):
        return root / "var"
    mark = hashlib.sha256(str(root).encode()).hexdigest()[:8]
    return _SYSTEM_VAR / f"hrx-{mark}"


def _choose_tools(settings: MachineSettings, *, root: Path, var: Path, user: str | None) -> Path:
    """A second stack of a checkout uses the tools that the first one fetched."""
    if settings.tools_dir is not None:
        return (root / settings.tools_dir).resolve()
    shared = root / "var" / "tools"
    is_ours = shared.exists() and shared.stat().st_uid == os.getuid()
    if is_ours and (user is None or users.can_reach(root / "pyproject.toml", user=user)):
        return shared
    return var / "tools"


def _refuse_foreign(folder: Path) -> None:
    """A folder of ours that another user made could be a trap, above all below /tmp."""
    owner = folder.stat(follow_symlinks=False)
    if stat.S_ISLNK(owner.st_mode) or owner.st_uid != os.getuid():
        raise Refused(
            Text(
                ja=f"{folder} は別の利用者(uid {owner.st_uid})のものです。",
                en=f"{folder} belongs to another user (uid {owner.st_uid}).",
            ),
            hint=Text(
                ja="その利用者で `make up` を実行するか、`HRX_VAR_DIR=別のフォルダ make up` としてください。",
                en="Run `make up` as that user, or `HRX_VAR_DIR=/another/folder make up`.",
            ),
            code="layout.foreign_folder",
        )
