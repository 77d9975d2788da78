"""What is sent to Cloudflare Pages' REST API and what its answers mean: pure, by its published schema."""

from __future__ import annotations

import base64
import json
import mimetypes
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from hrx.ops.targets.releasing import Deployment, DeploymentState, SettingValue

_MARK: Final = re.compile(r"hrx key=(\S+) version=(\S+)")
#: Files that tell Pages how to serve the others; they are sent beside the manifest, not in it.
SPECIAL: Final = ("_headers", "_redirects", "_routes.json", "_worker.js")


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The account's id and the project's name."""

    account: str
    name: str
    health_path: str


def deploy_fields(
    files: Sequence[tuple[str, str, int]], *, version: str, key: str, has_changes: bool = False
) -> dict[str, str]:
    """Fields of the form. The commit's message is the only place for a name of ours."""
    manifest = {f"/{name}": digest for name, digest, _ in files if name not in SPECIAL}
    return {
        "manifest": json.dumps(manifest, sort_keys=True),
        "commit_message": f"hrx key={key} version={version}",
        "commit_dirty": "true" if has_changes else "false",
    }


def asset(name: str, *, digest: str, content: bytes) -> dict[str, object]:
    return {
        "key": digest,
        "value": base64.b64encode(content).decode(),
        "base64": True,
        "metadata": {"contentType": mimetypes.guess_type(name)[0] or "application/octet-stream"},
    }


def settings_body(values: Mapping[str, SettingValue]) -> dict[str, object]:
    variables = {
        name: {
            "type": "secret_text" if one.is_secret else "plain_text",
            "value": one.value.get_secret_value(),
        }
        for name, one in values.items()
    }
    return {"deployment_configs": {"production": {"env_vars": variables}}}


# `Any`: answers are JSON.
def read_deployments(told: Any, *, live: str | None) -> list[Deployment]:
    found = [read_deployment(one, live=live) for one in told or ()]
    return sorted(found, key=lambda one: one.created_at, reverse=True)


def read_deployment(one: Any, *, live: str | None) -> Deployment:
    trigger = (one.get("deployment_trigger") or {}).get("metadata") or {}
    mark = _MARK.match(str(trigger.get("commit_message") or ""))
    state = _judge(one)
    return Deployment(
        id=str(one["id"]),
        version=mark[2] if mark else None,
        key=mark[1] if mark else None,
        state=state,
        is_live=one["id"] == live,
        created_at=datetime.fromisoformat(str(one["created_on"])),
        url=str(one["url"]).rstrip("/") if one.get("url") else None,
        may_roll_back=state is DeploymentState.READY and one.get("environment") == "production",
    )


def read_live(told: Any) -> str | None:
    canonical = told.get("canonical_deployment") or {}
    return str(canonical["id"]) if canonical.get("id") else None


def read_logs(told: Any) -> list[str]:
    return [f"{one['ts']} {one['line']}" for one in sorted(told.get("data") or (), key=lambda one: one["ts"])]


def _judge(one: Any) -> DeploymentState:
    stage = one.get("latest_stage") or {}
    if one.get("is_skipped") or stage.get("status") in ("failure", "canceled"):
        return DeploymentState.FAILED
    if stage.get("name") == "deploy" and stage.get("status") == "success":
        return DeploymentState.READY
    return DeploymentState.WAITING
