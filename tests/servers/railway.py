"""Railway's GraphQL API on a socket: every query is validated against the trimmed published schema."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from graphql import GraphQLError, build_schema, graphql_sync, parse, validate

from tests.servers.vendor import Reply, Request, VendorServer, running, stamp

SCHEMA = build_schema(Path(__file__).with_name("railway.graphql").read_text(encoding="utf-8"))
PROJECT, ENVIRONMENT, SERVICE = "prj-1", "env-1", "svc-1"
_KINDS = {
    "deployments": "list",
    "serviceInstance": "list",
    "serviceInstanceUpdate": "update",
    "serviceInstanceDeployV2": "deploy",
    "deploymentRollback": "roll_back",
    "deploymentRemove": "delete",
    "variableCollectionUpsert": "settings",
    "deploymentLogs": "logs",
}
#: As Railway does: a deployment is not ready at the moment it is asked for.
_LOOKS_UNTIL_READY = 2


class RailwayServer(VendorServer):
    """One service of one environment. A deployment moves on each time that it is looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.deployments: list[dict[str, Any]] = []
        self.variables: dict[str, str] = {}
        self.instance: dict[str, Any] = {}
        self.invalid: list[str] = []

    @property
    def made(self) -> int:
        return len(self.deployments)

    def judge(self, request: Request) -> str:
        document = parse(request.body["query"])
        name = document.definitions[0].selection_set.selections[0].name.value  # type: ignore[attr-defined]
        return _KINDS[name]

    def is_allowed(self, request: Request) -> bool:
        return request.headers.get("project-access-token") == self.token

    def refuse(self, status: int, code: str, message: str) -> Reply:
        """What GraphQL itself refuses comes with 200; the gateway before it answers with a status."""
        if status == 401:
            body = {
                "errors": [{"message": "Not Authorized", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]
            }
            return Reply(status=200, body={**body, "data": None})
        return Reply(status=status, body={"errors": [{"message": message, "extensions": {"code": code}}]})

    def version_of(self, deployment: str) -> str | None:
        return next((one["version"] for one in self.deployments if one["id"] == deployment), None)

    def answer(self, request: Request, what: str) -> Reply:
        wrong = validate(SCHEMA, parse(request.body["query"]))
        if wrong:
            self.invalid += [one.message for one in wrong]
            return Reply(status=400, body={"errors": [{"message": one.message} for one in wrong]})
        done = graphql_sync(
            SCHEMA, request.body["query"], root_value=self, variable_values=request.body["variables"]
        )
        self.invalid += [one.message for one in done.errors or () if one.original_error is None]
        return Reply(body=done.formatted)

    # Resolvers, by the schema's own names.
    def deployments_(self, info: Any, *, input: dict[str, Any], first: int) -> dict[str, Any]:
        del info
        assert (input["projectId"], input["environmentId"]) == (PROJECT, ENVIRONMENT)
        self._move_on()
        newest = list(reversed(self.deployments))[:first]
        return {"edges": [{"cursor": one["id"], "node": one} for one in newest]}

    def serviceInstance(self, info: Any, *, serviceId: str, environmentId: str) -> dict[str, Any]:
        del info
        self._require(serviceId, environmentId)
        active = [one for one in self.deployments if one["status"] == "SUCCESS"]
        return {"id": "inst-1", "activeDeployments": active, "restartPolicyType": "ON_FAILURE"}

    def serviceInstanceUpdate(
        self, info: Any, *, serviceId: str, environmentId: str, input: dict[str, Any]
    ) -> bool:
        del info
        self._require(serviceId, environmentId)
        self.instance.update(input)
        return True

    def serviceInstanceDeployV2(self, info: Any, *, serviceId: str, environmentId: str) -> str:
        del info
        self._require(serviceId, environmentId)
        return self._add(self.instance["source"]["image"], dict(self.variables))

    def deploymentRollback(self, info: Any, *, id: str) -> bool:
        del info
        former = self._find(id)
        if not former["canRollback"]:
            raise GraphQLError("Deployment cannot be rolled back")
        self._add(former["meta"]["image"], former["variables"])
        return True

    def deploymentRemove(self, info: Any, *, id: str) -> bool:
        del info
        self._find(id).update(status="REMOVED", canRollback=False)
        return True

    def variableCollectionUpsert(self, info: Any, *, input: dict[str, Any]) -> bool:
        del info
        assert input["skipDeploys"] is True
        assert input["replace"] is False
        if self.refuses_settings_with is not None:
            raise GraphQLError(self.refuses_settings_with)
        self.variables.update(input["variables"])
        return True

    def deploymentLogs(self, info: Any, *, deploymentId: str, limit: int) -> list[dict[str, Any]]:
        del info
        self._find(deploymentId)
        lines = [{"timestamp": f"2026-11-27T00:00:{n:02}Z", "message": f"line {n}"} for n in range(30)]
        return lines[-limit:]

    def _add(self, image: str, variables: dict[str, str]) -> str:
        identity = secrets.token_hex(8)
        self.deployments.append(
            {
                "id": identity,
                "status": "BUILDING",
                "canRollback": False,
                "createdAt": datetime.fromtimestamp(stamp(), UTC).isoformat(),
                "staticUrl": "hrx.up.railway.app",
                "meta": {"image": image, "reason": "deploy"},
                "version": image.rpartition(":")[2],
                "variables": variables,
                "looks": 0,
            }
        )
        return identity

    def _move_on(self) -> None:
        for one in self.deployments:
            if one["status"] not in ("BUILDING", "DEPLOYING"):
                continue
            one["looks"] += 1
            if one["looks"] < _LOOKS_UNTIL_READY:
                one["status"] = "DEPLOYING"
            elif one["version"] in self.sick:
                one["status"] = "FAILED"
            else:
                one.update(status="SUCCESS", canRollback=True)
                for other in self.deployments:
                    if other is not one and other["status"] == "SUCCESS":
                        other["status"] = "REMOVED"

    def _find(self, identity: str) -> dict[str, Any]:
        found = next((one for one in self.deployments if one["id"] == identity), None)
        if found is None:
            raise GraphQLError("Deployment not found")
        return found

    def _require(self, service: str, environment: str) -> None:
        if (service, environment) != (SERVICE, ENVIRONMENT):
            raise GraphQLError("ServiceInstance not found")


# The root's field `deployments` is the list itself in Python; its resolver has a name of its own.
SCHEMA.query_type.fields["deployments"].resolve = (  # type: ignore[union-attr]
    lambda root, info, **arguments: root.deployments_(info, **arguments)
)


@contextmanager
def running_railway() -> Iterator[RailwayServer]:
    server = RailwayServer()
    with running(server, path="/graphql/v2"):
        yield server
