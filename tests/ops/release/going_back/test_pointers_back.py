"""Models and search indexes are steps of the planner's way back: in its order, resumable, on record, undone
with it (R3.7-1, R3.4-1)."""

from __future__ import annotations

import signal
from collections.abc import Mapping

import psycopg
import pytest
import yaml

from hrx.kit.models.records import Alias
from hrx.ops.ledger.entries import EntryFilter, Kind, open_ledger
from hrx.ops.release.indexes.building import build, building_session
from hrx.ops.release.indexes.definitions import ENCODERS, IndexDefinition, version_of
from hrx.ops.release.indexes.generations import find_pointer
from hrx.ops.release.indexes.switching import switch
from hrx.ops.release.models import moving
from hrx.ops.release.models.moving import open_registry, open_signer
from hrx.ops.release.pointers import PointersNotReady
from hrx.ops.release.releases import Build, Component
from hrx.ops.run.approvals import approve
from hrx.ops.run.executor import close_run, new_run_id
from hrx.ops.run.plane import Plane
from hrx.ops.run.planning import PlanRecord
from hrx.ops.run.records import RunState, StepState, get_run
from tests.ops.conftest import make_operator
from tests.ops.release.going_back.conftest import MakeHouse
from tests.ops.release.going_back.house import EXPAND, House
from tests.ops.release.going_back.test_going_back import OpenPlane, crash, planned, say_run
from tests.ops.release.indexes.conftest import NARROW, WIDE
from tests.ops.release.models.making import GOOD, make_draft, make_runbook

pytestmark = [pytest.mark.req("R3.7-1"), pytest.mark.req("R3.4-1"), pytest.mark.timeout(600)]
_POINTERS = ("rollback.switch_pointers", "rollback.catch_up_index")
_TABLES = """
CREATE TABLE app.tenant (id bigint PRIMARY KEY);
INSERT INTO app.tenant VALUES (1);
CREATE TABLE app.note (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id bigint NOT NULL DEFAULT 1,
  title text, body text NOT NULL, is_draft boolean NOT NULL DEFAULT false
);
INSERT INTO app.note (body) VALUES ('alpha'), ('beta');
"""


def furnish(house: House) -> Mapping[int, Mapping[Component, Build]]:
    """Two models and two generations of an index, the newer ones live; r1 was built with the older ones."""
    runbook = make_runbook(house.layout.var / "policies")
    with (house.settings.runbook_dir / "models.yaml").open("a") as models:
        models.write((runbook / "models.yaml").read_text())
    define(house, WIDE)
    house.run_sql(_TABLES)
    # The key first: who opens the registry trusts it then.
    signer, ledger = open_signer(house.settings), open_ledger(house.settings.ledger_location)
    registry = open_registry(house.settings)
    drafts = [make_draft(weight, metrics=GOOD) for weight in (1.0, 2.0)]
    versions = [
        moving.register(registry, one, signer=signer, ledger=ledger, by="test").version for one in drafts
    ]
    for version in versions:
        moving.move(
            registry, version, Alias.LIVE, signer=signer, ledger=ledger,
            runbook=house.settings.runbook_dir, by="test", reason="",
        )  # fmt: skip
    ledger.store.close()
    with building_session(house.owner_url, "notes") as session:
        for definition in (NARROW, WIDE):
            switch(session, build(session, definition, ENCODERS[definition.encoder]), by="test")
    # What came since the older index was left.
    house.run_sql("INSERT INTO app.note (body) VALUES ('gamma')")
    indexes = [version_of(one, ENCODERS[one.encoder]) for one in (NARROW, WIDE)]
    return {number + 1: built(number, versions[number], indexes[number]) for number in range(2)}


def define(house: House, definition: IndexDefinition) -> None:
    told = {name: getattr(definition, name) for name in ("source", "key", "tenant", "where", "encoder")}
    path = house.settings.runbook_dir / "indexes.yaml"
    path.write_text(yaml.safe_dump({definition.name: {**told, "text": list(definition.text)}}))


def built(number: int, model: str, index: str) -> Mapping[Component, Build]:
    def part(name: str, version: str) -> Build:
        return Build(
            version=f"{name}-{number}", parts={name: version}, needs=frozenset(), offers=frozenset({name})
        )

    return {
        Component.MODEL: part("small", model),
        Component.INDEX: part("notes", index),
        Component.PROMPT: part("hello", str(number)),
    }


def stand(house: House) -> tuple[str | None, int | None]:
    """The live model, and the generation that answers."""
    stands = open_registry(house.settings).find_move("small")
    with building_session(house.owner_url, "notes") as session:
        pointer = find_pointer(session, "notes")
    return (stands.find(Alias.LIVE) if stands else None), (pointer.live if pointer else None)


def count_found(house: House) -> int:
    """Notes that the live generation has, as the tenant sees them."""
    with psycopg.connect(house.owner_url) as session:
        session.execute("SELECT set_config('hrx.tenant_id', '1', false)")
        [(count,)] = session.execute("SELECT count(*) FROM search.notes_live").fetchall()
        return int(count)


def count_moves(plane: Plane, kind: Kind) -> int:
    return len([one for one in plane.ledger.list_entries(EntryFilter(kinds=(kind,))) if one.actor == "run"])


def kill_around_pointers(house: House, plane: Plane, record: PlanRecord, run_id: str) -> None:
    """Before each of their steps, in its middle, and right after it is on record."""
    actions = [one.action.id for one in record.plan.steps]
    first = actions.index("rollback.switch_pointers")
    assert crash(house, "start", record, run_id, entries=1 + 2 * first) == -signal.SIGKILL
    for step in record.plan.steps[first:]:
        if step.action.id not in _POINTERS:
            continue
        crash(house, "resume", record, run_id, entries=2, seconds=0.1)
        for _ in range(4):
            if step.key not in get_run(plane, run_id).done_keys:
                assert crash(house, "resume", record, run_id, entries=3) == -signal.SIGKILL
        assert step.key in get_run(plane, run_id).done_keys, say_run(get_run(plane, run_id))
    assert crash(house, "resume", record, run_id, entries=999) == 0


def test_models_and_indexes_go_back_by_the_plan_through_every_death_and_can_be_taken_back(
    make_house: MakeHouse, open_plane: OpenPlane
) -> None:
    house = make_house(up=EXPAND, furnish=furnish)
    plane = open_plane(house)
    aoki = make_operator(plane.ledger, "aoki")
    newer = stand(house)
    record = planned(plane, aoki, to="r1")
    moves = [one.action.params["components"] for one in record.plan.steps if "pointers" in one.action.id]
    assert moves == ["model", "index"], "prompts are files of the code and move with it"
    assert record.plan.facts["pointer.model:small"] == newer[0]
    assert record.plan.proofs[-1].action.id == "rollback.prove_pointers"

    # All of it done but the proofs, then taken back.
    approve(plane, record.seq, actor=aoki, plan_hash=record.plan.plan_hash)
    run_id = new_run_id()
    entries = 1 + 2 * len(record.plan.steps) + 2
    assert crash(house, "start", record, run_id, entries=entries) == -signal.SIGKILL
    older = stand(house)
    assert older[0] != newer[0]
    assert older[1] == 1
    assert count_found(house) == 3, "with what came since"
    closed = close_run(plane, run_id, actor=aoki, reason="the older one is no better")
    assert closed.state is RunState.CLOSED, say_run(closed)
    assert {one.state for one in closed.steps if not one.is_proof and one.step.undo} == {StepState.UNDONE}
    assert stand(house) == newer
    assert house.served()["slot"] == "green"

    # Killed before, in and after each of their steps, they stand where it was planned.
    before = {kind: count_moves(plane, kind) for kind in (Kind.MODEL_MOVED, Kind.INDEX_SWITCHED)}
    again = planned(plane, aoki, to="r1")
    approve(plane, again.seq, actor=aoki, plan_hash=again.plan.plan_hash)
    run_id = new_run_id()
    kill_around_pointers(house, plane, again, run_id)
    done = get_run(plane, run_id)
    assert done.state is RunState.SUCCEEDED, say_run(done)
    assert stand(house) == older
    assert house.served()["slot"] == "blue"
    assert {kind: count_moves(plane, kind) - count for kind, count in before.items()} == dict.fromkeys(
        before, 1
    )

    # What nobody can serve any more is refused before anything is touched.
    path = house.settings.runbook_dir / "models.yaml"
    path.write_text(path.read_text().replace("f1: 0.9", "f1: 0.99"))
    with pytest.raises(PointersNotReady):
        planned(plane, aoki, to="r2")
