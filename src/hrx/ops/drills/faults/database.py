"""Faults of the database: wrong password, locks, held connections, heavy statements, a missing index."""

from __future__ import annotations

import secrets
import threading
from contextlib import suppress
from typing import Final

from hrx.kit.errors import HrxError, Invalid, Text
from hrx.ops.drills.faults.fault import FaultSpec, Let, Memo, Params
from hrx.ops.drills.ground import Ground
from hrx.ops.seams.disturbing import DrillSession

_MAX_SESSIONS: Final = 300
#: The only role whose password a drill may spoil.
_ROLE: Final = "hrx_app"
_OWN_SECRET: Final = "HRX_POSTGRES_APP_PASSWORD"  # noqa: S105  # the name of a secret, not one


def _end_sessions(ground: Ground, _params: Params, _memo: Memo) -> None:
    """End what a drill holds in the database, whoever held it."""
    session = DrillSession(ground.admin_url)
    try:
        session.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'hrx-drill' AND pid <> pg_backend_pid()"
        )
    finally:
        session.close()


def _spoil_password(ground: Ground, _params: Params, _memo: Memo) -> Let:
    _set_password(ground, secrets.token_hex(16), ends_sessions=True)
    return lambda: None


def _restore_password(ground: Ground, _params: Params, _memo: Memo) -> None:
    _set_password(ground, ground.secret(_OWN_SECRET), ends_sessions=False)


def _set_password(ground: Ground, password: str, *, ends_sessions: bool) -> None:
    session = DrillSession(ground.admin_url)
    try:
        # ALTER ROLE takes no parameters; format() quotes what it is given.
        session.ask("SELECT set_config('hrx.drill', %(password)s, false)", {"password": password})
        session.ask(
            "DO $$ BEGIN EXECUTE format("
            "'ALTER ROLE hrx_app PASSWORD %L', current_setting('hrx.drill')); END $$"
        )
        if ends_sessions:
            session.ask(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %(role)s",
                {"role": _ROLE},
            )
    finally:
        session.close()


def _lock_table(ground: Ground, _params: Params, _memo: Memo) -> Let:
    # Readers of sessions wait behind this as behind a migration that forgot its lock_timeout.
    owner_url = ground.database_url("hrx_owner", secret="HRX_POSTGRES_OWNER_PASSWORD")  # noqa: S106
    session = DrillSession(owner_url, autocommit=False)
    session.ask("LOCK TABLE app.session, app.person IN ACCESS EXCLUSIVE MODE")
    return session.close


def _hold_connections(ground: Ground, _params: Params, _memo: Memo) -> Let:
    """Take connections as the application's own role until the server gives no more."""
    url = ground.database_url(_ROLE, secret=_OWN_SECRET)
    admin = DrillSession(ground.admin_url)
    held: list[DrillSession] = []
    # Those that the application has go too: it finds none when it wants one.
    for _ in range(2):
        with suppress(HrxError):
            while len(held) < _MAX_SESSIONS:
                held.append(DrillSession(url))
        admin.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = 'hrx_app' AND application_name <> 'hrx-drill'"
        )
    with suppress(HrxError):
        while len(held) < _MAX_SESSIONS:
            held.append(DrillSession(url))
    admin.close()

    def let_go() -> None:
        for session in held:
            session.close()

    return let_go


def _burn(ground: Ground, params: Params, _memo: Memo) -> Let:
    """Statements that only use the processor, in so many sessions."""
    stopped = threading.Event()
    url = ground.database_url(_ROLE, secret=_OWN_SECRET)
    sessions = [DrillSession(url) for _ in range(int(params.get("sessions", "4")))]

    def run(session: DrillSession) -> None:
        with suppress(HrxError):
            while not stopped.is_set():
                session.ask(
                    "SELECT count(*) FROM generate_series(1, 3000000) AS a(n)"
                    " WHERE md5(a.n::text) LIKE '%%hrx%%'"
                )

    threads = [threading.Thread(target=run, args=(one,), daemon=True) for one in sessions]
    for thread in threads:
        thread.start()

    def let_go() -> None:
        stopped.set()
        with suppress(HrxError):
            _end_sessions(ground, {}, {})
        for session in sessions:
            session.close()

    return let_go


def _remember_index(ground: Ground, params: Params) -> Memo:
    session = DrillSession(ground.admin_url)
    try:
        rows = session.ask(
            "SELECT pg_get_indexdef(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " JOIN pg_index i ON i.indexrelid = c.oid LEFT JOIN pg_constraint k ON k.conindid = c.oid"
            " WHERE n.nspname = 'app' AND c.relname = %(name)s AND NOT i.indisunique AND k.oid IS NULL",
            {"name": params["index"]},
        )
    finally:
        session.close()
    if not rows:
        raise Invalid(
            Text(
                ja=f"{params['index']} は外してよいインデックスではありません",
                en=f"{params['index']} is no index that a drill may drop",
            ),
            code="drill.no_index",
        )
    return {"definition": str(rows[0][0])}


def _drop_index(ground: Ground, params: Params, _memo: Memo) -> Let:
    _run_dynamic(ground, sql="", name=params["index"])
    return lambda: None


def _make_index(ground: Ground, params: Params, memo: Memo) -> None:
    _run_dynamic(ground, sql=str(memo["definition"]), name=params["index"])


def _run_dynamic(ground: Ground, *, sql: str, name: str) -> None:
    """Drop the index, or make it again from the definition that PostgreSQL itself gave; harmless twice."""
    session = DrillSession(ground.admin_url)
    try:
        session.ask("SELECT set_config('hrx.drill', %(sql)s, false)", {"sql": sql})
        session.ask("SELECT set_config('hrx.drill_name', %(name)s, false)", {"name": name})
        session.ask(
            "DO $$ BEGIN"
            " IF current_setting('hrx.drill') = '' THEN"
            "   EXECUTE format('DROP INDEX IF EXISTS app.%I', current_setting('hrx.drill_name'));"
            " ELSIF to_regclass('app.' || quote_ident(current_setting('hrx.drill_name'))) IS NULL THEN"
            "   EXECUTE current_setting('hrx.drill');"
            " END IF; END $$"
        )
    finally:
        session.close()


FAULTS: Final = (
    FaultSpec(
        id="database.password",
        title=Text(ja="アプリケーションのパスワードを変える", en="Spoil the application's password"),
        inject=_spoil_password,
        undo=_restore_password,
    ),
    FaultSpec(
        id="database.lock",
        title=Text(ja="従業員の表を押さえる", en="Hold a lock on the employees' tables"),
        inject=_lock_table,
        undo=_end_sessions,
    ),
    FaultSpec(
        id="database.connections",
        title=Text(ja="接続を使い切る", en="Use up every connection"),
        inject=_hold_connections,
        undo=_end_sessions,
    ),
    FaultSpec(
        id="database.burn",
        title=Text(ja="重い問い合わせを流す", en="Run heavy statements"),
        inject=_burn,
        undo=_end_sessions,
    ),
    FaultSpec(
        id="database.index",
        title=Text(ja="インデックスを外す", en="Drop an index"),
        prepare=_remember_index,
        inject=_drop_index,
        undo=_make_index,
    ),
)
