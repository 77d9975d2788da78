"""A drop that comes before older code is out of reach is told, by release and column (R3.5-1, R3.7-1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hrx.ops.release.dropping import DropStillRead, EarlyDrop, list_early_drops, refuse_early_drops
from hrx.ops.release.graph import ReleaseGraph
from hrx.ops.release.migrations.linting import lint_folder
from hrx.ops.release.releases import Release
from tests.ops.release.migrations.conftest import MakeFolder, make_folder
from tests.ops.release.shop import R1, R2, R3, R4

__all__ = ["make_folder"]
pytestmark = pytest.mark.req("R3.5-1", "R3.7-1")

_DROP = "ALTER TABLE app.person DROP COLUMN kana"
_PERSON = "CREATE TABLE app.person (id bigint, name text, kana text)"


def graph(*releases: Release) -> ReleaseGraph:
    known = releases or (R1, R2, R3, R4)
    return ReleaseGraph(releases={one.id: one for one in known}, history=[one.id for one in known[:-1]])


@pytest.fixture
def drops(make_folder: MakeFolder) -> Callable[..., tuple[EarlyDrop, ...]]:
    """What r4, whose migration drops the kana, would drop too early while r3 is live."""

    def ask(known: ReleaseGraph | None = None, *, extra: str = "", live: str = "r3") -> tuple[EarlyDrop, ...]:
        folder: Path = make_folder(
            (f"CREATE SCHEMA app; {_PERSON}", "DROP SCHEMA app CASCADE"),
            (_DROP, "ALTER TABLE app.person ADD COLUMN kana text", extra),
        )
        return list_early_drops(known or graph(), lint_folder(folder).revisions[1:], live=live, coming="r4")

    return ask


def test_the_release_and_the_column_are_named(drops: Callable[..., tuple[EarlyDrop, ...]]) -> None:
    found = drops()
    assert [dict(one.readers) for one in found] == [{"r1": frozenset({"app.person.kana"})}]
    with pytest.raises(DropStillRead, match=r"0002 drops .*r1 \(app\.person\.kana\)"):
        refuse_early_drops(found)


def test_out_of_reach_it_may_go(drops: Callable[..., tuple[EarlyDrop, ...]]) -> None:
    assert drops(replace(graph(), keep=1)) == ()
    refuse_early_drops(())


def test_a_migration_may_say_that_nobody_goes_back(drops: Callable[..., tuple[EarlyDrop, ...]]) -> None:
    assert drops(extra='ends_contract = ("app.person.kana",)') == ()
    assert drops(extra='ends_contract = ("app.person.name",)') != ()


def test_what_is_live_must_not_read_it_whatever_was_said(
    drops: Callable[..., tuple[EarlyDrop, ...]],
) -> None:
    found = drops(extra='ends_contract = ("app.person.kana",)', live="r1")
    with pytest.raises(DropStillRead) as refused:
        refuse_early_drops(found)
    assert refused.value.hint is not None
    assert "What is live uses it" in refused.value.hint.en


def test_of_what_nobody_watched_nothing_is_assumed(drops: Callable[..., tuple[EarlyDrop, ...]]) -> None:
    unwatched = replace(R1, use=None, shape=None)
    found = drops(graph(unwatched, R2, R3, R4))
    assert [one.unknown for one in found] == [frozenset({"r1"})]
