"""The product as people reach it: the proof that ends most repairs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.check import Check, Status, check_readiness
from hrx.ops.run.acting.spec import ActionSpec, Evidence, Look, wait_until_seen
from hrx.ops.run.plane import Plane
from hrx.ops.seams.looking import LookFailed

_SCRIPT: Final = re.compile(r'(?:src|href)="(/_next/static/[^"]+\.(?:js|css))"')
_SCRIPTS: Final = 6
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


def _prove_page(plane: Plane, _params: Mapping[str, str], timeout_s: float) -> Evidence:
    """Open the sign-in page through the edge, as a browser does, until it and its scripts arrive."""
    edge = plane.settings.edge_url.rstrip("/")

    def look() -> Look:
        try:
            page = plane.http.get_page(f"{edge}/sign-in")
            scripts = list(dict.fromkeys(_SCRIPT.findall(page.text)))[:_SCRIPTS]
            lost = [path for path in scripts if plane.http.get_page(edge + path).status_code >= 400]
        except LookFailed as error:
            return Look(is_good=False, evidence={"answers": False}, says=error.why)
        seen = {"status_code": page.status_code, "scripts": len(scripts), "lost": len(lost)}
        return Look(
            is_good=page.status_code < 400 and bool(scripts) and not lost,
            evidence={**seen, "latency_ms": page.latency_ms},
            says=Text(
                ja=f"HTTP {page.status_code}、届かないファイル {len(lost)}",
                en=f"HTTP {page.status_code}, files that did not arrive: {len(lost)}",
            ),
        )

    return wait_until_seen(look, timeout_s=timeout_s - plane.settings.look_timeout_s)


ACTIONS: Final = (
    ActionSpec(
        id="product.prove_page",
        title=Text(ja="入口を通して画面が開くことを確かめる", en="Prove that pages open through the edge"),
        only_reads=True,
        perform=_prove_page,
    ),
    ActionSpec(
        id="product.prove_ready",
        title=Text(
            ja="入口を通して使えることを確かめる", en="Prove through the edge that the product can work"
        ),
        only_reads=True,
        perform=_prove_ready,
    ),
)
