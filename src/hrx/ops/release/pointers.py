"""Models, prompts and search indexes as parts of a release: what it was built with, and bringing that back.

Prompts are files of the release and move with its code. Models and indexes are pointers: when requests move
from one release to another, those in which the two differ follow, through the same gates as by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from hrx.kit.errors import Refused, Text
from hrx.kit.models.records import Alias
from hrx.kit.models.registry import Registry
from hrx.kit.prompts import load_prompts
from hrx.kit.search.encoders.settings import EncoderSettings
from hrx.ops.ledger.entries import Kind, Ledger
from hrx.ops.plan import canonical_json
from hrx.ops.release.indexes.building import CaughtUp, building_session, catch_up
from hrx.ops.release.indexes.definitions import (
    Encoder,
    choose_encoder,
    get_encoder,
    load_definitions,
    version_of,
)
from hrx.ops.release.indexes.generations import (
    APPLICATION,
    Generation,
    find_pointer,
    list_generations,
)
from hrx.ops.release.indexes.switching import require_vectors, switch
from hrx.ops.release.models.moving import move, open_registry, open_signer, verify
from hrx.ops.release.releases import Build, Component, Release
from hrx.ops.seams.migrating import MigratingSession, migrating_session
from hrx.ops.settings import OpsSettings

FindUrl = Callable[[], str]


class PointersNotReady(Refused):
    """A model or an index that the release was built with cannot serve here."""

    code = "release.pointers_not_ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class PointerChange:
    """A model or index whose version differs between two releases."""

    component: Component
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Pointers:
    """Where models and indexes of this environment stand. `find_url` gives the owner's database URL; it is
    asked only when an index is concerned."""

    settings: OpsSettings
    ledger: Ledger
    find_url: FindUrl

    def require_ready(self, changes: tuple[PointerChange, ...]) -> None:
        """Before anything is touched. Raises PointersNotReady and IndexNotReady with what to type;
        RegistryUnavailable, DatabaseAway."""
        for one in changes:
            if one.component is Component.MODEL:
                self._require_model(one)
            else:
                with self._looking() as session:
                    if find_pointer(session, one.name) is not None:
                        require_vectors(session, _get_built(session, one))

    def apply(self, changes: tuple[PointerChange, ...], *, by: str, reason: str) -> list[PointerChange]:
        """Move what is not there yet; gives what was moved. An index that nobody ever switched to stays
        unused. Harmless to repeat. Raises as moving and switching do."""
        return [one for one in changes if self._move(one, by=by, reason=reason)]

    def stand(self, changes: tuple[PointerChange, ...]) -> dict[str, str]:
        """Which version of each is in use now, by `model:NAME` or `index:NAME`; empty where none is.

        Raises RegistryUnavailable, DatabaseAway."""
        return {f"{one.component.value}:{one.name}": self._find_live(one) or "" for one in changes}

    def catch_up(self, changes: tuple[PointerChange, ...]) -> dict[str, CaughtUp]:
        """Bring indexes up to their source before they are switched to; the one in use answers meanwhile.
        Harmless to repeat. Raises PointersNotReady, EncoderGone, MigrationLockHeld, DatabaseAway."""
        done: dict[str, CaughtUp] = {}
        for one in changes:
            if one.component is Component.INDEX and self._find_live(one) not in (None, one.version):
                with building_session(self.find_url(), one.name) as session:
                    made = _get_built(session, one)
                    done[one.name] = catch_up(session, self._encoder_of(made), made)
        return done

    def _encoder_of(self, made: Generation) -> Encoder:
        return get_encoder(made.encoder, folder=self.settings.encoders_dir)

    def _find_live(self, one: PointerChange) -> str | None:
        if one.component is Component.MODEL:
            stands = open_registry(self.settings).find_move(one.name)
            return stands.find(Alias.LIVE) if stands is not None else None
        with self._looking() as session:
            pointer = find_pointer(session, one.name)
            known = {made.number: made.version for made in list_generations(session, one.name)}
            return known.get(pointer.live) if pointer is not None else None

    def _move(self, one: PointerChange, *, by: str, reason: str) -> bool:
        if one.component is Component.MODEL:
            return self._move_model(one, by=by, reason=reason)
        return self._switch_index(one, by=by, reason=reason)

    def _require_model(self, one: PointerChange) -> None:
        found = verify(open_registry(self.settings), one.version, runbook=self.settings.runbook_dir)
        if not found.has_held:
            raise PointersNotReady(
                Text(
                    ja=f"リリースが使うモデル {one.version} は、切り替えの条件を満たしません",
                    en=f"Model {one.version}, which the release uses, does not pass the gate",
                ),
                hint=Text(
                    ja=f"理由: `hrx release models verify {one.version}`",
                    en=f"See why: `hrx release models verify {one.version}`.",
                ),
            )

    def _move_model(self, one: PointerChange, *, by: str, reason: str) -> bool:
        registry = open_registry(self.settings)
        stands = registry.find_move(one.name)
        if stands is not None and stands.find(Alias.LIVE) == one.version:
            return False
        move(
            registry,
            one.version,
            Alias.LIVE,
            signer=open_signer(self.settings),
            ledger=self.ledger,
            runbook=self.settings.runbook_dir,
            by=by,
            reason=reason,
        )
        return True

    def _switch_index(self, one: PointerChange, *, by: str, reason: str) -> bool:
        with self._looking() as session:
            pointer = find_pointer(session, one.name)
            if pointer is None or _get_built(session, one).number == pointer.live:
                return False
        with building_session(self.find_url(), one.name) as session:
            made = _get_built(session, one)
            switch(session, made, by=by, folder=self.settings.encoders_dir)
        self.ledger.append(
            Kind.INDEX_SWITCHED,
            actor=by,
            subject=f"index:{one.name}",
            body={"generation": made.number, "version": made.version, "reason": reason},
        )
        return True

    def _looking(self) -> AbstractContextManager[MigratingSession]:
        return migrating_session(self.find_url(), application=APPLICATION, statement_timeout_s=30)


def gather_pointers(
    home: Path, runbook: Path, registry: Registry, *, encoders: EncoderSettings
) -> dict[Component, Build]:
    """What a checkout and the registry are now: live models, prompts, indexes as they are defined, with the
    encoders of this installation.

    A component of which there is nothing is left out. Raises RegistryUnavailable, ModelNotTrusted,
    PromptWrong, ContentWrong, EncoderUnknown, EncoderWrong."""
    found = {
        Component.MODEL: _gather_models(registry),
        Component.PROMPT: _gather_prompts(home / "prompts"),
        Component.INDEX: _gather_indexes(runbook, encoders),
    }
    return {component: build for component, build in found.items() if build.parts}


def list_changes(former: Release | None, release: Release) -> tuple[PointerChange, ...]:
    """Models and indexes in which a release differs from the one before; all of them without one."""
    return tuple(
        PointerChange(component=component, name=name, version=version)
        for component in (Component.MODEL, Component.INDEX)
        for name, version in _parts(release, component).items()
        if former is None or _parts(former, component).get(name) != version
    )


def _parts(release: Release, component: Component) -> Mapping[str, str]:
    build = release.components.get(component)
    return dict(sorted(build.parts.items())) if build is not None else {}


def _gather_models(registry: Registry) -> Build:
    parts: dict[str, str] = {}
    offers: set[str] = set()
    for name in registry.list_models():
        stands = registry.find_move(name)
        live = stands.find(Alias.LIVE) if stands is not None else None
        if live is not None:
            parts[name] = live
            offers |= {f"model:{name}", f"model:{name}={registry.get(live).features}"}
    return _build(parts, needs=frozenset(), offers=frozenset(offers))


def _gather_prompts(folder: Path) -> Build:
    known = load_prompts(folder).values()
    return _build(
        {one.name: one.version for one in known},
        needs=frozenset(f"model:{model}" for one in known for model in one.models),
        # As an operation of the API carries what a request must give.
        offers=frozenset(f"prompt:{one.name}({','.join(sorted(one.variables))})" for one in known),
    )


def _gather_indexes(runbook: Path, encoders: EncoderSettings) -> Build:
    known = [(one, choose_encoder(one, encoders)) for one in load_definitions(runbook).values()]
    return _build(
        {one.name: version_of(one, encoder) for one, encoder in known},
        # An index answers only to vectors of the very encoder that it was built with.
        needs=frozenset(f"model:{encoder.model}" for _, encoder in known if encoder.model is not None),
        offers=frozenset(
            offer for one, encoder in known for offer in _list_index_offers(one.name, encoder.version)
        ),
    )


def _list_index_offers(name: str, encoder: str) -> Iterator[str]:
    yield f"index:{name}"
    yield f"index:{name}={encoder}"


def _build(parts: dict[str, str], *, needs: frozenset[str], offers: frozenset[str]) -> Build:
    digest = hashlib.sha256(canonical_json(parts)).hexdigest()
    return Build(version=digest[:16], digest=digest, parts=parts, needs=needs, offers=offers)


def _get_built(session: MigratingSession, one: PointerChange) -> Generation:
    found = [made for made in list_generations(session, one.name) if made.version == one.version]
    if not found or not found[-1].is_finished:
        raise PointersNotReady(
            Text(
                ja=f"リリースが使う検索インデックス {one.name} の版 {one.version} は、まだできていません",
                en=f"Version {one.version} of search index {one.name}, which the release uses, is not built",
            ),
            hint=Text(
                ja=f"そのリリースのコードで作ります: `hrx release indexes build {one.name}`",
                en=f"Build it with that release's code: `hrx release indexes build {one.name}`.",
            ),
        )
    return found[-1]
