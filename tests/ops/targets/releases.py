"""A whole release in one call, as a pipeline makes it."""

from __future__ import annotations

from hrx.ops.targets.releasing import Deployment, ReleaseTarget
from tests.ops.targets.grounds import Ground


def release(ground: Ground, version: str, *, target: ReleaseTarget | None = None) -> Deployment:
    """Prepared, deployed under the version's name, healthy and live."""
    used = target or ground.open()
    made = used.deploy(used.prepare(ground.build(version)), version=version, key=key_of(version))
    return used.wait_until_healthy(made.id, timeout_s=ground.wait_s)


def key_of(version: str) -> str:
    return f"key-{version.replace('.', '-')}"


def live_version(target: ReleaseTarget) -> str | None:
    live = [one for one in target.list_deployments() if one.is_live]
    assert len(live) <= 1
    return live[0].version if live else None
