"""The Target "this machine": its parts are programs of its supervisor."""

from __future__ import annotations

import csv
import fcntl
import io
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psutil

from hrx.kit.errors import NotFound, Text, Unavailable
from hrx.ops.targets.machine.database import DATABASE
from hrx.ops.targets.machine.haproxy import blocked_file, keep_live, send_command
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.ports import read_remembered
from hrx.ops.targets.machine.postgres import SUPERUSER
from hrx.ops.targets.machine.processes import find_suspended
from hrx.ops.targets.machine.roles import LOGIN_ROLES, reset_password
from hrx.ops.targets.machine.secrets import read_secrets, renew_secret
from hrx.ops.targets.machine.supervisor import Supervisor
from hrx.ops.targets.machine.supervisor_config import replace_variable
from hrx.ops.targets.target import PartState, PartStatus

#: Every program in the order in which it starts, and what people lose without it.
PARTS: Final[dict[str, Text]] = {
    "postgres": Text(ja="すべてのデータ", en="all data"),
    "redis": Text(ja="応答の速さ(キャッシュ)", en="speed (the cache)"),
    "api-blue": Text(ja="製品の API(blue)", en="the product's API (blue)"),
    "api-green": Text(ja="製品の API(green、待機)", en="the product's API (green, resting)"),
    "web-blue": Text(ja="ポータルの画面(blue)", en="the portal's pages (blue)"),
    "web-green": Text(ja="ポータルの画面(green、待機)", en="the portal's pages (green, resting)"),
    "worker": Text(ja="取り込みなどの裏の作業", en="background work such as imports"),
    "ops": Text(ja="運用コンソール", en="the operations console"),
    "probe": Text(ja="外からの監視", en="the view from outside"),
    "status": Text(ja="公開のステータスページ", en="the public status page"),
    "inbox": Text(ja="開発中に通知を見る場所", en="the place where development reads its pages"),
    "haproxy": Text(ja="利用者の入口", en="the door people use"),
    "prometheus": Text(ja="指標とアラートの判定", en="metrics and the evaluation of alerts"),
    "alertmanager": Text(ja="アラートの集約と通知", en="grouping and passing on alerts"),
    "postgres-exporter": Text(ja="データベースの指標", en="the database's own figures"),
    "redis-exporter": Text(ja="キャッシュの指標", en="the cache's own figures"),
}
#: The idle halves of the two slots; a release starts them.
RESTING: Final = frozenset({"api-green", "web-green"})


class Machine:
    """This machine. Implements `target.Target`."""

    name = "machine"

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._supervisor = Supervisor(layout.supervisor_socket)

    def list_parts(self) -> list[PartStatus]:
        """Every part; ABSENT when nothing is up, UNKNOWN when the supervisor hangs."""
        try:
            known = {part.name: part for part in self._supervisor.list_parts()}
        except Unavailable as error:
            gone = not self._layout.supervisor_socket.exists() or "refused" in error.message.en
            state = PartState.ABSENT if gone else PartState.UNKNOWN
            return [PartStatus(name=name, state=state, affects=affects) for name, affects in PARTS.items()]
        absent = PartState.ABSENT
        return [
            _with_affects(known.get(name, PartStatus(name=name, state=absent)), affects)
            for name, affects in PARTS.items()
        ]

    def start_part(self, name: str, *, timeout_s: float) -> PartStatus:
        return self._supervisor.start(_require_known(name), timeout_s=timeout_s)

    def stop_part(self, name: str, *, timeout_s: float) -> PartStatus:
        return self._supervisor.stop(_require_known(name), timeout_s=timeout_s)

    def restart_part(self, name: str, *, timeout_s: float) -> PartStatus:
        return self._supervisor.restart(_require_known(name), timeout_s=timeout_s)

    def reopen_logs(self) -> None:
        self._supervisor.reopen_logs()

    def send_to_edge(self, command: str) -> str:
        return send_command(self._layout.haproxy_socket, command)

    def list_live(self, service: str) -> tuple[str, ...]:
        rows = csv.DictReader(io.StringIO(self.send_to_edge("show stat").removeprefix("# ")))
        taking = ("UP", "DOWN", "no check")
        return tuple(
            str(row["svname"])
            for row in rows
            if row["pxname"] == service
            and row["svname"] not in ("FRONTEND", "BACKEND")
            and str(row["status"]).startswith(taking)
        )

    def switch_to(self, part: str, *, timeout_s: float) -> None:
        service, _, slot = _require_known(part).partition("-")
        other = f"{service}-{'blue' if slot == 'green' else 'green'}"
        self.send_to_edge(f"set server {service}/{part} state ready")
        deadline = time.monotonic() + timeout_s
        while not self._is_up(service, part):
            if time.monotonic() > deadline:
                self.send_to_edge(f"set server {service}/{part} state maint")
                raise Unavailable(
                    Text(
                        ja=f"入口から見て {part} が {timeout_s:g} 秒以内に使えるようになりません。",
                        en=f"The edge does not find {part} up within {timeout_s:g} s.",
                    ),
                    hint=Text(
                        ja=f"`make logs PART={part}` を見てください。", en=f"See `make logs PART={part}`."
                    ),
                    code="machine.slot_not_up",
                )
            time.sleep(0.1)
        # On disk before the old one rests: an edge that is restarted in between has somebody to pass to.
        keep_live(self._layout.run / "edge", service, slot)
        self.send_to_edge(f"set server {service}/{other} state maint")

    def _is_up(self, service: str, part: str) -> bool:
        said = self.send_to_edge("show stat").removeprefix("# ")
        rows = csv.DictReader(io.StringIO(said))
        mine = [row for row in rows if (row["pxname"], row["svname"]) == (service, part)]
        return bool(mine) and str(mine[0]["status"]).startswith("UP") and mine[0]["check_status"] == "L7OK"

    def renew_secret(self, name: str) -> tuple[str, ...]:
        try:
            value = renew_secret(self._layout.secrets_file, name)
        except (OSError, KeyError) as error:
            raise Unavailable(
                Text(ja=f"この機械は {name} を保管していません。", en=f"This machine does not keep {name}."),
                hint=Text(
                    ja="秘密の保管場所で新しくし、API とワーカーを再起動してください。",
                    en="Renew it where secrets are kept, and restart API and worker.",
                ),
                code="machine.no_secret",
            ) from error
        return replace_variable(self._layout, name, value)

    def list_blocked(self) -> list[str]:
        try:
            return self._blocked.read_text().split()
        except OSError:
            return []

    def change_blocked(self, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        """The file first, for the next start; then the running edge, when there is one."""
        path = self._blocked
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_suffix(".lock").open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            kept = [source for source in self.list_blocked() if source not in {*add, *remove}]
            draft = path.with_suffix(".new")
            draft.write_text("".join(f"{source}\n" for source in (*kept, *add)))
            draft.chmod(0o644)
            draft.replace(path)
            # Deleted before it is added: the edge would keep it twice, and let go of it once.
            commands = [f"del acl {path} {source}" for source in (*add, *remove)]
            commands += [f"add acl {path} {source}" for source in add]
            if commands and self._edge_runs():
                self.send_to_edge("; ".join(commands))

    def is_blocked(self, address: str) -> bool:
        return "match=yes" in self.send_to_edge(f"get acl {self._blocked} {address}")

    @property
    def _blocked(self) -> Path:
        return blocked_file(self._layout.run / "edge")

    def _edge_runs(self) -> bool:
        return self._supervisor.get_part("haproxy").state is PartState.RUNNING

    def signal_part(self, name: str, signal: str) -> PartStatus:
        self._supervisor.signal(_require_known(name), signal)
        return self._supervisor.get_part(name)

    def database_url(self, role: str) -> str:
        if role not in LOGIN_ROLES:
            raise _no_key(role)
        return self._database_url(role, database=DATABASE)

    def reset_database_password(self, role: str) -> None:
        if role not in LOGIN_ROLES:
            raise _no_key(role)
        reset_password(
            self._database_url(SUPERUSER, database="postgres"), role, self._database_password(role)
        )

    def _database_url(self, role: str, *, database: str) -> str:
        """Only a database of our own: of one elsewhere this machine knows no more than two addresses."""
        port = read_remembered(self._layout.ports_file).get("postgres")
        if port is None or not (self._layout.postgres_data / "PG_VERSION").exists():
            raise _no_key(role)
        return (
            f"postgresql://{role}:{quote(self._database_password(role), safe='')}@127.0.0.1:{port}/{database}"
        )

    def _database_password(self, role: str) -> str:
        name = f"HRX_POSTGRES_{role.removeprefix('hrx_').upper()}_PASSWORD"
        found = read_secrets(self._layout.secrets_file).get(name)
        if not found:
            raise _no_key(role)
        return found

    def list_suspended(self, name: str) -> tuple[int, ...]:
        return tuple(process.pid for process in self._find_suspended(name))

    def resume_part(self, name: str) -> tuple[int, ...]:
        resumed = []
        # Children first: the parent must not find them still asleep and give them up.
        for process in reversed(self._find_suspended(name)):
            with suppress(psutil.NoSuchProcess):
                process.resume()
                resumed.append(process.pid)
        return tuple(resumed)

    def _find_suspended(self, name: str) -> list[psutil.Process]:
        known = _require_known(name)
        pid = next((part.pid for part in self.list_parts() if part.name == known), None)
        return find_suspended(pid) if pid is not None else []

    def tail_log(self, name: str, *, size_bytes: int) -> str:
        """Read from the file, so that it works with everything down."""
        known = name if name == "supervisord" else _require_known(name)
        tail = _read_end(self._layout.log / f"{known}.log", size_bytes=size_bytes)
        if len(tail) < size_bytes:
            # It was closed a short while ago: what came before stands in the file that was.
            closed = sorted((self._layout.log / "closed").glob(f"{known}@*.log"))[-1:]
            tail = b"".join(_read_end(path, size_bytes=size_bytes - len(tail)) for path in closed) + tail
        return tail.decode(errors="replace")


def _read_end(path: Path, *, size_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - size_bytes))
            return file.read(size_bytes)
    except FileNotFoundError:
        return b""


def _require_known(name: str) -> str:
    if name in PARTS:
        return name
    names = " ".join(PARTS)
    raise NotFound(
        Text(ja=f"部品 {name} はありません。", en=f"There is no part {name}."),
        hint=Text(ja=f"次のいずれかです: {names}", en=f"One of: {names}"),
        code="machine.no_part",
    )


def _no_key(role: str) -> Unavailable:
    return Unavailable(
        Text(
            ja=f"この機械は役割 {role} でデータベースに入れません。",
            en=f"This machine cannot enter the database as role {role}.",
        ),
        hint=Text(
            ja="データベースが別の場所にあるなら、その管理者に依頼してください。"
            "手元にあるなら `make up` で秘密と役割をそろえます。",
            en="If the database is elsewhere, ask whoever administers it. "
            "If it is here, `make up` puts secrets and roles in order.",
        ),
        code="machine.no_database_key",
    )


def _with_affects(status: PartStatus, affects: Text) -> PartStatus:
    return PartStatus(
        name=status.name,
        state=status.state,
        pid=status.pid,
        uptime_s=status.uptime_s,
        says=status.says,
        affects=affects,
    )
