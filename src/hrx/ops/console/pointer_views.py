"""Models and search indexes on the page of releases: what serves, what stood before, who moved it when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import HrxError
from hrx.kit.models.records import Alias, ModelVersion, Move
from hrx.kit.models.registry import Registry
from hrx.ops.release.indexes.building import count_behind, count_lacking
from hrx.ops.release.indexes.definitions import load_definitions
from hrx.ops.release.indexes.generations import (
    APPLICATION,
    Generation,
    Pointer,
    find_pointer,
    list_generations,
)
from hrx.ops.release.models.moving import open_registry
from hrx.ops.release.models.policies import ModelPolicy, load_policies
from hrx.ops.run.plane import Plane
from hrx.ops.seams.migrating import MigratingSession, migrating_session

#: Reads rows of every tenant; the session is a read-only one.
_OWNER: Final = "hrx_owner"
_STATEMENT_S: Final = 2.0
_COUNTED_WITHIN_S: Final = 15.0
#: Shown where the runbook names no bound for a model.
_METRICS_SHOWN: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricView:
    """One metric beside what the runbook demands. `at_least`: None where it demands nothing of it."""

    name: str
    value: float | None
    at_least: float | None = None

    @property
    def is_kept(self) -> bool:
        if self.at_least is None:
            return True
        return self.value is not None and self.value >= self.at_least


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionView:
    """A version that an alias points at. `fair_kept` of `fair_asked` rules of fairness hold by its metrics.

    `version` is None where what is known of it cannot be read or is not trusted: `problem` says why."""

    name: str
    version: ModelVersion | None
    metrics: tuple[MetricView, ...] = ()
    fair_kept: int = 0
    fair_asked: int = 0
    problem: HrxError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelView:
    """`moved`: the newest move, of whichever alias; None while nothing points at any version."""

    name: str
    moved: Move | None = None
    live: VersionView | None = None
    shadow: VersionView | None = None
    previous: VersionView | None = None
    problem: HrxError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexView:
    """`coming`: the newest generation while it does not answer yet; `lacking`: its rows without vectors yet.
    `behind`: rows that the live one lacks. None when that was not counted."""

    name: str
    pointer: Pointer | None = None
    live: Generation | None = None
    previous: Generation | None = None
    coming: Generation | None = None
    lacking: int | None = 0
    behind: int | None = None


def list_models(plane: Plane) -> tuple[ModelView, ...]:
    """Every model of the registry. Asks the store; raises RegistryUnavailable, ContentWrong."""
    registry = open_registry(plane.settings)
    policies = load_policies(plane.settings.runbook_dir)
    return tuple(_view_model(registry, name, policies.get(name)) for name in registry.list_models())


def list_indexes(plane: Plane) -> tuple[IndexView, ...]:
    """Every index that the runbook names. Asks the database, and reads indexes whole to count what they
    lack; raises DatabaseAway, StatementFailed, ContentWrong."""
    names = load_definitions(plane.settings.runbook_dir)
    url = plane.target.database_url(_OWNER)
    with migrating_session(url, application=APPLICATION, statement_timeout_s=_STATEMENT_S) as session:
        session.rows("SET default_transaction_read_only = on")
        return tuple(_view_index(session, name) for name in names)


def _view_model(registry: Registry, name: str, policy: ModelPolicy | None) -> ModelView:
    try:
        moved = registry.find_move(name)
        pointed = {
            alias: _view_version(registry, version, policy)
            for alias in Alias
            if moved is not None and (version := moved.find(alias)) is not None
        }
    except HrxError as error:
        return ModelView(name=name, problem=error)
    return ModelView(
        name=name,
        moved=moved,
        live=pointed.get(Alias.LIVE),
        shadow=pointed.get(Alias.SHADOW),
        previous=pointed.get(Alias.PREVIOUS),
    )


def _view_version(registry: Registry, name: str, policy: ModelPolicy | None) -> VersionView:
    try:
        found = registry.get(name)
    except HrxError as error:
        return VersionView(name=name, version=None, problem=error)
    if policy is None:
        shown = sorted(found.metrics.items())[:_METRICS_SHOWN]
        metrics = tuple(MetricView(name=metric, value=value) for metric, value in shown)
        return VersionView(name=name, version=found, metrics=metrics)
    fair = [policy.ceilings[one] >= found.metrics[one] for one in policy.fairness if one in found.metrics]
    return VersionView(
        name=name,
        version=found,
        metrics=tuple(
            MetricView(name=metric, value=found.metrics.get(metric), at_least=floor)
            for metric, floor in policy.floors.items()
        ),
        fair_kept=sum(fair),
        fair_asked=len(policy.fairness),
    )


def _view_index(session: MigratingSession, name: str) -> IndexView:
    generations = {one.number: one for one in list_generations(session, name)}
    pointer = find_pointer(session, name)
    newest = generations[max(generations)] if generations else None
    if pointer is None:
        return IndexView(name=name, coming=newest, lacking=_count_lacking(session, newest))
    live = generations.get(pointer.live)
    is_ahead = newest is not None and newest.number not in (pointer.live, pointer.previous)
    return IndexView(
        name=name,
        pointer=pointer,
        live=live,
        previous=generations.get(pointer.previous or 0),
        coming=newest if is_ahead else None,
        lacking=_count_lacking(session, newest if is_ahead else None),
        behind=_count_behind(session, live) if live is not None else None,
    )


def _count_lacking(session: MigratingSession, one: Generation | None) -> int | None:
    if one is None:
        return 0
    began_s = clock.monotonic_s()
    try:
        return count_lacking(
            session, one, is_stopped=lambda: clock.monotonic_s() - began_s > _COUNTED_WITHIN_S
        )
    except HrxError:
        return None


def _count_behind(session: MigratingSession, one: Generation) -> int | None:
    began_s = clock.monotonic_s()
    try:
        return count_behind(
            session, one, is_stopped=lambda: clock.monotonic_s() - began_s > _COUNTED_WITHIN_S
        )
    except HrxError:
        # A source that is too large to be read in a page's time; the terminal has longer.
        return None
