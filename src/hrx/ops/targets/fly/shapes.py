"""What is sent to Fly.io's Machines API and what its answers mean: pure, by its published documentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from hrx.ops.targets.releasing import Deployment, DeploymentState, SettingValue

_KEY: Final = "hrx_key"
_VERSION: Final = "hrx_version"
#: Fly.io's own names, so that its own tools see our machines as part of the app.
_GROUP: Final = "fly_process_group"
_PLATFORM: Final = "fly_platform_version"
_RELEASE: Final = "fly_release_version"
_GONE: Final = ("destroyed", "destroying")
_BROKEN: Final = ("failed", "launch_failed")
_ASLEEP: Final = ("stopped", "stopping", "suspended", "suspending")


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The app, and how each machine of a deployment is made; `machines` is how many."""

    name: str
    region: str
    machines: int
    port: int
    health_path: str
    memory_mb: int = 512
    group: str = "app"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One machine now. `checks` are the states of its health checks, empty before the first was made."""

    id: str
    name: str
    deployment: str
    key: str | None
    version: str | None
    state: str
    is_cordoned: bool
    checks: tuple[str, ...]
    created_at: datetime

    @property
    def is_healthy(self) -> bool:
        return self.state == "started" and bool(self.checks) and set(self.checks) == {"passing"}

    @property
    def serves(self) -> bool:
        return self.state == "started" and not self.is_cordoned


def machine_name(key: str, number: int) -> str:
    """Unique in an app: the vendor itself refuses a second one."""
    return f"hrx-{key}-{number}"


def create_body(
    app: App, *, image: str, key: str, version: str, number: int, secrets_version: int | None
) -> dict[str, object]:
    """A machine without requests yet (`skip_service_registration`), with its health check and restarts."""
    body: dict[str, object] = {
        "name": machine_name(key, number),
        "region": app.region,
        "skip_service_registration": True,
        "config": {
            "image": image,
            "guest": {"cpu_kind": "shared", "cpus": 1, "memory_mb": app.memory_mb},
            "metadata": {_KEY: key, _VERSION: version, _GROUP: app.group, _PLATFORM: "v2"},
            "restart": {"policy": "on-failure", "max_retries": 10},
            "stop_config": {"signal": "SIGTERM", "timeout": "40s"},
            "services": [
                {
                    "protocol": "tcp",
                    "internal_port": app.port,
                    # Our own switch decides which machines run; the proxy must not wake a former one.
                    "autostart": False,
                    "autostop": "off",
                    "ports": [
                        {"port": 80, "handlers": ["http"], "force_https": True},
                        {"port": 443, "handlers": ["tls", "http"]},
                    ],
                    "checks": [
                        {
                            "type": "http",
                            "method": "GET",
                            "path": app.health_path,
                            "interval": "10s",
                            "timeout": "5s",
                            "grace_period": "20s",
                        }
                    ],
                }
            ],
        },
    }
    if secrets_version is not None:
        body["min_secrets_version"] = secrets_version
    return body


def secrets_body(values: Mapping[str, SettingValue]) -> dict[str, object]:
    """All values as the app's secrets: the next machine gets them, and no configuration shows them."""
    return {"values": {name: one.value.get_secret_value() for name, one in values.items()}}


# `Any`: answers are JSON.
def read_machines(told: Any, *, group: str) -> list[Machine]:
    """Machines of this process group; those of other groups (a worker) are none of our affair."""
    found = [_read_machine(one) for one in told or () if _metadata(one).get(_GROUP, "app") == group]
    return [one for one in found if one.state not in _GONE]


def group_by_deployment(machines: list[Machine]) -> dict[str, list[Machine]]:
    found: dict[str, list[Machine]] = {}
    for one in sorted(machines, key=lambda machine: machine.name):
        found.setdefault(one.deployment, []).append(one)
    return found


def read_deployments(machines: list[Machine], *, wanted: int, url: str | None) -> list[Deployment]:
    """Newest first. Live is the newest whose machines all serve; a group made by other tools has no key."""
    grouped = group_by_deployment(machines)
    newest_first = sorted(
        grouped, key=lambda name: max(one.created_at for one in grouped[name]), reverse=True
    )
    live = next((name for name in newest_first if is_serving(grouped[name], wanted=wanted)), None)
    return [
        Deployment(
            id=name,
            version=grouped[name][0].version,
            key=grouped[name][0].key,
            state=judge(grouped[name], wanted=wanted),
            is_live=name == live,
            created_at=max(one.created_at for one in grouped[name]),
            url=url,
            may_roll_back=judge(grouped[name], wanted=wanted) is not DeploymentState.FAILED,
        )
        for name in newest_first
    ]


def is_serving(machines: list[Machine], *, wanted: int) -> bool:
    return is_complete(machines, wanted=wanted) and all(one.serves for one in machines)


def is_complete(machines: list[Machine], *, wanted: int) -> bool:
    """All of ours are there; of a group made by other tools we do not know how many there should be."""
    return len(machines) >= wanted or machines[0].key is None


def judge(machines: list[Machine], *, wanted: int) -> DeploymentState:
    """One state for the group."""
    states = {one.state for one in machines}
    if states & set(_BROKEN):
        return DeploymentState.FAILED
    if states <= set(_ASLEEP):
        return DeploymentState.STOPPED
    if is_complete(machines, wanted=wanted) and all(one.is_healthy for one in machines):
        return DeploymentState.READY
    return DeploymentState.WAITING


def read_logs(told: Any) -> list[tuple[str, str]]:
    """(moment, line) pairs."""
    lines = [one.get("attributes", {}) for one in told.get("data", ())]
    return [
        (str(one.get("timestamp", "")), f"{one.get('timestamp')} {one.get('level')} {one.get('message')}")
        for one in lines
    ]


def read_lease(told: Any) -> tuple[str, str]:
    """Its nonce and the description of whoever took it."""
    data = told.get("data") or {}
    return str(data.get("nonce", "")), str(data.get("description", ""))


def _read_machine(one: Any) -> Machine:
    metadata = _metadata(one)
    key = metadata.get(_KEY)
    return Machine(
        id=str(one["id"]),
        name=str(one.get("name", "")),
        deployment=key or f"fly-v{metadata.get(_RELEASE, one['id'])}",
        key=key,
        version=metadata.get(_VERSION),
        state=str(one.get("state", "")),
        is_cordoned=bool(one.get("cordoned", False)),
        checks=tuple(str(check.get("status", "")) for check in one.get("checks") or ()),
        created_at=datetime.fromisoformat(str(one["created_at"])),
    )


def _metadata(one: Any) -> dict[str, str]:
    config = one.get("config") or one.get("incomplete_config") or {}
    return dict(config.get("metadata") or {})
