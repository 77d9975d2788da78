"""Whether a whole place stands on one release: people, edge, worker and every record say the same."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

import httpx
import psutil

from hrx.kit.errors import HrxError
from hrx.ops.drills.release.stack import Stack
from hrx.ops.release.deploying import SERVICES
from hrx.ops.release.releases import Release
from hrx.ops.targets.machine.slot_code import WORKER, read_slot_code

VERSION_PATHS: Final = {"api": "/version", "web": "/web/version"}
_ASK_S: Final = 10.0


def ask_version(stack: Stack, service: str) -> str:
    """The commit that people are answered by, through the edge; empty for no answer."""
    try:
        answer = httpx.get(f"{stack.edge_url}{VERSION_PATHS[service]}", timeout=_ASK_S, trust_env=False)
        # `Any`: JSON.
        told: Any = answer.json()
        return str(told["commit"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return ""


def list_disagreements(stack: Stack, release: Release) -> tuple[str, ...]:
    """Everything that does not say that people are on this release: empty when nothing is half-way."""
    return (*_of_requests(stack, release), *_of_records(stack, release), *_of_worker(stack, release))


def _of_requests(stack: Stack, release: Release) -> list[str]:
    wanted, edge, found = release.commit[:12], stack.hands.edge, []
    live = {service: edge.kept(service) for service in SERVICES}
    for service in SERVICES:
        if (seen := ask_version(stack, service)) != wanted:
            found.append(f"{service} answers as {seen or 'nobody'}")
        try:
            looks = edge.look(service)
        except HrxError as error:
            found.append(error.message.en)
            continue
        taking = {slot: one.weight for slot, one in looks.items() if one.is_taking}
        if taking != {live[service]: 100}:
            found.append(f"{service}: {live[service]} is kept, the edge gives to {taking}")
        placed = read_slot_code(stack.layout.run).get(f"{service}-{live[service]}")
        if placed is None or placed.release != release.id:
            found.append(f"{service}-{live[service]} holds {placed.release if placed else 'the checkout'}")
    if len(set(live.values())) != 1:
        found.append(f"the services are on {live}")
    return found


def _of_records(stack: Stack, release: Release) -> list[str]:
    found, place = [], stack.place
    progress = stack.rollouts.find()
    if progress is not None and not progress.stand.is_over:
        found.append(f"the rollout of {progress.rollout.release_id} is {progress.stand}")
    standing = place.store.look(place.environment).live
    if standing != release.id:
        found.append(f"{standing} is on record as live")
    return found


def _of_worker(stack: Stack, release: Release) -> list[str]:
    placed = read_slot_code(stack.layout.run).get(WORKER)
    found = [] if placed and placed.release == release.id else [f"the worker is to run {placed}"]
    pid = stack.supervisor.get_part(WORKER).pid
    with suppress(psutil.Error):
        if pid is not None and psutil.Process(pid).environ().get("HRX_COMMIT") == release.commit[:12]:
            return found
    return [*found, "the worker that runs is another"]
