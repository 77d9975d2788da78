"""A second login for a database role, so that two passwords are valid at once while programs change over.

PostgreSQL keeps one password for a role, and `VALID UNTIL` only ends it: new and old overlap only when they
belong to two logins. The second one is a member of the role and becomes it when it signs in (`SET role`), so
that grants, ownership and row-level security are the role's own, to the letter."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from hrx.kit.errors import Conflict, Text, Unavailable
from hrx.kit.secrets import mask_text
from hrx.ops.targets.machine.roles import BACKUP_ROLE, LOGIN_ROLES

_CONNECT_TIMEOUT_S: Final = 10
_SUFFIX: Final = "_spare"
_SESSIONS: Final = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s"


def second_login_of(role: str) -> str:
    """The name of the role's second login. Raises ValueError for a role that is not the product's."""
    if role not in LOGIN_ROLES:
        raise ValueError(role)
    return f"{role}{_SUFFIX}"


def open_second_login(admin_url: str, role: str, password: str) -> None:
    """Let the second login in with this password; it can do what the role can. Safe to repeat.

    The server is given a verifier, so that its log holds no password. Raises Unavailable."""
    login = second_login_of(role)
    with _signed_in(admin_url) as admin:
        verifier = admin.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256").decode()
        names = {"login": sql.Identifier(login), "role": sql.Identifier(role)}
        verb = sql.SQL("ALTER ROLE" if _exists(admin, login) else "CREATE ROLE")
        with admin.transaction():
            admin.execute(
                sql.SQL(
                    "{verb} {login} NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE {replication} "
                    "LOGIN PASSWORD {verifier}"
                ).format(
                    verb=verb,
                    verifier=sql.Literal(verifier),
                    # Nobody becomes another role when copying the server: it has to be the login's own.
                    replication=sql.SQL("REPLICATION" if role == BACKUP_ROLE else "NOREPLICATION"),
                    **names,
                )
            )
            admin.execute(sql.SQL("GRANT {role} TO {login} WITH INHERIT TRUE, SET TRUE").format(**names))
            admin.execute(sql.SQL("ALTER ROLE {login} SET role = {role}").format(**names))


def close_second_login(admin_url: str, role: str) -> bool:
    """Remove the second login; gives whether there was one.

    Raises Conflict while somebody is signed in by it: their next connection would be refused."""
    login = second_login_of(role)
    with _signed_in(admin_url) as admin:
        if not _exists(admin, login):
            return False
        # Asked again and again until nobody is in: whoever is must be let in by it all that time.
        _refuse_in_use(login, count_sessions_of(admin, login))
        # Nobody new from here on; those who are in are counted after that, so that none slips through.
        admin.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(login)))
        try:
            _refuse_in_use(login, count_sessions_of(admin, login))
        except Conflict:
            admin.execute(sql.SQL("ALTER ROLE {} LOGIN").format(sql.Identifier(login)))
            raise
        admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(login)))
    return True


def _refuse_in_use(login: str, sessions: int) -> None:
    if sessions:
        raise Conflict(
            Text(
                ja=f"まだ {sessions} 個の接続が {login} で開いています",
                en=f"{sessions} sessions are still signed in as {login}",
            ),
            hint=Text(
                ja="その部品を再起動してから、もう一度実行してください。",
                en="Restart the parts that hold them, then run this again.",
            ),
            code="postgres.second_login_in_use",
        )


def has_second_login(admin_url: str, role: str) -> bool:
    """Whether the second login is there. Raises Unavailable."""
    with _signed_in(admin_url) as admin:
        return _exists(admin, second_login_of(role))


def count_sessions(admin_url: str, login: str) -> int:
    """Sessions that signed in by this name, for whoever has no session yet. Raises Unavailable."""
    with _signed_in(admin_url) as admin:
        return count_sessions_of(admin, login)


def count_sessions_of(admin: psycopg.Connection, login: str) -> int:
    """Sessions that signed in by this name, whatever they became."""
    row = admin.execute(_SESSIONS, (login,)).fetchone()
    return int(row[0]) if row else 0


def may_sign_in(url: str) -> bool:
    """Whether the server lets this address in now; False also when it does not answer."""
    try:
        psycopg.connect(url, connect_timeout=_CONNECT_TIMEOUT_S).close()
    except psycopg.OperationalError:
        return False
    return True


def keep_password(path: Path, password: str) -> str:
    """Keep the second login's password for its life, for this user alone, and give it back.

    A run that died is begun again with it: another one would refuse the programs that have this one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(password)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return password


def read_kept_password(path: Path) -> str | None:
    """The password of a second login that was not closed yet."""
    try:
        return path.read_text() or None
    except FileNotFoundError:
        return None


def _exists(admin: psycopg.Connection, login: str) -> bool:
    return admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (login,)).fetchone() is not None


@contextmanager
def _signed_in(admin_url: str) -> Iterator[psycopg.Connection]:
    try:
        with psycopg.connect(admin_url, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S) as admin:
            yield admin
    except psycopg.Error as error:
        said = mask_text((str(error).strip().splitlines() or [type(error).__name__])[0])
        raise Unavailable(
            Text(
                ja=f"二つ目のログインを変えられません: {said}",
                en=f"The second login cannot be changed: {said}",
            ),
            code="postgres.second_login",
        ) from error
