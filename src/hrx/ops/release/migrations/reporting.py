"""What a rehearsal saw, as a document that stays: for the release, the console and whoever asks later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from hrx.kit.errors import Text
from hrx.ops.release.migrations.judging import HazardSeen
from hrx.ops.release.migrations.rehearsing import RehearsalReport, RevisionRehearsal


def to_document(report: RehearsalReport) -> dict[str, Any]:
    """The report as plain values. `Any`: JSON."""
    return {
        "rehearsed_at": report.rehearsed_at.isoformat(),
        "before": report.before,
        "is_passed": report.is_passed,
        "revisions": [_revision(one) for one in report.revisions],
    }


def write_report(document: dict[str, Any], path: Path) -> None:
    """Write it whole or not at all."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
    draft.replace(path)


def _revision(one: RevisionRehearsal) -> dict[str, Any]:
    return {
        "id": one.revision,
        "title": one.title,
        "tries": one.performance.tries,
        "took_s": round(one.took_s, 3),
        "transactions": [
            {
                "statements": trace.statements,
                "took_ms": round(trace.took_ms, 1),
                "held_ms": round(trace.held_ms, 1),
                "locks": dict(trace.locks),
                "lock_timeout_ms": trace.lock_timeout_ms,
            }
            for trace in one.performance.transactions
        ],
        "stalls": {
            "reads_ms": round(one.stalls.reads_ms, 1),
            "writes_ms": round(one.stalls.writes_ms, 1),
            "statements": one.stalls.statements,
        },
        "hazards": [_hazard(seen) for seen in one.hazards],
        "losses": list(one.losses),
        "declares_loss": list(one.declares_loss),
        "unproven": list(one.unproven),
    }


def _hazard(seen: HazardSeen) -> dict[str, Any]:
    text: Text = seen.text
    return {
        "hazard": seen.hazard.value,
        "subject": seen.subject,
        "detail": seen.detail,
        "ja": text.ja,
        "en": text.en,
        "accepted_because": seen.accepted_because,
    }
