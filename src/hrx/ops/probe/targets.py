"""What the probe looks at: each target by a name that is also its condition key and its metric label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import orjson

from hrx.kit.errors import Invalid, Text
from hrx.ops.settings import OpsSettings
from hrx.ops.signal import Severity

_TLS_PORT: Final = 443
#: What an outsider meets first. It needs everything behind it, so a failing part there becomes the cause.
_SEEN_FROM_OUTSIDE: Final = "haproxy"


class TargetKind(StrEnum):
    """How a target is looked at."""

    #: A page with its scripts, as a browser would load them.
    PORTAL = "portal"
    #: A /readyz: `ready` and `degraded` are well, 503 and no answer are not.
    READINESS = "readiness"
    #: A route that answers JSON to anybody.
    ROUTE = "route"
    PAGE = "page"
    #: The operations plane's /heartbeat.
    PLANE = "plane"
    #: When the certificate ends, trusted or not.
    TLS = "tls"
    #: Whether a client that knows only the system's authorities would accept it.
    TRUST = "trust"
    DNS = "dns"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeTarget:
    """One thing to look at. `address` is a URL, `host:port` (TLS) or a host (DNS).

    `sop_unanswered` is the procedure when no answer comes at all: then the door is in question, and not only
    what is behind it."""

    name: str
    kind: TargetKind
    address: str
    title: Text
    sop: str
    sop_unanswered: str | None = None
    part: str | None = None
    severity: Severity | None = None

    @property
    def condition(self) -> str:
        return f"probe-failed:{self.name}"


#: The name of the plane among the targets; its silence is paged by the probe itself.
PLANE: Final = "plane"


def list_targets(settings: OpsSettings) -> tuple[ProbeTarget, ...]:
    """Every target of these settings. Raises Invalid for a TLS host that has no readable port."""
    return (
        *_public_targets(settings),
        ProbeTarget(
            name=PLANE,
            kind=TargetKind.PLANE,
            address=settings.ops_url.rstrip("/") + "/heartbeat",
            title=Text(ja="運用コンソール", en="the operations plane"),
            sop="5.2.2",
            part="ops",
        ),
        *_status_target(settings),
        *_tls_targets(settings),
        *(_dns_target(host) for host in _split(settings.probe_dns_hosts)),
    )


def read_extra_targets(path: Path) -> tuple[ProbeTarget, ...]:
    """Targets that a drill added; none when there is no file, or one that cannot be read."""
    try:
        found = orjson.loads(path.read_bytes())
        return tuple(
            ProbeTarget(
                name=str(one["name"]),
                kind=TargetKind(one["kind"]),
                address=str(one["address"]),
                title=Text(ja=f"{one['name']}(訓練)", en=f"{one['name']} (drill)"),
                sop=str(one["sop"]),
                severity=Severity.CRITICAL if one["sop"] == "5.2.1" else Severity.MAJOR,
            )
            for one in found
        )
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def _public_targets(settings: OpsSettings) -> tuple[ProbeTarget, ...]:
    edge = settings.edge_url.rstrip("/")
    return (
        ProbeTarget(
            name="portal",
            kind=TargetKind.PORTAL,
            address=f"{edge}/sign-in",
            title=Text(ja="ポータルの画面", en="the portal's page"),
            sop="5.2.1",
            part=_SEEN_FROM_OUTSIDE,
            severity=Severity.CRITICAL,
        ),
        ProbeTarget(
            name="readyz",
            kind=TargetKind.READINESS,
            address=f"{edge}/readyz",
            title=Text(ja="API の準備状態", en="the API's readiness"),
            sop="5.2.2",
            sop_unanswered="5.2.1",
            part=_SEEN_FROM_OUTSIDE,
            severity=Severity.CRITICAL,
        ),
        ProbeTarget(
            name="api",
            kind=TargetKind.ROUTE,
            address=f"{edge}/api/v1/auth/providers",
            title=Text(ja="API の応答", en="a route of the API"),
            sop="5.2.2",
            sop_unanswered="5.2.1",
            part=_SEEN_FROM_OUTSIDE,
            severity=Severity.CRITICAL,
        ),
    )


def _status_target(settings: OpsSettings) -> tuple[ProbeTarget, ...]:
    if settings.probe_status_url is None:
        return ()
    return (
        ProbeTarget(
            name="status",
            kind=TargetKind.PAGE,
            address=settings.probe_status_url,
            title=Text(ja="ステータスページ", en="the status page"),
            sop="5.2.1",
            part="status",
            severity=Severity.MINOR,
        ),
    )


def _tls_targets(settings: OpsSettings) -> tuple[ProbeTarget, ...]:
    found: list[ProbeTarget] = []
    for given in _split(settings.probe_tls_hosts):
        host, _, port = given.partition(":")
        if port and not port.isdigit():
            raise Invalid(
                Text(
                    ja=f"HRX_PROBE_TLS_HOSTS の「{given}」は host:port ではありません",
                    en=f"“{given}” in HRX_PROBE_TLS_HOSTS is not host:port",
                ),
                code="probe.bad_tls_host",
            )
        address = f"{host}:{port or _TLS_PORT}"
        title = Text(ja=f"{given} の証明書", en=f"the certificate of {given}")
        for kind, severity in ((TargetKind.TLS, Severity.CRITICAL), (TargetKind.TRUST, Severity.MAJOR)):
            found.append(
                ProbeTarget(
                    name=f"{kind}-{given}",
                    kind=kind,
                    address=address,
                    title=title,
                    sop="5.2.1",
                    severity=severity,
                )
            )
    return tuple(found)


def _dns_target(host: str) -> ProbeTarget:
    return ProbeTarget(
        name=f"dns-{host}",
        kind=TargetKind.DNS,
        address=host,
        title=Text(ja=f"{host} の名前解決", en=f"the name {host}"),
        sop="5.2.1",
        severity=Severity.CRITICAL,
    )


def _split(given: str) -> Sequence[str]:
    return [part.strip() for part in given.split(",") if part.strip()]
