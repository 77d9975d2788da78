"""A plane with a real ledger and nothing else: no part runs, and nobody looks unless a test does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.kit.settings import SecretStr
from hrx.ops.console.duties import make_ticker
from hrx.ops.ledger.entries import Entry, EntryFilter
from hrx.ops.ledger.incidents import Incident, list_unresolved
from hrx.ops.operators.roles import Actor, Role
from hrx.ops.run.plane import Plane, opened_plane
from hrx.ops.settings import OpsSettings
from hrx.ops.signal import Severity, Signal, SignalSource, SignalState
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.machine import Machine
from tests.conftest import ROOT

RESPONDER = Actor(name="sato", role=Role.RESPONDER, is_operator=True)
OTHER = Actor(name="suzuki", role=Role.RESPONDER, is_operator=True)
VIEWER = Actor(name="viewer", role=Role.VIEWER, is_operator=True)


@pytest.fixture
def quiet(tmp_path: Path) -> Iterator[Plane]:
    """An opened plane of which only the ledger is real."""
    settings = OpsSettings(
        var_dir=tmp_path,
        runbook_dir=ROOT / "runbook",
        ledger_url=SecretStr(f"sqlite:///{tmp_path / 'ledger.sqlite3'}"),
        language="en",
    )
    layout = Layout(root=ROOT, var=tmp_path, tools=tmp_path / "tools", user=None)
    with opened_plane(settings, target=Machine(layout)) as opened:
        yield opened


def make_signal(
    key: str = "part-down:postgres",
    *,
    state: SignalState = SignalState.FIRING,
    source: SignalSource = SignalSource.WATCHER,
    name: str | None = None,
    part: str | None = None,
    severity: Severity | None = Severity.CRITICAL,
    ago_s: float = 0,
    labels: dict[str, str] | None = None,
    is_security: bool = False,
) -> Signal:
    """A signal about a part that begins now; the part is the one its key names."""
    kind, _, about = key.partition(":")
    return Signal(
        source=source,
        key=key,
        name=name or kind,
        state=state,
        started_at=clock.now() - timedelta(seconds=ago_s),
        summary=Text(ja=f"{about or kind}の異常", en=f"trouble with {about or kind}"),
        part=part if part is not None else (about or None),
        severity=severity,
        labels=labels or {},
        is_security=is_security,
    )


def unresolved(plane: Plane) -> list[Incident]:
    """The incidents in which somebody still has something to do, the oldest first."""
    with plane.ledger.store.read() as connection:
        return sorted(list_unresolved(connection), key=lambda found: found.id)


def unresolved_about(plane: Plane, part: str) -> Incident:
    """The one incident about a part, whatever else a running watcher has found on a busy machine."""
    (found,) = [one for one in unresolved(plane) if one.part == part]
    return found


def story(plane: Plane, incident_id: int) -> list[Entry]:
    """The time line of an incident, oldest first."""
    entries = plane.ledger.list_entries(EntryFilter(subject=f"incident:{incident_id}"), limit=500)
    return list(reversed(entries))


def changes(plane: Plane, incident_id: int) -> list[str]:
    return [str(entry.body.get("change", entry.kind.value)) for entry in story(plane, incident_id)]


def tick(plane: Plane, *, after: timedelta = timedelta(0)) -> None:
    """Do what is due at that time from now; the clock comes back afterwards."""
    ticker = make_ticker(plane)
    with clock.shifted(after):
        ticker.tick()
    ticker.stop()
