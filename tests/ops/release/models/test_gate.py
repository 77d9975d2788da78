"""What the gate lets through, and each reason why it does not (R3.4-1)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hrx.kit.errors import Conflict, HrxError
from hrx.kit.models.records import Alias, Draft, ModelNotTrusted
from hrx.kit.models.registry import Registry
from hrx.kit.models.signing import Signer
from hrx.ops.ledger.entries import EntryFilter, Kind, Ledger
from hrx.ops.release.models import moving
from hrx.ops.release.models.gating import GateRefused
from hrx.ops.release.models.policies import PolicyMissing
from hrx.ops.release.models.trials import try_model
from tests.ops.release.models.making import GOOD, make_draft, make_graph, make_registry, make_runbook

pytestmark = pytest.mark.req("R3.4-1")


@pytest.fixture
def held(tmp_path: Path) -> tuple[Registry, Signer]:
    return make_registry(tmp_path)


@pytest.fixture
def runbook(tmp_path: Path) -> Path:
    return make_runbook(tmp_path / "runbook")


def _move(held: tuple[Registry, Signer], ledger: Ledger, runbook: Path, draft: Draft) -> str:
    registry, signer = held
    made = moving.register(registry, draft, signer=signer, ledger=ledger, by="x")
    moving.move(
        registry,
        made.version,
        Alias.LIVE,
        signer=signer,
        ledger=ledger,
        runbook=runbook,
        by="x",
        reason="better",
    )
    return made.version


def _bodies(ledger: Ledger, kind: Kind) -> list[Any]:
    return [one.body for one in ledger.list_entries(EntryFilter(kinds=(kind,)), limit=50)]


def test_a_good_version_goes_live_with_what_was_seen_on_record(
    held: tuple[Registry, Signer], ledger: Ledger, runbook: Path
) -> None:
    version = _move(held, ledger, runbook, make_draft())
    stands = held[0].find_move("small")
    assert stands is not None
    assert stands.find(Alias.LIVE) == version
    assert all(one.has_held for one in stands.checks)
    assert {"signature", "operators", "golden", "f1", "fairness rank_changes_age"} <= {
        one.name for one in stands.checks
    }
    [body] = _bodies(ledger, Kind.MODEL_MOVED)
    assert (body["version"], body["number"], body["reason"]) == (version, 1, "better")


@pytest.mark.parametrize(
    ("draft", "rule"),
    [
        (make_draft(content=make_graph(1.0, operators=("Mul", "Sigmoid", "Identity"))), "operators"),
        (make_draft(content=make_graph(1.0, outside=True)), "operators"),
        (make_draft(content=b"no model at all"), "operators"),
        (make_draft(golden_weight=1.01), "golden"),
        (make_draft(rows=3), "golden"),
        (make_draft(metrics={**GOOD, "f1": 0.89}), "f1"),
        (make_draft(metrics={**GOOD, "f1": float("nan")}), "f1"),
        (make_draft(metrics={**GOOD, "rank_changes_gender": 1}), "fairness rank_changes_gender"),
        (
            make_draft(metrics={name: value for name, value in GOOD.items() if name != "rank_changes_name"}),
            "fairness rank_changes_name",
        ),
    ],
    ids=[
        "a foreign operator",
        "weights in another file",
        "no model",
        "other answers",
        "too few rows",
        "worse",
        "not a number",
        "unfair",
        "fairness not told",
    ],
)
def test_a_version_that_breaks_a_rule_never_serves_and_the_reason_is_recorded(
    held: tuple[Registry, Signer], ledger: Ledger, runbook: Path, draft: Draft, rule: str
) -> None:
    good = _move(held, ledger, runbook, make_draft(5.0))
    with pytest.raises(HrxError) as refused:
        _move(held, ledger, runbook, draft)
    stands = held[0].find_move("small")
    assert stands is not None
    assert stands.versions == {"live": good}
    assert isinstance(refused.value, GateRefused)
    assert rule in {one.name for one in refused.value.checks if not one.has_held}
    [body] = _bodies(ledger, Kind.MODEL_REFUSED)
    assert [one["name"] for one in body["checks"] if not one["has_held"]]


def test_a_model_of_which_nobody_said_what_it_must_keep_to_is_refused(
    held: tuple[Registry, Signer], ledger: Ledger, runbook: Path
) -> None:
    with pytest.raises(PolicyMissing):
        _move(held, ledger, runbook, replace(make_draft(), model="other"))
    assert held[0].find_move("other") is None


def test_a_file_that_was_changed_on_the_shelf_does_not_go_live(
    held: tuple[Registry, Signer], ledger: Ledger, runbook: Path, tmp_path: Path
) -> None:
    registry, signer = held
    made = registry.register(make_draft(), signer=signer, by="x")
    path = tmp_path / "shelf" / "versions" / "small" / made.version / "model.onnx"
    path.write_bytes(make_graph(9.0))
    with pytest.raises(ModelNotTrusted):
        moving.move(
            registry,
            made.version,
            Alias.LIVE,
            signer=signer,
            ledger=ledger,
            runbook=runbook,
            by="x",
            reason="",
        )
    assert registry.find_move("small") is None
    assert not moving.verify(registry, made.version, runbook=runbook).has_held
    assert len(_bodies(ledger, Kind.MODEL_REFUSED)) == 1


def test_back_is_the_version_before_and_back_again_the_one_that_was_left(
    held: tuple[Registry, Signer], ledger: Ledger, runbook: Path
) -> None:
    with pytest.raises(Conflict):
        moving.find_before(held[0], "small")
    first = _move(held, ledger, runbook, make_draft(1.0))
    second = _move(held, ledger, runbook, make_draft(2.0))
    assert moving.find_before(held[0], "small") == first
    assert _move(held, ledger, runbook, make_draft(1.0)) == first
    assert moving.find_before(held[0], "small") == second


def test_a_file_that_never_answers_is_given_up() -> None:
    draft = make_draft()
    assert try_model(draft.content, draft.golden).error is None
    found = try_model(draft.content, draft.golden, within_s=0.01)
    assert found.error is not None
    assert "0.01 s" in found.error
