"""The planner's ground: what the folder of releases, the migrations and the database really say (R3.7-1)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hrx.ops.release.asking import (
    Counted,
    NothingLive,
    TablesUnknown,
    keep_rehearsed,
    plan_way_back,
    read_graph,
    read_ground,
)
from hrx.ops.release.migrations.judging import Hazard
from hrx.ops.release.migrations.rehearsing import RehearsalReport, rehearse
from hrx.ops.release.proofs import ProofShelf, WayDownProof
from hrx.ops.release.releases import Environment
from hrx.ops.release.rollback.plans import RollbackRefused, StepKind
from hrx.ops.release.store import ReleaseStore
from tests.conftest import ROOT, PostgresServer, free_port, migrate
from tests.ops.release.shop import R1, R2, R3, R4, fill_store

pytestmark = pytest.mark.req("R3.7-1")
HERE = Environment.DEVELOPMENT
MIGRATIONS = ROOT / "migrations"


def test_a_way_down_counts_once_a_rehearsal_has_taken_it(postgres: PostgresServer, tmp_path: Path) -> None:
    server = postgres.create_migrated_database("rehearsed")
    migrate(server.owner_url, to="0009", down=True)
    report = rehearse(
        server.owner_url,
        folder=MIGRATIONS,
        revision="0010",
        admin_url=server.admin_url.rsplit("/", 1)[0] + "/rehearsed",
    )
    store = ReleaseStore(tmp_path)
    assert not any(one.is_proven for one in read_graph(store, HERE, migrations=MIGRATIONS).line)
    assert keep_rehearsed(ProofShelf(tmp_path), _without_waits(report)) == ("0010",)
    line = {one.revision: one for one in read_graph(store, HERE, migrations=MIGRATIONS).line}
    assert line["0010"].is_proven
    assert not line["0009"].is_proven
    assert line["0010"].down_revision == "0009"


def _without_waits(report: RehearsalReport) -> RehearsalReport:
    """How many milliseconds somebody waited is the machine's affair: what is proved here is the way down."""
    calm = (
        replace(one, hazards=tuple(seen for seen in one.hazards if seen.hazard is not Hazard.STALLED))
        for one in report.revisions
    )
    return replace(report, revisions=tuple(calm))


def test_a_proof_is_replaced_by_a_newer_one_and_a_damaged_one_proves_nothing(tmp_path: Path) -> None:
    shelf = ProofShelf(tmp_path)
    shelf.keep_tests("r1", "0010", passed=True)
    shelf.keep_tests("r1", "0010", passed=False)
    shelf.keep_way_down(WayDownProof(revision="0010", loses=frozenset({"app.person.kana"})))
    assert shelf.list_tests() == {("r1", "0010"): False}
    assert shelf.list_ways_down()["0010"].loses == {"app.person.kana"}
    for path in (tmp_path / "_proofs").iterdir():
        path.write_bytes(b"{")
    assert shelf.list_tests() == {}
    assert shelf.list_ways_down() == {}


def test_tests_of_older_code_on_newer_tables_open_a_way(tmp_path: Path) -> None:
    store = fill_store(tmp_path, live=R4)
    ground = read_ground(store, HERE, migrations=MIGRATIONS, database_url=None)
    assert (ground.live, ground.schema.revision, ground.was_looked_at) == (R4, "0010", False)
    assert plan_way_back(ground, None, Counted()).to == "r3"
    ProofShelf(tmp_path).keep_tests("r2", "0010", passed=True)
    ProofShelf(tmp_path).keep_tests("r3", "0010", passed=False)
    ground = read_ground(store, HERE, migrations=MIGRATIONS, database_url=None)
    assert plan_way_back(ground, R2, Counted()).to == "r2"
    with pytest.raises(RollbackRefused) as refused:
        plan_way_back(ground, R3, Counted())
    assert any("tests of r3 failed" in one.en for one in refused.value.reasons)


def test_the_database_itself_says_which_tables_there_are(postgres: PostgresServer, tmp_path: Path) -> None:
    """The releases of the shop know other tables than the product has: none of them fits."""
    store = fill_store(tmp_path, live=R3)
    ground = read_ground(store, HERE, migrations=MIGRATIONS, database_url=postgres.ops_url)
    assert ground.was_looked_at
    assert ground.schema.revision >= "0010"
    with pytest.raises(RollbackRefused) as refused:
        plan_way_back(ground, R1, Counted())
    assert any("app.person." in one.en for one in refused.value.reasons)
    assert StepKind.DOWNGRADE_SCHEMA not in {one.command for one in refused.value.alternatives}


def test_a_database_that_does_not_answer_is_told_without_its_password(tmp_path: Path) -> None:
    store = fill_store(tmp_path, live=R4)
    url = f"postgresql://hrx_ops:very-secret@127.0.0.1:{free_port()}/hrx"
    with pytest.raises(TablesUnknown) as told:
        read_ground(store, HERE, migrations=MIGRATIONS, database_url=url)
    assert told.value.stable_code == "release.tables_unknown"
    assert "very-secret" not in told.value.message.en + told.value.message.ja


def test_nothing_live_is_said_and_a_forged_history_is_not_believed(tmp_path: Path) -> None:
    with pytest.raises(NothingLive):
        read_ground(ReleaseStore(tmp_path), HERE, migrations=MIGRATIONS, database_url=None)
    fill_store(tmp_path, live=R1)
    path = tmp_path / "_placed" / "development.jsonl"
    line = json.loads(path.read_bytes().splitlines()[-1])
    path.write_bytes(json.dumps({**line, "release": "../../etc"}).encode() + b"\n")
    with pytest.raises(Exception, match="no release"):
        read_ground(ReleaseStore(tmp_path), HERE, migrations=MIGRATIONS, database_url=None)
