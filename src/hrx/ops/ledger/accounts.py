"""The rows behind operators, their sessions and failed sign-ins. The rules are in `ops.operators`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, or_, select, update

from hrx.ops.ledger.store import Store
from hrx.ops.ledger.tables import attempt, operator, session


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRow:
    """One operator as stored; `password_hash` and `totp_secret` never leave `ops.operators`."""

    name: str
    role: str
    password_hash: str
    totp_secret: str | None
    language: str | None
    created_at: datetime
    disabled_at: datetime | None
    last_sign_in_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """One signed-in browser; the token itself is not stored."""

    token_digest: str
    operator: str
    csrf_token: str
    address: str
    created_at: datetime
    seen_at: datetime


def find_operator_row(store: Store, name: str) -> OperatorRow | None:
    with store.read() as connection:
        return read_operator_row(connection, name)


def read_operator_row(connection: Connection, name: str) -> OperatorRow | None:
    row = connection.execute(select(operator).where(operator.c.name == name)).one_or_none()
    return _to_operator(row) if row else None


def list_operator_rows(store: Store) -> list[OperatorRow]:
    """Everybody, disabled ones too, by name."""
    with store.read() as connection:
        return [_to_operator(row) for row in connection.execute(select(operator).order_by(operator.c.name))]


def count_enabled_admins(connection: Connection) -> int:
    statement = (
        select(func.count())
        .select_from(operator)
        .where(operator.c.role == "admin", operator.c.disabled_at.is_(None))
    )
    return connection.execute(statement).scalar_one()


def insert_operator(
    connection: Connection, *, name: str, role: str, password_hash: str, at: datetime
) -> None:
    connection.execute(
        insert(operator).values(name=name, role=role, password_hash=password_hash, created_at=at.isoformat())
    )


def update_operator(connection: Connection, name: str, **values: str | None) -> None:
    """Change columns of one operator; moments are ISO text."""
    connection.execute(update(operator).where(operator.c.name == name).values(**values))


def insert_session(connection: Connection, row: SessionRow) -> None:
    connection.execute(
        insert(session).values(
            token_digest=row.token_digest,
            operator=row.operator,
            csrf_token=row.csrf_token,
            address=row.address,
            created_at=row.created_at.isoformat(),
            seen_at=row.seen_at.isoformat(),
        )
    )


def find_session_row(store: Store, token_digest: str) -> SessionRow | None:
    with store.read() as connection:
        row = connection.execute(select(session).where(session.c.token_digest == token_digest)).one_or_none()
    return _to_session(row) if row else None


def touch_session(connection: Connection, token_digest: str, *, at: datetime) -> None:
    connection.execute(
        update(session).where(session.c.token_digest == token_digest).values(seen_at=at.isoformat())
    )


def delete_sessions(connection: Connection, *, operator_name: str) -> int:
    """Sign an operator out everywhere; gives how many browsers that were."""
    return connection.execute(delete(session).where(session.c.operator == operator_name)).rowcount


def delete_session(connection: Connection, token_digest: str) -> None:
    connection.execute(delete(session).where(session.c.token_digest == token_digest))


def delete_ended_sessions(connection: Connection, *, seen_before: datetime, made_before: datetime) -> None:
    connection.execute(
        delete(session).where(
            or_(
                session.c.seen_at < seen_before.isoformat(),
                session.c.created_at < made_before.isoformat(),
            )
        )
    )


def count_failures(connection: Connection, key: str, *, now: datetime) -> tuple[int, datetime]:
    """Failures counted under `key` and when the count ends; (0, now) outside any window."""
    row = connection.execute(select(attempt).where(attempt.c.key == key)).one_or_none()
    if row is None or datetime.fromisoformat(row.window_ends_at) <= now:
        return 0, now
    return row.failures, datetime.fromisoformat(row.window_ends_at)


def add_failure(connection: Connection, key: str, *, now: datetime, window_s: float) -> None:
    """Count one more failure. Each failure moves the end of the window: trying on does not help."""
    failures, _ = count_failures(connection, key, now=now)
    values = {
        "failures": failures + 1,
        "window_ends_at": (now + timedelta(seconds=window_s)).isoformat(),
    }
    done = connection.execute(update(attempt).where(attempt.c.key == key).values(**values))
    if done.rowcount == 0:
        connection.execute(insert(attempt).values(key=key, **values))


def clear_failures(connection: Connection, key: str) -> None:
    connection.execute(delete(attempt).where(attempt.c.key == key))


def _moment(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def _to_operator(row: Row[Any]) -> OperatorRow:
    return OperatorRow(
        name=row.name,
        role=row.role,
        password_hash=row.password_hash,
        totp_secret=row.totp_secret,
        language=row.language,
        created_at=datetime.fromisoformat(row.created_at),
        disabled_at=_moment(row.disabled_at),
        last_sign_in_at=_moment(row.last_sign_in_at),
    )


def _to_session(row: Row[Any]) -> SessionRow:
    return SessionRow(
        token_digest=row.token_digest,
        operator=row.operator,
        csrf_token=row.csrf_token,
        address=row.address,
        created_at=datetime.fromisoformat(row.created_at),
        seen_at=datetime.fromisoformat(row.seen_at),
    )
