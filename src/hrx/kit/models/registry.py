"""Versions and aliases on the shelf.

    versions/MODEL/VERSION/model.onnx      the file, named by its own digest
    versions/MODEL/VERSION/version.json    what is known of it, signed; it exists when this does
    aliases/MODEL/00000007.json            the seventh move, signed, with where every alias stands after it

An alias is where the newest move says. A move is made by creating the next number: of two at once the store
lets one through, so that a move is one guarded write and its own record."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.kit.models.records import (
    Alias,
    AliasMovedMeanwhile,
    Draft,
    GateCheck,
    ModelConflict,
    ModelInvalid,
    ModelNotFound,
    ModelNotTrusted,
    ModelVersion,
    Move,
    move_from_bytes,
    move_to_bytes,
    name_version,
    require_model_name,
    require_version_name,
    version_from_bytes,
    version_to_bytes,
)
from hrx.kit.models.shelf import Shelf
from hrx.kit.models.signing import Signer, Trust

_VERSION_KIND: Final = "version"
_MOVE_KIND: Final = "move"
_FILE: Final = "model.onnx"
_FACTS: Final = "version.json"


@dataclass(frozen=True, slots=True)
class Registry:
    """All of it raises RegistryUnavailable, and ModelNotTrusted for what no trusted key signed."""

    shelf: Shelf
    trust: Trust

    def register(self, draft: Draft, *, signer: Signer, by: str) -> ModelVersion:
        """Keep a version; the one that is there already when nothing differs. Safe to repeat after a kill.

        Raises ModelInvalid, ModelConflict when this file was registered with other facts."""
        made = _make(draft, by=by)
        self.shelf.put_new(f"{_folder(made.version)}/{_FILE}", draft.content)
        # Somebody may have put other bytes there before us: what is there is what will be loaded.
        self._require_content(made, self.shelf.find(f"{_folder(made.version)}/{_FILE}"))
        sealed = signer.seal(_VERSION_KIND, version_to_bytes(made))
        if self.shelf.put_new(f"{_folder(made.version)}/{_FACTS}", sealed):
            return made
        known = self.get(made.version)
        if _facts_of(known) != _facts_of(made):
            raise ModelConflict(
                Text(
                    ja=f"{made.version} は、別の内容の記録で登録済みです",
                    en=f"{made.version} is registered already, with other facts",
                ),
                hint=Text(
                    ja=f"`hrx release models list {made.model}` で比べてください。",
                    en=f"Compare with `hrx release models list {made.model}`.",
                ),
            )
        return known

    def list_models(self) -> list[str]:
        """Every model that has a version, by name."""
        return sorted({key.split("/")[1] for key in self.shelf.list_keys("versions")})

    def list_versions(self, model: str) -> list[ModelVersion]:
        """Every version of a model, oldest first."""
        require_model_name(model)
        keys = self.shelf.list_keys(f"versions/{model}")
        found = [self.get(key.split("/")[2]) for key in keys if key.endswith(f"/{_FACTS}")]
        return sorted(found, key=lambda one: (one.created_at, one.version))

    def get(self, version: str) -> ModelVersion:
        """What is known of a version. Raises ModelNotFound, ModelNotTrusted, ModelInvalid."""
        sealed = self.shelf.find(f"{_folder(version)}/{_FACTS}")
        if sealed is None:
            raise _no_version(version)
        found = version_from_bytes(self.trust.open(_VERSION_KIND, sealed, says=version))
        if (found.version, name_version(found.model, found.sha256)) != (version, version):
            # Signed, but put under another's name.
            raise _differs(version)
        return found

    def load(self, version: str) -> tuple[ModelVersion, bytes]:
        """A version and its file, with signature, size and digest looked at each time.

        Raises ModelNotFound, ModelNotTrusted, ModelInvalid."""
        known = self.get(version)
        return known, self._require_content(known, self.shelf.find(f"{_folder(version)}/{_FILE}"))

    def find_move(self, model: str) -> Move | None:
        """The newest move, which is where the aliases stand; None before the first. Costs one listing."""
        newest = self._newest(model)
        return newest[0] if newest is not None else None

    def list_moves(self, model: str) -> list[Move]:
        """Every move, oldest first. Raises ModelNotTrusted when one is missing or was replaced."""
        found: list[Move] = []
        before = ""
        for number, key in enumerate(self._move_keys(model), start=1):
            move, digest = self._read_move(model, key)
            if (move.number, move.before) != (number, before):
                raise _differs(key)
            before = digest
            found.append(move)
        return found

    def move(
        self,
        model: str,
        alias: Alias,
        *,
        to: str | None,
        signer: Signer,
        by: str,
        reason: str,
        checks: tuple[GateCheck, ...] = (),
        expected: Callable[[Move | None], None] = lambda _: None,
    ) -> Move:
        """Point an alias at a version (None takes `shadow` away); `live` leaves its former as `previous`.

        `expected` is shown where the aliases stand, and raises when that is not what was decided on. Who
        calls this has judged the version. Raises AliasMovedMeanwhile, ModelNotFound, ModelInvalid; then
        nothing moved."""
        if alias is Alias.PREVIOUS or (to is None and alias is Alias.LIVE):
            raise ModelInvalid(
                Text(ja=f"{alias} はこのようには動かせません", en=f"{alias} is not moved like this")
            )
        if to is not None and self.get(to).model != model:
            raise _no_version(to)
        newest = self._newest(model)
        stands, digest = newest if newest is not None else (None, "")
        expected(stands)
        made = Move(
            model=model,
            number=(stands.number if stands is not None else 0) + 1,
            alias=alias,
            versions=_after(dict(stands.versions) if stands is not None else {}, alias, to),
            before=digest,
            by=by,
            at=clock.now(),
            reason=reason,
            checks=checks,
        )
        if not self.shelf.put_new(
            _move_key(model, made.number), signer.seal(_MOVE_KIND, move_to_bytes(made))
        ):
            raise AliasMovedMeanwhile(
                Text(
                    ja=f"{model} は、たった今ほかの人が切り替えました。何も変えていません",
                    en=f"Somebody else moved {model} just now; nothing was changed",
                ),
                hint=Text(
                    ja="`hrx release models list` で確かめてから、もう一度。",
                    en="Look with `hrx release models list`, then again.",
                ),
            )
        return made

    def _newest(self, model: str) -> tuple[Move, str] | None:
        keys = self._move_keys(model)
        return self._read_move(model, keys[-1]) if keys else None

    def _move_keys(self, model: str) -> list[str]:
        return self.shelf.list_keys(f"aliases/{require_model_name(model)}")

    def _read_move(self, model: str, key: str) -> tuple[Move, str]:
        sealed = self.shelf.find(key)
        if sealed is None:
            raise _differs(key)
        move = move_from_bytes(self.trust.open(_MOVE_KIND, sealed, says=key))
        if _move_key(move.model, move.number) != key or move.model != model:
            raise _differs(key)
        return move, hashlib.sha256(sealed).hexdigest()

    def _require_content(self, known: ModelVersion, content: bytes | None) -> bytes:
        if content is None:
            raise _no_version(known.version)
        if (len(content), hashlib.sha256(content).hexdigest()) != (known.size_bytes, known.sha256):
            raise _differs(known.version)
        return content


def _make(draft: Draft, *, by: str) -> ModelVersion:
    sha256 = hashlib.sha256(draft.content).hexdigest()
    if not draft.content or not draft.golden or {"ja", "en"} - draft.card.keys():
        raise ModelInvalid(
            Text(
                ja="ファイル、確かめの行(golden)、日英のモデルカードが必要です",
                en="A model has a file, golden rows, and a card in ja and en",
            ),
            hint=Text(
                ja="`python -m hrx.app.models.training フォルダ` が作る形です。",
                en="As `python -m hrx.app.models.training FOLDER` writes them.",
            ),
        )
    return ModelVersion(
        model=require_model_name(draft.model),
        version=name_version(draft.model, sha256),
        kind=draft.kind,
        sha256=sha256,
        size_bytes=len(draft.content),
        features=draft.features,
        labels=draft.labels,
        metrics=dict(draft.metrics),
        lineage=dict(draft.lineage),
        card=dict(draft.card),
        golden=draft.golden,
        created_by=by,
        created_at=clock.now(),
    )


def _facts_of(version: ModelVersion) -> tuple[object, ...]:
    """All but who registered it, and when."""
    return (
        version.kind,
        version.sha256,
        version.features,
        version.labels,
        dict(version.metrics),
        dict(version.lineage),
        dict(version.card),
        version.golden,
    )


def _after(versions: dict[str, str], alias: Alias, to: str | None) -> dict[str, str]:
    """Where the aliases stand after a move. Back is the same move: then `previous` is what failed."""
    former = versions.get(alias.value)
    if to is None:
        versions.pop(alias.value, None)
        return versions
    if alias is Alias.LIVE and former is not None and former != to:
        versions[Alias.PREVIOUS.value] = former
    versions[alias.value] = to
    return versions


def _folder(version: str) -> str:
    return f"versions/{require_version_name(version)}/{version}"


def _move_key(model: str, number: int) -> str:
    return f"aliases/{model}/{number:08}.json"


def _no_version(version: str) -> ModelNotFound:
    return ModelNotFound(
        Text(ja=f"モデルの版 {version} はありません", en=f"There is no model version {version}"),
        hint=Text(
            ja="`hrx release models list` で確かめます。", en="See what there is: `hrx release models list`."
        ),
    )


def _differs(what: str) -> ModelNotTrusted:
    return ModelNotTrusted(
        Text(
            ja=f"{what} は、登録・署名されたものと違います",
            en=f"{what} is not what was registered and signed",
        ),
        hint=Text(
            ja="使わずに、`hrx release models verify` で調べてください。",
            en="Do not use it; look with `hrx release models verify`.",
        ),
    )
