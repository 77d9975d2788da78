"""What the rows of an index hold, and how they are written: one vector a row, or the passages of documents.

Builders know keys, digests, progress; a layout knows the columns."""

from __future__ import annotations

from typing import Any, Final, Protocol

from hrx.kit.search.passages import IndexedPassage, PassageText, index_passages, lacking
from hrx.ops.release.indexes.definitions import PASSAGES, Encoder, IndexDefinition, PassageEncoder
from hrx.ops.release.indexes.passages_sql import (
    COLUMNS_SQL,
    COUNTS_SQL,
    FUNCTION_SQL,
    INSERT_SQL,
    IS_WORK,
    RIGHTS_SQL,
)
from hrx.ops.seams.migrating import MigratingSession

#: key, digest, then what the layout asked for. `Any`: columns differ in type.
Row = tuple[Any, ...]


class Layout(Protocol):
    """`view`: what the live view shows beside tenant and key, of the alias `i`. `counts`: whether a table
    NAME_df stands beside the generation's own."""

    view: str
    counts: bool

    def create(
        self, session: MigratingSession, table: str, *, dimensions: int, writers: list[str]
    ) -> None: ...
    def drop(self, session: MigratingSession, table: str) -> None: ...
    def source(self, definition: IndexDefinition) -> tuple[str, str]:
        """Of the source `t`: the text that the digest is of, and the columns that `encode` is given."""
        ...

    # `Any`: each layout hands on its own form to its own `write`.
    def encode(self, encoder: Encoder, found: list[Row]) -> Any: ...
    def write(
        self, session: MigratingSession, table: str, tenant: int, found: list[Row], encoded: Any
    ) -> None: ...


class VectorLayout:
    """The columns of text put together, as one vector."""

    view = "i.embedding"
    counts = False

    def create(self, session: MigratingSession, table: str, *, dimensions: int, writers: list[str]) -> None:
        # Without a length in the type, so that the view keeps its columns when an encoder has another length.
        session.rows(
            f"CREATE TABLE {table} ("
            "tenant_id bigint NOT NULL, key bigint NOT NULL, digest text NOT NULL,"
            f" embedding public.halfvec NOT NULL CHECK (public.vector_dims(embedding) = {dimensions}),"
            " PRIMARY KEY (tenant_id, key))"
        )
        session.rows(f"ALTER TABLE {table} ALTER embedding SET STORAGE PLAIN")
        _isolate(session, table)

    def drop(self, session: MigratingSession, table: str) -> None:
        session.rows(f"DROP TABLE IF EXISTS {table}")

    def source(self, definition: IndexDefinition) -> tuple[str, str]:
        text = " || ' ' || ".join(f"coalesce(t.\"{one}\", '')" for one in definition.text)
        return text, f"{text} AS text"

    def encode(self, encoder: Encoder, found: list[Row]) -> list[list[float]]:
        return encoder.encode([row[2] for row in found])

    def write(
        self,
        session: MigratingSession,
        table: str,
        tenant: int,
        found: list[Row],
        encoded: list[list[float]],
    ) -> None:
        session.rows(
            f"INSERT INTO {table} (tenant_id, key, digest, embedding)"  # noqa: S608
            " SELECT %(tenant)s, r.key, r.digest, r.vector::public.halfvec"
            " FROM unnest(%(keys)s::bigint[], %(digests)s::text[], %(vectors)s::text[])"
            " AS r (key, digest, vector)"
            " ON CONFLICT (tenant_id, key) DO UPDATE"
            " SET digest = excluded.digest, embedding = excluded.embedding",
            {
                "tenant": tenant,
                "keys": [row[0] for row in found],
                "digests": [row[1] for row in found],
                "vectors": [f"[{','.join(f'{one:.6g}' for one in vector)}]" for vector in encoded],
            },
        )


class PassageLayout:
    """Words, letter groups and, where there is an encoder, a vector; beside them, in how many passages
    of the tenant a term stands, kept by triggers, so that no writer can forget it."""

    view = "i.document_id, i.version_id, i.language, i.terms, i.grams, i.embedding"
    counts = True

    def create(self, session: MigratingSession, table: str, *, dimensions: int, writers: list[str]) -> None:
        session.rows(FUNCTION_SQL)
        name = table.partition(".")[2]
        for statement in (COLUMNS_SQL, COUNTS_SQL):
            for one in statement.format(name=name).split(";"):
                session.rows(one)
        _isolate(session, table)
        _isolate(session, f"{table}_df")
        for one in (
            RIGHTS_SQL.format(name=name, roles=", ".join(writers), is_work=IS_WORK).split(";")
            if writers
            else ()
        ):
            session.rows(one)

    def drop(self, session: MigratingSession, table: str) -> None:
        session.rows(f"DROP TABLE IF EXISTS {table}, {table}_df")

    def source(self, definition: IndexDefinition) -> tuple[str, str]:
        # As `PassageText.searched`, so that the product writes the very same digest.
        return (
            "array_to_string(t.headings || t.body, E'\\n')",
            "t.document_id, t.version_id, t.language, t.headings, t.body",
        )

    def encode(self, encoder: Encoder, found: list[Row]) -> list[IndexedPassage]:
        passages = [
            PassageText(headings=headings, body=body, language=language)
            for _, _, _, _, language, headings, body in found
        ]
        return index_passages(passages, dense=encoder.dense if isinstance(encoder, PassageEncoder) else None)

    def write(
        self,
        session: MigratingSession,
        table: str,
        tenant: int,
        found: list[Row],
        encoded: list[IndexedPassage],
    ) -> None:
        session.rows(
            INSERT_SQL.format(table=table),
            {
                "tenant": tenant,
                "keys": [row[0] for row in found],
                "digests": [lacking(row[1], one) for row, one in zip(found, encoded, strict=True)],
                "documents": [row[2] for row in found],
                "versions": [row[3] for row in found],
                "languages": [row[4] for row in found],
                "terms": [one.terms for one in encoded],
                "grams": [one.grams for one in encoded],
                "embeddings": [one.embedding for one in encoded],
            },
        )


_VECTORS: Final = VectorLayout()
_PASSAGES: Final = PassageLayout()


def layout_of(definition: IndexDefinition) -> Layout:
    return _PASSAGES if definition.encoder == PASSAGES else _VECTORS


def _isolate(session: MigratingSession, table: str) -> None:
    """A tenant's rows are its own, for readers and writers alike."""
    session.rows(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    session.rows(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    session.rows(
        f"CREATE POLICY tenant_isolation ON {table}"
        " USING (tenant_id = (SELECT nullif(current_setting('hrx.tenant_id', true), '')::bigint))"
    )
