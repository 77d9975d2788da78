"""Cloudflare Pages' REST API (v4) on a socket, as its schema shows it: assets, deployments, rollback, env."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from tests.servers.vendor import Reply, Request, VendorServer, running, stamp

ACCOUNT, PROJECT = "023e105f4ecef8ad9ca31a8372d0c353", "hrx-status"
_PROJECT = f"/client/v4/accounts/{ACCOUNT}/pages/projects/{PROJECT}"
_LOOKS_UNTIL_DEPLOYED = 2


class PagesServer(VendorServer):
    """One project. A production deployment is live as soon as it was deployed."""

    def __init__(self) -> None:
        super().__init__()
        self.jwt = secrets.token_hex(16)
        self.assets: dict[str, bytes] = {}
        self.deployments: dict[str, dict[str, Any]] = {}
        self.variables: dict[str, dict[str, Any]] = {}
        self.live: str | None = None

    @property
    def made(self) -> int:
        return len(self.deployments)

    def judge(self, request: Request) -> str:
        path = request.path
        if path.endswith("/upload-token") or "/pages/assets/" in path:
            return "upload" if path.endswith("/upload") else "check"
        if path.endswith("/rollback"):
            return "roll_back"
        if path.endswith("/history/logs"):
            return "logs"
        if path == _PROJECT and request.method == "PATCH":
            return "settings"
        if request.method == "POST":
            return "deploy"
        return "delete" if request.method == "DELETE" else "list"

    def is_allowed(self, request: Request) -> bool:
        token = self.jwt if "/pages/assets/" in request.path else self.token
        return request.headers.get("authorization") == f"Bearer {token}"

    def refuse(self, status: int, code: str, message: str) -> Reply:
        errors = [{"code": 10000 + status, "message": message}]
        return Reply(status=status, body={"success": False, "errors": errors, "messages": [], "result": None})

    def version_of(self, deployment: str) -> str | None:
        found = self.deployments.get(deployment)
        return found["deployment_trigger"]["metadata"]["commit_message"].rpartition("=")[2] if found else None

    def answer(self, request: Request, what: str) -> Reply:
        path = request.path
        if path == f"{_PROJECT}/upload-token":
            return self._give({"jwt": self.jwt})
        if what in ("upload", "check"):
            return self._assets(request)
        if path == _PROJECT:
            if what == "settings":
                if self.refuses_settings_with is not None:
                    return self.refuse(400, "", self.refuses_settings_with)
                self.variables.update(request.body["deployment_configs"]["production"]["env_vars"])
            canonical = self._show(self.deployments[self.live]) if self.live else None
            return self._give({"name": PROJECT, "canonical_deployment": canonical})
        if path == f"{_PROJECT}/deployments":
            return self._create(request) if what == "deploy" else self._list(request)
        identity = path.removeprefix(f"{_PROJECT}/deployments/").split("/")[0]
        found = self.deployments.get(identity)
        if found is None:
            return self.refuse(404, "", "Deployment not found")
        if what == "delete":
            if identity == self.live:
                return self.refuse(400, "", "Cannot delete the active deployment")
            del self.deployments[identity]
            return self._give(None)
        if what == "logs":
            lines = [{"ts": f"2026-11-27T00:00:{n:02}Z", "line": f"line {n}"} for n in range(30)]
            return self._give({"data": lines, "total": 30, "includes_container_logs": True})
        if what == "roll_back":
            if found["latest_stage"] != {"name": "deploy", "status": "success"}:
                return self.refuse(400, "", "Only successful deployments")
            self.live = identity
        self._move_on()
        return self._give(self._show(found))

    def _assets(self, request: Request) -> Reply:
        body = request.body
        if request.path.endswith("/upload"):
            for one in body:
                assert len(one["key"]) == 32
                assert one["metadata"]["contentType"]
                self.assets[one["key"]] = base64.b64decode(one["value"])
            return self._give(None)
        if request.path.endswith("/check-missing"):
            return self._give([one for one in body["hashes"] if one not in self.assets])
        return self._give(None)

    def _create(self, request: Request) -> Reply:
        head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
        parts: dict[str, str] = {}
        for part in BytesParser(policy=HTTP).parsebytes(head + request.raw).iter_parts():
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            parts[str(part.get_param("name", header="content-disposition"))] = content.decode()
        manifest = json.loads(parts["manifest"])
        if not set(manifest.values()) <= set(self.assets):
            return self.refuse(400, "", "manifest names files that were not uploaded")
        identity = secrets.token_hex(16)
        self.deployments[identity] = {
            "id": identity,
            "environment": "production",
            "created_on": datetime.fromtimestamp(stamp(), UTC).isoformat().replace("+00:00", "Z"),
            "deployment_trigger": {
                "type": "ad_hoc",
                "metadata": {"branch": "main", "commit_message": parts["commit_message"]},
            },
            "latest_stage": {"name": "deploy", "status": "active"},
            "is_skipped": False,
            "looks": 0,
        }
        return self._give(self._show(self.deployments[identity]))

    def _list(self, request: Request) -> Reply:
        per_page = int(request.query["per_page"])
        assert per_page <= 25
        assert request.query["env"] == "production"
        self._move_on()
        newest = list(reversed(self.deployments.values()))
        start = (int(request.query["page"]) - 1) * per_page
        return self._give([self._show(one) for one in newest[start : start + per_page]])

    def _show(self, one: dict[str, Any]) -> dict[str, Any]:
        root = self.url.removesuffix("/client/v4")
        shown = {name: value for name, value in one.items() if name != "looks"}
        return {**shown, "url": f"{root}/site/{one['id']}", "project_name": PROJECT}

    def _give(self, result: Any) -> Reply:
        return Reply(body={"success": True, "errors": [], "messages": [], "result": result})

    def _move_on(self) -> None:
        for one in self.deployments.values():
            if one["latest_stage"]["status"] == "active":
                one["looks"] += 1
                if one["looks"] >= _LOOKS_UNTIL_DEPLOYED:
                    one["latest_stage"] = {"name": "deploy", "status": "success"}
                    self.live = one["id"]


@contextmanager
def running_pages() -> Iterator[PagesServer]:
    server = PagesServer()
    with running(server, path="/client/v4"):
        yield server
