"""Tables of identity, and what their constraints mean to people."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, DateTime, FetchedValue, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from hrx.app.platform.db import metadata
from hrx.app.platform.problems import explain_constraint
from hrx.kit import errors

TENANT: Final = Table(
    "tenant",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("slug", Text),
    Column("name", Text),
    Column("time_zone", Text),
    Column("locale", Text),
    Column("needs_four_eyes", Boolean),
)

USER: Final = Table(
    "user_account",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("tenant_id", BigInteger, FetchedValue()),
    Column("email", Text),
    Column("display_name", Text),
    Column("locale", Text),
    Column("person_id", BigInteger),
    Column("password_hash", Text),
    Column("totp_secret_sealed", LargeBinary),
    Column("totp_confirmed_at", DateTime(timezone=True)),
    Column("totp_last_step", BigInteger),
    Column("is_active", Boolean),
    Column("created_at", DateTime(timezone=True)),
    Column("last_signed_in_at", DateTime(timezone=True)),
)

USER_ROLE: Final = Table(
    "user_role",
    metadata,
    Column("tenant_id", BigInteger, FetchedValue(), primary_key=True),
    Column("user_id", BigInteger, primary_key=True),
    Column("role", Text, primary_key=True),
    Column("granted_by", BigInteger),
    Column("granted_at", DateTime(timezone=True)),
)

SESSION: Final = Table(
    "session",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("tenant_id", BigInteger, FetchedValue()),
    Column("user_id", BigInteger),
    Column("token_digest", LargeBinary),
    Column("stage", Text),
    Column("method", Text),
    Column("user_agent", Text),
    Column("address", Text),
    Column("created_at", DateTime(timezone=True)),
    Column("last_seen_at", DateTime(timezone=True)),
    Column("expires_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
)

OIDC_IDENTITY: Final = Table(
    "oidc_identity",
    metadata,
    Column("tenant_id", BigInteger, FetchedValue(), primary_key=True),
    Column("user_id", BigInteger),
    Column("provider", Text),
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("linked_at", DateTime(timezone=True)),
    Column("last_signed_in_at", DateTime(timezone=True)),
)

AUDIT_ENTRY: Final = Table(
    "audit_entry",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("tenant_id", BigInteger, FetchedValue()),
    Column("at", DateTime(timezone=True)),
    Column("actor_user_id", BigInteger),
    Column("session_id", BigInteger),
    Column("correlation_id", Text),
    Column("address", Text),
    Column("action", Text),
    Column("subject_person_id", BigInteger),
    Column("details", JSONB),
)

explain_constraint(
    "user_account_tenant_id_email_key",
    message=errors.Text(
        ja="このメールアドレスの利用者はすでにいます。",
        en="There is a user with this e-mail address already.",
    ),
    field="email",
    code="user.email_taken",
)
explain_constraint(
    "user_account_email_check",
    message=errors.Text(ja="メールアドレスの形式が正しくありません。", en="This is not an e-mail address."),
    field="email",
    error=errors.Invalid,
    code="user.email_invalid",
)
