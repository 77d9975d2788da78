"""What a rehearsed migration would do to people: decided from what was seen, nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.release.migrations.linting import SEEN, SHORTEST_REASON
from hrx.ops.release.migrations.picture import Picture, Relation
from hrx.ops.release.migrations.revisions import Acceptance
from hrx.ops.release.migrations.tracing import STRONG, Performance, TransactionTrace
from hrx.ops.release.migrations.traffic import Stalls

#: Rows read or written under a strong lock from here on count as "as many as there are".
MANY_ROWS: Final = 1_000
#: The longest that a reader or a writer may be kept waiting: as long as the runner waits for a lock.
STALL_LIMIT_MS: Final = 200.0
_LONGEST_LOCK_TIMEOUT_MS: Final = 5_000


class Hazard(StrEnum):
    """What was seen to hurt."""

    FAILED = "failed"
    NO_LOCK = "no_lock"
    REWRITTEN = "rewritten"
    SCANNED_UNDER_LOCK = "scanned_under_lock"
    WRITTEN_UNDER_LOCK = "written_under_lock"
    MANY_ROWS = "many_rows"
    ROWS_LOST = "rows_lost"
    VALUES_LOST = "values_lost"
    STALLED = "stalled"
    WAITS_TOO_LONG = "waits_too_long"
    OLD_CODE_BREAKS = "old_code_breaks"
    UNPROTECTED = "unprotected"
    NOT_UNDONE = "not_undone"


_WHAT: Final = {
    Hazard.FAILED: Text(ja="失敗しました", en="It failed"),
    Hazard.NO_LOCK: Text(ja="ロックを取れませんでした", en="It never got its lock"),
    Hazard.REWRITTEN: Text(ja="表全体を書き直しました", en="The whole table was rewritten"),
    Hazard.SCANNED_UNDER_LOCK: Text(
        ja="強いロックを持ったまま全行を読みました", en="All rows were read while a strong lock was held"
    ),
    Hazard.WRITTEN_UNDER_LOCK: Text(
        ja="強いロックを持ったまま多くの行を書きました",
        en="Many rows were written while a strong lock was held",
    ),
    Hazard.MANY_ROWS: Text(
        ja="1 つのトランザクションで多くの行を書きました", en="Many rows were written in one transaction"
    ),
    Hazard.ROWS_LOST: Text(ja="行が失われました", en="Rows were lost"),
    Hazard.VALUES_LOST: Text(
        ja="戻って進み直すと、宣言のないデータが失われます",
        en="Down and up again loses data that is not declared",
    ),
    Hazard.STALLED: Text(ja="利用者の処理が待たされました", en="Users' statements were kept waiting"),
    Hazard.WAITS_TOO_LONG: Text(
        ja="ロックを待つ上限がないか、長すぎます",
        en="There is no limit, or too long a one, on its wait for locks",
    ),
    Hazard.OLD_CODE_BREAKS: Text(
        ja="動いているコードの文が通らなくなりました", en="Statements of code that still runs no longer work"
    ),
    Hazard.UNPROTECTED: Text(ja="テナントの壁がありません", en="The wall between tenants is missing"),
    Hazard.NOT_UNDONE: Text(
        ja="戻しても元のスキーマになりません", en="The way down does not come back to the schema before"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardSeen:
    """One thing that was seen to hurt: where, and the figure or the server's words."""

    hazard: Hazard
    subject: str
    detail: str
    accepted_because: str | None = None

    @property
    def text(self) -> Text:
        what = _WHAT[self.hazard]
        where = f"{self.subject}: " if self.subject else ""
        said = f" ({self.detail})" if self.detail else ""
        return Text(ja=f"{where}{what.ja}{said}", en=f"{where}{what.en}{said}")


def take_acceptances(seen: Sequence[HazardSeen], accepts: Sequence[Acceptance]) -> tuple[HazardSeen, ...]:
    """The same, each with the reason for which its revision accepts it: `accept seen-stalled because …`."""
    return tuple(replace(one, accepted_because=_reason_for(one, accepts)) for one in seen)


def _reason_for(seen: HazardSeen, accepts: Sequence[Acceptance]) -> str | None:
    rule = SEEN + seen.hazard.value.replace("_", "-")
    return next(
        (
            accept.reason
            for accept in accepts
            if accept.rule == rule
            and accept.table in (None, seen.subject)
            and len(accept.reason) >= SHORTEST_REASON
        ),
        None,
    )


def judge_performance(
    performance: Performance, *, before: Picture, after: Picture, stalls: Stalls
) -> tuple[HazardSeen, ...]:
    """The hazards of the way up, from its trace, the two pictures and what the traffic suffered."""
    found: list[HazardSeen] = []
    if performance.failure:
        hazard = Hazard.NO_LOCK if performance.is_lock_denied else Hazard.FAILED
        found.append(HazardSeen(hazard=hazard, subject="", detail=performance.failure))
    for trace in performance.transactions:
        found += _judge_transaction(trace, before)
    for name, relation in before.relations.items():
        now = after.relations.get(name)
        if now is not None and relation.file and now.file != relation.file:
            found.append(HazardSeen(hazard=Hazard.REWRITTEN, subject=name, detail=""))
    found += _judge_stalls(stalls)
    return tuple(dict.fromkeys(found))


def judge_compatibility(
    broken: Mapping[str, str], *, before: Picture, after: Picture, reads: frozenset[str] | None
) -> tuple[HazardSeen, ...]:
    """What code from before the migration can no longer do. `broken`: table → what the server said."""
    found = [
        HazardSeen(hazard=Hazard.OLD_CODE_BREAKS, subject=name, detail=said) for name, said in broken.items()
    ]
    gone = set(before.relations) - set(after.relations)
    found += [
        HazardSeen(hazard=Hazard.OLD_CODE_BREAKS, subject=name, detail="gone")
        for name in sorted(gone)
        if name not in broken and _is_read(name, reads)
    ]
    lost = sorted((set(before.functions) - set(after.functions)) | (before.values - after.values))
    found += [HazardSeen(hazard=Hazard.OLD_CODE_BREAKS, subject=name, detail="gone") for name in lost]
    return tuple(found)


def judge_rows(
    before: Mapping[str, int], after: Mapping[str, int], *, declared: Sequence[str]
) -> tuple[HazardSeen, ...]:
    """Rows that the way up took away from tables that stood before, unless the revision declares it."""
    return tuple(
        HazardSeen(hazard=Hazard.ROWS_LOST, subject=table, detail=f"{count:,} → {after.get(table, 0):,}")
        for table, count in before.items()
        if after.get(table, 0) < count and table not in declared
    )


def judge_walls(before: Picture, after: Picture, *, tenant_schema: str = "app") -> tuple[HazardSeen, ...]:
    """Tables of tenants that came without walls, or lost them."""
    bare = [
        name
        for name in after.tables
        if name.startswith(f"{tenant_schema}.")
        and not after.relations[name].is_walled
        and (name not in before.relations or before.relations[name].is_walled)
    ]
    # A wall that lets more through than before is none either.
    changed = [
        line.split(" ")[1]
        for line in before.lines - after.lines
        if line.startswith("policy ") and line.split(" ")[2] == "tenant_isolation"
    ]
    opened = [name for name in changed if name in after.relations and name not in bare]
    return tuple(
        HazardSeen(hazard=Hazard.UNPROTECTED, subject=name, detail="") for name in (*bare, *sorted(opened))
    )


def judge_way_down(before: Picture, undone: Picture) -> tuple[HazardSeen, ...]:
    """Whether the way down came back to the schema from which the way up began."""
    missing, left = before.describe() - undone.describe(), undone.describe() - before.describe()
    if not missing and not left:
        return ()
    lines = [f"- {line[:120]}" for line in sorted(missing)] + [f"+ {line[:120]}" for line in sorted(left)]
    more = f" … {len(lines) - 4} more" if len(lines) > 4 else ""
    return (HazardSeen(hazard=Hazard.NOT_UNDONE, subject="", detail="; ".join(lines[:4]) + more),)


def judge_survival(losses: Sequence[str], *, declared: Sequence[str]) -> tuple[HazardSeen, ...]:
    """Data that did not survive down and up again, but for what the revision declares."""
    return tuple(
        HazardSeen(hazard=Hazard.VALUES_LOST, subject=name, detail="")
        for name in losses
        if name not in declared and name.rpartition(".")[0] not in declared
    )


def _judge_transaction(trace: TransactionTrace, before: Picture) -> Iterator[HazardSeen]:
    held = [table for table, mode in trace.locks.items() if _makes_wait(mode, before.relations.get(table))]
    for table, work in trace.work.items():
        written = work.updated + work.deleted + work.inserted
        if held and written >= MANY_ROWS:
            detail = f"{written:,} rows; locked: {', '.join(held)}"
            yield HazardSeen(hazard=Hazard.WRITTEN_UNDER_LOCK, subject=table, detail=detail)
        elif work.updated + work.deleted >= MANY_ROWS and table in before.relations:
            yield HazardSeen(hazard=Hazard.MANY_ROWS, subject=table, detail=f"{written:,} rows")
        if held and work.read >= MANY_ROWS and table in before.relations:
            detail = f"{work.read:,} rows; locked: {', '.join(held)}"
            yield HazardSeen(hazard=Hazard.SCANNED_UNDER_LOCK, subject=table, detail=detail)
    if held and not 0 < trace.lock_timeout_ms <= _LONGEST_LOCK_TIMEOUT_MS:
        detail = f"lock_timeout {trace.lock_timeout_ms} ms"
        yield HazardSeen(hazard=Hazard.WAITS_TOO_LONG, subject=", ".join(held), detail=detail)


def _makes_wait(mode: str, relation: Relation | None) -> bool:
    """Whether a lock keeps somebody waiting; nobody writes to a view, so only its readers can."""
    if relation is None:
        return False
    return mode in STRONG if relation.kind in "rp" else mode == STRONG[-1]


def _judge_stalls(stalls: Stalls) -> Iterator[HazardSeen]:
    for who, waited_ms, where in (
        ("readers", stalls.reads_ms, stalls.reads_on),
        ("writers", stalls.writes_ms, stalls.writes_on),
    ):
        if waited_ms > STALL_LIMIT_MS:
            yield HazardSeen(hazard=Hazard.STALLED, subject=where, detail=f"{who}, {waited_ms:,.0f} ms")


def _is_read(name: str, reads: frozenset[str] | None) -> bool:
    return reads is None or any(read == name or read.startswith(f"{name}.") for read in reads)
