"""Looking at one part: what the supervisor says, and what it answers from outside, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.kit.settings import SecretStr
from hrx.ops.check import (
    Check,
    Fact,
    Finding,
    Observation,
    ProcessFacts,
    Status,
    check_answer,
    check_process,
    check_readiness,
    worst,
)
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.parts import LookKind, PartInfo
from hrx.ops.seams.postgres import look_at_postgres
from hrx.ops.seams.postgres_receiver import look_at_receiver
from hrx.ops.seams.redis import look_at_redis
from hrx.ops.targets.target import PartState, PartStatus

_STOPPED: Final = (PartState.STOPPED, PartState.ABSENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartView:
    """One part at one moment, as a person wants to see it."""

    info: PartInfo
    process: PartStatus
    status: Status
    summary: Text
    findings: tuple[Finding, ...]
    version: Mapping[str, Fact]
    latency_ms: float | None
    observed_at: datetime
    #: Whether it may be stopped on purpose now: the slot that people are not on.
    may_rest: bool

    @property
    def is_resting(self) -> bool:
        """Stopped on purpose: the idle slot."""
        return self.may_rest and self.process.state in _STOPPED

    @property
    def is_required(self) -> bool:
        """Whether people lose something without it: of two slots, the one that they are on."""
        return not self.may_rest if self.info.slot else self.info.required


def look_at_part(plane: Plane, info: PartInfo, *, process: PartStatus) -> PartView:
    """Look at one part now; takes about the look's time limit at most, never raises for what is broken."""
    at = clock.now()
    can_rest = may_rest(plane, info)
    findings = [_find_process(info, process, at=at, is_expected=not can_rest)]
    version: Mapping[str, Fact] = {}
    if not (can_rest and process.state in _STOPPED):
        findings += _find_answers(plane, info)
        if info.version_path and findings[-1].status is not Status.DOWN:
            version = plane.http.look_at_version(info.name, _url_of(plane, info, info.version_path)).facts
    # How long a refusal took says nothing; only an answer has a latency.
    latencies = [
        finding.latency_ms
        for finding in findings
        if finding.latency_ms is not None and finding.status is not Status.DOWN
    ]
    return PartView(
        info=info,
        process=process,
        status=_overall(findings),
        summary=_summary(findings),
        findings=tuple(findings),
        version=version,
        latency_ms=latencies[0] if latencies else None,
        observed_at=at,
        may_rest=can_rest,
    )


def may_rest(plane: Plane, info: PartInfo) -> bool:
    """Whether being stopped is normal for a part now: of two slots, for the one that people are not on."""
    if info.slot is None:
        return info.rests
    return plane.target.find_kept(info.service) != info.name


def find_process(plane: Plane, name: str) -> PartStatus:
    """What the target says of one part; UNKNOWN when it does not list it."""
    for status in plane.target.list_parts():
        if status.name == name:
            return status
    return PartStatus(name=name, state=PartState.UNKNOWN)


def _find_process(info: PartInfo, process: PartStatus, *, at: datetime, is_expected: bool) -> Finding:
    check = Check(id=f"{info.name}.process", subject=info.name, title=Text(ja="プロセス", en="Process"))
    facts = ProcessFacts(state=process.state.value, pid=process.pid, says=process.says)
    return check_process(check, facts, at=at, is_expected=is_expected)


def _find_answers(plane: Plane, info: PartInfo) -> list[Finding]:
    check = Check(id=f"{info.name}.answers", subject=info.name, title=Text(ja="外からの応答", en="Answers"))
    if info.look is LookKind.ITSELF:
        return []
    seen = _look_outside(plane, info)
    if seen is None:
        return [
            Finding(
                check=check,
                status=Status.UNKNOWN,
                summary=Text(ja="接続先が設定されていません", en="No address is configured"),
                evidence={"setting": f"HRX_{(info.url_setting or '').upper()}"},
                observed_at=clock.now(),
            )
        ]
    decide = check_readiness if info.look is LookKind.READINESS else check_answer
    return [decide(check, seen), *_find_through_edge(plane, info)]


def _find_through_edge(plane: Plane, info: PartInfo) -> list[Finding]:
    """What people get when they come in through this part; a part that answers but passes nothing is sick."""
    findings = []
    for path in info.through:
        check = Check(
            id=f"{info.name}{path.replace('/', '.')}",
            subject=info.name,
            title=Text(ja=f"入口を通した {path}", en=f"{path} through the edge"),
        )
        seen = plane.http.look_at_page(info.name, plane.settings.edge_url.rstrip("/") + path)
        findings.append(check_answer(check, seen))
    return findings


def _look_outside(plane: Plane, info: PartInfo) -> Observation | None:
    address = _address_of(plane, info)
    if address is None:
        return None
    timeout_s = plane.settings.look_timeout_s
    if info.look is LookKind.POSTGRES:
        return look_at_postgres(info.name, address, timeout_s=timeout_s)
    if info.look is LookKind.RECEIVER:
        return look_at_receiver(info.name, address, timeout_s=timeout_s)
    if info.look is LookKind.REDIS:
        return look_at_redis(info.name, address, timeout_s=timeout_s)
    if info.look is LookKind.READINESS:
        return plane.http.look_at_readiness(info.name, address + info.path)
    return plane.http.look_at_page(info.name, address + info.path)


def _address_of(plane: Plane, info: PartInfo) -> str | None:
    found = getattr(plane.settings, info.url_setting, None) if info.url_setting else None
    if isinstance(found, SecretStr):
        return found.get_secret_value()
    return str(found).rstrip("/") if found else None


def _url_of(plane: Plane, info: PartInfo, path: str) -> str:
    return f"{_address_of(plane, info)}{path}"


def _overall(findings: list[Finding]) -> Status:
    """Answering from outside counts more than a supervisor that cannot be asked."""
    known = tuple(finding.status for finding in findings if finding.status is not Status.UNKNOWN)
    return worst(known) if known else Status.UNKNOWN


def _summary(findings: list[Finding]) -> Text:
    """The worst finding's words; when all is well, the last one's (the view from outside)."""
    status = _overall(findings)
    matching = [finding for finding in findings if finding.status is status]
    return (matching or findings)[0 if status is not Status.OK else -1].summary
