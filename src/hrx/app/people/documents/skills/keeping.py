"""Rows of what a model said of résumés: written once for a version of each, read with the newest decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Final

import orjson
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.documents.skills.judging import MODEL, Judged, Said
from hrx.app.people.documents.skills.reading import Resume

# Index: model_score_once. A row that is there stays: the same model says the same of the same text.
_KEEP: Final = text(
    "INSERT INTO app.model_score (model, model_version, model_sha256, is_shadow, document_id, version_id,"
    "  label, score, reasons)"
    " SELECT :model, :model_version, :model_sha256, :is_shadow, each.document_id, each.version_id,"
    "  each.label, each.score, each.reasons"
    " FROM jsonb_to_recordset(CAST(:rows AS jsonb))"
    "  AS each (document_id bigint, version_id bigint, label text, score float8, reasons jsonb)"
    # It may have been deleted while the model was asked.
    " JOIN app.document AS d ON d.id = each.document_id AND d.deleted_at IS NULL"
    " ON CONFLICT DO NOTHING"
)
# The newest decision on the same skill of the same text counts, also when an earlier model had said so.
_LIST: Final = text(
    "SELECT s.id, s.document_id, s.version_id, s.label, s.score, s.reasons, s.made_at, c.verdict,"
    "  c.decided_at"
    " FROM app.model_score AS s"
    " LEFT JOIN LATERAL ("
    "  SELECT c.verdict, c.decided_at FROM app.model_score AS o"
    "  JOIN app.score_decision AS c ON c.score_id = o.id"
    "  WHERE o.version_id = s.version_id AND o.role_id IS NULL AND o.label = s.label"
    "  ORDER BY c.id DESC LIMIT 1) AS c ON true"
    " WHERE s.version_id = ANY(:versions) AND s.role_id IS NULL AND s.model_version = :model_version"
    " AND NOT s.is_shadow"
    " ORDER BY s.version_id, s.score DESC, s.label"
)


async def keep_scores(session: AsyncSession, judged: Judged, resumes: Sequence[Resume]) -> None:
    """One row for each label of each résumé; what is there already stays. Safe to repeat."""
    rows = [
        {
            "document_id": resume.document_id,
            "version_id": resume.version_id,
            "label": label,
            "score": said.score,
            "reasons": _reasons_json(said),
        }
        for resume, labels in zip(resumes, judged.texts, strict=True)
        for label, said in labels.items()
    ]
    await session.execute(
        _KEEP,
        {
            "model": MODEL,
            "model_version": judged.version,
            "model_sha256": judged.sha256,
            "is_shadow": judged.is_shadow,
            "rows": orjson.dumps(rows).decode(),
        },
    )


async def list_scores(
    session: AsyncSession, *, version_ids: Sequence[int], model_version: str
) -> Sequence[RowMapping]:
    """Every skill's score by that version of the model, the surest first, with the newest decision on it."""
    found = await session.execute(_LIST, {"versions": list(version_ids), "model_version": model_version})
    return found.mappings().all()


def _reasons_json(said: Said) -> list[Mapping[str, object]]:
    return [asdict(one) for one in said.reasons]
