"""How each role of the database is led to a second login and back, wherever its password is kept.

Three kinds of holders: programs that were given an address when they began, programs that read a file of
passwords at each connection, and commands that ask this machine for an address and use it at once."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

from hrx.kit.errors import Conflict, Text, Unavailable
from hrx.ops.targets.machine.database import DATABASE
from hrx.ops.targets.machine.homes import find_writer_port
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.passfile import list_pass_logins, put_pass_line
from hrx.ops.targets.machine.ports import read_remembered
from hrx.ops.targets.machine.postgres import SUPERUSER
from hrx.ops.targets.machine.roles import BACKUP_ROLE, LOGIN_ROLES, reset_password
from hrx.ops.targets.machine.second_login import (
    close_second_login,
    count_sessions,
    has_second_login,
    keep_password,
    may_sign_in,
    open_second_login,
    read_kept_password,
    second_login_of,
)
from hrx.ops.targets.machine.secrets import GENERATED, read_secrets, renew_secret
from hrx.ops.targets.machine.supervisor_config import change_variables, read_variable

#: By which settings running programs sign in as a role. Roles that are not here have no program: commands
#: ask for the address when they need it.
_VARIABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "hrx_app": ("HRX_DATABASE_URL",),
    "hrx_ops": ("HRX_OPS_DATABASE_URL", "HRX_STANDBY_DATABASE_URL", "DATA_SOURCE_NAME"),
    BACKUP_ROLE: ("HRX_BACKUP_CONNINFO",),
}
_RECEIVER: Final = "wal-receiver"


@dataclass(frozen=True, slots=True, kw_only=True)
class Logins:
    """The logins of the database of one machine's stack."""

    layout: Layout

    def url(self, role: str) -> str:
        """The database as this role. A role without programs comes by its second login while that leads."""
        if role not in LOGIN_ROLES:
            raise no_key(role)
        url = self._own_url(role)
        kept = None if role in _VARIABLES else read_kept_password(self._leading_file(role))
        return url if kept is None else _signed_in_as(url, second_login_of(role), kept)

    def reset(self, role: str) -> None:
        """Give the role the password on file. Raises Unavailable."""
        if role not in LOGIN_ROLES:
            raise no_key(role)
        reset_password(self.admin_url(), role, self._password(role))

    def open(self, role: str) -> tuple[str, ...]:
        """Have everybody come by the second login from their next start on; gives the programs."""
        kept = self._kept_file(role)
        # A run that died has given this password to programs, which may have begun with it: never another.
        password = read_kept_password(kept)
        if password is None:
            password = keep_password(kept, secrets.token_urlsafe(GENERATED[_password_name(role)]))
        open_second_login(self.admin_url(), role, password)
        return self._lead(role, second_login_of(role), password)

    def renew(self, role: str) -> tuple[str, ...]:
        """Another password for the role itself, and everybody back to it from their next start on.

        Raises Conflict while somebody without a program is signed in by the former one, Unavailable."""
        # A server that does not answer is no reason to believe that the password is not in use.
        self.has_second(role)
        if self._is_renewed(role):
            return self._lead(role, role, self._password(role))
        if role not in _VARIABLES:
            _refuse_sessions(self.admin_url(), role)
        # The file first: should this die in between, the password on file is put back by its own procedure.
        renew_secret(self.layout.secrets_file, _password_name(role))
        return self.lead_back(role)

    def lead_back(self, role: str) -> tuple[str, ...]:
        """Back to the password on file, which the role is given: a renewal may have died in between."""
        self.reset(role)
        return self._lead(role, role, self._password(role))

    def close(self, role: str) -> bool:
        """Remove the second login. Raises Conflict while it is in use."""
        was_there = close_second_login(self.admin_url(), role)
        if role == BACKUP_ROLE:
            put_pass_line(self.layout.run / "backup.pgpass", second_login_of(role), None)
        for path in (self._leading_file(role), self._kept_file(role)):
            path.unlink(missing_ok=True)
        return was_there

    def has_second(self, role: str) -> bool:
        """Whether the second login is there. Raises Unavailable."""
        return has_second_login(self.admin_url(), role)

    def admin_url(self) -> str:
        """The superuser's, for what no role of the product may."""
        return self._address(SUPERUSER, self._password(SUPERUSER), database="postgres")

    def _is_renewed(self, role: str) -> bool:
        """Whether programs were told the role's own login, and the file's password opens: a run died then."""
        if role not in _VARIABLES:
            return False
        given = read_variable(self.layout, _VARIABLES[role][0])
        if given is None or _login_of(given) != role:
            return False
        if role == BACKUP_ROLE and role not in list_pass_logins(self.layout.run / "backup.pgpass"):
            return False
        return may_sign_in(self._own_url(role))

    def _lead(self, role: str, login: str, password: str) -> tuple[str, ...]:
        """Everybody comes by this login from their next start on; gives the programs to be restarted."""
        if role not in _VARIABLES:
            if login == role:
                self._leading_file(role).unlink(missing_ok=True)
            else:
                keep_password(self._leading_file(role), password)
            return ()
        if role == BACKUP_ROLE:
            return self._lead_backups(login, password)
        return change_variables(
            self.layout,
            _VARIABLES[role],
            lambda value: _signed_in_as(value, login, password) if _base_of(value) == role else value,
        )

    def _lead_backups(self, login: str, password: str) -> tuple[str, ...]:
        """The file first: whoever comes by the other login meanwhile still finds it there."""
        put_pass_line(self.layout.run / "backup.pgpass", login, password)
        parts = change_variables(self.layout, _VARIABLES[BACKUP_ROLE], lambda value: _swap_user(value, login))
        script = self.layout.run / "receive-wal"
        if not script.exists():
            return parts
        draft = script.with_name(f".{script.name}.{secrets.token_hex(4)}")
        draft.write_text(_swap_user(script.read_text(), login))
        # Whatever our own mask is: another user runs it.
        draft.chmod(0o755)
        draft.replace(script)
        return (*parts, _RECEIVER)

    def _own_url(self, role: str) -> str:
        return self._address(role, self._password(role), database=DATABASE)

    def _address(self, role: str, password: str, *, database: str) -> str:
        """Only a database of our own: of one elsewhere this machine knows no more than two addresses."""
        first, second = self.layout.postgres_data, self.layout.standby_data
        port = find_writer_port(first, second, ports=read_remembered(self.layout.ports_file))
        if port is None or not any((home / "PG_VERSION").exists() for home in (first, second)):
            raise no_key(role)
        return f"postgresql://{role}:{quote(password, safe='')}@127.0.0.1:{port}/{database}"

    def _password(self, role: str) -> str:
        found = read_secrets(self.layout.secrets_file).get(_password_name(role))
        if not found:
            raise no_key(role)
        return found

    def _kept_file(self, role: str) -> Path:
        return self.layout.var / "second-login" / f"{role}.password"

    def _leading_file(self, role: str) -> Path:
        """There while commands are given the second login."""
        return self.layout.var / "second-login" / f"{role}.leading"


def no_key(role: str) -> Unavailable:
    """The error for a role by which this machine cannot come in."""
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


def _refuse_sessions(admin_url: str, role: str) -> None:
    sessions = count_sessions(admin_url, role)
    if sessions:
        raise Conflict(
            Text(
                ja=f"まだ {sessions} 個の接続が {role} で開いています",
                en=f"{sessions} sessions are still signed in as {role}",
            ),
            hint=Text(
                ja="その作業が終わってから、もう一度実行してください。",
                en="Let that work end, then run this again.",
            ),
            code="rotation.still_in_use",
        )


def _password_name(role: str) -> str:
    return f"HRX_POSTGRES_{role.removeprefix('hrx_').upper()}_PASSWORD"


def _login_of(value: str) -> str | None:
    """By which login an address or a list of connection words signs in."""
    if "://" in value:
        return urlsplit(value).username
    found = re.search(r"\buser=(\S+)", value)
    return found.group(1) if found else None


def _base_of(value: str) -> str | None:
    """The role behind a login: its own, or that of its second one."""
    login = _login_of(value)
    return next((role for role in LOGIN_ROLES if login in (role, second_login_of(role))), None)


def _signed_in_as(url: str, user: str, password: str) -> str:
    """The same address, signed in to as somebody else."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}").geturl()


def _swap_user(text: str, login: str) -> str:
    both = "|".join(map(re.escape, (second_login_of(BACKUP_ROLE), BACKUP_ROLE)))
    return re.sub(rf"\buser=(?:{both})\b", f"user={login}", text)
