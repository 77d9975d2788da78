"""Cloudflare Pages: a folder of files, uploaded straight to a project.

A production deployment has people's requests as soon as it is made: its health is seen only then, and going
back is one call. What runs on a server (the API, the portal) does not belong here; a status page does."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from hrx.kit.errors import HrxError, NotFound, Text
from hrx.ops.targets.calling import Credential, Limits, Sleep, VendorClient
from hrx.ops.targets.cloudflare import shapes
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
    require_folder,
    require_key,
    require_names,
    unhealthy,
)
from hrx.ops.targets.uploading import UploadFile, list_files, pages_key
from hrx.ops.targets.waiting import make_once, wait_for

URL: Final = "https://api.cloudflare.com/client/v4"
#: The most that the list of deployments gives at once.
_PAGE: Final = 25
_PAGES: Final = 4
#: One request of the asset store: at most so many files and so many bytes before base64.
_MOST_FILES: Final = 1000
_MOST_BYTES: Final = 40 * 1024 * 1024


class CloudflarePages:
    """Rights of the token: Account → Cloudflare Pages → Edit."""

    name = "cloudflare"
    traffic = Traffic.AT_ONCE

    def __init__(
        self,
        project: shapes.Project,
        *,
        credential: Credential,
        url: str = URL,
        limits: Limits | None = None,
        sleep: Sleep = time.sleep,
    ) -> None:
        self._project = project
        self._path = f"/accounts/{project.account}/pages/projects/{project.name}"
        self._client = VendorClient(
            "Cloudflare Pages", url, credential=credential, limits=limits or Limits(), sleep=sleep
        )

    def prepare(self, build: Build) -> Prepared:
        folder = require_folder(build, target=self.name)
        files = list_files(folder.path, digest=pages_key)
        assets = [one for one in files if one.name not in shapes.SPECIAL]
        token = self._ask("GET", f"{self._path}/upload-token")["jwt"]
        headers = {"Authorization": f"Bearer {token}"}
        hashes = sorted({one.digest for one in assets})
        lacking = set(
            self._ask("POST", "/pages/assets/check-missing", json={"hashes": hashes}, headers=headers)
        )
        sent = 0
        for batch in _batches([one for one in assets if one.digest in lacking]):
            body = [shapes.asset(one.name, digest=one.digest, content=one.path.read_bytes()) for one in batch]
            self._ask("POST", "/pages/assets/upload", json=body, headers=headers)
            sent += len(batch)
        self._ask("POST", "/pages/assets/upsert-hashes", json={"hashes": hashes}, headers=headers)
        told = tuple((one.name, one.digest, one.size_bytes) for one in files)
        return Prepared(build=folder, files=told, uploaded=sent)

    def push_settings(self, values: Mapping[str, SettingValue]) -> tuple[str, ...]:
        require_names(values)
        self._client.hide(one.value for one in values.values() if one.is_secret)
        if values:
            self._ask("PATCH", self._path, json=shapes.settings_body(values))
        return tuple(sorted(values))

    def deploy(self, prepared: Prepared, *, version: str, key: str) -> Deployment:
        require_key(key)
        folder = require_folder(prepared.build, target=self.name)
        fields = shapes.deploy_fields(prepared.files, version=version, key=key)
        # Every field of a form with files is a part; without a file name it is a plain field.
        parts: list[tuple[str, Any]] = [(name, (None, value)) for name, value in fields.items()]
        for name, _, _ in prepared.files:
            if name in shapes.SPECIAL:
                parts.append((name, (name, (folder.path / name).read_bytes())))

        def make() -> Deployment:
            answer = self._client.change("POST", f"{self._path}/deployments", files=parts)
            return shapes.read_deployment(self._open(answer.body), live=None)

        return make_once(self._client, find=lambda: find_by_key(self.list_deployments(), key), make=make)

    def wait_until_healthy(self, deployment_id: str, *, timeout_s: float) -> Deployment:
        answers: list[int | None] = []

        def look() -> Deployment | None:
            one = self._get(deployment_id)
            if one.state is DeploymentState.FAILED:
                raise unhealthy(self.name, one.id, why=Text(ja="公開に失敗", en="its deployment failed"))
            if one.state is not DeploymentState.READY:
                return None
            answers.append(self._client.get_page(f"{one.url}{self._project.health_path}"))
            is_healthy = answers[-1] in range(200, 300)
            return one if is_healthy and one.is_live else None

        return wait_for(
            self._client,
            look,
            what=deployment_id,
            timeout_s=timeout_s,
            at_end=lambda: self._say_unhealthy(deployment_id, answers),
        )

    def list_deployments(self) -> tuple[Deployment, ...]:
        live = self._read_live()
        found: list[Deployment] = []
        for page in range(1, _PAGES + 1):
            params = {"env": "production", "page": str(page), "per_page": str(_PAGE)}
            told = self._ask("GET", f"{self._path}/deployments", params=params)
            found += shapes.read_deployments(told, live=live)
            if len(told) < _PAGE:
                break
        return tuple(found)

    def roll_back(self, to: str, *, key: str, timeout_s: float) -> Deployment:
        require_key(key)
        former = self._get(to)
        if former.is_live:
            return former
        if not former.may_roll_back:
            why = Text(
                ja="完成した本番のデプロイではありません", en="it is no finished production deployment"
            )
            raise cannot_go_back(self.name, to, why=why)
        # It names the deployment that shall be live: asked twice it leads to the same.
        self._ask("POST", f"{self._path}/deployments/{to}/rollback")

        def look() -> Deployment | None:
            now = self._get(to)
            return now if now.is_live else None

        return wait_for(self._client, look, what=to, timeout_s=timeout_s)

    def delete_deployment(self, deployment_id: str) -> None:
        try:
            one = self._get(deployment_id)
            if one.is_live:
                raise refuse_live(one, target=self.name)
            self._ask("DELETE", f"{self._path}/deployments/{deployment_id}")
        except NotFound:
            return

    def tail_log(self, deployment_id: str, *, lines: int) -> tuple[str, ...]:
        told = self._ask("GET", f"{self._path}/deployments/{deployment_id}/history/logs")
        return tuple(self._client.clean(line) for line in shapes.read_logs(told)[-lines:])

    def close(self) -> None:
        self._client.close()

    def _say_unhealthy(self, deployment_id: str, answers: list[int | None]) -> HrxError | None:
        if not answers or answers[-1] in range(200, 300):
            return None
        said = f"{self._project.health_path}: HTTP {answers[-1] or '-'}"
        return unhealthy(self.name, deployment_id, why=Text(ja=said, en=said))

    def _read_live(self) -> str | None:
        return shapes.read_live(self._ask("GET", self._path))

    def _get(self, deployment_id: str) -> Deployment:
        told = self._ask("GET", f"{self._path}/deployments/{deployment_id}")
        return shapes.read_deployment(told, live=self._read_live())

    # `Any`: an answer is JSON.
    def _ask(self, method: str, path: str, **arguments: Any) -> Any:
        """All of these may be asked twice; making a deployment is the one that may not, and goes apart."""
        return self._open(self._client.ask(method, path, **arguments).body)

    def _open(self, told: Any) -> Any:
        if not isinstance(told, dict) or not told.get("success"):
            raise self._client.refused_by_vendor("success: false")
        return told.get("result")


def _batches(files: list[UploadFile]) -> Iterator[list[UploadFile]]:
    """As few requests as the asset store allows, in the order of the names."""
    batch: list[UploadFile] = []
    size_bytes = 0
    for one in files:
        if batch and (len(batch) == _MOST_FILES or size_bytes + one.size_bytes > _MOST_BYTES):
            yield batch
            batch, size_bytes = [], 0
        batch.append(one)
        size_bytes += one.size_bytes
    if batch:
        yield batch
