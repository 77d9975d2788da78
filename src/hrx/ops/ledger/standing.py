"""How the conditions of incidents stand: whether anything still holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from hrx.ops.ledger.respond_tables import condition
from hrx.ops.ledger.signals import PEOPLE, TRACE_PREFIX
from hrx.ops.signal import SignalSource, SignalState


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the conditions of one incident stand: those that machines told, and whether they still hold.

    Traces (an error budget that burns) tell for hours of what is over: they count in `conditions` and
    `firing`, and decide only where there is nothing else."""

    conditions: int = 0
    firing: int = 0
    told_by_machines: int = 0
    firing_by_machines: int = 0
    traces: int = 0
    firing_traces: int = 0

    @property
    def is_only_trace(self) -> bool:
        return self.traces > 0 and self.traces == self.conditions

    @property
    def is_holding(self) -> bool:
        """Whether anything holds that says what is now."""
        return self.firing > (0 if self.is_only_trace else self.firing_traces)

    @property
    def is_quiet(self) -> bool:
        """Whether everything that can say by itself that it is over has said so."""
        if self.is_only_trace:
            return self.firing_traces == 0
        return self.told_by_machines > 0 and self.firing_by_machines == 0


def count_standing(connection: Connection, incident_ids: Sequence[int]) -> dict[int, Standing]:
    """How the conditions of each of these incidents stand."""
    is_trace = condition.c.key.startswith(TRACE_PREFIX, autoescape=True)
    columns = (condition.c.incident_id, condition.c.state, condition.c.source, is_trace)
    statement = (
        select(*columns, func.count()).where(condition.c.incident_id.in_(incident_ids)).group_by(*columns)
    )
    found = dict.fromkeys(incident_ids, Standing())
    for incident_id, state, source, is_one, count in connection.execute(statement):
        before = found[incident_id]
        firing = count if state == SignalState.FIRING.value else 0
        by_machine = SignalSource(source) not in PEOPLE and not is_one
        found[incident_id] = Standing(
            conditions=before.conditions + count,
            firing=before.firing + firing,
            told_by_machines=before.told_by_machines + (count if by_machine else 0),
            firing_by_machines=before.firing_by_machines + (firing if by_machine else 0),
            traces=before.traces + (count if is_one else 0),
            firing_traces=before.firing_traces + (firing if is_one else 0),
        )
    return found
