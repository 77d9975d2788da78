"""Tables of imports, as migration 0004 makes them, and what their constraint means to people."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from hrx.app.platform.db import metadata
from hrx.app.platform.problems import explain_constraint
from hrx.kit import errors

DATA_IMPORT: Final = Table(
    "data_import",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("tenant_id", BigInteger),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("file_key", Text),
    Column("file_sha256", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("encoding", Text, nullable=False),
    Column("delimiter", Text, nullable=False),
    Column("sheet", Text, nullable=False),
    Column("columns", JSONB, nullable=False),
    Column("mapping", JSONB, nullable=False),
    Column("may_create_units", Boolean, nullable=False),
    Column("may_create_positions", Boolean, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("rows_total", Integer, nullable=False),
    Column("rows_done", Integer, nullable=False),
    Column("counts", JSONB, nullable=False),
    Column("creations", JSONB, nullable=False),
    Column("plan_digest", Text),
    Column("is_skipping_errors", Boolean, nullable=False),
    Column("problem", JSONB),
    Column("uploaded_by", BigInteger),
    Column("created_at", DateTime(timezone=True)),
    Column("checked_at", DateTime(timezone=True)),
    Column("committed_by", BigInteger),
    Column("committed_at", DateTime(timezone=True)),
    Column("change_order_id", BigInteger),
)

DATA_IMPORT_ROW: Final = Table(
    "data_import_row",
    metadata,
    Column("tenant_id", BigInteger),
    Column("import_id", BigInteger, primary_key=True),
    Column("row_number", Integer, primary_key=True),
    Column("action", Text, nullable=False),
    Column("has_problems", Boolean, nullable=False),
    Column("cells", JSONB, nullable=False),
    Column("problems", JSONB, nullable=False),
    Column("changes", JSONB, nullable=False),
)

explain_constraint(
    "import_state_moves_on",
    message=errors.Text(
        ja="この取り込みはすでに完了したか、取り消されています。",
        en="This import is already committed or cancelled.",
    ),
    hint=errors.Text(
        ja="もう一度取り込む場合は、ファイルを選び直してください。",
        en="Upload the file again to import it anew.",
    ),
)
