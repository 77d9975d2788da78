"""The days of versions: each day of a document has at most one version that is ready, the one with the
highest number. Days that a limited version cuts out of the middle of an earlier one are not given back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.documents.problems import NOTICES, fill
from hrx.app.platform import search_index

_OVERLAPPING = """
SELECT o.id, o.effective @> v.effective AS holds_all,
       o.effective && v.effective AS overlaps,
       lower(o.effective) AS first, upper(o.effective) AS after,
       lower(v.effective) AS this_first, upper(v.effective) AS this_after
FROM app.document_version AS o
JOIN app.document_version AS v ON v.id = :id
WHERE o.document_id = v.document_id AND o.state = 'ready' AND o.effective && v.effective
  AND o.number {sign} v.number
ORDER BY o.number
"""
_SET_DAYS = text("UPDATE app.document_version SET effective = daterange(:first, :after) WHERE id = :id")
_REPLACE = text("UPDATE app.document_version SET state = 'replaced' WHERE id = :id")


async def narrow_this(session: AsyncSession, version: RowMapping) -> str:
    """Take from this version the days of ready ones with higher numbers; gives `ready` or `replaced`."""
    while True:
        rows = await session.execute(text(_OVERLAPPING.format(sign=">")), {"id": version["id"]})
        later = rows.mappings().first()
        if later is None:
            return "ready"
        kept = _left_of(
            first=later["this_first"], after=later["this_after"], taken=(later["first"], later["after"])
        )
        if kept is None:
            return "replaced"
        await session.execute(_SET_DAYS, {"id": version["id"], "first": kept[0], "after": kept[1]})


async def narrow_earlier(session: AsyncSession, version: RowMapping) -> dict[str, Any] | None:
    """Take this version's days from ready ones with lower numbers, now; one that has none left is replaced.

    Gives a warning when an earlier version would have gone on after this one's last day."""
    gap: dict[str, Any] | None = None
    rows = await session.execute(text(_OVERLAPPING.format(sign="<")), {"id": version["id"]})
    for earlier in rows.mappings().all():
        taken = (earlier["this_first"], earlier["this_after"])
        kept = _left_of(first=earlier["first"], after=earlier["after"], taken=taken)
        if kept is None:
            await session.execute(_REPLACE, {"id": earlier["id"]})
            await search_index.remove_version(session, earlier["id"])
            continue
        await session.execute(_SET_DAYS, {"id": earlier["id"], "first": kept[0], "after": kept[1]})
        goes_on = taken[1] is not None and (earlier["after"] is None or earlier["after"] > taken[1])
        if goes_on and kept[1] is not None and kept[1] <= taken[0]:
            message = fill(NOTICES["effective.gap"], value=taken[1].isoformat())
            gap = {
                "code": "effective.gap",
                "page": None,
                "count": 0,
                "value": taken[1].isoformat(),
                "message": asdict(message),
            }
    return gap


# `Any`: days, or None for an open end; typed rows of plain SQL.
def _left_of(*, first: Any, after: Any, taken: tuple[Any, Any]) -> tuple[Any, Any] | None:
    """What is left of [first, after): what lies before the taken days, else behind, else nothing."""
    taken_first, taken_after = taken
    if first is None or (taken_first is not None and first < taken_first):
        return (first, taken_first)
    if taken_after is not None and (after is None or taken_after < after):
        return (taken_after, after)
    return None
