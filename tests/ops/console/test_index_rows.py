"""Search indexes on the page of releases, read from a database that has them (R3.4-1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from hrx.ops.console.pointer_views import list_indexes
from hrx.ops.release.indexes.building import build, building_session
from hrx.ops.release.indexes.definitions import ENCODERS
from hrx.ops.release.indexes.switching import switch
from hrx.ops.run.plane import Plane
from hrx.ops.targets.machine.machine import Machine
from tests.ops.release.indexes.conftest import NARROW, WIDE, Notes, notes

__all__ = ["notes"]
pytestmark = pytest.mark.req("R3.4-1")


@dataclass(frozen=True)
class Elsewhere:
    """A machine whose database is the test's own."""

    url: str

    def database_url(self, role: str) -> str:
        assert role == "hrx_owner"
        return self.url


@pytest.fixture
def here(plane: Plane, notes: Notes, tmp_path: Path) -> Plane:
    told = {"source": "app.note", "key": "id", "tenant": "tenant_id", "text": ["title", "body"]}
    told |= {"where": "NOT t.is_draft", "encoder": "ngrams-256"}
    (tmp_path / "indexes.yaml").write_text(yaml.safe_dump({"notes": told}))
    settings = plane.settings.model_copy(update={"runbook_dir": tmp_path})
    # The rest of a target is not asked for by a look.
    target: Machine = Elsewhere(notes.owner_url)  # type: ignore[assignment]
    return replace(plane, settings=settings, target=target)


def test_an_index_says_what_answers_how_far_the_next_is_and_how_many_rows_it_lacks(
    here: Plane, notes: Notes
) -> None:
    [nothing] = list_indexes(here)
    assert (nothing.live, nothing.coming) == (None, None)
    notes.write(*(f"note {number}" for number in range(6)))
    with building_session(notes.owner_url, "notes") as session:
        first = build(session, NARROW, ENCODERS[NARROW.encoder])
        switch(session, first, by="sato")
        notes.write("one more", "and another")
        build(session, WIDE, ENCODERS[WIDE.encoder], batch_rows=4, is_stopped=lambda: True)
    [found] = list_indexes(here)
    assert found.live is not None
    assert found.coming is not None
    assert found.pointer is not None
    assert (found.live.number, found.behind, found.previous) == (first.number, 2, None)
    assert (found.coming.rows_done, found.coming.rows_total, found.coming.is_finished) == (4, 8, False)
    assert found.pointer.moved_by == "sato"
    with building_session(notes.owner_url, "notes") as session:
        switch(session, build(session, WIDE, ENCODERS[WIDE.encoder]), by="suzuki")
    [moved] = list_indexes(here)
    assert moved.live is not None
    assert moved.previous is not None
    assert (moved.live.number, moved.previous.number, moved.coming, moved.behind) == (2, 1, None, 0)
