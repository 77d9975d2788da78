"""The database roles: who owns the schema, who serves people, who watches, who answers policy questions."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from hrx.kit.errors import Text, Unavailable
from hrx.kit.secrets import mask_text

_CONNECT_TIMEOUT_S: Final = 10
_POLL_S: Final = 0.05
#: Never superuser, never past row-level security; only the named ones sign in.
LOGIN_ROLES: Final = ("hrx_owner", "hrx_app", "hrx_ops", "hrx_repair", "hrx_backup", "hrx_restore")
#: Copies the server and receives its change records; reads no table by itself.
BACKUP_ROLE: Final = "hrx_backup"
#: The exception: it brings rows back and erases people, past row-level security and without triggers.
RESTORE_ROLE: Final = "hrx_restore"
_POLICY_ROLE: Final = "hrx_policy"
_HARMLESS: Final = sql.SQL("NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE")
#: What the keeper of the backups may call besides: end a file of change records, name a moment.
_BACKUP_CALLS: Final = ("pg_switch_wal()", "pg_create_restore_point(text)")

_WAITS_FOR_NOBODY_SQL: Final = """
SELECT current_setting('synchronous_standby_names') <> '' AND NOT EXISTS (
       SELECT FROM pg_stat_replication WHERE state = 'streaming' AND sync_state IN ('sync', 'quorum'))
"""


def create_roles_and_database(admin_url: str, passwords: Mapping[str, str], database: str = "hrx") -> None:
    """Make the roles and the database, or bring existing ones to the same state; safe to repeat.

    `admin_url` is the superuser's, on any existing database. Passwords reach the server as SCRAM verifiers,
    so that none can appear in its log."""
    with psycopg.connect(admin_url, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S) as admin:
        for role in LOGIN_ROLES:
            _ensure_role(admin, role, password=passwords[role])
        _ensure_role(admin, _POLICY_ROLE, password=None)
        admin.execute("GRANT pg_monitor TO hrx_ops, hrx_backup")
        # It tells sessions apart and ends them (never a superuser's), and calls the functions of schema seam.
        admin.execute("GRANT pg_read_all_stats, pg_signal_backend TO hrx_repair")
        # Connections that nobody else can take: an emergency is also when there is no other left.
        admin.execute("GRANT pg_use_reserved_connections TO hrx_repair")
        # History is brought back as it was known: triggers would write it as news of today.
        admin.execute("GRANT SET ON PARAMETER session_replication_role TO hrx_restore")
        # SET and INHERIT: migrations hand functions to the policy role and then grant their use.
        admin.execute("GRANT hrx_policy TO hrx_owner WITH ADMIN TRUE, INHERIT TRUE, SET TRUE")
        _ensure_database(admin, database)
    with psycopg.connect(
        make_conninfo(admin_url, dbname=database), autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S
    ) as inside:
        inside.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        inside.execute("CREATE EXTENSION IF NOT EXISTS vector")
        for call in _BACKUP_CALLS:
            inside.execute(sql.SQL("GRANT EXECUTE ON FUNCTION {} TO hrx_backup").format(sql.SQL(call)))


def reset_password(admin_url: str, role: str, password: str) -> None:
    """Give one of the product's roles this password, as a verifier. Raises Unavailable, ValueError."""
    if role not in LOGIN_ROLES:
        raise ValueError(role)
    try:
        with psycopg.connect(admin_url, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S) as admin:
            _ensure_role(admin, role, password=password)
    except psycopg.Error as error:
        said = mask_text((str(error).strip().splitlines() or [type(error).__name__])[0])
        raise Unavailable(
            Text(
                ja=f"役割 {role} のパスワードを設定できません: {said}",
                en=f"The password of role {role} cannot be set: {said}",
            ),
            code="postgres.password_not_set",
        ) from error


def set_superuser_password(admin_url: str, password: str) -> None:
    """Give whoever `admin_url` signs in as this password, as a verifier: a copy of the past has that time's.

    Raises Unavailable."""
    try:
        with psycopg.connect(admin_url, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S) as admin:
            name = admin.info.user
            verifier = admin.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
            admin.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                    sql.Identifier(name), sql.Literal(verifier.decode())
                )
            )
    except psycopg.Error as error:
        said = mask_text((str(error).strip().splitlines() or [type(error).__name__])[0])
        raise Unavailable(
            Text(
                ja=f"管理者のパスワードを設定できません: {said}",
                en=f"The administrator's password cannot be set: {said}",
            ),
            code="postgres.password_not_set",
        ) from error


def wait_for_connections(url: str, *, timeout_s: float) -> None:
    """Until the server lets us in. Raises Unavailable with its last words."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                said = mask_text(str(error).strip())
                raise Unavailable(
                    Text(
                        ja=f"データベースが {timeout_s:g} 秒以内に応答しません: {said}",
                        en=f"The database does not answer within {timeout_s:g} s: {said}",
                    ),
                    hint=Text(
                        ja="`make logs PART=postgres` を見てください。", en="See `make logs PART=postgres`."
                    ),
                    code="postgres.no_answer",
                ) from error
        else:
            return
        time.sleep(_POLL_S)


def let_go_of_absent_standby(admin_url: str) -> bool:
    """Writes wait for no standby that is away now; gives whether they did. Nothing is committed for it.

    A start commits before the standby and the keeper, who decides about waiting, can run: left as it was, its
    first commit would wait for ever. The keeper has writes wait again once the standby follows closely."""
    with psycopg.connect(admin_url, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S) as admin:
        waits = admin.execute(_WAITS_FOR_NOBODY_SQL).fetchone() == (True,)
        if waits:
            admin.execute("ALTER SYSTEM SET synchronous_standby_names = ''")
            admin.execute("SELECT pg_reload_conf()")
    return waits


def _ensure_role(admin: psycopg.Connection, role: str, *, password: str | None) -> None:
    known = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
    verb = sql.SQL("ALTER ROLE" if known else "CREATE ROLE")
    sign_in: sql.Composable = sql.SQL("NOLOGIN")
    if password is not None:
        verifier = admin.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
        sign_in = sql.SQL("LOGIN PASSWORD {}").format(sql.Literal(verifier))
    replicates = sql.SQL("REPLICATION" if role == BACKUP_ROLE else "NOREPLICATION")
    admin.execute(
        sql.SQL("{} {} {} {} {}").format(verb, sql.Identifier(role), sign_in, _HARMLESS, replicates)
    )
    if role == RESTORE_ROLE:
        admin.execute("ALTER ROLE hrx_restore BYPASSRLS")


def _ensure_database(admin: psycopg.Connection, database: str) -> None:
    name = sql.Identifier(database)
    if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone():
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER hrx_owner").format(name))
    admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    who = sql.SQL("hrx_app, hrx_ops, hrx_repair, hrx_backup")
    admin.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, who))
    admin.execute(sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO hrx_restore").format(name))
