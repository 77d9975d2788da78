"""Fly.io's Machines API on a socket, as its documentation shows it: machines, leases, secrets, logs."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from tests.servers.vendor import Reply, Request, VendorServer, running, stamp

APP = "hrx-test"
_MACHINES = f"/v1/apps/{APP}/machines"
_LOOKS_UNTIL_STARTED = 8


class FlyServer(VendorServer):
    """Machines by id; each moves on when it is looked at. Changing a leased machine needs its nonce."""

    def __init__(self) -> None:
        super().__init__()
        self.machines: dict[str, dict[str, Any]] = {}
        self.variables: dict[str, str] = {}
        self.secrets_version = 0
        self.leases: dict[str, dict[str, Any]] = {}

    @property
    def made(self) -> int:
        return len({one["config"]["metadata"]["hrx_key"] for one in self.machines.values()})

    def judge(self, request: Request) -> str:
        method, path = request.method, request.path
        if path.startswith("/api/v1/apps/"):
            return "logs"
        if path.endswith("/secrets"):
            return "settings"
        if path == _MACHINES:
            return "list" if method == "GET" else "deploy"
        if path.endswith("/lease"):
            return "lease"
        if method == "DELETE":
            return "delete"
        verb = path.rpartition("/")[2]
        return "switch" if verb in ("cordon", "uncordon") else verb

    def refuse(self, status: int, code: str, message: str) -> Reply:
        return Reply(status=status, body={"error": message, "status": code})

    def version_of(self, deployment: str) -> str | None:
        return next(
            (
                str(one["config"]["metadata"]["hrx_version"])
                for one in self.machines.values()
                if one["config"]["metadata"]["hrx_key"] == deployment
            ),
            None,
        )

    def answer(self, request: Request, what: str) -> Reply:
        if what == "logs":
            return self._logs(request)
        if what == "settings":
            return self._set(request)
        if what == "list":
            self._move_on()
            alive = [self._show(one) for one in self.machines.values() if one["state"] != "destroyed"]
            return Reply(body=alive)
        if what == "deploy":
            return self._create(request.body)
        found = re.fullmatch(rf"{_MACHINES}/([0-9a-f]+)(?:/(\w+))?", request.path)
        machine = self.machines.get(found[1]) if found else None
        if found is None or machine is None or machine["state"] == "destroyed":
            return self.refuse(404, "unknown", "machine not found")
        if found[2] == "lease":
            return self._lease(request, machine)
        lease = self.leases.get(machine["id"])
        if lease is not None and request.headers.get("fly-machine-lease-nonce") != lease["nonce"]:
            return self.refuse(409, "unknown", "machine is leased")
        return self._change(machine, found[2] or "destroy")

    def _change(self, machine: dict[str, Any], verb: str) -> Reply:
        if verb == "destroy":
            machine["state"] = "destroyed"
            self.leases.pop(machine["id"], None)
        elif verb == "start":
            machine.update(state="starting", looks=0)
        elif verb == "stop":
            machine["state"] = "stopped"
        elif verb in ("cordon", "uncordon"):
            machine["cordoned"] = verb == "cordon"
        else:
            return self.refuse(404, "unknown", "not found")
        return Reply(body={"ok": True})

    def _create(self, body: dict[str, Any]) -> Reply:
        assert body["config"]["image"]
        if any(one["name"] == body["name"] and one["state"] != "destroyed" for one in self.machines.values()):
            return self.refuse(422, "name_taken", "a machine with this name exists")
        assert body.get("min_secrets_version", 0) <= self.secrets_version
        identity = secrets.token_hex(7)
        self.machines[identity] = {
            "id": identity,
            "name": body["name"],
            "state": "created",
            "region": body["region"],
            "instance_id": secrets.token_hex(13).upper(),
            "created_at": datetime.fromtimestamp(stamp(), UTC).isoformat().replace("+00:00", "Z"),
            "cordoned": bool(body.get("skip_service_registration")),
            "config": body["config"],
            "looks": 0,
        }
        return Reply(body=self._show(self.machines[identity]))

    def _lease(self, request: Request, machine: dict[str, Any]) -> Reply:
        lease = self.leases.get(machine["id"])
        if request.method == "GET":
            if lease is None:
                return self.refuse(404, "unknown", "lease not found")
            return Reply(body={"status": "success", "data": lease})
        if request.method == "DELETE":
            if lease is None or request.headers.get("fly-machine-lease-nonce") != lease["nonce"]:
                return self.refuse(404, "unknown", "lease not found")
            del self.leases[machine["id"]]
            return Reply(body={"status": "success", "data": {"ok": True}})
        if lease is not None:
            return self.refuse(409, "unknown", "lease currently held")
        lease = {
            "nonce": secrets.token_hex(6),
            "expires_at": int(stamp()) + request.body["ttl"],
            "owner": "ops@hrx.example",
            "description": request.body["description"],
        }
        self.leases[machine["id"]] = lease
        return Reply(status=201, body={"status": "success", "data": lease})

    def _set(self, request: Request) -> Reply:
        if self.refuses_settings_with is not None:
            return self.refuse(400, "unknown", self.refuses_settings_with)
        self.variables.update(request.body["values"])
        self.secrets_version += 1
        shown = [{"name": name, "digest": secrets.token_hex(8)} for name in request.body["values"]]
        return Reply(body={"secrets": shown, "version": self.secrets_version})

    def _logs(self, request: Request) -> Reply:
        lines = [
            {
                "attributes": {
                    "timestamp": f"2026-11-27T00:00:{n:02}Z",
                    "level": "info",
                    "message": f"line {n}",
                }
            }
            for n in range(30)
        ]
        return Reply(body={"data": lines, "meta": {"next_token": "1"}})

    def _show(self, machine: dict[str, Any]) -> dict[str, Any]:
        shown = {name: value for name, value in machine.items() if name != "looks"}
        if machine["state"] == "started":
            is_sick = machine["config"]["metadata"]["hrx_version"] in self.sick
            state = "critical" if is_sick else "passing"
            shown["checks"] = [{"name": "servicecheck-00-http-8101", "status": state}]
        return shown

    def _move_on(self) -> None:
        for one in self.machines.values():
            if one["state"] in ("created", "starting"):
                one["looks"] += 1
                one["state"] = "started" if one["looks"] >= _LOOKS_UNTIL_STARTED else "starting"


@contextmanager
def running_fly() -> Iterator[FlyServer]:
    server = FlyServer()
    with running(server):
        yield server
