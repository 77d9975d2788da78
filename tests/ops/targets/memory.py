"""The reference target: the protocol in memory, to hold the suite itself to account. Only tests use it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import timedelta

from hrx.kit import clock
from hrx.kit.errors import NotFound, Text
from hrx.ops.targets.releasing import (
    Build,
    Deployment,
    DeploymentState,
    Prepared,
    SettingValue,
    Traffic,
    cannot_go_back,
    find_by_key,
    refuse_live,
    require_image,
    require_key,
    require_names,
    unhealthy,
)


class World:
    """What survives the target object, as a vendor does."""

    def __init__(self) -> None:
        self.deployments: list[Deployment] = []
        self.variables: dict[str, str] = {}
        self.sick: set[str] = set()


class MemoryTarget:
    name = "memory"
    traffic = Traffic.AFTER_HEALTH

    def __init__(self, world: World) -> None:
        self._world = world

    def prepare(self, build: Build) -> Prepared:
        return Prepared(build=require_image(build, target=self.name))

    def push_settings(self, values: Mapping[str, SettingValue]) -> tuple[str, ...]:
        require_names(values)
        self._world.variables.update({name: one.value.get_secret_value() for name, one in values.items()})
        return tuple(sorted(values))

    def deploy(self, prepared: Prepared, *, version: str, key: str) -> Deployment:
        there = find_by_key(self.list_deployments(), require_key(key))
        if there is not None:
            return there
        made = Deployment(
            id=f"m-{key}",
            version=version,
            key=key,
            state=DeploymentState.WAITING,
            is_live=False,
            created_at=clock.now() + timedelta(microseconds=len(self._world.deployments)),
        )
        self._world.deployments.append(made)
        return made

    def wait_until_healthy(self, deployment_id: str, *, timeout_s: float) -> Deployment:
        one = self._get(deployment_id)
        if one.version in self._world.sick:
            raise unhealthy(self.name, one.id, why=Text(ja="503", en="503"))
        self._switch(one.id)
        return self._get(one.id)

    def list_deployments(self) -> tuple[Deployment, ...]:
        return tuple(reversed(self._world.deployments))

    def roll_back(self, to: str, *, key: str, timeout_s: float) -> Deployment:
        require_key(key)
        former = self._get(to)
        if not former.is_live and not former.may_roll_back:
            raise cannot_go_back(self.name, to, why=Text(ja="-", en="-"))
        self._switch(to)
        return self._get(to)

    def delete_deployment(self, deployment_id: str) -> None:
        for one in self._world.deployments:
            if one.id == deployment_id and one.is_live:
                raise refuse_live(one, target=self.name)
        self._world.deployments = [one for one in self._world.deployments if one.id != deployment_id]

    def tail_log(self, deployment_id: str, *, lines: int) -> tuple[str, ...]:
        self._get(deployment_id)
        return tuple(f"line {n}" for n in range(30))[-lines:]

    def close(self) -> None:
        """Nothing is held."""

    def _switch(self, to: str) -> None:
        self._world.deployments = [
            dataclasses.replace(
                one,
                is_live=one.id == to,
                state=DeploymentState.READY if one.id == to else DeploymentState.STOPPED,
            )
            for one in self._world.deployments
        ]

    def _get(self, deployment_id: str) -> Deployment:
        for one in self._world.deployments:
            if one.id == deployment_id:
                return one
        raise NotFound(Text(ja="ありません", en="not there"), code="target.not_found")
