"""The Target "this machine": its parts are programs of its supervisor."""

from __future__ import annotations

import csv
import fcntl
import io
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from hrx.kit.errors import NotFound, Text, Unavailable
from hrx.ops.targets.machine.haproxy import (
    CLOSED,
    blocked_file,
    closed_file,
    keep_live,
    pass_database_to,
    say_state,
    send_command,
)
from hrx.ops.targets.machine.homes import find_writer
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.live import find_live_part
from hrx.ops.targets.machine.logins import Logins
from hrx.ops.targets.machine.processes import find_suspended
from hrx.ops.targets.machine.secrets import drop_former, renew_secret, take_back
from hrx.ops.targets.machine.senders import HOOK_TOKEN, hand_token_to_alertmanager, no_program
from hrx.ops.targets.machine.shares import read_check
from hrx.ops.targets.machine.supervisor import Supervisor
from hrx.ops.targets.machine.supervisor_config import replace_variable, take_up_changed
from hrx.ops.targets.target import PartState, PartStatus

#: Every program in the order in which it starts, and what people lose without it.
PARTS: Final[dict[str, Text]] = {
    "postgres": Text(ja="すべてのデータ", en="all data"),
    "wal-receiver": Text(ja="直前の変更の写し(RPO)", en="the copy of the last changes (RPO)"),
    "postgres-standby": Text(
        ja="主系を失ったときの引き継ぎ先(HRX_STANDBY_MODE が off なら待機)",
        en="whoever takes over from a lost database (rests while HRX_STANDBY_MODE is off)",
    ),
    "redis": Text(ja="応答の速さ(キャッシュ)", en="speed (the cache)"),
    "api-blue": Text(ja="製品の API(blue)", en="the product's API (blue)"),
    "api-green": Text(ja="製品の API(green、待機)", en="the product's API (green, resting)"),
    "web-blue": Text(ja="ポータルの画面(blue)", en="the portal's pages (blue)"),
    "web-green": Text(ja="ポータルの画面(green、待機)", en="the portal's pages (green, resting)"),
    "worker": Text(ja="取り込みなどの裏の作業", en="background work such as imports"),
    "scoring": Text(ja="候補の順位(モデルの採点)", en="rankings of candidates (scores of models)"),
    "ops": Text(ja="運用コンソール", en="the operations console"),
    "probe": Text(ja="外からの監視", en="the view from outside"),
    "status": Text(ja="公開のステータスページ", en="the public status page"),
    "inbox": Text(ja="開発中に通知を見る場所", en="the place where development reads its pages"),
    "backup": Text(ja="バックアップとその検証", en="backups and their proof"),
    "haproxy": Text(ja="利用者の入口", en="the door people use"),
    "prometheus": Text(ja="指標とアラートの判定", en="metrics and the evaluation of alerts"),
    "alertmanager": Text(ja="アラートの集約と通知", en="grouping and passing on alerts"),
    "postgres-exporter": Text(ja="データベースの指標", en="the database's own figures"),
    "redis-exporter": Text(ja="キャッシュの指標", en="the cache's own figures"),
}
#: The idle halves of the two slots, which a release starts, and the standby, which needs a primary first.
RESTING: Final = frozenset({"api-green", "web-green", "postgres-standby"})


class Machine:
    """This machine. Implements `target.Target`."""

    name = "machine"

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._supervisor = Supervisor(layout.supervisor_socket)
        self._logins = Logins(layout=layout)

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

    def find_kept(self, service: str) -> str:
        return find_live_part(self._layout, service)

    def switch_to(self, part: str, *, timeout_s: float) -> None:
        service, _, slot = _require_known(part).partition("-")
        other = f"{service}-{'blue' if slot == 'green' else 'green'}"
        self.send_to_edge(say_state(service, part, "ready"))
        deadline = time.monotonic() + timeout_s
        while not self._is_up(service, part):
            if time.monotonic() > deadline:
                self.send_to_edge(say_state(service, part, "maint"))
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
        self.send_to_edge(say_state(service, other, "maint"))

    def pass_database_to(self, part: str, *, timeout_s: float) -> None:
        pass_database_to(self._layout.run / "edge", self._layout.haproxy_socket, part)

    def find_database_part(self) -> str:
        return find_writer(self._layout.postgres_data, self._layout.standby_data)

    def _is_up(self, service: str, part: str) -> bool:
        said = self.send_to_edge("show stat").removeprefix("# ")
        rows = csv.DictReader(io.StringIO(said))
        mine = [row for row in rows if (row["pxname"], row["svname"]) == (service, part)]
        return bool(mine) and mine[0]["status"].startswith("UP") and read_check(mine[0]) == "L7OK"

    def renew_secret(self, name: str, *, keeps_former: bool = False) -> tuple[str, ...]:
        return self._change_secret(name, lambda path: renew_secret(path, name, keeps_former=keeps_former))

    def drop_former_secret(self, name: str) -> tuple[str, ...]:
        return self._change_secret(name, lambda path: drop_former(path, name))

    def take_back_secret(self, name: str) -> tuple[str, ...]:
        return self._change_secret(name, lambda path: take_back(path, name))

    @property
    def env_file(self) -> Path:
        return self._layout.root / ".env"

    def give_variable(self, name: str, value: str) -> tuple[str, ...]:
        parts = replace_variable(self._layout, name, value)
        if not parts:
            raise no_program(name)
        return parts

    def hand_to_senders(self, name: str, value: str) -> tuple[str, ...]:
        return hand_token_to_alertmanager(self._layout, value) if name == HOOK_TOKEN else ()

    def _change_secret(self, name: str, change: Callable[[Path], str]) -> tuple[str, ...]:
        try:
            value = change(self._layout.secrets_file)
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

    def close_edge(self, *, is_closed: bool) -> None:
        """The file first, for the next start; then the running edge, when there is one."""
        path = closed_file(self._layout.run / "edge")
        draft = path.with_suffix(".new")
        draft.write_text(f"{CLOSED}\n" if is_closed else "")
        draft.chmod(0o644)
        draft.replace(path)
        if self._edge_runs():
            # Deleted before it is added: the edge would keep it twice, and let go of it once.
            add = f"; add acl {path} {CLOSED}" if is_closed else ""
            self.send_to_edge(f"del acl {path} {CLOSED}{add}")

    def is_edge_closed(self) -> bool:
        try:
            return CLOSED in closed_file(self._layout.run / "edge").read_text()
        except OSError:
            return False

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
        return self._logins.url(role)

    def reset_database_password(self, role: str) -> None:
        self._logins.reset(role)

    def open_second_login(self, role: str) -> tuple[str, ...]:
        return take_up_changed(self._layout, self._supervisor, self._logins.open(role))

    def renew_database_password(self, role: str) -> tuple[str, ...]:
        return take_up_changed(self._layout, self._supervisor, self._logins.renew(role))

    def lead_back_to_role(self, role: str) -> tuple[str, ...]:
        return take_up_changed(self._layout, self._supervisor, self._logins.lead_back(role))

    def close_second_login(self, role: str) -> bool:
        return self._logins.close(role)

    def has_second_login(self, role: str) -> bool:
        return self._logins.has_second(role)

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


def _with_affects(status: PartStatus, affects: Text) -> PartStatus:
    return PartStatus(
        name=status.name,
        state=status.state,
        pid=status.pid,
        uptime_s=status.uptime_s,
        says=status.says,
        affects=affects,
    )
