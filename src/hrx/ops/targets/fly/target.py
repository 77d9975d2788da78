"""Fly.io: machines of one app, blue/green through the public Machines API.

New machines are made beside the old without requests, are uncordoned once their health check passes, and only
then the old are cordoned and stopped. The stopped ones are kept: going back starts them again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from hrx.kit.errors import Conflict, HrxError, NotFound, Text
from hrx.ops.targets.calling import Credential, Limits, Sleep, VendorClient
from hrx.ops.targets.fly import shapes
from hrx.ops.targets.releasing import (
    AnswerLost,
    Build,
    Deployment,
    DeploymentState,
    Prepared,
    SettingValue,
    Traffic,
    cannot_go_back,
    refuse_live,
    require_image,
    require_key,
    require_names,
    unhealthy,
)
from hrx.ops.targets.waiting import wait_for

URL: Final = "https://api.machines.dev"
LOGS_URL: Final = "https://api.fly.io"
_LEASE_S: Final = 60
_OURS: Final = "hrx release"
_NONCE: Final = "fly-machine-lease-nonce"


class Fly:
    """A deployment is its group of machines; its id is the name that we gave it."""

    name = "fly"
    traffic = Traffic.AFTER_HEALTH

    def __init__(
        self,
        app: shapes.App,
        *,
        credential: Credential,
        url: str = URL,
        logs_url: str = LOGS_URL,
        limits: Limits | None = None,
        sleep: Sleep = time.sleep,
    ) -> None:
        self._app = app
        self._machines = f"/v1/apps/{app.name}/machines"
        self._logs = f"{logs_url.rstrip('/')}/api/v1/apps/{app.name}/logs"
        self._client = VendorClient(
            "Fly.io", url, credential=credential, limits=limits or Limits(), sleep=sleep
        )
        self._secrets_version: int | None = None

    def prepare(self, build: Build) -> Prepared:
        return Prepared(build=require_image(build, target=self.name))

    def push_settings(self, values: Mapping[str, SettingValue]) -> tuple[str, ...]:
        require_names(values)
        self._client.hide(one.value for one in values.values() if one.is_secret)
        if values:
            body = shapes.secrets_body(values)
            told = self._client.ask("POST", f"/v1/apps/{self._app.name}/secrets", json=body).body
            self._secrets_version = int(told["version"]) if told and "version" in told else None
        return tuple(sorted(values))

    def deploy(self, prepared: Prepared, *, version: str, key: str) -> Deployment:
        image = require_image(prepared.build, target=self.name).reference
        require_key(key)
        for number in range(1, self._app.machines + 1):
            self._make_machine(image=image, key=key, version=version, number=number)
        return self._get(key)

    def wait_until_healthy(self, deployment_id: str, *, timeout_s: float) -> Deployment:
        def look() -> Deployment | None:
            machines = self._group(deployment_id)
            state = shapes.judge(machines, wanted=self._app.machines)
            if state in (DeploymentState.FAILED, DeploymentState.STOPPED):
                why = Text(ja="マシンが止まりました", en="its machines stopped")
                raise unhealthy(self.name, deployment_id, why=why)
            if state is not DeploymentState.READY:
                return None
            self._switch_to(deployment_id)
            now = self._get(deployment_id)
            return now if now.is_live else None

        return wait_for(
            self._client,
            look,
            what=deployment_id,
            timeout_s=timeout_s,
            at_end=lambda: self._find_failing(deployment_id),
        )

    def list_deployments(self) -> tuple[Deployment, ...]:
        url = f"https://{self._app.name}.fly.dev"
        return tuple(shapes.read_deployments(self._list(), wanted=self._app.machines, url=url))

    def roll_back(self, to: str, *, key: str, timeout_s: float) -> Deployment:
        require_key(key)
        former = self._get(to)
        others = [one for one in self._list() if one.deployment != to and one.serves]
        if former.is_live and not others:
            return former
        if not former.may_roll_back:
            why = Text(ja="マシンが壊れています", en="its machines are broken")
            raise cannot_go_back(self.name, to, why=why)
        for machine in self._group(to):
            if machine.state != "started":
                self._act(machine, "start")

        def is_up() -> bool | None:
            return not any(one.state in ("stopped", "stopping") for one in self._group(to)) or None

        wait_for(self._client, is_up, what=to, timeout_s=timeout_s)
        return self.wait_until_healthy(to, timeout_s=timeout_s)

    def delete_deployment(self, deployment_id: str) -> None:
        try:
            one = self._get(deployment_id)
        except NotFound:
            return
        if one.is_live:
            raise refuse_live(one, target=self.name)
        for machine in self._group(deployment_id):
            with self._leased(machine.id) as headers:
                try:
                    self._client.ask(
                        "DELETE", f"{self._machines}/{machine.id}", params={"force": "true"}, headers=headers
                    )
                except NotFound:
                    continue

    def tail_log(self, deployment_id: str, *, lines: int) -> tuple[str, ...]:
        found: list[tuple[str, str]] = []
        for machine in self._group(deployment_id):
            found += shapes.read_logs(self._client.read(self._logs, params={"instance": machine.id}).body)
        return tuple(self._client.clean(line) for _, line in sorted(found)[-lines:])

    def close(self) -> None:
        self._client.close()

    def _make_machine(self, *, image: str, key: str, version: str, number: int) -> None:
        name = shapes.machine_name(key, number)
        if self._is_there(name):
            return
        body = shapes.create_body(
            self._app,
            image=image,
            key=key,
            version=version,
            number=number,
            secrets_version=self._secrets_version,
        )
        try:
            self._client.change("POST", self._machines, json=body)
        except AnswerLost as lost:
            for _ in range(3):
                if self._is_there(name):
                    return
                self._client.sleep(self._client.limits.poll_s)
            raise lost

    def _is_there(self, name: str) -> bool:
        return any(one.name == name for one in self._list())

    def _switch_to(self, deployment_id: str) -> None:
        """Let the requests in to these machines, then take the others of the group out and stop them."""
        machines = self._list()
        for machine in machines:
            if machine.deployment == deployment_id and machine.is_cordoned:
                self._act(machine, "uncordon")
        for machine in machines:
            if machine.deployment != deployment_id and machine.state == "started":
                self._act(machine, "cordon", "stop")

    def _act(self, machine: shapes.Machine, *verbs: str) -> None:
        """Each of these may be asked twice: they name a state, not a step."""
        with self._leased(machine.id) as headers:
            for verb in verbs:
                self._client.ask("POST", f"{self._machines}/{machine.id}/{verb}", headers=headers)

    @contextmanager
    def _leased(self, machine_id: str) -> Iterator[dict[str, str]]:
        """No other tool changes this machine meanwhile. A lease that a dead run of ours left is taken up:
        our own runs keep each other out by our own lock. Raises Conflict when somebody else holds it."""
        path = f"{self._machines}/{machine_id}/lease"
        told = self._take_lease(path)
        headers = {_NONCE: shapes.read_lease(told)[0]}
        yield headers
        # When the work failed the lease is left: it ends by itself, and the next run takes it up.
        try:
            self._client.ask("DELETE", path, headers=headers)
        except NotFound:
            return

    # `Any`: an answer is JSON.
    def _take_lease(self, path: str) -> Any:
        body = {"ttl": _LEASE_S, "description": _OURS}
        try:
            return self._client.change("POST", path, json=body).body
        except (Conflict, AnswerLost):
            try:
                told = self._client.read(path).body
            except NotFound:
                # It was not taken, or has ended since: to ask once more cannot take it from anybody.
                return self._client.change("POST", path, json=body).body
            if shapes.read_lease(told)[1] != _OURS:
                raise
            return told

    def _find_failing(self, deployment_id: str) -> HrxError | None:
        checks = {check for one in self._group(deployment_id) for check in one.checks}
        if checks & {"critical", "warning"}:
            why = Text(ja="ヘルスチェックに失敗", en="its health check fails")
            return unhealthy(self.name, deployment_id, why=why)
        return None

    def _get(self, deployment_id: str) -> Deployment:
        found = next((one for one in self.list_deployments() if one.id == deployment_id), None)
        if found is None:
            raise self._not_there(deployment_id)
        return found

    def _group(self, deployment_id: str) -> list[shapes.Machine]:
        found = [one for one in self._list() if one.deployment == deployment_id]
        if not found:
            raise self._not_there(deployment_id)
        return found

    def _list(self) -> list[shapes.Machine]:
        return shapes.read_machines(self._client.read(self._machines).body, group=self._app.group)

    def _not_there(self, deployment_id: str) -> NotFound:
        return NotFound(
            Text(
                ja=f"Fly.io に {deployment_id} はありません。", en=f"There is no {deployment_id} at Fly.io."
            ),
            code="target.not_found",
        )
