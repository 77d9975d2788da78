"""Models, prompts and indexes belong to a release, and follow the requests to another and back (R3.4-1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from hrx.kit.models.records import Alias
from hrx.ops.ledger.entries import EntryFilter, Kind, Ledger
from hrx.ops.release.contracts import find_missing
from hrx.ops.release.indexes.building import build, building_session
from hrx.ops.release.indexes.definitions import ENCODERS, IndexDefinition, version_of
from hrx.ops.release.indexes.generations import find_pointer
from hrx.ops.release.indexes.switching import switch
from hrx.ops.release.models import moving
from hrx.ops.release.models.moving import open_registry, open_signer
from hrx.ops.release.pointers import Pointers, PointersNotReady, gather_pointers, list_changes
from hrx.ops.release.releases import Component, Release, release_from_json, release_to_json
from hrx.ops.settings import OpsSettings
from tests.ops.release.indexes.conftest import NARROW, WIDE, Notes
from tests.ops.release.models.making import GOOD, make_draft, make_runbook

pytestmark = pytest.mark.req("R3.4-1")


@dataclass(frozen=True, slots=True)
class Scene:
    settings: OpsSettings
    ledger: Ledger
    notes: Notes
    home: Path

    @property
    def pointers(self) -> Pointers:
        return Pointers(self.settings, self.ledger, lambda: self.notes.owner_url)

    def add_model(self, weight: float, *, f1: float = 0.95) -> str:
        draft = make_draft(weight, metrics={**GOOD, "f1": f1})
        signer = open_signer(self.settings)
        made = moving.register(
            open_registry(self.settings), draft, signer=signer, ledger=self.ledger, by="test"
        )
        return made.version

    def move_model(self, version: str) -> None:
        moving.move(
            open_registry(self.settings),
            version,
            Alias.LIVE,
            signer=open_signer(self.settings),
            ledger=self.ledger,
            runbook=self.settings.runbook_dir,
            by="test",
            reason="",
        )

    def define(self, definition: IndexDefinition) -> None:
        told = {
            "source": definition.source,
            "key": definition.key,
            "tenant": definition.tenant,
            "text": list(definition.text),
            "where": definition.where,
            "encoder": definition.encoder,
        }
        (self.settings.runbook_dir / "indexes.yaml").write_text(yaml.safe_dump({"notes": told}))

    def build(self, definition: IndexDefinition, *, goes_live: bool = False) -> None:
        with building_session(self.notes.owner_url, "notes") as session:
            made = build(session, definition, ENCODERS[definition.encoder])
            if goes_live:
                switch(session, made, by="test")

    def release(self, id: str) -> Release:
        return Release(
            id=id,
            version="1",
            commit=id * 8,
            built_at=datetime(2026, 11, 1, tzinfo=UTC),
            components=gather_pointers(
                self.home,
                self.settings.runbook_dir,
                open_registry(self.settings),
                encoders=self.settings,
            ),
        )

    def live(self) -> tuple[str | None, int | None]:
        stands = open_registry(self.settings).find_move("small")
        with building_session(self.notes.owner_url, "notes") as session:
            pointer = find_pointer(session, "notes")
        return (stands.find(Alias.LIVE) if stands else None), (pointer.live if pointer else None)


@pytest.fixture
def scene(tmp_path: Path, ledger: Ledger, notes: Notes) -> Scene:
    home = tmp_path / "home"
    (home / "prompts").mkdir(parents=True)
    (home / "prompts" / "hello.yaml").write_text(
        "variables: [who, why]\nmodels: [small]\ntext: {ja: '{{who}}{{why}}', en: '{{who}}{{why}}'}\n"
    )
    made = Scene(
        OpsSettings(var_dir=tmp_path / "var", runbook_dir=make_runbook(home / "runbook")), ledger, notes, home
    )
    made.define(NARROW)
    return made


def test_a_release_names_its_live_models_its_prompts_and_its_indexes(scene: Scene) -> None:
    without = scene.release("r1")
    assert without.components.keys() == {Component.PROMPT, Component.INDEX}
    version = scene.add_model(1.0)
    assert scene.release("r1").components.keys() == {Component.PROMPT, Component.INDEX}
    scene.move_model(version)
    made = scene.release("r1")
    assert made.components[Component.MODEL].parts == {"small": version}
    assert made.components[Component.INDEX].parts == {"notes": version_of(NARROW, ENCODERS["ngrams-256"])}
    assert made.components[Component.PROMPT].offers == frozenset({"prompt:hello(who,why)"})
    # The prompt finds the model that it was written for.
    needs, offers = made.components[Component.PROMPT].needs, made.components[Component.MODEL].offers
    assert needs is not None
    assert offers is not None
    assert find_missing(needs, offers, of=Component.MODEL) == ()
    assert find_missing(needs, frozenset(), of=Component.MODEL) == ("model:small",)
    assert release_from_json(release_to_json(made)) == made


def test_the_same_content_is_the_same_version_and_another_encoder_is_another(scene: Scene) -> None:
    one, same = scene.release("r1"), scene.release("r2")
    assert one.content_hash == replace(same, commit=one.commit).content_hash
    scene.define(WIDE)
    other = scene.release("r3")
    assert other.find_version(Component.INDEX) != one.find_version(Component.INDEX)
    assert other.find_version(Component.PROMPT) == one.find_version(Component.PROMPT)


def test_models_and_indexes_follow_the_requests_and_come_back_with_them(scene: Scene) -> None:
    scene.notes.write("alpha", "beta")
    old, new = scene.add_model(1.0), scene.add_model(2.0)
    scene.move_model(old)
    scene.build(NARROW, goes_live=True)
    first = scene.release("r1")
    scene.move_model(new)
    scene.define(WIDE)
    scene.build(WIDE)
    second = scene.release("r2")
    scene.move_model(old)

    there, back = list_changes(first, second), list_changes(second, first)
    assert [one.component for one in there] == [Component.MODEL, Component.INDEX]
    scene.pointers.require_ready(there)
    assert scene.live() == (old, 1)
    assert scene.pointers.apply(there, by="test", reason="rollout r2") == list(there)
    assert scene.live() == (new, 2)
    assert scene.pointers.apply(there, by="test", reason="again") == []
    [written] = scene.notes.write("gamma")
    assert scene.pointers.apply(back, by="test", reason="back") == list(back)
    assert scene.live() == (old, 1)
    assert scene.notes.search("gamma")[0] == written
    told = scene.ledger.list_entries(EntryFilter(kinds=(Kind.INDEX_SWITCHED,)))
    assert {one.body["reason"] for one in told} == {"rollout r2", "back"}
    assert list_changes(first, first) == ()


def test_a_release_whose_index_is_not_built_is_refused_before_anything_moves(scene: Scene) -> None:
    scene.notes.write("alpha")
    first = scene.release("r1")
    # Nobody searches it yet: nothing has to be there.
    scene.pointers.require_ready(list_changes(None, first))
    assert scene.pointers.apply(list_changes(None, first), by="test", reason="") == []
    scene.build(NARROW, goes_live=True)
    scene.define(WIDE)
    changes = list_changes(first, scene.release("r2"))
    with pytest.raises(PointersNotReady) as refused:
        scene.pointers.require_ready(changes)
    assert refused.value.hint is not None
    assert "hrx release indexes build notes" in refused.value.hint.en
    with pytest.raises(PointersNotReady):
        scene.pointers.apply(changes, by="test", reason="")
    assert scene.live() == (None, 1)


def test_a_release_whose_model_no_longer_passes_the_gate_is_refused(scene: Scene) -> None:
    version = scene.add_model(1.0)
    scene.move_model(version)
    changes = list_changes(None, scene.release("r1"))
    path = scene.settings.runbook_dir / "models.yaml"
    path.write_text(path.read_text().replace("f1: 0.9", "f1: 0.99"))
    with pytest.raises(PointersNotReady) as refused:
        scene.pointers.require_ready(changes)
    assert refused.value.hint is not None
    assert version in refused.value.hint.en
