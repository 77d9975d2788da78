"""Ports: the two that people type are promised, the others are found and remembered.

A promised port that is taken is an error which names the holder and the command to type. An inner port that
is taken moves to the next free one, and stays there, so that restarts and scrapes find the same place."""

from __future__ import annotations

import json
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from hrx.kit.errors import Refused, Text
from hrx.ops.targets.machine.settings import MachineSettings

#: Where inner ports start looking; the order is the order of the start.
INNER_DEFAULTS: Final[Mapping[str, int]] = {
    "postgres": 8432,
    "postgres_standby": 8433,
    "database": 8434,
    "redis": 8379,
    "api_blue": 8101,
    "api_green": 8102,
    "api_blue_metrics": 8151,
    "api_green_metrics": 8152,
    "web_blue": 8111,
    "web_green": 8112,
    "worker": 8153,
    "backup": 8154,
    "scoring": 8155,
    "prometheus": 8191,
    "haproxy_stats": 8192,
    "alertmanager": 8193,
    "probe": 8198,
    # Promised when HRX_STATUS_PORT names it.
    "status": 8095,
    "inbox": 8196,
    "inbox_smtp": 8197,
    "postgres_exporter": 8194,
    "redis_exporter": 8195,
    "web_blue_metrics": 8161,
    "web_green_metrics": 8162,
}
_SEARCH_SPAN: Final = 400
_PRIVILEGED_BELOW: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The ports of one stack."""

    edge: int
    ops: int
    inner: Mapping[str, int]

    def __getitem__(self, name: str) -> int:
        return self.inner[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who listens on a port. `stack` is the var folder when it is a part of an HRX-AI."""

    pid: int | None
    command: str
    stack: str | None


def choose_ports(settings: MachineSettings, *, remembered_in: Path, stack_mark: str) -> Ports:
    """The ports to use now, remembered in a file. What our own processes hold is no conflict.

    Raises Refused when a promised port is somebody else's."""
    remembered, holders = read_remembered(remembered_in), Holders()
    for name, wanted, bind in (
        ("EDGE", settings.edge_port, settings.edge_bind),
        ("OPS", settings.ops_port, settings.ops_bind),
        ("STATUS", settings.status_port, settings.status_bind),
    ):
        if wanted is not None:
            _require_promised(name, wanted, bind=bind, stack_mark=stack_mark, holders=holders)
    taken = {settings.edge_port, settings.ops_port}
    inner: dict[str, int] = {}
    if settings.status_port is not None:
        inner["status"] = settings.status_port
        taken.add(settings.status_port)
    for name, usual in INNER_DEFAULTS.items():
        if name in inner:
            continue
        default = usual + settings.inner_port_shift
        start = remembered.get(name, default)
        inner[name] = _next_free(start, default=default, taken=taken, mark=stack_mark, holders=holders)
        taken.add(inner[name])
    ports = Ports(edge=settings.edge_port, ops=settings.ops_port, inner=inner)
    remembered_in.write_text(json.dumps({"edge": ports.edge, "ops": ports.ops, **inner}, indent=1) + "\n")
    return ports


def read_remembered(path: Path) -> dict[str, int]:
    """The ports of the last start; empty when there was none or the file is damaged (it is only a memory)."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return {str(name): port for name, port in found.items() if isinstance(port, int)}


def is_free(port: int, *, bind: str = "127.0.0.1") -> bool:
    """Whether we could listen there now."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError:
            return False
        return True


class Holders:
    """Who listens where, asked of the system once, when first needed: it walks over every process."""

    def __init__(self) -> None:
        self._pids: dict[int, int | None] | None = None

    def find(self, port: int) -> Holder | None:
        """Who listens on a port, as far as this user may know; None when nobody does."""
        if self._pids is None:
            listening = [
                one for one in psutil.net_connections(kind="tcp") if one.status == psutil.CONN_LISTEN
            ]
            self._pids = {one.laddr.port: one.pid for one in listening}
        return _describe(self._pids[port]) if port in self._pids else None


def _describe(pid: int | None) -> Holder:
    if pid is None:
        return Holder(pid=None, command="", stack=None)
    try:
        process = psutil.Process(pid)
        command = " ".join(process.cmdline())[:120] or process.name()
    except psutil.Error:
        return Holder(pid=pid, command="", stack=None)
    try:
        stack = process.environ().get("HRX_STACK")
    except psutil.Error:
        stack = None
    return Holder(pid=pid, command=command, stack=stack)


def _require_promised(name: str, port: int, *, bind: str, stack_mark: str, holders: Holders) -> None:
    if is_free(port, bind=bind):
        return
    holder = holders.find(port)
    if holder is not None and holder.stack == stack_mark:
        return
    other = _next_free(port + 1, default=port + 1, taken=set(), mark=stack_mark, holders=holders)
    if port < _PRIVILEGED_BELOW and holder is None:
        raise Refused(
            Text(
                ja=f"ポート {port} は root でなければ使えません。",
                en=f"Port {port} needs root.",
            ),
            hint=Text(
                ja=f"`HRX_{name}_PORT={max(other, 8080)} make up` を実行してください。",
                en=f"Run `HRX_{name}_PORT={max(other, 8080)} make up`.",
            ),
            code="ports.privileged",
        )
    who_ja, who_en = _name_holder(holder)
    raise Refused(
        Text(
            ja=f"ポート {port} は使用中です({who_ja})。",
            en=f"Port {port} is taken by {who_en}.",
        ),
        hint=_suggest(name, other=other, holder=holder),
        code="ports.taken",
    )


def _name_holder(holder: Holder | None) -> tuple[str, str]:
    if holder is None or holder.pid is None:
        return "別の利用者のプログラム", "a program of another user"
    if holder.stack:
        return f"別の HRX-AI: {holder.stack}", f"another HRX-AI: {holder.stack}"
    return f"PID {holder.pid}: {holder.command}", f"process {holder.pid}: {holder.command}"


def _suggest(name: str, *, other: int, holder: Holder | None) -> Text:
    retry = f"`HRX_{name}_PORT={other} make up`"
    if holder is None or not holder.stack:
        return Text(ja=f"{retry} を実行してください。", en=f"Run {retry}.")
    stop = f"`HRX_VAR_DIR={holder.stack} make down`"
    return Text(
        ja=f"{stop} でその HRX-AI を止めるか、{retry} を実行してください。",
        en=f"Stop that HRX-AI with {stop}, or run {retry}.",
    )


def _next_free(start: int, *, default: int, taken: Collection[int], mark: str, holders: Holders) -> int:
    """The first port from `start` that is free or already ours."""
    port: int
    for port in (*range(start, start + _SEARCH_SPAN), *range(default, default + _SEARCH_SPAN)):
        if port in taken or port > 65535:
            continue
        if is_free(port):
            return port
        holder = holders.find(port)
        if holder is not None and holder.stack == mark:
            return port
    raise Refused(
        Text(
            ja=f"{start} から空きポートが見つかりません。",
            en=f"No free port was found from {start} on.",
        ),
        code="ports.none_free",
    )
