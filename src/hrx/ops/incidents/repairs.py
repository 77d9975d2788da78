"""What was done about an incident: plans that name it, and their runs, out of the ledger."""

from __future__ import annotations

from typing import Final

from hrx.kit.errors import Text
from hrx.ops.ledger.entries import Entry, EntryFilter, Kind
from hrx.ops.plan import plan_from_json
from hrx.ops.run.plane import Plane

_MOST: Final = 50
_OF_RUNS: Final = (Kind.APPROVAL, Kind.RUN_STARTED, Kind.RUN_REFUSED)


def list_repairs(plane: Plane, incident_id: int) -> list[tuple[Entry, Text]]:
    """Plans, approvals, beginnings and ends of runs for this incident as sentences, newest first."""
    wanted = EntryFilter(kinds=(Kind.PLAN,), text=f'"incident":{incident_id},')
    plans = {
        entry.seq: entry
        for entry in plane.ledger.list_entries(wanted, limit=_MOST)
        if entry.body.get("incident") == incident_id
    }
    found: list[tuple[Entry, Text]] = []
    for seq, entry in plans.items():
        title = plan_from_json(entry.body["plan"]).title
        found.append((entry, Text(ja=f"計画 {seq}: {title.ja}", en=f"Plan {seq}: {title.en}")))
        about = plane.ledger.list_entries(EntryFilter(kinds=_OF_RUNS, text=f'"plan_seq":{seq}'), limit=_MOST)
        for one in about:
            if one.body.get("plan_seq") == seq:
                found += _tell(plane, one, title=title)
    return sorted(found, key=lambda told: told[0].seq, reverse=True)


def _tell(plane: Plane, entry: Entry, *, title: Text) -> list[tuple[Entry, Text]]:
    if entry.kind is Kind.APPROVAL:
        return [(entry, Text(ja=f"承認: {title.ja}", en=f"Approved: {title.en}"))]
    if entry.kind is Kind.RUN_REFUSED:
        said = entry.body["message"]
        return [
            (entry, Text(ja=f"実行できません: {said['ja']}", en=f"Refused to run: {said['en']}")),
        ]
    begun = (entry, Text(ja=f"実行を開始: {title.ja}", en=f"Began: {title.en}"))
    ends = plane.ledger.list_entries(EntryFilter(kinds=(Kind.RUN_FINISHED,), run_id=entry.run_id), limit=1)
    return [begun, *((one, _tell_end(one, title=title)) for one in ends)]


def _tell_end(entry: Entry, *, title: Text) -> Text:
    said = entry.body["message"]
    if entry.body["outcome"] == "succeeded":
        return Text(ja=f"完了: {title.ja}({said['ja']})", en=f"Done: {title.en} ({said['en']})")
    return Text(ja=f"失敗: {title.ja}({said['ja']})", en=f"Failed: {title.en} ({said['en']})")
