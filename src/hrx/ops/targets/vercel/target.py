"""Vercel: the portal's source folder, built there, looked at by its own address, then promoted.

Where the project gives its domains to every production build by itself ("auto-assign"), there is nothing left
to promote, and requests come before our look at its health: switch that off at the project."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from hrx.kit.errors import Conflict, HrxError, NotFound, Refused, Text
from hrx.kit.settings import SecretStr
from hrx.ops.targets.calling import Credential, Limits, NotTaken, Sleep, VendorClient
from hrx.ops.targets.releasing import (
    Build,
    Deployment,
    DeploymentState,
    Folder,
    Prepared,
    SettingValue,
    Traffic,
    cannot_go_back,
    find_by_key,
    refuse_live,
    require_folder,
    require_key,
    require_names,
    unhealthy,
)
from hrx.ops.targets.uploading import list_files, sha1
from hrx.ops.targets.vercel import shapes
from hrx.ops.targets.waiting import make_once, wait_for

URL: Final = "https://api.vercel.com"
_LISTED: Final = 100


class Vercel:
    """`bypass` opens deployments that Vercel protects from strangers, for our look at their health."""

    name = "vercel"
    traffic = Traffic.AFTER_HEALTH

    def __init__(
        self,
        project: shapes.Project,
        *,
        credential: Credential,
        url: str = URL,
        bypass: SecretStr | None = None,
        limits: Limits | None = None,
        sleep: Sleep = time.sleep,
    ) -> None:
        self._project = project
        self._bypass = bypass
        self._client = VendorClient(
            "Vercel", url, credential=credential, limits=limits or Limits(), sleep=sleep
        )

    def prepare(self, build: Build) -> Prepared:
        folder = require_folder(build, target=self.name)
        files = tuple((one.name, one.digest, one.size_bytes) for one in list_files(folder.path, digest=sha1))
        # Which of them it has is told when the deployment is asked for; only those are sent then.
        return Prepared(build=folder, files=files)

    def push_settings(self, values: Mapping[str, SettingValue]) -> tuple[str, ...]:
        require_names(values)
        self._client.hide(one.value for one in values.values() if one.is_secret)
        if values:
            told = self._client.ask(
                "POST",
                f"/v10/projects/{self._project.id}/env",
                params=shapes.scope(self._project, upsert="true"),
                json=shapes.env_body(values),
            ).body
            refused = shapes.read_refused_names(told, asked=tuple(values))
            if refused:
                raise self._client.partly(refused)
        return tuple(sorted(values))

    def deploy(self, prepared: Prepared, *, version: str, key: str) -> Deployment:
        require_key(key)
        folder = require_folder(prepared.build, target=self.name)

        def make() -> Deployment:
            body = shapes.deploy_body(self._project, prepared.files, version=version, key=key)
            missing = self._ask_for(body)
            if isinstance(missing, Deployment):
                return missing
            self._upload(folder, prepared, missing)
            made = self._ask_for(body)
            if isinstance(made, Deployment):
                return made
            raise self._client.refused_by_vendor(f"{len(made)} files still missing")

        return make_once(self._client, find=lambda: find_by_key(self.list_deployments(), key), make=make)

    def wait_until_healthy(self, deployment_id: str, *, timeout_s: float) -> Deployment:
        answers: list[int | None] = []

        def look() -> Deployment | None:
            told = self._read_project()
            one = self._get(deployment_id, live=shapes.read_live(told))
            if one.state in (DeploymentState.FAILED, DeploymentState.REMOVED):
                raise unhealthy(self.name, one.id, why=Text(ja="ビルドに失敗", en="its build failed"))
            if one.state is not DeploymentState.READY:
                return None
            if not self._is_healthy(one, answers):
                return None
            if one.is_live:
                return one
            if shapes.has_switch_failed(told, one.id):
                raise cannot_go_back(
                    self.name, one.id, why=Text(ja="切り替えに失敗", en="its promotion failed")
                )
            self._switch("promote", one.id)
            return None

        return wait_for(
            self._client,
            look,
            what=deployment_id,
            timeout_s=timeout_s,
            at_end=lambda: self._say_unhealthy(deployment_id, answers),
        )

    def list_deployments(self) -> tuple[Deployment, ...]:
        params = shapes.scope(
            self._project, projectId=self._project.id, target="production", limit=str(_LISTED)
        )
        live = shapes.read_live(self._read_project())
        told = self._client.read("/v7/deployments", params=params).body
        return tuple(shapes.read_deployments(told, live=live))

    def roll_back(self, to: str, *, key: str, timeout_s: float) -> Deployment:
        require_key(key)
        former = self._get(to, live=shapes.read_live(self._read_project()))
        if former.is_live:
            return former
        if not former.may_roll_back:
            why = Text(ja="Vercel が戻し先として認めません", en="Vercel does not call it a candidate")
            raise cannot_go_back(self.name, to, why=why)
        self._switch("rollback", to)

        def look() -> Deployment | None:
            told = self._read_project()
            if shapes.read_live(told) == to:
                return self._get(to, live=to)
            if shapes.has_switch_failed(told, to):
                why = Text(ja="切り替えに失敗", en="the switch failed")
                raise cannot_go_back(self.name, to, why=why)
            return None

        return wait_for(self._client, look, what=to, timeout_s=timeout_s)

    def delete_deployment(self, deployment_id: str) -> None:
        try:
            one = self._get(deployment_id, live=shapes.read_live(self._read_project()))
            if one.is_live:
                raise refuse_live(one, target=self.name)
            path = f"/v13/deployments/{deployment_id}"
            self._client.ask("DELETE", path, params=shapes.scope(self._project))
        except NotFound:
            return

    def tail_log(self, deployment_id: str, *, lines: int) -> tuple[str, ...]:
        params = shapes.scope(self._project, limit=str(lines), direction="backward", builds="1")
        told = self._client.read(f"/v3/deployments/{deployment_id}/events", params=params).body
        return tuple(self._client.clean(line) for line in shapes.read_logs(told)[-lines:])

    def close(self) -> None:
        self._client.close()

    def _ask_for(self, body: Mapping[str, object]) -> Deployment | tuple[str, ...]:
        """The deployment, or the digests of the files that have to be sent first."""
        # Without `forceNew` an equal build would be given again, under its former name.
        params = shapes.scope(self._project, forceNew="1", skipAutoDetectionConfirmation="1")
        try:
            told = self._client.change("POST", "/v13/deployments", params=params, json=body).body
        except NotTaken as error:
            missing = shapes.read_missing(error.body)
            if missing is None:
                raise
            return missing
        return shapes.read_deployment(told, live=None)

    def _upload(self, folder: Folder, prepared: Prepared, missing: tuple[str, ...]) -> None:
        wanted = set(missing)
        for name, digest, size in prepared.files:
            if digest in wanted:
                wanted.discard(digest)
                self._client.ask(
                    "POST",
                    "/v2/files",
                    params=shapes.scope(self._project),
                    content=(folder.path / name).read_bytes(),
                    headers={
                        "x-vercel-digest": digest,
                        "Content-Type": "application/octet-stream",
                        "Content-Length": str(size),
                    },
                )

    def _switch(self, verb: str, deployment_id: str) -> None:
        """`promote` or `rollback`; asked twice it leads to the same. One that is under way is waited for."""
        version = "v10" if verb == "promote" else "v1"
        path = f"/{version}/projects/{self._project.id}/{verb}/{deployment_id}"
        try:
            self._client.ask("POST", path, params=shapes.scope(self._project))
        except Conflict:
            return

    def _is_healthy(self, one: Deployment, answers: list[int | None]) -> bool:
        headers = {"x-vercel-protection-bypass": self._bypass.get_secret_value()} if self._bypass else {}
        code = self._client.get_page(f"{one.url}{self._project.health_path}", headers=headers)
        answers.append(code)
        if code in (401, 403) and not self._bypass:
            raise Refused(
                Text(
                    ja=f"Vercel: {one.id} は保護されていて、正常かどうか確かめられません。",
                    en=f"Vercel: {one.id} is protected; its health cannot be looked at.",
                ),
                hint=Text(
                    ja="HRX_VERCEL_BYPASS_SECRET に Protection Bypass for Automation の値を設定します。",
                    en="Set HRX_VERCEL_BYPASS_SECRET to the project's Protection Bypass for Automation.",
                ),
                code="target.protected",
            )
        return code is not None and 200 <= code < 300

    def _say_unhealthy(self, deployment_id: str, answers: list[int | None]) -> HrxError | None:
        if not answers or answers[-1] in range(200, 300):
            return None
        said = f"HTTP {answers[-1]}" if answers[-1] else "no answer"
        path = self._project.health_path
        return unhealthy(self.name, deployment_id, why=Text(ja=f"{path}: {said}", en=f"{path}: {said}"))

    def _get(self, deployment_id: str, *, live: str | None) -> Deployment:
        told = self._client.read(f"/v13/deployments/{deployment_id}", params=shapes.scope(self._project)).body
        return shapes.read_deployment(told, live=live)

    # `Any`: an answer is JSON.
    def _read_project(self) -> Any:
        return self._client.read(f"/v9/projects/{self._project.id}", params=shapes.scope(self._project)).body
