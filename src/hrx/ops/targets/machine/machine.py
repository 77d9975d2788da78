"""The Target "this machine": its parts are programs of its supervisor."""

from __future__ import annotations

import csv
import fcntl
import io
import os
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

import psutil

from hrx.kit.errors import NotFound, Text, Unavailable
from hrx.ops.targets.machine.database import DATABASE
from hrx.ops.targets.machine.haproxy import (
    CLOSED,
    blocked_file,
    closed_file,
    keep_live,
    pass_database_to,
    send_command,
)
from hrx.ops.targets.machine.homes import find_writer, find_writer_port
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.live import find_live_part
from hrx.ops.targets.machine.ports import read_remembered
from hrx.ops.targets.machine.postgres import SUPERUSER
from hrx.ops.targets.machine.processes import find_suspended
from hrx.ops.targets.machine.roles import LOGIN_ROLES, reset_password
from hrx.ops.targets.machine.second_login import (
    close_second_login,
    has_second_login,
    keep_password,
    may_sign_in,
    open_second_login,
    read_kept_password,
    second_login_of,
)
from hrx.ops.targets.machine.secrets import GENERATED, drop_former, read_secrets, renew_secret
from hrx.ops.targets.machine.supervisor import Supervisor
from hrx.ops.targets.machine.supervisor_config import read_variable, replace_variable
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

    def pass_database_to(self, part: str, *, timeout_s: float) -> None:
        pass_database_to(self._layout.run / "edge", self._layout.haproxy_socket, part)

    def find_database_part(self) -> str:
        return find_writer(self._layout.postgres_data, self._layout.standby_data)

    def _is_up(self, service: str, part: str) -> bool:
        said = self.send_to_edge("show stat").removeprefix("# ")
        rows = csv.DictReader(io.StringIO(said))
        mine = [row for row in rows if (row["pxname"], row["svname"]) == (service, part)]
        return bool(mine) and str(mine[0]["status"]).startswith("UP") and mine[0]["check_status"] == "L7OK"

    def renew_secret(self, name: str, *, keeps_former: bool = False) -> tuple[str, ...]:
        return self._change_secret(name, lambda path: renew_secret(path, name, keeps_former=keeps_former))

    def drop_former_secret(self, name: str) -> tuple[str, ...]:
        return self._change_secret(name, lambda path: drop_former(path, name))

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
        if role not in LOGIN_ROLES:
            raise _no_key(role)
        return self._database_url(role, database=DATABASE)

    def reset_database_password(self, role: str) -> None:
        if role not in LOGIN_ROLES:
            raise _no_key(role)
        reset_password(
            self._database_url(SUPERUSER, database="postgres"), role, self._database_password(role)
        )

    def open_second_login(self, role: str) -> tuple[str, ...]:
        variable, login = _programs_variable(role), second_login_of(role)
        kept = self._second_login_file(role)
        # A run that died has given this password to programs, which may have begun with it.
        password = read_kept_password(kept)
        url = self._url_with(self.database_url(role), login, password) if password else None
        if password is None or url is None or not may_sign_in(url):
            password = keep_password(kept, secrets.token_urlsafe(GENERATED[_password_name(role)]))
            open_second_login(self._admin_url(), role, password)
            url = self._url_with(self.database_url(role), login, password)
        return replace_variable(self._layout, variable, url)

    def renew_database_password(self, role: str) -> tuple[str, ...]:
        variable = _programs_variable(role)
        given = read_variable(self._layout, variable)
        if given and urlsplit(given).username == role and may_sign_in(given):
            return replace_variable(self._layout, variable, given)
        # The file first: should this die in between, the password on file is put back by its own procedure.
        renew_secret(self._layout.secrets_file, _password_name(role))
        return self.lead_back_to_role(role)

    def lead_back_to_role(self, role: str) -> tuple[str, ...]:
        # A renewal may have died between the file and the database.
        self.reset_database_password(role)
        return replace_variable(self._layout, _programs_variable(role), self.database_url(role))

    def close_second_login(self, role: str) -> bool:
        was_there = close_second_login(self._admin_url(), role)
        self._second_login_file(role).unlink(missing_ok=True)
        return was_there

    def has_second_login(self, role: str) -> bool:
        return has_second_login(self._admin_url(), role)

    def _second_login_file(self, role: str) -> Path:
        return self._layout.var / "second-login" / f"{role}.password"

    def _admin_url(self) -> str:
        return self._database_url(SUPERUSER, database="postgres")

    @staticmethod
    def _url_with(url: str, user: str, password: str) -> str:
        """The same address, signed in to as somebody else."""
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        return parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}").geturl()

    def _database_url(self, role: str, *, database: str) -> str:
        """Only a database of our own: of one elsewhere this machine knows no more than two addresses."""
        first, second = self._layout.postgres_data, self._layout.standby_data
        port = find_writer_port(first, second, ports=read_remembered(self._layout.ports_file))
        if port is None or not any((home / "PG_VERSION").exists() for home in (first, second)):
            raise _no_key(role)
        return (
            f"postgresql://{role}:{quote(self._database_password(role), safe='')}@127.0.0.1:{port}/{database}"
        )

    def _database_password(self, role: str) -> str:
        found = read_secrets(self._layout.secrets_file).get(_password_name(role))
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


def _programs_variable(role: str) -> str:
    """The setting by which running programs sign in as this role. Raises Unavailable for another role."""
    if role != "hrx_app":
        raise _no_key(role)
    return "HRX_DATABASE_URL"


def _password_name(role: str) -> str:
    return f"HRX_POSTGRES_{role.removeprefix('hrx_').upper()}_PASSWORD"


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
