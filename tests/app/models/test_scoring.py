"""The live version answers, a switch loses nothing, and what is not right never answers (R3.4-1)."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from hrx.app.models.scoring import FeaturesDiffer, NoModelServes, Scorer
from hrx.kit.models.records import Alias, Draft, ModelNotTrusted
from hrx.kit.models.registry import Registry
from hrx.kit.models.signing import Signer
from tests.ops.release.models.making import make_draft, make_graph, make_registry

pytestmark = pytest.mark.req("R3.4-1")
_ROW = [0.25, 0.75]


@pytest.fixture
def held(tmp_path: Path) -> tuple[Registry, Signer]:
    return make_registry(tmp_path)


def go_live(held: tuple[Registry, Signer], draft: Draft) -> str:
    registry, signer = held
    version = registry.register(draft, signer=signer, by="x").version
    registry.move("small", Alias.LIVE, to=version, signer=signer, by="x", reason="")
    return version


def open_scorer(held: tuple[Registry, Signer]) -> Scorer:
    return Scorer(held[0], "small", features="small-1")


def test_nobody_answers_before_a_version_is_live(held: tuple[Registry, Signer]) -> None:
    scorer = open_scorer(held)
    with pytest.raises(NoModelServes):
        scorer.score([_ROW])
    with pytest.raises(NoModelServes):
        scorer.refresh()


def test_the_live_version_answers_and_a_move_is_followed_there_and_back(
    held: tuple[Registry, Signer],
) -> None:
    scorer = open_scorer(held)
    first = go_live(held, make_draft(1.0))
    assert scorer.refresh().version == first
    before = scorer.score([_ROW, _ROW])
    assert (before.version.version, before.rows[0]) == (first, before.rows[1])
    second = go_live(held, make_draft(2.0))
    assert scorer.score([_ROW]).version.version == first
    scorer.refresh()
    assert scorer.score([_ROW]).version.version == second
    assert scorer.score([_ROW]).rows != before.rows[:1]
    go_live(held, make_draft(1.0))
    scorer.refresh()
    assert scorer.score([_ROW]).rows == before.rows[:1]


def test_what_was_changed_on_the_shelf_never_answers_and_the_version_before_goes_on(
    held: tuple[Registry, Signer], tmp_path: Path
) -> None:
    scorer = open_scorer(held)
    first = go_live(held, make_draft(1.0))
    scorer.refresh()
    second = go_live(held, make_draft(2.0))
    (tmp_path / "shelf" / "versions" / "small" / second / "model.onnx").write_bytes(make_graph(9.0))
    with pytest.raises(ModelNotTrusted):
        scorer.refresh()
    assert scorer.score([_ROW]).version.version == first
    # The version before is warm: it comes back although the store has lost it.
    go_live(held, make_draft(1.0))
    (tmp_path / "shelf" / "versions" / "small" / first / "model.onnx").unlink()
    assert scorer.refresh().version == first


def test_other_answers_than_the_trainers_and_other_features_are_refused(
    held: tuple[Registry, Signer],
) -> None:
    go_live(held, make_draft(1.0, golden_weight=1.1))
    with pytest.raises(ModelNotTrusted):
        open_scorer(held).refresh()
    go_live(held, make_draft(2.0))
    with pytest.raises(FeaturesDiffer):
        Scorer(held[0], "small", features="small-2").refresh()


def test_no_answer_is_lost_or_mixed_while_versions_change(held: tuple[Registry, Signer]) -> None:
    scorer = open_scorer(held)
    wanted = {}
    for weight in (1.0, 2.0):
        version = go_live(held, make_draft(weight))
        scorer.refresh()
        wanted[version] = scorer.score([_ROW]).rows
    over = threading.Event()
    wrong: list[str] = []
    counted: list[int] = []

    def work() -> None:
        count = 0
        while not over.is_set():
            try:
                found = scorer.score([_ROW])
                if found.rows != wanted[found.version.version]:
                    wrong.append(found.version.version)
            except Exception as error:  # noqa: BLE001 - whatever it is, a request was lost
                wrong.append(repr(error))
            count += 1
        counted.append(count)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for one in threads:
        one.start()
    try:
        for turn in range(20):
            go_live(held, make_draft(1.0 if turn % 2 == 0 else 2.0))
            scorer.refresh()
    finally:
        over.set()
        for one in threads:
            one.join(60)
    assert wrong == []
    assert min(counted) > 20
