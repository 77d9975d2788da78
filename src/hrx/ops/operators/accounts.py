"""Making, changing and disabling operators; each change is an entry in the ledger, in one transaction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Conflict, Invalid, NotFound, Refused, Text
from hrx.ops.ledger import accounts as rows
from hrx.ops.ledger.entries import Kind, Ledger
from hrx.ops.operators import passwords
from hrx.ops.operators.roles import Role

_NAME: Final = re.compile(r"^[a-z0-9][a-z0-9._-]{1,39}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """One operator as everybody may see them."""

    name: str
    role: Role
    has_totp: bool
    language: str | None
    created_at: datetime
    disabled_at: datetime | None
    last_sign_in_at: datetime | None

    @property
    def is_enabled(self) -> bool:
        return self.disabled_at is None


def create_operator(ledger: Ledger, name: str, *, role: Role, password: str, by: str) -> Operator:
    """Add an operator. Raises Invalid for a bad name or a weak password, Conflict when the name is taken."""
    _check_name(name)
    passwords.check_strength(password, name=name)
    hashed = passwords.hash_password(password)
    with ledger.store.write() as connection:
        if rows.read_operator_row(connection, name) is not None:
            raise Conflict(
                Text(ja=f"運用者 {name} はすでにいます", en=f"There is an operator {name} already"),
                hint=Text(
                    ja=f"権限は `hrx operator set-role {name} --role …`、"
                    f"パスワードは `hrx operator password {name}` で変えられます。",
                    en=f"Change it with `hrx operator set-role {name} --role …` or "
                    f"`hrx operator password {name}`.",
                ),
                code="operator.exists",
            )
        rows.insert_operator(connection, name=name, role=role.value, password_hash=hashed, at=clock.now())
        ledger.append_within(
            connection,
            Kind.OPERATOR_CHANGED,
            actor=by,
            subject=name,
            body={"change": "created", "role": role.value},
        )
    return get_operator(ledger, name)


def get_operator(ledger: Ledger, name: str) -> Operator:
    """The operator of this name. Raises NotFound."""
    found = find_operator(ledger, name)
    if found is None:
        raise _not_found(name)
    return found


def find_operator(ledger: Ledger, name: str) -> Operator | None:
    row = rows.find_operator_row(ledger.store, name)
    return _to_operator(row) if row else None


def list_operators(ledger: Ledger) -> list[Operator]:
    """Everybody by name, disabled ones too."""
    return [_to_operator(row) for row in rows.list_operator_rows(ledger.store)]


def set_role(ledger: Ledger, name: str, *, role: Role, by: str) -> Operator:
    """Give an operator another role. Raises Refused when that would leave nobody to administer."""
    with ledger.store.write() as connection:
        former = rows.read_operator_row(connection, name)
        if former is None:
            raise _not_found(name)
        rows.update_operator(connection, name, role=role.value)
        _refuse_without_admin(rows.count_enabled_admins(connection))
        ledger.append_within(
            connection,
            Kind.OPERATOR_CHANGED,
            actor=by,
            subject=name,
            body={"change": "role", "from": former.role, "to": role.value},
        )
    return get_operator(ledger, name)


def disable_operator(ledger: Ledger, name: str, *, by: str, reason: str) -> Operator:
    """Lock an operator out at once, in every browser. Raises Refused for the last administrator."""
    with ledger.store.write() as connection:
        if rows.read_operator_row(connection, name) is None:
            raise _not_found(name)
        rows.update_operator(connection, name, disabled_at=clock.now().isoformat())
        _refuse_without_admin(rows.count_enabled_admins(connection))
        ended = rows.delete_sessions(connection, operator_name=name)
        ledger.append_within(
            connection,
            Kind.OPERATOR_CHANGED,
            actor=by,
            subject=name,
            body={"change": "disabled", "reason": reason, "ended_sign_ins": ended},
        )
    return get_operator(ledger, name)


def enable_operator(ledger: Ledger, name: str, *, by: str) -> Operator:
    """Let a disabled operator in again."""
    with ledger.store.write() as connection:
        if rows.read_operator_row(connection, name) is None:
            raise _not_found(name)
        rows.update_operator(connection, name, disabled_at=None)
        ledger.append_within(
            connection, Kind.OPERATOR_CHANGED, actor=by, subject=name, body={"change": "enabled"}
        )
    return get_operator(ledger, name)


def set_password(ledger: Ledger, name: str, *, password: str, by: str) -> None:
    """Replace the password and sign the operator out everywhere. Raises Invalid for a weak one."""
    passwords.check_strength(password, name=name)
    hashed = passwords.hash_password(password)
    with ledger.store.write() as connection:
        if rows.read_operator_row(connection, name) is None:
            raise _not_found(name)
        rows.update_operator(connection, name, password_hash=hashed)
        rows.delete_sessions(connection, operator_name=name)
        ledger.append_within(
            connection, Kind.OPERATOR_CHANGED, actor=by, subject=name, body={"change": "new_password"}
        )


def set_totp(ledger: Ledger, name: str, *, secret: str | None, by: str) -> None:
    """Turn the second factor on with a confirmed secret, or off with None."""
    with ledger.store.write() as connection:
        if rows.read_operator_row(connection, name) is None:
            raise _not_found(name)
        rows.update_operator(connection, name, totp_secret=secret)
        change = "second_factor_on" if secret else "second_factor_off"
        ledger.append_within(
            connection, Kind.OPERATOR_CHANGED, actor=by, subject=name, body={"change": change}
        )


def _check_name(name: str) -> None:
    if not _NAME.match(name):
        raise Invalid(
            Text(
                ja="運用者名は英小文字・数字・「. _ -」で 2〜40 文字にしてください",
                en="An operator's name has 2 to 40 of: a-z, 0-9, dot, underscore, hyphen",
            ),
            code="operator.bad_name",
        )


def _refuse_without_admin(admins: int) -> None:
    if admins == 0:
        raise Refused(
            Text(ja="管理者が一人もいなくなります", en="That would leave no administrator"),
            hint=Text(
                ja="先に別の管理者を `hrx operator create NAME --role admin` で作ってください。",
                en="First make another: `hrx operator create NAME --role admin`.",
            ),
            code="operator.last_admin",
        )


def _not_found(name: str) -> NotFound:
    return NotFound(
        Text(ja=f"運用者 {name} はいません", en=f"There is no operator {name}"),
        hint=Text(ja="`hrx operator list` で一覧できます。", en="`hrx operator list` shows them."),
        code="operator.not_found",
    )


def _to_operator(row: rows.OperatorRow) -> Operator:
    return Operator(
        name=row.name,
        role=Role(row.role),
        has_totp=row.totp_secret is not None,
        language=row.language,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
        last_sign_in_at=row.last_sign_in_at,
    )
