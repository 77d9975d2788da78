"""Vercel's REST API on a socket, as its reference shows it: files, deployments, env, promote, rollback."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.servers.vendor import Reply, Request, VendorServer, running, stamp

PROJECT, TEAM = "prj_hrx", "team_hrx"
_LOOKS_UNTIL_READY = 2


class VercelServer(VendorServer):
    """One project that gives its domains to nothing by itself; a switch takes one look to be done."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}
        self.deployments: dict[str, dict[str, Any]] = {}
        self.variables: dict[str, dict[str, Any]] = {}
        self.live: str | None = None
        self.last: dict[str, Any] | None = None
        self.refuses_names: set[str] = set()

    @property
    def made(self) -> int:
        return len(self.deployments)

    def judge(self, request: Request) -> str:
        path = request.path
        if path == "/v2/files":
            return "upload"
        if path == "/v13/deployments" and request.method == "POST":
            # While it lacks files, the request only says which: it makes nothing.
            return "check" if self._list_missing(request.body) else "deploy"
        if path == "/v7/deployments":
            return "list"
        if path.endswith("/env"):
            return "settings"
        if "/promote/" in path:
            return "switch"
        if "/rollback/" in path:
            return "roll_back"
        if path.endswith("/events"):
            return "logs"
        if request.method == "DELETE":
            return "delete"
        return "list"

    def refuse(self, status: int, code: str, message: str) -> Reply:
        return Reply(status=status, body={"error": {"code": code, "message": message}})

    def version_of(self, deployment: str) -> str | None:
        found = self.deployments.get(deployment)
        return str(found["meta"]["hrxVersion"]) if found else None

    def answer(self, request: Request, what: str) -> Reply:
        assert request.query["teamId"] == TEAM
        path = request.path
        if what == "upload":
            digest = request.headers["x-vercel-digest"]
            assert hashlib.sha1(request.raw, usedforsecurity=False).hexdigest() == digest
            self.files[digest] = request.raw
            return Reply(body={"urls": []})
        if what in ("check", "deploy"):
            return self._create(request.body)
        if what == "settings":
            return self._set(request)
        if path == "/v7/deployments":
            assert request.query["projectId"] == PROJECT
            return Reply(body={"deployments": [self._show(one) for one in self.deployments.values()]})
        if path == f"/v9/projects/{PROJECT}":
            self._move_on()
            target = self._show(self.deployments[self.live]) if self.live else None
            body = {"id": PROJECT, "targets": {"production": target}, "lastAliasRequest": self.last}
            return Reply(body=body)
        identity = re.split(r"/(?:promote|rollback|deployments)/", path)[1].split("/")[0]
        found = self.deployments.get(identity)
        if found is None:
            return self.refuse(404, "not_found", "Deployment not found")
        if what in ("switch", "roll_back"):
            if found["readyState"] != "READY":
                return self.refuse(422, "not_ready", "Deployment is not ready")
            kind = "promote" if what == "switch" else "rollback"
            self.last = {"type": kind, "toDeploymentId": identity, "jobStatus": "pending"}
            return Reply(status=201)
        if what == "logs":
            rows = [
                {"type": "stdout", "created": 1_795_000_000_000 + n, "payload": {"text": f"line {n}"}}
                for n in range(30)
            ]
            return Reply(body=rows[-int(request.query["limit"]) :])
        if what == "delete":
            del self.deployments[identity]
            return Reply(body={"uid": identity, "state": "DELETED"})
        return Reply(body=self._show(found, single=True))

    def _create(self, body: dict[str, Any]) -> Reply:
        assert body["project"] == PROJECT
        assert body["target"] == "production"
        missing = self._list_missing(body)
        if missing:
            error = {"code": "missing_files", "message": "Missing files", "missing": missing}
            return Reply(status=400, body={"error": error})
        identity = f"dpl_{secrets.token_hex(8)}"
        self.deployments[identity] = {
            "id": identity,
            "meta": body["meta"],
            "readyState": "QUEUED",
            "createdAt": int(stamp() * 1000),
            "looks": 0,
        }
        return Reply(body=self._show(self.deployments[identity], single=True))

    def _list_missing(self, body: dict[str, Any]) -> list[str]:
        return sorted({one["sha"] for one in body["files"]} - set(self.files))

    def _set(self, request: Request) -> Reply:
        assert request.query["upsert"] == "true"
        if self.refuses_settings_with is not None:
            return self.refuse(400, "bad_request", self.refuses_settings_with)
        taken = [one for one in request.body if one["key"] not in self.refuses_names]
        failed = [
            {"error": {"code": "INTERNAL", "message": "try again", "key": one["key"]}}
            for one in request.body
            if one["key"] in self.refuses_names
        ]
        self.refuses_names.clear()
        for one in taken:
            assert one["type"] in ("sensitive", "plain")
            self.variables[one["key"]] = one
        return Reply(status=201, body={"created": taken, "failed": failed})

    def _show(self, one: dict[str, Any], *, single: bool = False) -> dict[str, Any]:
        root = self.url
        return {
            ("id" if single else "uid"): one["id"],
            "meta": one["meta"],
            "readyState": one["readyState"],
            "createdAt": one["createdAt"],
            "target": "production",
            "url": f"{root}/site/{one['id']}",
            **({"id": one["id"]} if not single else {}),
        }

    def _move_on(self) -> None:
        for one in self.deployments.values():
            if one["readyState"] in ("QUEUED", "BUILDING"):
                one["looks"] += 1
                one["readyState"] = "READY" if one["looks"] >= _LOOKS_UNTIL_READY else "BUILDING"
        if self.last and self.last["jobStatus"] == "pending":
            self.last["jobStatus"] = "succeeded"
            self.live = self.last["toDeploymentId"]


@contextmanager
def running_vercel() -> Iterator[VercelServer]:
    server = VercelServer()
    with running(server):
        yield server
