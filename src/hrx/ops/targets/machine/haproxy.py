"""The edge: one public port in front of two slots each of API and web.

It routes, keeps slow or oversized requests out, retries what is safe to retry, and has something civil to
say when nothing stands behind it. It decides no release: that is done over its runtime socket."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.kit.errors import Text, Unavailable
from hrx.ops.targets.machine.ports import Ports
from hrx.ops.targets.machine.tools import Tool

_CHECK_TIMEOUT_S: Final = 20
_SOCKET_TIMEOUT_S: Final = 3
_LIVE: Final = "live.json"
_STATUS_LUA: Final = "status.lua"
#: The ports that the edge passes requests on to.
_SERVED: Final = (
    "api_blue",
    "api_green",
    "web_blue",
    "web_green",
    "status",
    "database",
    "postgres",
    "postgres_standby",
)
_CONFIG: Final = "haproxy.cfg"
DATABASE_CONFIG: Final = "database.cfg"
#: The backend in front of the database's two servers, where it has a standby.
DATABASE_BACKEND: Final = "database"
#: What a service's other backend is called by (deploy/edge/haproxy.cfg).
LAST: Final = "_last"
_DATABASE_SERVERS: Final = ("postgres", "postgres-standby")
_SERVER: Final = re.compile(
    r"^(?P<start> +server (?P<name>(?:api|web)-(?:blue|green)|postgres(?:-standby)?) \S+ check)"
    r"(?: disabled)?$",
    re.M,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """The edge's configuration and its runtime socket. `user` is whom it becomes after binding its port;
    `public` is the status page's folder, served while the page's own process is down. `has_database`: it
    stands in front of the database, too."""

    tool: Tool
    source: Path
    folder: Path
    socket_path: Path
    public: Path
    ports: Ports
    bind: str
    user: str | None
    has_database: bool = False

    @property
    def config(self) -> Path:
        return self.folder / _CONFIG

    def prepare(self) -> None:
        """Write configuration and pages, and have HAProxy itself check them.

        Raises Unavailable with HAProxy's words when it refuses."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for page in (self.source / "pages").iterdir():
            shutil.copyfile(page, self.folder / page.name)
        shutil.copyfile(self.source / _STATUS_LUA, self.folder / _STATUS_LUA)
        # Kept by the plane, and read again by every start: a block outlives a restart.
        blocked_file(self.folder).touch()
        closed_file(self.folder).touch()
        self.config.write_text(self._render(_CONFIG))
        if self.has_database:
            (self.folder / DATABASE_CONFIG).write_text(self._render(DATABASE_CONFIG))
        done = subprocess.run(
            [*self.argv(), "-c"],
            env={**os.environ, **self.tool.environment()},
            capture_output=True,
            text=True,
            timeout=_CHECK_TIMEOUT_S,
            check=False,
        )
        if done.returncode != 0:
            said = " ".join(line for line in done.stderr.splitlines() if "[ALERT]" in line)[:600]
            raise Unavailable(
                Text(
                    ja=f"入口(HAProxy)の設定が受け付けられません: {said}",
                    en=f"The edge's configuration is refused: {said}",
                ),
                code="haproxy.bad_config",
            )

    def argv(self) -> list[str]:
        """The foreground command; SIGUSR1 ends it softly."""
        database = ["-f", str(self.folder / DATABASE_CONFIG)] if self.has_database else []
        return [str(self.tool.path), "-db", "-f", str(self.config), *database]

    def command(self, text: str) -> str:
        """Send one command to the runtime socket (`show stat`, `set server …`) and give its answer."""
        return send_command(self.socket_path, text)

    def _render(self, name: str) -> str:
        template = (self.source / name).read_text()
        identity = f"user {self.user}" if self.user else "# Runs as whoever started it."
        values = {
            "identity": identity,
            "socket": str(self.socket_path),
            "pages": str(self.folder),
            "blocked": str(blocked_file(self.folder)),
            "closed": str(closed_file(self.folder)),
            "lua": str(self.folder / _STATUS_LUA),
            "public": str(self.public),
            "bind": f"[{self.bind}]" if ":" in self.bind else self.bind,
            "port": str(self.ports.edge),
            "stats_port": str(self.ports["haproxy_stats"]),
            **{name: str(self.ports[name]) for name in _SERVED},
        }
        for name, value in values.items():
            template = template.replace(f"@{name}@", value)
        return with_live(template, read_live(self.folder))


def with_live(config: str, live: Mapping[str, str]) -> str:
    """The configuration with these taking requests: `{"api": "green"}`; others stay as they are."""

    def mend(line: re.Match[str]) -> str:
        name, start = line.group("name"), line.group("start")
        service, _, slot = name.partition("-")
        if name.startswith("postgres"):
            service, slot = DATABASE_BACKEND, name
        if service not in live:
            return line.group(0)
        return start if live[service] == slot else f"{start} disabled"

    return _SERVER.sub(mend, config)


def read_live(folder: Path) -> dict[str, str]:
    """The slots that somebody switched to, by service, and the part that is the database's writer; empty as
    long as nobody switched."""
    try:
        found = json.loads((folder / _LIVE).read_text())
    except (OSError, ValueError):
        return {}
    return {str(service): str(slot) for service, slot in found.items()}


def keep_live(folder: Path, service: str, slot: str) -> None:
    """Remember a switch for every later start of the edge, whoever starts it."""
    _write_live(folder, {**read_live(folder), service: slot})


def _write_live(folder: Path, live: Mapping[str, str]) -> None:
    configs = [folder / name for name in (_CONFIG, DATABASE_CONFIG) if (folder / name).exists()]
    for path, text in (
        (folder / _LIVE, json.dumps(live)),
        *((config, with_live(config.read_text(), live)) for config in configs),
    ):
        draft = path.with_suffix(".new")
        draft.write_text(text)
        draft.replace(path)


def pass_database_to(folder: Path, socket_path: Path, part: str) -> None:
    """Have clients of the database reach this part, now and after restarts of the edge; harmless where the
    edge does not stand in front of it. Raises Unavailable when the edge does not answer."""
    if not (folder / DATABASE_CONFIG).exists():
        return
    # On disk first: an edge that is restarted in between passes sessions to the writer.
    keep_live(folder, DATABASE_BACKEND, part)
    other = next(name for name in _DATABASE_SERVERS if name != part)
    # Who writes was proven by its own word before: the edge need not find it up first.
    for command in (
        f"set server {DATABASE_BACKEND}/{other} state maint",
        f"shutdown sessions server {DATABASE_BACKEND}/{other}",
        f"set server {DATABASE_BACKEND}/{part} state ready",
        f"set server {DATABASE_BACKEND}/{part} health up",
    ):
        send_command(socket_path, command)


def say_state(service: str, part: str, state: str) -> str:
    """The command by which a slot takes requests (`ready`), is only checked (`drain`) or rests (`maint`), in
    both backends: that of `service` and the one that stands in when nobody of it is in time for its check."""
    return "; ".join(
        f"set server {backend}/{part} state {state}" for backend in (service, f"{service}{LAST}")
    )


def blocked_file(folder: Path) -> Path:
    """The addresses and networks that the edge lets in no more, one a line."""
    return folder / "blocked.acl"


#: The line of that file while it is so.
CLOSED: Final = "closed"


def closed_file(folder: Path) -> Path:
    """Whether the edge is closed to people: empty, or one line."""
    return folder / "closed.acl"


def send_command(socket_path: Path, text: str) -> str:
    """One command to an HAProxy runtime socket. Raises Unavailable when it does not answer."""
    chunks: list[bytes] = []
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_SOCKET_TIMEOUT_S)
            connection.connect(str(socket_path))
            connection.sendall(text.encode() + b"\n")
            while chunk := connection.recv(65536):
                chunks.append(chunk)
    except OSError as error:
        raise Unavailable(
            Text(ja=f"入口(HAProxy)が応答しません: {error}", en=f"The edge does not answer: {error}"),
            code="haproxy.unreachable",
        ) from error
    return b"".join(chunks).decode(errors="replace")
