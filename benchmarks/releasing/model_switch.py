"""Switching a model under load: predictions that were lost or wrong, what others waited, and the way back.

Quiet and switching rounds alternate. Every answer is compared with what its own version gives for that row.
A switch here is the signed move of the alias and its following; the gate's trial, which runs before and
elsewhere, is not in it."""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Aim, Figure, Section
from hrx.app.models import features
from hrx.app.models.scoring import Scorer
from hrx.app.models.training.fitting import fit, measure, rows_of
from hrx.app.models.training.texts import make_examples
from hrx.app.models.training.writing import MODEL, write_draft
from hrx.kit.models.records import Alias
from hrx.kit.models.registry import Registry
from hrx.kit.models.shelf import open_shelf
from hrx.kit.models.signing import Signer, ensure_signer, read_trust
from hrx.ops.release.models.moving import read_draft

NOTHING_LOST: Final = Aim(bound=0, is_lower_bound=False, unit="predictions")
P99_RATIO: Final = Aim(bound=1.5, is_lower_bound=False)
WARM_BACK: Final = Aim(bound=100, is_lower_bound=False, unit="ms")
_WORKERS: Final = 2
_ROUND_S: Final = 2.0
_BETWEEN_S: Final = 0.05
_TEXTS: Final = 500


@dataclass(slots=True)
class _Load:
    """Workers that predict without a pause; `took_ms` of every prediction, `lost`: failed or wrong ones."""

    scorer: Scorer
    row: Any
    wanted: dict[str, list[list[float]]]
    took_ms: list[float] = field(default_factory=list)
    lost: int = 0

    def run(self, meanwhile: Callable[[], None]) -> list[float]:
        """Predict while `meanwhile` runs; gives the times of this round."""
        over = threading.Event()
        threads = [threading.Thread(target=self._work, args=(over,)) for _ in range(_WORKERS)]
        first = len(self.took_ms)
        for one in threads:
            one.start()
        try:
            meanwhile()
        finally:
            over.set()
            for one in threads:
                one.join()
        return self.took_ms[first:]

    def _work(self, over: threading.Event) -> None:
        while not over.is_set():
            began = time.perf_counter()
            try:
                loaded = self.scorer.choose(features.VERSION, columns=self.row.shape[1])
                is_right = loaded.score(self.row).tolist() == self.wanted[loaded.version.version]
            except Exception:  # noqa: BLE001 - whatever it is, a prediction was lost
                is_right = False
            self.took_ms.append((time.perf_counter() - began) * 1000)
            self.lost += not is_right


def measure_model_switch(*, rounds: int) -> Section:
    """The figures of `rounds` quiet and as many switching rounds."""
    with tempfile.TemporaryDirectory(prefix="hrx-bench-") as folder:
        home = Path(folder)
        signer = ensure_signer(home / "signing.key")
        registry = Registry(open_shelf(f"file:{home / 'shelf'}"), read_trust([signer.public]))
        versions = [_train(registry, signer, home, seed=seed) for seed in (1, 2)]
        return _measure(registry, signer, versions, rounds=rounds)


def _train(registry: Registry, signer: Signer, home: Path, *, seed: int) -> str:
    fitted, held_out = fit(make_examples(_TEXTS, seed=seed)), make_examples(100, seed=seed + 100)
    folder = home / f"draft-{seed}"
    write_draft(folder, fitted, metrics=measure(fitted, held_out), lineage={}, examples=held_out)
    return registry.register(read_draft(folder), signer=signer, by="bench").version


def _measure(registry: Registry, signer: Signer, versions: list[str], *, rounds: int) -> Section:
    scorer = Scorer(registry, MODEL)
    row = rows_of(make_examples(1, seed=9))
    switches_ms: list[float] = []
    follows_ms: list[float] = []

    def switch(version: str) -> None:
        began = time.perf_counter()
        registry.move(MODEL, Alias.LIVE, to=version, signer=signer, by="bench", reason="")
        moved = time.perf_counter()
        scorer.refresh()
        follows_ms.append((time.perf_counter() - moved) * 1000)
        switches_ms.append((time.perf_counter() - began) * 1000)

    wanted: dict[str, list[list[float]]] = {}
    for version in versions:
        switch(version)
        wanted[version] = scorer.choose(features.VERSION, columns=row.shape[1]).score(row).tolist()
    cold_ms = switches_ms.copy()
    switches_ms.clear()
    follows_ms.clear()
    load = _Load(scorer, row, wanted)

    def go_back_and_forth() -> None:
        until = time.perf_counter() + _ROUND_S
        while time.perf_counter() < until:
            switch(versions[len(switches_ms) % 2])
            time.sleep(_BETWEEN_S)

    quiet_p99, busy_p99 = [], []
    for _ in range(rounds):
        quiet_p99.append(_p99(load.run(lambda: time.sleep(_ROUND_S))))
        busy_p99.append(_p99(load.run(go_back_and_forth)))
    ratios = [busy / quiet for busy, quiet in zip(busy_p99, quiet_p99, strict=True)]
    return Section(
        name="Model switch",
        notes=(
            f"{len(load.took_ms):,} predictions by {_WORKERS} threads, {len(switches_ms)} switches, "
            f"{rounds} rounds of {_ROUND_S:g} s quiet and switching in turn",
            "registry in a folder; signature, digest and golden rows looked at when a version is loaded",
        ),
        figures=[
            Figure(what="lost or wrong", value=load.lost, unit="predictions", aim=NOTHING_LOST),
            Figure(
                what="p99 while switching / quiet",
                value=statistics.median(ratios),
                unit="",
                aim=P99_RATIO,
                raw={"quiet_ms": quiet_p99, "switching_ms": busy_p99},
            ),
            Figure(what="first load of a version", value=max(cold_ms), unit="ms", raw={"ms": cold_ms}),
            Figure(
                what="back to the warm version, move and all",
                value=statistics.median(switches_ms),
                unit="ms",
                aim=WARM_BACK,
                raw={"p99_ms": _p99(switches_ms)},
            ),
            Figure(what="following the alias alone", value=statistics.median(follows_ms), unit="ms"),
        ],
    )


def _p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]
