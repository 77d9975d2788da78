"""What archiving came to so far, kept beside the archive: lines taken in, lines lost, files removed."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

import orjson

from hrx.kit import clock
from hrx.ops.observe.logs.archiving import Archived
from hrx.ops.observe.logs.files import LogFolders
from hrx.ops.observe.logs.retaining import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over all rounds; `ended_at` is when the last round ended well."""

    lines: int = 0
    lost: int = 0
    removed: dict[str, int] = field(default_factory=dict)
    ended_at: datetime | None = None


def read_totals(folders: LogFolders) -> Totals:
    """The sums so far; nothing at all when there are none or they cannot be read."""
    try:
        found = orjson.loads((folders.archive / "totals.json").read_bytes())
        ended_at = found["ended_at"]
        return Totals(
            lines=int(found["lines"]),
            lost=int(found["lost"]),
            removed={str(name): int(count) for name, count in found["removed"].items()},
            ended_at=datetime.fromisoformat(ended_at) if ended_at else None,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Totals()


def add_totals(folders: LogFolders, archived: Sequence[Archived], removed: Counter[Reason]) -> Totals:
    """Add one round's sums; the caller is the only archiver."""
    before = read_totals(folders)
    after = Totals(
        lines=before.lines + sum(one.archived for one in archived if one.lost == 0),
        lost=before.lost + sum(one.lost for one in archived),
        removed=dict(Counter(before.removed) + Counter({str(key): count for key, count in removed.items()})),
        ended_at=clock.now(),
    )
    path = folders.archive / "totals.json"
    draft = path.with_suffix(f".{os.getpid()}.new")
    draft.write_bytes(orjson.dumps(asdict(after)))
    draft.replace(path)
    return after
