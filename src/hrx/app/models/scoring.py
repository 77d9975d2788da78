"""What stands ready to score: the live version of a model, the one before it, and the one in the shadow.

A new version is verified, held against its own golden rows and warmed beside the one that answers; then one
reference changes. Whoever is being scored keeps the version that was chosen until the answer is there; a
version that no alias names is let go after its last answer."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import onnxruntime

from hrx.kit.errors import HrxError, Refused, Text, Unavailable
from hrx.kit.models.records import Alias, ModelNotTrusted, ModelVersion, Move
from hrx.kit.models.registry import Registry

_TOLERANCE: Final = 1e-4
_WARM_UPS: Final = 5


class NoModelServes(Unavailable):
    """No version of this model was ever live, or none could be loaded yet."""

    code = "model.none_serves"


class FeaturesDiffer(Refused):
    """No version that stands ready was trained with the code that counted these features."""

    code = "model.features_differ"


class NoShadow(Refused):
    """No version stands in the shadow for these features."""

    code = "model.no_shadow"


class ColumnsDiffer(Refused):
    """The version for these features counts another number of them: the rows were made for another one."""

    code = "model.columns_differ"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A version in memory. `session`: the library has no types that are looked at here."""

    version: ModelVersion
    session: Any
    entry: str
    columns: int

    def score(self, rows: Any, options: Any = None) -> Any:
        """Scores by label (0–1), float32, one row for each of `rows` (float32, n × `columns`)."""
        return self.session.run(None, {self.entry: rows}, options)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Which versions stand ready after one look at the registry, and why others do not."""

    move: Move | None = None
    live: Loaded | None = None
    previous: Loaded | None = None
    shadow: Loaded | None = None
    problems: dict[Alias, HrxError] = field(default_factory=dict)


class Scorer:
    """One model. Safe for many threads; `refresh` of several at once is one after another."""

    def __init__(self, registry: Registry, model: str) -> None:
        self.model = model
        self._registry = registry
        self._refreshing = threading.Lock()
        self._standing = Standing()

    @property
    def standing(self) -> Standing:
        return self._standing

    def refresh(self) -> Standing:
        """Follow the aliases; gives what stands ready from now on.

        What cannot be loaded, is not trusted, or answers otherwise than its trainer said, replaces nothing
        and is told in `problems`. Costs one listing and one read when nothing moved. Raises
        RegistryUnavailable, ModelNotTrusted for a move that nobody trusted made; then all stays as it is."""
        with self._refreshing:
            before = self._standing
            move = self._registry.find_move(self.model)
            if move is None:
                return before
            problems: dict[Alias, HrxError] = {}
            warm = {
                one.version.version: one
                for one in (before.live, before.previous, before.shadow)
                if one is not None
            }
            ready = {alias: self._find(move, alias, warm, problems) for alias in Alias}
            # One reference: whoever is scored has taken the old one or takes the new one.
            self._standing = Standing(
                move=move,
                live=ready[Alias.LIVE] or before.live,
                previous=ready[Alias.PREVIOUS],
                shadow=ready[Alias.SHADOW],
                problems=problems,
            )
            return self._standing

    def read_from(self, registry: Registry) -> None:
        """Another registry, or the same with other keys; what stands ready stays."""
        self._registry = registry

    def choose(self, features: str, *, columns: int) -> Loaded:
        """The version that answers for rows of so many of these features: the live one, or the one before
        while a release with other features is being rolled out. Raises NoModelServes, FeaturesDiffer,
        ColumnsDiffer."""
        stands = self._standing
        if stands.live is None:
            raise self._nobody(stands)
        known = [
            one
            for one in (stands.live, stands.previous)
            if one is not None and one.version.features == features
        ]
        for one in known:
            if one.columns == columns:
                return one
        raise _columns_differ(known[0], columns) if known else self._features_differ(stands.live, features)

    def find_shadow(self, features: str) -> Loaded | None:
        """The version that is asked the same without effect; None when there is none for these features."""
        shadow = self._standing.shadow
        return shadow if shadow is not None and shadow.version.features == features else None

    def choose_shadow(self, features: str, *, columns: int) -> Loaded:
        """The same, to be asked by its own name. Raises NoShadow, ColumnsDiffer."""
        shadow = self.find_shadow(features)
        if shadow is None:
            raise NoShadow(
                Text(
                    ja=f"{self.model} に、影で採点する版はありません",
                    en=f"No version of {self.model} scores in the shadow",
                ),
                hint=Text(
                    ja="`hrx release models move 版 --alias shadow` で選びます。",
                    en="Choose one: `hrx release models move VERSION --alias shadow`.",
                ),
            )
        if shadow.columns != columns:
            raise _columns_differ(shadow, columns)
        return shadow

    def _features_differ(self, loaded: Loaded, features: str) -> FeaturesDiffer:
        live = loaded.version
        return FeaturesDiffer(
            Text(
                ja=f"{live.version} の特徴量は {live.features} で、求められた {features} と違います",
                en=f"{live.version} needs features {live.features}, it was asked with {features}",
            ),
            hint=Text(
                ja="同じ版のコードで学習したモデルに切り替えてください(`hrx release models list`)。",
                en="Switch to a model trained with that code (`hrx release models list`).",
            ),
        )

    def _find(
        self, move: Move, alias: Alias, warm: dict[str, Loaded], problems: dict[Alias, HrxError]
    ) -> Loaded | None:
        wanted = move.find(alias)
        if wanted is None:
            return None
        try:
            if wanted not in warm:
                warm[wanted] = load(self._registry, wanted)
            return warm[wanted]
        except HrxError as error:
            problems[alias] = error
            return None

    def _nobody(self, stands: Standing) -> NoModelServes:
        problem = stands.problems.get(Alias.LIVE)
        if problem is not None:
            return NoModelServes(
                Text(
                    ja=f"{self.model} の使用中の版を読み込めません: {problem.message.ja}",
                    en=f"The live version of {self.model} cannot be loaded: {problem.message.en}",
                ),
                hint=problem.hint,
            )
        return NoModelServes(
            Text(ja=f"{self.model} の使用中の版がありません", en=f"No version of {self.model} is live"),
            hint=Text(
                ja="`hrx release models move 版` で選びます。",
                en="Choose one: `hrx release models move VERSION`.",
            ),
        )


def load(registry: Registry, version: str) -> Loaded:
    """A version, verified (signature, size, SHA-256), held against its golden rows, and warmed.

    Raises ModelNotFound, ModelNotTrusted, ModelInvalid, RegistryUnavailable."""
    known, content = registry.load(version)
    golden = np.asarray([one.row for one in known.golden], dtype=np.float32)
    wanted = np.asarray([one.answer for one in known.golden], dtype=np.float32)
    try:
        session = onnxruntime.InferenceSession(
            content, sess_options=_options(), providers=["CPUExecutionProvider"]
        )
        loaded = Loaded(known, session, session.get_inputs()[0].name, int(golden.shape[1]))
        found = loaded.score(golden)
    # The library raises classes of its own for each kind of damage, and MemoryError at the limit.
    except Exception as error:
        raise ModelNotTrusted(
            Text(
                ja=f"{version} を読み込めません({type(error).__name__})",
                en=f"{version} cannot be loaded ({type(error).__name__})",
            ),
            hint=Text(
                ja="`hrx release models verify` で調べてください。",
                en="Look with `hrx release models verify`.",
            ),
        ) from error
    # One answer for each label, too: a missing one would put scores under other names.
    fits = found.shape == wanted.shape == (len(golden), len(known.labels))
    if not fits or not float(np.abs(found - wanted).max()) <= _TOLERANCE:
        raise ModelNotTrusted(
            Text(
                ja=f"{version} の答えが、登録された確かめの行と合いません",
                en=f"{version} does not answer its golden rows as registered",
            )
        )
    for _ in range(_WARM_UPS):
        loaded.score(golden[:1])
    return loaded


def _columns_differ(loaded: Loaded, columns: int) -> ColumnsDiffer:
    version = loaded.version.version
    return ColumnsDiffer(
        Text(
            ja=f"{version} が受け取るのは 1 行 {loaded.columns} 個の数値で、求められたのは {columns} 個です",
            en=f"{version} takes rows of {loaded.columns} numbers, it was asked with {columns}",
        ),
        hint=Text(
            ja="特徴量のコードとモデルが合っていません。前の版に戻してください(`hrx release models list`)。",
            en="The features' code and the model do not fit; go back to the former version "
            "(`hrx release models list`).",
        ),
    )


def _options() -> Any:
    """One thread: a process answers many at once, and the default takes every core for each."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return options
