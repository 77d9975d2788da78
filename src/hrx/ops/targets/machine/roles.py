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
LOGIN_ROLES: Final = ("hrx_owner", "hrx_app", "hrx_ops", "hrx_repair")
_POLICY_ROLE: Final = "hrx_policy"
_HARMLESS: Final = sql.SQL("NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION")


def create_roles_and_database(admin_url: str, passwords: Mapping[str, str], database: str = "hrx") -> None:
    """Make the roles and the database, or bring existing ones to the same state; safe to repeat.

    `admin_url` is the superuser's, on any existing database. Passwords reach the server as SCRAM verifiers,
    so that none can appear in its log."""
    with psycopg.connect(admin_url, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S) as admin:
        for role in LOGIN_ROLES:
            _ensure_role(admin, role, password=passwords[role])
        _ensure_role(admin, _POLICY_ROLE, password=None)
        admin.execute("GRANT pg_monitor TO hrx_ops")
        # It tells sessions apart and ends them (never a superuser's), and calls the functions of schema seam.
        admin.execute("GRANT pg_read_all_stats, pg_signal_backend TO hrx_repair")
        # Connections that nobody else can take: an emergency is also when there is no other left.
        admin.execute("GRANT pg_use_reserved_connections TO hrx_repair")
        # SET and INHERIT: migrations hand functions to the policy role and then grant their use.
        admin.execute("GRANT hrx_policy TO hrx_owner WITH ADMIN TRUE, INHERIT TRUE, SET TRUE")
        _ensure_database(admin, database)
    with psycopg.connect(
        make_conninfo(admin_url, dbname=database), autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S
    ) as inside:
        inside.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        inside.execute("CREATE EXTENSION IF NOT EXISTS vector")


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


def _ensure_role(admin: psycopg.Connection, role: str, *, password: str | None) -> None:
    known = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
    verb = sql.SQL("ALTER ROLE" if known else "CREATE ROLE")
    sign_in: sql.Composable = sql.SQL("NOLOGIN")
    if password is not None:
        verifier = admin.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
        sign_in = sql.SQL("LOGIN PASSWORD {}").format(sql.Literal(verifier))
    admin.execute(sql.SQL("{} {} {} {}").format(verb, sql.Identifier(role), sign_in, _HARMLESS))


def _ensure_database(admin: psycopg.Connection, database: str) -> None:
    name = sql.Identifier(database)
    if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone():
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER hrx_owner").format(name))
    admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    admin.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO hrx_app, hrx_ops, hrx_repair").format(name))
