"""Railway: one service of one environment, released by image through the public GraphQL API.

Railway itself asks the health path and moves the requests only then; a roll-back there is a new deployment of
the former image with the former variables."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from typing import Any, Final

from hrx.kit.errors import HrxError, NotFound, Text, Unavailable
from hrx.ops.targets.calling import Credential, Limits, Sleep, VendorClient
from hrx.ops.targets.railway import shapes
from hrx.ops.targets.railway.journal import Intent, Journal
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
from hrx.ops.targets.waiting import make_once, wait_for

URL: Final = "https://backboard.railway.com/graphql/v2"
_LISTED: Final = 100


class Railway:
    """`credential.header` is `Project-Access-Token`, or `Authorization` for a token of an account."""

    name = "railway"
    traffic = Traffic.AFTER_HEALTH

    def __init__(
        self,
        place: shapes.Place,
        *,
        credential: Credential,
        journal: Journal,
        url: str = URL,
        limits: Limits | None = None,
        sleep: Sleep = time.sleep,
    ) -> None:
        self._place = place
        self._journal = journal
        self._client = VendorClient(
            "Railway", url, credential=credential, limits=limits or Limits(), sleep=sleep
        )

    def prepare(self, build: Build) -> Prepared:
        return Prepared(build=require_image(build, target=self.name))

    def push_settings(self, values: Mapping[str, SettingValue]) -> tuple[str, ...]:
        require_names(values)
        self._client.hide(one.value for one in values.values() if one.is_secret)
        if values:
            # The same values twice are the same: it may be asked again after a lost answer.
            self._ask(shapes.SET_VARIABLES, shapes.settings_variables(self._place, values), may_repeat=True)
        return tuple(sorted(values))

    def deploy(self, prepared: Prepared, *, version: str, key: str) -> Deployment:
        image = require_image(prepared.build, target=self.name).reference
        require_key(key)
        return self._make(key=key, version=version, image=image, ask=lambda: self._start(image))

    def wait_until_healthy(self, deployment_id: str, *, timeout_s: float) -> Deployment:
        def look() -> Deployment | None:
            one = self._get(deployment_id)
            if one.state is DeploymentState.FAILED:
                why = Text(ja="起動かヘルスチェックに失敗", en="its start or its health check failed")
                raise unhealthy(self.name, deployment_id, why=why)
            if one.state is DeploymentState.STOPPED:
                raise unhealthy(
                    self.name, deployment_id, why=Text(ja="停止済み", en="it was taken out of service")
                )
            return one if one.is_live else None

        return wait_for(self._client, look, what=deployment_id, timeout_s=timeout_s)

    def list_deployments(self) -> tuple[Deployment, ...]:
        active = shapes.read_active(
            self._ask(shapes.ACTIVE, dict(shapes.where(self._place)), may_repeat=True)
        )
        told = self._list_nodes()
        listed = shapes.read_deployments(told, active=active, intents=self._journal.list_intents())
        live = [one for one in listed if one.is_live]
        # While both run side by side, the newest that is healthy is the one that stays.
        return tuple(one if one in live[:1] else dataclasses.replace(one, is_live=False) for one in listed)

    def roll_back(self, to: str, *, key: str, timeout_s: float) -> Deployment:
        require_key(key)
        former = self._get(to)
        if former.is_live:
            return former
        made = find_by_key(self.list_deployments(), key)
        if made is None:
            if not former.may_roll_back:
                why = Text(ja="Railway に残っていません", en="Railway keeps it no more")
                raise cannot_go_back(self.name, to, why=why)
            image = self._image_of(to)
            version = former.version or to
            made = self._make(key=key, version=version, image=image, ask=lambda: self._start_former(to))
        return self.wait_until_healthy(made.id, timeout_s=timeout_s)

    def delete_deployment(self, deployment_id: str) -> None:
        try:
            one = self._get(deployment_id)
        except NotFound:
            return
        if one.is_live:
            raise refuse_live(one, target=self.name)
        if one.state is DeploymentState.STOPPED:
            return
        self._ask(shapes.REMOVE, {"id": deployment_id}, may_repeat=True)

    def tail_log(self, deployment_id: str, *, lines: int) -> tuple[str, ...]:
        told = self._ask(shapes.LOGS, {"id": deployment_id, "limit": lines}, may_repeat=True)
        return tuple(self._client.clean(line) for line in shapes.read_logs(told)[-lines:])

    def close(self) -> None:
        self._client.close()

    def _make(self, *, key: str, version: str, image: str, ask: Any) -> Deployment:
        """Write down what is meant, ask for it, find it. `Any`: a call that gives an id or None."""

        def make() -> Deployment:
            nodes = self._list_nodes()["deployments"]["edges"]
            newest = max(nodes, key=lambda edge: str(edge["node"]["createdAt"]), default=None)
            after = str(newest["node"]["id"]) if newest else None
            self._journal.intend(Intent(key=key, version=version, image=image, after=after))
            made = ask()
            if made:
                self._journal.settle(key, deployment=made)
            return wait_for(
                self._client,
                lambda: find_by_key(self.list_deployments(), key),
                what=key,
                timeout_s=self._client.limits.call_s,
            )

        return make_once(self._client, find=lambda: find_by_key(self.list_deployments(), key), make=make)

    def _start(self, image: str) -> str:
        self._ask(shapes.UPDATE, shapes.update_variables(self._place, image), may_repeat=True)
        return str(
            self._ask(shapes.DEPLOY, dict(shapes.where(self._place)), may_repeat=False)[
                "serviceInstanceDeployV2"
            ]
        )

    def _start_former(self, deployment_id: str) -> None:
        self._ask(shapes.ROLL_BACK, {"id": deployment_id}, may_repeat=False)

    def _get(self, deployment_id: str) -> Deployment:
        found = next((one for one in self.list_deployments() if one.id == deployment_id), None)
        if found is None:
            raise NotFound(
                Text(
                    ja=f"Railway に {deployment_id} はありません。",
                    en=f"There is no {deployment_id} at Railway.",
                ),
                code="target.not_found",
            )
        return found

    def _image_of(self, deployment_id: str) -> str:
        for edge in self._list_nodes()["deployments"]["edges"]:
            image = shapes.read_image(edge["node"])
            if edge["node"]["id"] == deployment_id and image:
                return image
        why = Text(ja="イメージから作られていません", en="it was not made from an image")
        raise cannot_go_back(self.name, deployment_id, why=why)

    def _list_nodes(self) -> Any:
        variables = shapes.deployments_variables(self._place, first=_LISTED)
        return self._ask(shapes.DEPLOYMENTS, variables, may_repeat=True)

    # `Any`: an answer is JSON.
    def _ask(self, query: str, variables: Mapping[str, object], *, may_repeat: bool) -> Any:
        body = {"query": query, "variables": variables}
        send = self._client.ask if may_repeat else self._client.change
        told = send("POST", "", json=body).body
        if isinstance(told, dict) and told.get("errors"):
            raise self._judge(told["errors"])
        if not isinstance(told, dict) or not isinstance(told.get("data"), dict):
            raise self._client.refused_by_vendor("no data")
        return told["data"]

    def _judge(self, errors: Any) -> HrxError:
        """GraphQL tells errors with HTTP 200; only the message says which."""
        said = "; ".join(str(one.get("message", "")) for one in errors if isinstance(one, dict))
        plain = said.casefold()
        if "not authorized" in plain or "unauthorized" in plain or "invalid token" in plain:
            return self._client.not_allowed()
        if "not found" in plain:
            return NotFound(
                Text(ja="Railway にありません。", en="Not there at Railway."), code="target.not_found"
            )
        if "problem processing request" in plain or "internal server error" in plain:
            return Unavailable(
                Text(ja="Railway の内部エラーです。", en="Railway has an internal error."),
                code="target.no_answer",
            )
        return self._client.refused_by_vendor(self._client.clean(said)[:300])
