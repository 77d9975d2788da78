"""The live version answers, a switch loses nothing, and what is not right never answers (R3.4-1)."""

from __future__ import annotations

import gc
import threading
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hrx.app.models.scoring import ColumnsDiffer, FeaturesDiffer, NoModelServes, Scorer
from hrx.kit.models.records import Alias, Draft, ModelNotTrusted
from hrx.kit.models.registry import Registry
from hrx.kit.models.signing import Signer
from tests.ops.release.models.making import make_draft, make_graph, make_registry

pytestmark = pytest.mark.req("R3.4-1")
_ROW = [0.25, 0.75]
_FEATURES = "small-1"


@pytest.fixture
def held(tmp_path: Path) -> tuple[Registry, Signer]:
    return make_registry(tmp_path)


def go_live(held: tuple[Registry, Signer], draft: Draft, alias: Alias = Alias.LIVE) -> str:
    registry, signer = held
    version = registry.register(draft, signer=signer, by="x").version
    registry.move("small", alias, to=version, signer=signer, by="x", reason="")
    return version


def open_scorer(held: tuple[Registry, Signer]) -> Scorer:
    return Scorer(held[0], "small")


def live_of(scorer: Scorer) -> str:
    live = scorer.standing.live
    assert live is not None
    return live.version.version


def answer(scorer: Scorer) -> tuple[str, list[list[float]]]:
    loaded = scorer.choose(_FEATURES, columns=2)
    return loaded.version.version, loaded.score(np.asarray([_ROW], dtype=np.float32)).tolist()


def test_nobody_answers_before_a_version_is_live(held: tuple[Registry, Signer]) -> None:
    scorer = open_scorer(held)
    with pytest.raises(NoModelServes):
        scorer.choose(_FEATURES, columns=2)
    assert scorer.refresh().live is None
    with pytest.raises(NoModelServes):
        scorer.choose(_FEATURES, columns=2)


def test_the_live_version_answers_and_a_move_is_followed_there_and_back(
    held: tuple[Registry, Signer],
) -> None:
    scorer = open_scorer(held)
    first = go_live(held, make_draft(1.0))
    scorer.refresh()
    before = answer(scorer)
    assert before[0] == first
    second = go_live(held, make_draft(2.0))
    assert answer(scorer)[0] == first
    scorer.refresh()
    assert answer(scorer)[0] == second
    assert answer(scorer)[1] != before[1]
    go_live(held, make_draft(1.0))
    scorer.refresh()
    assert answer(scorer) == before


def test_what_was_changed_on_the_shelf_never_answers_and_the_version_before_goes_on(
    held: tuple[Registry, Signer], tmp_path: Path
) -> None:
    scorer = open_scorer(held)
    first = go_live(held, make_draft(1.0))
    scorer.refresh()
    second = go_live(held, make_draft(2.0))
    (tmp_path / "shelf" / "versions" / "small" / second / "model.onnx").write_bytes(make_graph(9.0))
    assert isinstance(scorer.refresh().problems[Alias.LIVE], ModelNotTrusted)
    assert answer(scorer)[0] == first
    # The version before is warm: it comes back although the store has lost it.
    go_live(held, make_draft(1.0))
    (tmp_path / "shelf" / "versions" / "small" / first / "model.onnx").unlink()
    assert scorer.refresh().problems.get(Alias.LIVE) is None
    assert live_of(scorer) == first


def test_other_answers_than_the_trainers_are_refused_and_nobody_answers_in_their_stead(
    held: tuple[Registry, Signer],
) -> None:
    go_live(held, make_draft(1.0, golden_weight=1.1))
    scorer = open_scorer(held)
    assert isinstance(scorer.refresh().problems[Alias.LIVE], ModelNotTrusted)
    with pytest.raises(NoModelServes, match="cannot be loaded"):
        scorer.choose(_FEATURES, columns=2)


def test_other_features_are_answered_by_the_version_before_or_refused(held: tuple[Registry, Signer]) -> None:
    """While a release with other features is rolled out, both slots ask, each with its own."""
    old = go_live(held, make_draft(1.0))
    new = go_live(held, make_draft(2.0, features="small-2"))
    scorer = open_scorer(held)
    scorer.refresh()
    assert scorer.choose("small-1", columns=2).version.version == old
    assert scorer.choose("small-2", columns=2).version.version == new
    with pytest.raises(FeaturesDiffer):
        scorer.choose("small-3", columns=2)


def test_a_version_that_counts_other_features_never_sees_rows_that_were_made_for_the_one_before(
    held: tuple[Registry, Signer],
) -> None:
    """Somebody changed the list and forgot its number: one name of the features, two lengths."""
    old = go_live(held, make_draft(1.0))
    scorer = open_scorer(held)
    scorer.refresh()
    new = go_live(held, make_draft(2.0, columns=3))
    scorer.refresh()
    assert scorer.choose(_FEATURES, columns=2).version.version == old
    assert scorer.choose(_FEATURES, columns=3).version.version == new
    with pytest.raises(ColumnsDiffer, match="rows of 3"):
        scorer.choose(_FEATURES, columns=4)
    go_live(held, make_draft(3.0, columns=3))
    scorer.refresh()
    with pytest.raises(ColumnsDiffer, match="rows of 3"):
        scorer.choose(_FEATURES, columns=2)


def test_a_version_with_more_names_than_answers_is_not_loaded(held: tuple[Registry, Signer]) -> None:
    go_live(held, replace(make_draft(1.0), labels=("a", "b", "c")))
    scorer = open_scorer(held)
    assert isinstance(scorer.refresh().problems[Alias.LIVE], ModelNotTrusted)


def test_a_version_in_the_shadow_never_answers(held: tuple[Registry, Signer]) -> None:
    live = go_live(held, make_draft(1.0))
    shadow = go_live(held, make_draft(2.0), Alias.SHADOW)
    scorer = open_scorer(held)
    scorer.refresh()
    assert answer(scorer)[0] == live
    found = scorer.find_shadow(_FEATURES)
    assert found is not None
    assert found.version.version == shadow
    assert scorer.find_shadow("small-2") is None


def test_a_version_that_no_alias_names_is_let_go_after_its_last_answer(
    held: tuple[Registry, Signer],
) -> None:
    scorer = open_scorer(held)
    first = go_live(held, make_draft(1.0))
    scorer.refresh()
    answering = scorer.choose(_FEATURES, columns=2)
    session = weakref.ref(answering.session)
    for weight in (2.0, 3.0):
        go_live(held, make_draft(weight))
        scorer.refresh()
    assert answering.version.version == first
    assert answering.score(np.asarray([_ROW], dtype=np.float32)).shape == (1, 2)
    assert session() is not None
    del answering
    gc.collect()
    assert session() is None


def test_no_answer_is_lost_or_mixed_while_versions_change(held: tuple[Registry, Signer]) -> None:
    scorer = open_scorer(held)
    wanted = {}
    for weight in (1.0, 2.0):
        version = go_live(held, make_draft(weight))
        scorer.refresh()
        wanted[version] = answer(scorer)[1]
    over = threading.Event()
    wrong: list[str] = []
    counted: list[int] = []

    def work() -> None:
        count = 0
        while not over.is_set():
            try:
                version, rows = answer(scorer)
                if rows != wanted[version]:
                    wrong.append(version)
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
