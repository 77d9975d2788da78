"""Search indexes on the page of releases, read from a database that has them (R3.4-1)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from hrx.ops.console.pointer_views import list_indexes
from hrx.ops.console.rendering import make_environment, render
from hrx.ops.release.indexes.building import build, building_session
from hrx.ops.release.indexes.definitions import ENCODERS, PassageEncoder, load_definitions
from hrx.ops.release.indexes.switching import switch
from hrx.ops.run.plane import Plane
from hrx.ops.targets.machine.machine import Machine
from tests.ops.release.indexes.conftest import NARROW, WIDE, Notes, notes

__all__ = ["notes"]
pytestmark = pytest.mark.req("R3.4-1")
_DOCUMENT = """
SELECT set_config('hrx.tenant_id', '{tenant}', false);
INSERT INTO app.document (id, tenant_id, kind, title, audience) OVERRIDING SYSTEM VALUE
  VALUES (1, {tenant}, 'policy', '規程', 'everyone');
INSERT INTO app.document_version (id, tenant_id, document_id, number, state, effective, file_name, media_type,
  file_sha256, size_bytes, passages) OVERRIDING SYSTEM VALUE
  VALUES (1, {tenant}, 1, 1, 'ready', daterange('2020-01-01', NULL), 'f.md', 'text/markdown', '', 0, 1);
INSERT INTO app.document_passage (tenant_id, document_id, version_id, ordinal, language, headings, start_char,
  end_char, body, body_sha256) VALUES ({tenant}, 1, 1, 0, 'ja', ARRAY['規程'], 0, 2, '休暇', '{digest}')
"""


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


def test_a_generation_that_waits_for_vectors_says_how_many_and_offers_no_switch(
    here: Plane, notes: Notes
) -> None:
    told = {"source": "app.document_passage", "key": "id", "tenant": "tenant_id", "text": ["body"]}
    (here.settings.runbook_dir / "indexes.yaml").write_text(
        yaml.safe_dump({"passages": told | {"encoder": "passages"}})
    )
    notes.run(_DOCUMENT.format(tenant=notes.here, digest=hashlib.sha256("休暇".encode()).hexdigest()))
    definition = load_definitions(here.settings.runbook_dir)["passages"]
    encoder = PassageEncoder(dense="e5-0123456789abcdef", dimensions=4)
    with building_session(notes.owner_url, "passages") as session:
        made = build(session, definition, encoder)
    [found] = list_indexes(here)
    assert found.coming is not None
    assert (found.coming.number, found.coming.is_finished, found.lacking) == (made.number, True, 1)
    values = {"indexes": {"problem": None, "found": [found]}, "models": {"problem": None, "found": []}}
    page = render(
        make_environment(),
        "fragments/releases_pointers.html",
        {"language": "en", "people_names": {}, **values},
    )
    assert "1 rows left" in page
    assert "hrx release indexes switch" not in page
