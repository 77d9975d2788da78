"""Scores by the live version of a model, switched under load: a new version is loaded, held against its own
golden rows and warmed beside the one that answers, then one reference changes. The one before stays warm.

In the process that needs the scores: over HTTP one row costs thirty to eighty times as much. Who calls
`refresh` decides how soon a move of the alias is followed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnxruntime

from hrx.kit.errors import Refused, Text, Unavailable
from hrx.kit.models.records import Alias, ModelNotTrusted, ModelVersion
from hrx.kit.models.registry import Registry

_TOLERANCE: Final = 1e-4
_WARM_UPS: Final = 5


class NoModelServes(Unavailable):
    """No version of this model was ever live, or none could be loaded yet."""

    code = "model.none_serves"


class FeaturesDiffer(Refused):
    """The version was trained with other code for its features than this process has."""

    code = "model.features_differ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """`rows` by `version.labels`, and the version that gave all of them."""

    version: ModelVersion
    rows: list[list[float]]


@dataclass(frozen=True, slots=True)
class _Loaded:
    """`session`: the library has no types that are looked at here."""

    version: ModelVersion
    session: Any
    entry: str

    def score(self, rows: Any) -> Any:
        return self.session.run(None, {self.entry: rows})[0]


class Scorer:
    """One model. Safe for many threads; `refresh` of several at once is one after another."""

    def __init__(self, registry: Registry, model: str, *, features: str) -> None:
        self._registry = registry
        self._model = model
        self._features = features
        self._refreshing = threading.Lock()
        self._warm: dict[str, _Loaded] = {}
        self._live: _Loaded | None = None

    def refresh(self) -> ModelVersion:
        """Follow the alias; gives the version that answers from now on.

        What cannot be loaded, is not trusted, or answers otherwise than its trainer said, replaces nothing.
        Costs one listing and one read when nothing moved. Raises NoModelServes, FeaturesDiffer,
        ModelNotTrusted, RegistryUnavailable."""
        with self._refreshing:
            stands = self._registry.find_move(self._model)
            wanted = stands.find(Alias.LIVE) if stands is not None else None
            if stands is None or wanted is None:
                raise self._nobody()
            loaded = self._warm.get(wanted) or self._load(wanted)
            # One reference: whoever scores has taken the old one or takes the new one.
            self._live = loaded
            kept = {wanted, stands.find(Alias.PREVIOUS)}
            self._warm = {name: one for name, one in {**self._warm, wanted: loaded}.items() if name in kept}
            return loaded.version

    def score(self, rows: Sequence[Sequence[float]]) -> Scores:
        """Scores of every row, all by the same version. Raises NoModelServes."""
        loaded = self._live
        if loaded is None:
            raise self._nobody()
        given = np.asarray(rows, dtype=np.float32)
        return Scores(version=loaded.version, rows=loaded.score(given).tolist())

    def _load(self, version: str) -> _Loaded:
        known, content = self._registry.load(version)
        if known.features != self._features:
            raise FeaturesDiffer(
                Text(
                    ja=f"{version} の特徴量 {known.features} は、このプロセスの {self._features} と違います",
                    en=f"{version} needs features {known.features}, this process has {self._features}",
                ),
                hint=Text(
                    ja="同じ版のコードを先に出してください。", en="Ship the code of that version first."
                ),
            )
        session = onnxruntime.InferenceSession(
            content, sess_options=_options(), providers=["CPUExecutionProvider"]
        )
        loaded = _Loaded(known, session, session.get_inputs()[0].name)
        golden = np.asarray([one.row for one in known.golden], dtype=np.float32)
        wanted = np.asarray([one.answer for one in known.golden], dtype=np.float32)
        found = loaded.score(golden)
        if found.shape != wanted.shape or not float(np.abs(found - wanted).max()) <= _TOLERANCE:
            raise ModelNotTrusted(
                Text(
                    ja=f"{version} の答えが、登録された確かめの行と合いません",
                    en=f"{version} does not answer its golden rows as registered",
                )
            )
        for _ in range(_WARM_UPS):
            loaded.score(golden[:1])
        return loaded

    def _nobody(self) -> NoModelServes:
        return NoModelServes(
            Text(ja=f"{self._model} の使用中の版がありません", en=f"No version of {self._model} is live"),
            hint=Text(
                ja="`hrx release models move 版` で選びます。",
                en="Choose one: `hrx release models move VERSION`.",
            ),
        )


def _options() -> Any:
    """One thread: a process answers many at once, and the default takes every core for each."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return options
