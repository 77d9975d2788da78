"""One release to one target, from the build to the deletion of what is too old; and back when it is sick.

Each step may run twice, so the whole may: who was killed in between runs it again under the same name and
goes on where it stopped. Where requests come before health was seen, a sick deployment is taken back here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hrx.kit.errors import Unavailable
from hrx.ops.targets.releasing import (
    Build,
    Deployment,
    DeploymentState,
    DeploymentUnhealthy,
    ReleaseTarget,
    SettingValue,
    find_by_key,
    find_live,
    plan_deletions,
)

#: Besides the live one; two releases back is as far as a planner goes without a migration.
KEPT: Final = 3


class Step(StrEnum):
    """Where a shipment stands, in this order."""

    PREPARE = "prepare"
    SETTINGS = "settings"
    DEPLOY = "deploy"
    HEALTH = "health"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """What is to be shipped. `key` names it for good: a new attempt with changed content needs a new key."""

    build: Build
    version: str
    key: str
    settings: Mapping[str, SettingValue]
    health_timeout_s: float = 600.0
    keep: int = KEPT


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """It is live. `former` was live before, as far as this run saw it; `deleted` are ids."""

    deployment: Deployment
    former: Deployment | None
    uploaded: int
    deleted: tuple[str, ...]


def ship(
    target: ReleaseTarget, shipment: Shipment, *, on_step: Callable[[Step], None] = lambda step: None
) -> Shipped:
    """Ship, wait until it is healthy and live, and delete what is too old.

    Raises DeploymentUnhealthy (the former one has the requests, see `take_back`), and what the target raises:
    after Unavailable the same call goes on. A deletion that fails is left to the next release."""
    listed = target.list_deployments()
    former = find_live(listed)
    on_step(Step.PREPARE)
    prepared = target.prepare(shipment.build)
    if find_by_key(listed, shipment.key) is None:
        # Afterwards the deployment has them: pushing again could only change what others deploy.
        on_step(Step.SETTINGS)
        target.push_settings(shipment.settings)
    on_step(Step.DEPLOY)
    made = target.deploy(prepared, version=shipment.version, key=shipment.key)
    on_step(Step.HEALTH)
    try:
        live = target.wait_until_healthy(made.id, timeout_s=shipment.health_timeout_s)
    except DeploymentUnhealthy:
        take_back(target, sick=made, key=shipment.key, timeout_s=shipment.health_timeout_s)
        raise
    on_step(Step.DELETE)
    return Shipped(
        deployment=live,
        former=former if former is not None and former.id != live.id else None,
        uploaded=prepared.uploaded,
        deleted=delete_old(target, keep=shipment.keep),
    )


def take_back(target: ReleaseTarget, *, sick: Deployment, key: str, timeout_s: float) -> Deployment | None:
    """Give the requests back to the newest that served before `sick`, where `sick` has them; else nothing.

    None when it has no requests, or when nothing is there to go back to."""
    listed = target.list_deployments()
    live = find_live(listed)
    if live is None or live.id != sick.id:
        return None
    fit = (DeploymentState.READY, DeploymentState.STOPPED)
    for one in sorted(listed, key=lambda found: found.created_at, reverse=True):
        if one.id != sick.id and one.state in fit and one.may_roll_back and one.created_at < sick.created_at:
            return target.roll_back(one.id, key=back_key(key), timeout_s=timeout_s)
    return None


def back_key(key: str) -> str:
    """The name of the roll-back that belongs to a deployment's name; as short as names must be."""
    return f"{key[:35].rstrip('-')}-back"


def delete_old(target: ReleaseTarget, *, keep: int) -> tuple[str, ...]:
    """Ids of those that were deleted; what does not answer now is left for the next time."""
    done: list[str] = []
    try:
        for identity in plan_deletions(target.list_deployments(), keep=keep):
            target.delete_deployment(identity)
            done.append(identity)
    except Unavailable:
        return tuple(done)
    return tuple(done)
