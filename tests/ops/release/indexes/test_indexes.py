"""Indexes are built beside the live one, switched without a failed search, and taken back (R3.4-1)."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg
import pytest

from hrx.kit.errors import HrxError
from hrx.kit.ngrams import encode_ngrams
from hrx.ops.release.indexes.building import build, building_session, count_behind
from hrx.ops.release.indexes.definitions import (
    ENCODERS,
    Encoder,
    EncoderGone,
    IndexDefinition,
    get_encoder,
    load_definitions,
    version_of,
)
from hrx.ops.release.indexes.generations import Generation, find_pointer, list_generations
from hrx.ops.release.indexes.switching import IndexNotReady, NothingBefore, find_before, switch
from hrx.ops.runbook.reading import ContentWrong
from hrx.ops.seams.migrating import MigrationLockHeld
from tests.conftest import ROOT
from tests.ops.release.indexes.conftest import NARROW, WIDE, Notes, search_within

pytestmark = pytest.mark.req("R3.4-1")


@dataclass(frozen=True, slots=True)
class Counting:
    """An encoder that remembers what it was given."""

    inner: Encoder
    seen: list[str] = field(default_factory=list)

    @property
    def version(self) -> str:
        return self.inner.version

    @property
    def dimensions(self) -> int:
        return self.inner.dimensions

    @property
    def model(self) -> str | None:
        return self.inner.model

    def encode(self, texts: Sequence[str]) -> list[list[float]]:
        self.seen.extend(texts)
        return self.inner.encode(texts)


def make(notes: Notes, definition: IndexDefinition = NARROW) -> Generation:
    with building_session(notes.owner_url, "notes") as session:
        return build(session, definition, ENCODERS[definition.encoder], batch_rows=7)


def go_live(notes: Notes, generation: Generation) -> None:
    with building_session(notes.owner_url, "notes") as session:
        switch(session, generation, by="test")


def go_back(notes: Notes) -> Generation:
    with building_session(notes.owner_url, "notes") as session:
        before = find_before(session, "notes")
        switch(session, before, by="test")
        return before


def behind(notes: Notes, generation: Generation) -> int:
    with building_session(notes.owner_url, "notes") as session:
        return count_behind(session, generation)


def test_what_was_built_and_switched_is_found_by_its_tenant_alone(notes: Notes) -> None:
    mine = notes.write(*(f"有給休暇の申請 {n}" for n in range(20)), "出張旅費の精算")
    theirs = notes.write("出張旅費の精算", tenant=notes.there)
    notes.write("出張旅費の精算の下書き", is_draft=True)
    made = make(notes)
    assert (made.rows_total, made.is_finished, made.number) == (22, True, 1)
    go_live(notes, made)
    assert notes.search("出張旅費の精算")[0] == mine[-1]
    assert notes.search("出張旅費の精算", tenant=notes.there) == theirs
    assert behind(notes, made) == 0


def test_a_build_that_was_killed_goes_on_behind_what_it_had(notes: Notes) -> None:
    notes.write(*(f"note {n}" for n in range(30)))
    encoder = Counting(ENCODERS["ngrams-256"])
    told: list[float] = []
    with building_session(notes.owner_url, "notes") as session:
        half = build(
            session,
            NARROW,
            encoder,
            batch_rows=7,
            tell=lambda one: told.append(one.done_ratio),
            is_stopped=lambda: len(told) >= 2,
        )
        assert (half.is_finished, half.rows_done, len(encoder.seen)) == (False, 14, 14)
        with pytest.raises(IndexNotReady):
            switch(session, half, by="test")
    with building_session(notes.owner_url, "notes") as session:
        whole = build(session, NARROW, encoder, batch_rows=7, tell=lambda one: told.append(one.done_ratio))
    assert (whole.number, whole.is_finished) == (half.number, True)
    # Nothing was encoded twice.
    assert sorted(encoder.seen) == sorted({f"n note {n}" for n in range(30)})
    assert told == sorted(told)


def test_what_changes_after_the_build_is_there_after_the_switch(notes: Notes) -> None:
    first, second, third = notes.write("alpha", "beta", "gamma")
    made = make(notes)
    notes.run(f"UPDATE app.note SET body = 'omega' WHERE id = {first}")
    notes.run(f"DELETE FROM app.note WHERE id = {second}")
    notes.run(f"UPDATE app.note SET is_draft = true WHERE id = {third}")
    [fourth] = notes.write("delta")
    assert behind(notes, made) == 4
    go_live(notes, made)
    assert behind(notes, made) == 0
    assert notes.search("omega") == [first, fourth]


def test_back_is_the_generation_before_with_what_came_since(notes: Notes) -> None:
    notes.write("alpha", "beta")
    first = make(notes, NARROW)
    go_live(notes, first)
    with building_session(notes.owner_url, "notes") as session, pytest.raises(NothingBefore):
        find_before(session, "notes")
    second = make(notes, WIDE)
    assert (second.number, second.version != first.version) == (2, True)
    go_live(notes, second)
    [new] = notes.write("something else entirely")
    assert go_back(notes).number == first.number
    assert notes.search("something else entirely")[0] == new
    with building_session(notes.owner_url, "notes") as session:
        pointer = find_pointer(session, "notes")
    assert pointer is not None
    assert (pointer.live, pointer.previous, pointer.moves) == (1, 2, 3)


def test_a_generation_is_kept_up_by_what_it_was_built_from_not_by_todays_definition(notes: Notes) -> None:
    notes.write("alpha")
    made = make(notes, NARROW)
    go_live(notes, made)
    other = replace(NARROW, text=("title",))
    go_live(notes, make(notes, other))
    assert go_back(notes).definition.text == ("title", "body")
    assert behind(notes, made) == 0


def test_generations_that_nobody_needs_are_dropped_and_two_stay(notes: Notes) -> None:
    notes.write("alpha")
    for text in (("title",), ("body",), ("title", "body"), ("body", "title")):
        go_live(notes, make(notes, replace(NARROW, text=text)))
    with building_session(notes.owner_url, "notes") as session:
        kept = [one.number for one in list_generations(session, "notes")]
        tables = session.rows("SELECT relname FROM pg_class WHERE relname ~ '^notes_g[0-9]+$' ORDER BY 1")
    assert kept == [2, 3, 4]
    assert [name for (name,) in tables] == ["notes_g2", "notes_g3", "notes_g4"]
    assert notes.search("alpha")


def test_two_who_build_at_once_do_not_meet(notes: Notes) -> None:
    with building_session(notes.owner_url, "notes"):
        with pytest.raises(MigrationLockHeld), building_session(notes.owner_url, "notes"):
            pass
        with building_session(notes.owner_url, "others"):
            pass


def test_no_search_fails_or_comes_back_empty_while_the_index_is_switched_and_taken_back(notes: Notes) -> None:
    keys = notes.write(*(f"{word} の規程" for word in ("休暇", "旅費", "住宅手当", "育児", "介護", "副業")))
    first, second = make(notes, NARROW), None
    go_live(notes, first)
    second = make(notes, WIDE)
    over = threading.Event()
    searched: list[int] = []
    failed: list[str] = []

    def search() -> None:
        count = 0
        with psycopg.connect(notes.app_url, autocommit=True) as product:
            while not over.is_set():
                try:
                    found = search_within(product, "住宅手当 の規程", tenant=notes.here)
                    if found[:1] != [keys[2]]:
                        failed.append(f"found {found}")
                except (psycopg.Error, HrxError) as error:
                    failed.append(str(error))
                count += 1
        searched.append(count)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for one in threads:
        one.start()
    try:
        for turn in range(10):
            go_live(notes, second if turn % 2 == 0 else first)
        go_back(notes)
    finally:
        over.set()
        for one in threads:
            one.join(60)
    assert failed == []
    assert len(searched) == 3
    assert min(searched) > 5
    with building_session(notes.owner_url, "notes") as session:
        pointer = find_pointer(session, "notes")
    assert pointer is not None
    assert (pointer.live, pointer.moves) == (second.number, 12)


def test_another_definition_or_encoder_is_another_version() -> None:
    narrow, wide = ENCODERS["ngrams-256"], ENCODERS["ngrams-512"]
    assert version_of(NARROW, narrow) == version_of(NARROW, narrow)
    assert len({version_of(NARROW, narrow), version_of(NARROW, wide), version_of(WIDE, wide)}) == 3
    with pytest.raises(EncoderGone):
        get_encoder("ngrams-256-0")


def test_the_runbooks_indexes_can_be_read_and_a_wrong_one_says_where(tmp_path: Path) -> None:
    assert "positions" in load_definitions(ROOT / "runbook")
    for wrong, where in (("source: app", "positions"), ("encoder: none", "positions.encoder")):
        key = wrong.partition(":")[0]
        lines = (ROOT / "runbook" / "indexes.yaml").read_text().splitlines()
        changed = [f"  {wrong}" if line.strip().startswith(f"{key}:") else line for line in lines]
        (tmp_path / "indexes.yaml").write_text("\n".join(changed))
        with pytest.raises(ContentWrong, match=where):
            load_definitions(tmp_path)


def test_the_runbooks_indexes_can_be_built_on_the_products_own_schema(notes: Notes) -> None:
    notes.run(f"INSERT INTO app.position (id, tenant_id, code) VALUES (1, {notes.here}, 'mgr')")
    notes.run(
        f"SELECT set_config('hrx.tenant_id', '{notes.here}', false);"
        "INSERT INTO app.position_version (tenant_id, position_id, title_ja, title_en, valid)"
        f" VALUES ({notes.here}, 1, '営業部長', 'Sales manager', daterange('2020-01-01', NULL))"
    )
    for name, definition in load_definitions(ROOT / "runbook").items():
        with building_session(notes.owner_url, name) as session:
            made = build(session, definition, ENCODERS[definition.encoder])
            switch(session, made, by="test")
            # The index of passages stands in every database from the start; no document is in it.
            assert (made.is_finished, made.rows_total) == (True, 0 if name == "passages" else 1)
            assert count_behind(session, made) == 0


def test_letter_groups_know_spelling_in_both_languages() -> None:
    def alike(one: str, other: str) -> float:
        a, b = encode_ngrams(one, dimensions=256), encode_ngrams(other, dimensions=256)
        return sum(x * y for x, y in zip(a, b, strict=True))

    assert alike("部長", "部長") == pytest.approx(1)
    assert alike("ＭＡＮＡＧＥＲ", "manager") == pytest.approx(1)
    assert alike("営業部長", "営業部次長") > alike("営業部長", "経理課員")
    assert set(encode_ngrams("", dimensions=256)) == {0.0}
