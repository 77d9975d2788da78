"""The product as people reach it: the proof that ends most repairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.check import Check, Status, check_readiness
from hrx.ops.run.acting.spec import ActionSpec, Evidence, Look, wait_until_seen
from hrx.ops.run.plane import Plane

_CHECK: Final = Check(
    id="product.ready",
    subject="api",
    title=Text(ja="入口を通した製品の応答", en="The product through the edge"),
)


def _prove_ready(plane: Plane, _params: Mapping[str, str], timeout_s: float) -> Evidence:
    """Ask /readyz through the edge until the product can work (degraded counts: it serves people)."""

    def look() -> Look:
        seen = plane.http.look_at_readiness("api", plane.settings.edge_url.rstrip("/") + "/readyz")
        finding = check_readiness(_CHECK, seen)
        return Look(
            is_good=finding.status in (Status.OK, Status.DEGRADED),
            evidence={"status": finding.status.value, "latency_ms": seen.latency_ms, **dict(seen.facts)},
            says=finding.summary,
        )

    return wait_until_seen(look, timeout_s=timeout_s - plane.settings.look_timeout_s)


ACTIONS: Final = (
    ActionSpec(
        id="product.prove_ready",
        title=Text(
            ja="入口を通して使えることを確かめる", en="Prove through the edge that the product can work"
        ),
        only_reads=True,
        perform=_prove_ready,
    ),
)
