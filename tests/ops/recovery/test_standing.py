"""How recovery stands, told from facts alone: what would be lost, what is covered, what is wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from hrx.kit.errors import Text
from hrx.ops.recovery.basebackup import BackupKind, BaseBackup
from hrx.ops.recovery.coverage import find_coverage
from hrx.ops.recovery.elsewhere_state import ElsewhereState
from hrx.ops.recovery.positions import Position, Sample
from hrx.ops.recovery.proofs import Proof
from hrx.ops.recovery.records import KeptSegment
from hrx.ops.recovery.standing import Facts, Spool, describe_standing
from hrx.ops.recovery.troubles import list_troubles
from hrx.ops.recovery.wal import SEGMENT_BYTES, Segment

pytestmark = pytest.mark.req("R6.1-1")
NOW: Final = datetime(2026, 4, 1, 12, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
MIB: Final = 1024 * 1024


def backup(
    name: str, *, at: datetime, segment: int, parent: str | None = None, timeline: int = 1
) -> BaseBackup:
    return BaseBackup(
        id=name,
        kind=BackupKind.INCREMENTAL if parent else BackupKind.FULL,
        parent=parent,
        system_identifier="7",
        timeline=timeline,
        start=segment * SEGMENT_BYTES + 40,
        end=segment * SEGMENT_BYTES + 400,
        began_at=at - timedelta(seconds=10),
        ended_at=at,
        data_bytes=100 * MIB,
        stored_bytes=30 * MIB if not parent else MIB,
        sha256="",
        key="age1here",
    )


def kept(*numbers: int, timeline: int = 1) -> list[KeptSegment]:
    """A segment an hour; number n was received n hours after midnight of the day before."""
    return [
        KeptSegment(segment=Segment(timeline, n), received_at=NOW - timedelta(hours=36 - n)) for n in numbers
    ]


def proof(of: str, *, is_well: bool = True) -> Proof:
    return Proof(
        backup_id=of,
        began_at=NOW - HOUR,
        ended_at=NOW - HOUR,
        is_well=is_well,
        seconds={"fetch": 2.0, "check": 1.0, "records": 0.5, "replay": 1.5},
        data_bytes=100 * MIB,
        records_bytes=2 * SEGMENT_BYTES,
        reached=5,
        last_commit_at=NOW - 2 * HOUR,
        failure=None if is_well else Text(ja="base.tar が壊れています", en="base.tar is damaged"),
    )


def position(*, received: int | None = 36 * SEGMENT_BYTES + 900, answers: bool = True) -> Position:
    return Position(
        system_identifier="7",
        timeline=1,
        checkpoint_lsn=35 * SEGMENT_BYTES,
        flushed_lsn=36 * SEGMENT_BYTES + 900,
        received_lsn=received,
        seen_at=NOW - timedelta(seconds=1),
        looked_at=NOW - timedelta(seconds=1),
        answers=answers,
        is_receiving=received is not None,
        slot_state="reserved",
        samples=(
            Sample(at=NOW - timedelta(seconds=2), flushed=36 * SEGMENT_BYTES + 500, finished=90, running=1),
            Sample(at=NOW - timedelta(seconds=1), flushed=36 * SEGMENT_BYTES + 900, finished=95, running=0),
        ),
    )


def facts(
    *, backups: Sequence[BaseBackup] | None = None, segments: Sequence[KeptSegment] | None = None
) -> Facts:
    return Facts(
        now=NOW,
        keep_days=30,
        full_every_days=7,
        backups=tuple(backups or [backup("a", at=NOW - 16 * HOUR, segment=20)]),
        segments=tuple(segments if segments is not None else kept(*range(18, 36))),
        filling=Segment(1, 36),
        proofs=(proof("a"),),
        position=position(),
        elsewhere=ElsewhereState(
            where="s3", covered_at=NOW, covered_to=36 * SEGMENT_BYTES + 600, copied_at=NOW
        ),
        elsewhere_url="s3://x",
        keys_needed=frozenset({"age1here"}),
        keys_here=frozenset({"age1here"}),
        key_file="/etc/key",
        spool=Spool(size_bytes=0, let_go=None),
    )


def codes(found: Facts) -> list[str]:
    return [one.code for one in list_troubles(describe_standing(found))]


def test_all_is_well_and_told_in_figures() -> None:
    standing = describe_standing(facts())
    assert list_troubles(standing) == []
    assert standing.at_risk is not None
    assert (standing.at_risk.seconds, standing.at_risk.commits) == (1, 0)
    assert standing.at_risk_elsewhere is not None
    assert (standing.at_risk_elsewhere.seconds, standing.at_risk_elsewhere.commits) == (2, 6)
    assert [(one.begin, one.end) for one in standing.coverage.spans] == [
        (NOW - 16 * HOUR, NOW - timedelta(seconds=1))
    ]
    assert standing.newest_proven_at == NOW - 2 * HOUR


def test_the_way_back_is_forecast_from_what_restores_took() -> None:
    """100 MiB took 3 s, two segments 2 s; now 100 MiB and 16 segments."""
    forecast = describe_standing(facts()).forecast
    assert forecast is not None
    assert (forecast.copying_s, forecast.replaying_s) == (3, 16)
    assert describe_standing(replace(facts(), proofs=())).forecast is None


def test_a_hole_is_named_and_splits_what_is_covered() -> None:
    second = backup("b", at=NOW - 6 * HOUR, segment=30, parent="a")
    found = facts(
        backups=[backup("a", at=NOW - 16 * HOUR, segment=20), second],
        segments=kept(*range(18, 25), *range(27, 36)),
    )
    standing = describe_standing(found)
    (hole,) = standing.coverage.holes
    assert (hole.first.number, hole.last.number, hole.count) == (25, 26, 2)
    assert [(one.begin, one.end) for one in standing.coverage.gaps] == [(NOW - 12 * HOUR, NOW - 6 * HOUR)]
    said = list_troubles(standing)[0]
    assert said.code == "hole"
    assert Segment(1, 25).name in said.said.ja
    assert Segment(1, 26).name in said.said.en


def test_a_hole_that_no_backup_needs_is_none() -> None:
    coverage = find_coverage(
        [backup("a", at=NOW - 16 * HOUR, segment=20)],
        kept(3, 4, *range(18, 36)),
        filling=None,
        until=NOW,
    )
    assert coverage.holes == ()


def test_a_hole_before_what_the_receiver_still_has_is_seen() -> None:
    found = replace(facts(), filling=Segment(1, 38))
    (hole,) = describe_standing(found).coverage.holes
    assert (hole.first.number, hole.last.number) == (36, 37)


def test_a_new_timeline_goes_on_where_the_old_one_ended() -> None:
    coverage = find_coverage(
        [backup("a", at=NOW - 16 * HOUR, segment=20)],
        [*kept(*range(20, 28)), *kept(*range(27, 32), timeline=2)],
        filling=Segment(2, 32),
        until=NOW,
    )
    assert coverage.holes == ()
    assert [one.end for one in coverage.spans] == [NOW]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"keys_here": frozenset()}, "key_missing"),
        ({"backups": (), "proofs": ()}, "no_backup"),
        ({"position": None}, "keeper_silent"),
        ({"position": position(answers=False)}, "database_silent"),
        ({"position": position(received=None)}, "not_receiving"),
        ({"position": replace(position(), slot_state="lost")}, "slot_lost"),
        ({"proofs": (proof("a", is_well=False),)}, "proof_failed"),
        ({"elsewhere_url": None}, "nothing_elsewhere"),
        ({"elsewhere": None}, "elsewhere_stale"),
        ({"spool": Spool(size_bytes=1, let_go="2026-04-01T00:00:00Z")}, "spool_let_go"),
        ({"backups": (backup("a", at=NOW - 27 * HOUR, segment=20),), "proofs": ()}, "unproven"),
        ({"backups": (backup("a", at=NOW - 27 * HOUR, segment=20),)}, "backup_stale"),
        ({"backups": (backup("a", at=NOW - 16 * HOUR, segment=20, parent="gone"),)}, "chain_broken"),
        ({"position": replace(position(), samples=(Sample(at=NOW - HOUR, flushed=0, finished=1, running=0),
                                                   *position().samples), received_lsn=5)}, "rpo_exceeded"),
    ],
)  # fmt: skip
def test_each_trouble_is_told_with_the_next_command(change: dict[str, object], code: str) -> None:
    found = replace(facts(), **change)  # type: ignore[arg-type]
    said = {one.code: one for one in list_troubles(describe_standing(found))}
    assert code in said
    assert re.match(r"(HRX_\w+=\S+ )?hrx ", said[code].next)
    assert said[code].said.ja != said[code].said.en


def test_grave_troubles_come_first() -> None:
    found = replace(facts(), elsewhere_url=None, keys_here=frozenset())
    assert codes(found) == ["key_missing", "nothing_elsewhere"]
