"""Tables of documents, as migration 0013 makes them, and what their constraints mean to people."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ARRAY, BigInteger, Column, DateTime, Integer, Table, Text
from sqlalchemy.dialects.postgresql import DATERANGE, JSONB

from hrx.app.platform.db import metadata
from hrx.app.platform.problems import explain_constraint
from hrx.kit import errors

DOCUMENT: Final = Table(
    "document",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("source_path", Text),
    Column("audience", Text, nullable=False),
    Column("person_id", BigInteger),
    Column("created_by", BigInteger),
    Column("created_at", DateTime(timezone=True)),
    Column("deleted_by", BigInteger),
    Column("deleted_at", DateTime(timezone=True)),
)

DOCUMENT_VERSION: Final = Table(
    "document_version",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("document_id", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("effective", DATERANGE, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("file_key", Text),
    Column("file_sha256", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("language", Text),
    Column("pages_total", Integer),
    Column("pages_done", Integer, nullable=False),
    Column("passages", Integer, nullable=False),
    Column("warnings", JSONB, nullable=False),
    Column("problem", JSONB),
    Column("created_by", BigInteger),
    Column("created_at", DateTime(timezone=True)),
    Column("ready_at", DateTime(timezone=True)),
)

DOCUMENT_PASSAGE: Final = Table(
    "document_passage",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("document_id", BigInteger, nullable=False),
    Column("version_id", BigInteger, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("language", Text, nullable=False),
    Column("page", Integer),
    Column("headings", ARRAY(Text), nullable=False),
    Column("start_char", Integer, nullable=False),
    Column("end_char", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("body_sha256", Text, nullable=False),
)

explain_constraint(
    "document_about_somebody",
    message=errors.Text(ja="誰についての文書かを選んでください。", en="Choose whom the document is about."),
    field="person_id",
    error=errors.Invalid,
)
explain_constraint(
    "document_version_document_id_number_key",
    message=errors.Text(
        ja="同時に別の版がアップロードされました。", en="Another version was uploaded at the same moment."
    ),
    hint=errors.Text(ja="一覧を開き直して、もう一度お試しください。", en="Reload the list and try again."),
)
