"""What is sent to Vercel's REST API and what its answers mean: pure, by its published reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from hrx.ops.targets.releasing import Deployment, DeploymentState, SettingValue

_STATES: Final = {
    "READY": DeploymentState.READY,
    "ERROR": DeploymentState.FAILED,
    "CANCELED": DeploymentState.FAILED,
    "BLOCKED": DeploymentState.FAILED,
    "DELETED": DeploymentState.REMOVED,
}
_KEY: Final = "hrxKey"
_VERSION: Final = "hrxVersion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """`id` or name; `team` is empty for a personal account."""

    id: str
    team: str
    health_path: str


def scope(project: Project, **others: str) -> dict[str, str]:
    """Query parameters of every call."""
    return {**({"teamId": project.team} if project.team else {}), **others}


def deploy_body(
    project: Project, files: Sequence[tuple[str, str, int]], *, version: str, key: str
) -> dict[str, object]:
    """Production's build, with our name in `meta`: by it a deployment is found again."""
    return {
        "name": project.id,
        "project": project.id,
        "target": "production",
        "meta": {_KEY: key, _VERSION: version},
        "files": [{"file": name, "sha": digest, "size": size} for name, digest, size in files],
    }


def env_body(values: Mapping[str, SettingValue]) -> list[dict[str, object]]:
    """`sensitive` values cannot be read back by anybody."""
    return [
        {
            "key": name,
            "value": one.value.get_secret_value(),
            "type": "sensitive" if one.is_secret else "plain",
            "target": ["production"],
        }
        for name, one in values.items()
    ]


# `Any`: answers are JSON.
def read_refused_names(told: Any, *, asked: Sequence[str]) -> tuple[str, ...]:
    """Names that were not taken although the call succeeded; all of them when it does not say which."""
    failed = told.get("failed") or [] if isinstance(told, dict) else []
    names = {
        str(error.get("key") or error.get("envVarKey") or "")
        for one in failed
        for error in (one.get("error") or {},)
    }
    if "" in names:
        return tuple(sorted(asked))
    return tuple(sorted(names))


def read_missing(told: Any) -> tuple[str, ...] | None:
    """Digests that it does not have (any more); None when it was refused for something else."""
    error = told.get("error") if isinstance(told, dict) else None
    if not isinstance(error, dict) or error.get("code") != "missing_files":
        return None
    return tuple(str(one) for one in error.get("missing") or ())


def read_deployments(told: Any, *, live: str | None) -> list[Deployment]:
    found = [read_deployment(one, live=live) for one in told.get("deployments") or ()]
    return sorted(found, key=lambda one: one.created_at, reverse=True)


def read_deployment(one: Any, *, live: str | None) -> Deployment:
    """A list calls its id `uid`, a single answer `id`."""
    identity = str(one.get("uid") or one["id"])
    meta = one.get("meta") or {}
    created_ms = int(one.get("createdAt") or one.get("created") or 0)
    url = str(one.get("url") or "")
    state = _STATES.get(str(one.get("readyState") or one.get("state")), DeploymentState.WAITING)
    return Deployment(
        id=identity,
        version=meta.get(_VERSION),
        key=meta.get(_KEY),
        state=state,
        is_live=identity == live,
        created_at=datetime.fromtimestamp(created_ms / 1000, UTC),
        url=(url if "://" in url else f"https://{url}") if url else None,
        may_roll_back=state is DeploymentState.READY and one.get("isRollbackCandidate") is not False,
    )


def read_live(told: Any) -> str | None:
    """The deployment that the project's production domains lead to."""
    production = (told.get("targets") or {}).get("production") or {}
    return str(production["id"]) if production.get("id") else None


def has_switch_failed(told: Any, deployment_id: str) -> bool:
    """Whether the last promotion or roll-back was to this deployment and failed."""
    last = told.get("lastAliasRequest") or {}
    return last.get("toDeploymentId") == deployment_id and last.get("jobStatus") in ("failed", "skipped")


def read_logs(told: Any) -> list[str]:
    found = []
    for one in told or ():
        payload = one.get("payload") or {}
        text = one.get("text") or payload.get("text")
        if text:
            at = int(one.get("created") or one.get("date") or payload.get("date") or 0)
            found.append((at, str(text)))
    return [f"{datetime.fromtimestamp(at / 1000, UTC).isoformat()} {text}" for at, text in sorted(found)]
