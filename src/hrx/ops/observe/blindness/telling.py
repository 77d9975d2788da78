"""What is told about blindness: one condition for each cause, however many rules it blinds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.observe.blindness.judging import Reason
from hrx.ops.runbook.watch.rules import AlertRule, AlertSeverity
from hrx.ops.signal import Severity, Signal, SignalSource, SignalState

SILENT_KEY: Final = "watch-silent"
_SOP: Final = "4.3"
_NAMED: Final = 4


def blind_signal(reason: Reason, rules: Sequence[AlertRule], *, since: datetime) -> Signal:
    """That these rules cannot see, and why. As bad as a major fault when one of them is critical."""
    is_critical = any(rule.severity is AlertSeverity.CRITICAL for rule in rules)
    return Signal(
        source=SignalSource.WATCHER,
        key=reason.key,
        name="RulesBlind",
        state=SignalState.FIRING,
        started_at=since,
        summary=_summary(reason, rules),
        part=reason.part,
        severity=Severity.MAJOR if is_critical else Severity.MINOR,
        sop=_SOP,
        # Nothing that may differ the next time: who tells is known by it, also after a restart.
        labels={"cause": reason.key},
    )


def silent_signal(*, since: datetime) -> Signal:
    """That the dead man's switch is not heard any more."""
    return Signal(
        source=SignalSource.WATCHER,
        key=SILENT_KEY,
        name="WatchSilent",
        state=SignalState.FIRING,
        started_at=since,
        summary=Text(
            ja="見張り番のアラートが Alertmanager から届きません。アラートが出ても届かないおそれがあります",
            en="The watchdog no longer arrives through Alertmanager: alerts may fire without arriving",
        ),
        part="alertmanager",
        severity=Severity.MAJOR,
        sop=_SOP,
        labels={"cause": SILENT_KEY},
    )


def _summary(reason: Reason, rules: Sequence[AlertRule]) -> Text:
    named = [rule.name for rule in rules[:_NAMED]]
    more = len(rules) - len(named)
    ja = "、".join(named) + (f" ほか {more} 件" if more else "")
    en = ", ".join(named) + (f" and {more} more" if more else "")
    return Text(
        ja=f"鳴るべきアラートが見えていません: {reason.says.ja}({ja})",
        en=f"Alerts that should fire cannot see: {_small(reason.says.en)} ({en})",
    )


def _small(says: str) -> str:
    first = says.split(" ", 1)[0]
    return says if first in ("Prometheus",) or first != first.capitalize() else says[0].lower() + says[1:]
