"""What several sources said about a release's packages, as one outcome; silence is never a pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.release.checking.auditing.accepted import find_accepted, load_accepted
from hrx.ops.release.checking.auditing.holes import Hole, Severity, merge_same
from hrx.ops.release.checking.results import Bench, Checked, failed, not_checked, passed


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`who` was asked and how much it knows; `unknown` is why its word is not enough for a pass."""

    who: Text
    holes: tuple[Hole, ...] = ()
    unknown: Text | None = None


def judge(bench: Bench, answers: Sequence[Answer], *, packages: int, todo: Text) -> Checked:
    """Failed by any open hole, passed by any source that knows enough. Raises ContentWrong."""
    accepted = load_accepted(bench.settings.runbook_dir)
    today = clock.now().date()
    floor = Severity[bench.settings.audit_severity.upper()]
    holes = merge_same(hole for one in answers for hole in one.holes)
    open_holes = [one for one in holes if find_accepted(one, accepted, on=today) is None]
    stopping = [one for one in open_holes if one.severity >= floor]
    findings = tuple(_document(one, is_open=one in stopping) for one in holes)
    if stopping:
        first = stopping[0]
        named = f"{first.package} {first.version}: {first.id}"
        return failed(
            f"{packages} パッケージに既知の脆弱性 {len(stopping)} 件({named} ほか)",
            f"{len(stopping)} known holes in {packages} packages ({named} …)",
            findings=findings,
        )
    knowing = [one for one in answers if one.unknown is None]
    if not knowing:
        return not_checked(
            _join([one.unknown for one in answers if one.unknown]), todo=todo, findings=findings
        )
    let_pass = len(holes) - len(open_holes)
    return passed(
        f"{packages} パッケージ: 止めるべき既知の脆弱性なし"
        f"(受け入れ済み {let_pass} 件、{floor.name.lower()} 未満 {len(open_holes)} 件。"
        f"{_join([one.who for one in knowing]).ja})",
        f"{packages} packages: no known hole that stops a release ({let_pass} accepted, {len(open_holes)} "
        f"below {floor.name.lower()}; {_join([one.who for one in knowing]).en})",
        findings=findings,
    )


def _join(texts: Sequence[Text]) -> Text:
    return Text(ja="、".join(one.ja for one in texts), en="; ".join(one.en for one in texts))


def _document(hole: Hole, *, is_open: bool) -> dict[str, object]:
    return {
        "package": hole.package,
        "version": hole.version,
        "id": hole.id,
        "aliases": sorted(hole.aliases),
        "severity": hole.severity.name.lower(),
        "fixed": list(hole.fixed),
        "summary": hole.summary,
        "unclear": hole.unclear,
        "stops": is_open,
    }
