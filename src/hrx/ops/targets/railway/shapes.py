"""What is sent to Railway's GraphQL API and what its answers mean: pure, by its published schema (v2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from hrx.ops.targets.railway.journal import Intent
from hrx.ops.targets.releasing import Deployment, DeploymentState, SettingValue

_STATES: Final = {
    "SUCCESS": DeploymentState.READY,
    "SLEEPING": DeploymentState.READY,
    "FAILED": DeploymentState.FAILED,
    "CRASHED": DeploymentState.FAILED,
    "SKIPPED": DeploymentState.FAILED,
    "REMOVED": DeploymentState.STOPPED,
    "REMOVING": DeploymentState.STOPPED,
}

DEPLOYMENTS: Final = """
query hrxDeployments($input: DeploymentListInput!, $first: Int!) {
  deployments(input: $input, first: $first) {
    edges { node { id status createdAt canRollback staticUrl meta } }
  }
}"""
ACTIVE: Final = """
query hrxActive($serviceId: String!, $environmentId: String!) {
  serviceInstance(serviceId: $serviceId, environmentId: $environmentId) {
    activeDeployments { id status }
  }
}"""
UPDATE: Final = """
mutation hrxUpdate($serviceId: String!, $environmentId: String!, $input: ServiceInstanceUpdateInput!) {
  serviceInstanceUpdate(serviceId: $serviceId, environmentId: $environmentId, input: $input)
}"""
DEPLOY: Final = """
mutation hrxDeploy($serviceId: String!, $environmentId: String!) {
  serviceInstanceDeployV2(serviceId: $serviceId, environmentId: $environmentId)
}"""
ROLL_BACK: Final = """
mutation hrxRollBack($id: String!) { deploymentRollback(id: $id) }"""
REMOVE: Final = """
mutation hrxRemove($id: String!) { deploymentRemove(id: $id) }"""
SET_VARIABLES: Final = """
mutation hrxSetVariables($input: VariableCollectionUpsertInput!) {
  variableCollectionUpsert(input: $input)
}"""
LOGS: Final = """
query hrxLogs($id: String!, $limit: Int!) {
  deploymentLogs(deploymentId: $id, limit: $limit) { timestamp severity message }
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The service that is released to, by Railway's ids; `health_path` is asked before it gets requests."""

    project: str
    environment: str
    service: str
    health_path: str
    health_timeout_s: int = 300


def where(place: Place) -> dict[str, str]:
    return {"serviceId": place.service, "environmentId": place.environment}


def deployments_variables(place: Place, *, first: int) -> dict[str, object]:
    return {"input": {"projectId": place.project, **where(place)}, "first": first}


def update_variables(place: Place, image: str) -> dict[str, object]:
    """The image and how it is watched: health path, restart policy, both at once for 20 s, 30 s to finish."""
    return {
        **where(place),
        "input": {
            "source": {"image": image},
            "healthcheckPath": place.health_path,
            "healthcheckTimeout": place.health_timeout_s,
            "restartPolicyType": "ON_FAILURE",
            "restartPolicyMaxRetries": 10,
            "overlapSeconds": 20,
            "drainingSeconds": 30,
        },
    }


def settings_variables(place: Place, values: Mapping[str, SettingValue]) -> dict[str, object]:
    """`skipDeploys`: values alone start no deployment; the next one takes them."""
    said = {name: one.value.get_secret_value() for name, one in values.items()}
    return {
        "input": {
            "projectId": place.project,
            **where(place),
            "variables": said,
            "replace": False,
            "skipDeploys": True,
        }
    }


# `Any`: answers are JSON.
def read_deployments(data: Any, *, active: frozenset[str], intents: tuple[Intent, ...]) -> list[Deployment]:
    """Newest first, with our names and versions put to them from what we meant to make."""
    nodes = [edge["node"] for edge in data["deployments"]["edges"]]
    nodes.sort(key=lambda node: str(node["createdAt"]), reverse=True)
    named = name_deployments(nodes, intents)
    return [
        Deployment(
            id=str(node["id"]),
            version=named[node["id"]].version if node["id"] in named else None,
            key=named[node["id"]].key if node["id"] in named else None,
            state=_STATES.get(str(node["status"]), DeploymentState.WAITING),
            is_live=node["id"] in active and node["status"] in ("SUCCESS", "SLEEPING"),
            created_at=datetime.fromisoformat(str(node["createdAt"])),
            url=f"https://{node['staticUrl']}" if node.get("staticUrl") else None,
            may_roll_back=bool(node["canRollback"]),
        )
        for node in nodes
    ]


def name_deployments(nodes: list[Any], intents: tuple[Intent, ...]) -> dict[str, Intent]:
    """Which deployment is which of ours: by the id that was answered, or, when the answer was lost, the first
    one made after what stood newest then, with the very image that was asked for."""
    found: dict[str, Intent] = {one.deployment: one for one in intents if one.deployment}
    oldest_first = list(reversed(nodes))
    for intent in intents:
        if intent.deployment:
            continue
        is_after = intent.after is None
        for node in oldest_first:
            if is_after and node["id"] not in found and read_image(node) == intent.image:
                found[str(node["id"])] = intent
                break
            is_after = is_after or node["id"] == intent.after
    return found


def read_image(node: Any) -> str | None:
    meta = node.get("meta")
    return str(meta["image"]) if isinstance(meta, dict) and meta.get("image") else None


def read_active(data: Any) -> frozenset[str]:
    return frozenset(str(one["id"]) for one in data["serviceInstance"]["activeDeployments"])


def read_logs(data: Any) -> list[str]:
    lines = sorted(data["deploymentLogs"], key=lambda one: str(one["timestamp"]))
    return [f"{one['timestamp']} {one.get('severity') or 'info'} {one['message']}" for one in lines]
