"""Manifests that never change, and placements that two writers may add to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hrx.ops.release.releases import (
    Build,
    CheckResult,
    Component,
    Environment,
    Outcome,
    Release,
    ReleaseUnreadable,
    SbomReference,
    Slot,
    release_from_json,
    release_to_json,
)
from hrx.ops.release.shapes import ColumnShape, RuleKind, RuleShape, SchemaShape, SchemaUse
from hrx.ops.release.store import (
    MANIFEST,
    PlacementChanged,
    ReleaseExists,
    ReleaseNotFound,
    ReleaseStore,
)

pytestmark = pytest.mark.req("R3.7-1")


def make_release(*, id: str = "r41", version: str = "1.41.0") -> Release:
    return Release(
        id=id,
        version=version,
        commit="8c578661d0",
        built_at=datetime(2026, 11, 26, 9, 30, tzinfo=UTC),
        components={
            Component.WEB: Build(version="web-41", needs=frozenset({"api:GET /people"})),
            Component.API: Build(version="api-41", digest="ab" * 32, offers=frozenset({"api:GET /people"})),
            Component.SCHEMA: Build(version="0010"),
            Component.MODEL: Build(version="m3", parts={"embedding": "e5-small-2"}),
            Component.SETTINGS: Build(version="f00d"),
        },
        use=SchemaUse(
            reads=frozenset({"app.person.id"}),
            writes=frozenset({"app.person.name"}),
            inserts={"app.person": frozenset({"app.person.name"})},
            calls=frozenset({"app.current_tenant()"}),
        ),
        shape=SchemaShape(
            columns={
                "app.person.id": ColumnShape(type="bigint", not_null=True, is_generated=True),
                "app.person.name": ColumnShape(type="text", default="''::text"),
            },
            rules={
                "app.person.person_pkey": RuleShape(
                    kind=RuleKind.UNIQUE,
                    table="app.person",
                    columns=frozenset({"app.person.id"}),
                    definition="PRIMARY KEY (id)",
                )
            },
            functions={"app.current_tenant()": "bigint"},
        ),
        handles=frozenset({"import_people"}),
        sbom=SbomReference(path="sbom.json", sha256="cd" * 32),
        checks=(CheckResult(name="image scan", outcome=Outcome.NOT_CHECKED, detail="Trivy is not here"),),
    )


def test_a_release_comes_back_from_disk_as_it_was(tmp_path: Path) -> None:
    store, release = ReleaseStore(tmp_path / "releases"), make_release()
    assert store.add(release) == release
    assert store.get("r41") == release
    assert store.list_all() == [release]
    assert release_from_json(release_to_json(release)) == release
    assert [path.name for path in (tmp_path / "releases" / "r41").iterdir()] == [MANIFEST]


def test_the_content_hash_is_that_of_the_content_alone() -> None:
    release = make_release()
    later = replace(release, id="r42", built_at=datetime(2026, 11, 27, tzinfo=UTC))
    assert later.content_hash == release.content_hash
    for changed in (
        replace(release, commit="0bce38b"),
        replace(release, use=None),
        replace(release, handles=None),
        replace(release, checks=()),
        replace(release, components={**release.components, Component.WEB: Build(version="web-42")}),
    ):
        assert changed.content_hash != release.content_hash


def test_a_release_is_never_changed(tmp_path: Path) -> None:
    store = ReleaseStore(tmp_path)
    kept = store.add(make_release())
    again = replace(kept, built_at=datetime(2026, 11, 27, tzinfo=UTC))
    assert store.add(again) == kept, "the same content may be added again, and the first one stays"
    with pytest.raises(ReleaseExists) as refused:
        store.add(make_release(version="1.41.1"))
    assert refused.value.hint is not None
    assert "hrx release build" in refused.value.hint.en
    assert store.get("r41").version == "1.41.0"


def test_two_builders_get_two_ids(tmp_path: Path) -> None:
    store = ReleaseStore(tmp_path)
    store.add(make_release())
    with ThreadPoolExecutor(max_workers=8) as builders:
        made = list(builders.map(lambda _: store.add_next(lambda free: make_release(id=free)).id, range(24)))
    assert sorted(made, key=lambda name: int(name[1:])) == [f"r{number}" for number in range(42, 66)]


@pytest.mark.parametrize("id", ["", "R42", "../r42", "r 42", ".hidden", "r" * 65])
def test_an_id_is_a_folder_of_its_own(id: str) -> None:
    with pytest.raises(ReleaseUnreadable):
        make_release(id=id)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"format": 1}', b'{"format": 2}', b'{"format": 1, "components": {"x": 1}}'],
)
def test_a_damaged_manifest_is_told_and_not_guessed(tmp_path: Path, content: bytes) -> None:
    store = ReleaseStore(tmp_path)
    store.add(make_release())
    (tmp_path / "r41" / MANIFEST).write_bytes(content)
    with pytest.raises(ReleaseUnreadable):
        store.list_all()


def test_what_is_live_is_what_was_placed_last(tmp_path: Path) -> None:
    store = ReleaseStore(tmp_path)
    for id in ("r41", "r42"):
        store.add(make_release(id=id))
    here = Environment.PRODUCTION
    assert store.look(here).live is None
    store.place(here, Slot.BLUE, "r41", weight=100, by="sato", expected=None)
    store.place(here, Slot.GREEN, "r42", weight=5, by="sato", expected=None)
    assert store.look(here).live == "r41"
    assert store.look(here).serving == {"r41", "r42"}
    store.place(here, Slot.GREEN, "r42", weight=100, by="sato", expected="r42")
    store.place(here, Slot.BLUE, "r41", weight=0, by="sato", expected="r41")
    assert store.look(here).live == "r42"
    assert store.look(here).warm == {"r41", "r42"}
    assert [one.release_id for one in store.list_placements(here)] == ["r41", "r42", "r42", "r41"]
    assert store.look(Environment.STAGING).live is None
    with pytest.raises(ReleaseNotFound):
        store.place(here, Slot.BLUE, "r43", weight=0, by="sato", expected="r41")


def test_of_two_who_place_one_is_told(tmp_path: Path) -> None:
    store = ReleaseStore(tmp_path)
    names = [f"r{number}" for number in range(1, 9)]
    for id in names:
        store.add(make_release(id=id))

    def place(id: str) -> str:
        try:
            store.place(Environment.STAGING, Slot.BLUE, id, weight=100, by=id, expected=None)
        except PlacementChanged:
            return "told"
        return "placed"

    with ThreadPoolExecutor(max_workers=8) as operators:
        assert sorted(operators.map(place, names)) == ["placed"] + ["told"] * 7
    assert len(store.list_placements(Environment.STAGING)) == 1


def test_what_a_killed_writer_left_unfinished_is_not_read_and_goes(tmp_path: Path) -> None:
    store = ReleaseStore(tmp_path)
    store.add(make_release())
    here = Environment.STAGING
    store.place(here, Slot.BLUE, "r41", weight=100, by="sato", expected=None)
    with (tmp_path / "_placed" / "staging.jsonl").open("ab") as file:
        file.write(b'{"at": "2026-11-2')
    assert store.look(here).live == "r41"
    store.place(here, Slot.GREEN, "r41", weight=0, by="sato", expected=None)
    assert len(store.list_placements(here)) == 2


def test_a_killed_writer_blocks_nobody(tmp_path: Path) -> None:
    store = ReleaseStore(tmp_path)
    store.add(make_release())
    store.place(Environment.STAGING, Slot.BLUE, "r41", weight=100, by="sato", expected=None)
    holder = (
        "import fcntl,sys,time; f=open(sys.argv[1],'a+b'); fcntl.flock(f, fcntl.LOCK_EX); "
        "print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", holder, str(tmp_path / "_placed" / "staging.jsonl")], stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.communicate(timeout=10)
    store.place(Environment.STAGING, Slot.BLUE, None, weight=0, by="sato", expected="r41")
    assert store.look(Environment.STAGING).live is None
