"""Gathering conditions that have just begun into incidents, within one write transaction of the intake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.incidents.cases import count_by_incident, is_back_soon, severity_of, to_case, to_newcomer
from hrx.ops.incidents.grouping import Case, Newcomer, Place, Why, place
from hrx.ops.incidents.lifecycle import (
    ask_triage,
    change_within,
    hasten_paging,
    judge_quiet,
    merge_within,
    note_within,
    open_within,
    page,
    reopen_within,
)
from hrx.ops.incidents.naming import part_of, sop_of, title_for
from hrx.ops.incidents.traces import is_burning_on, looks_back, watch_burning
from hrx.ops.ledger.entries import Kind
from hrx.ops.ledger.incidents import (
    Incident,
    IncidentState,
    find_incident,
    get_within,
    list_resolved_since,
    list_unresolved,
    save_incident,
)
from hrx.ops.ledger.signals import Condition, is_trace
from hrx.ops.ledger.standing import Standing, count_standing
from hrx.ops.ledger.store import Connection
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.graph import make_graph
from hrx.ops.signal import Severity, Signal

#: How many conditions one entry names; the rows have all of them.
_NAMED: Final = 10


class Gathering:
    """The incidents as they become while conditions are taken in, one after the other.

    New incidents have negative numbers until they are written: a storm leaves one row and not many."""

    def __init__(
        self,
        plane: Plane,
        connection: Connection,
        *,
        signals: Sequence[Signal],
        is_of_the_past: bool = True,
    ) -> None:
        """`is_of_the_past`: whether a budget that burns may be about an incident that is over."""
        self._plane, self._connection, self._signals = plane, connection, signals
        self._rules = plane.content.respond.grouping
        self._graph = make_graph(plane.content.parts, aliases=self._rules.aliases)
        self._incidents = {found.id: found for found in list_unresolved(connection)}
        standing = count_standing(connection, list(self._incidents))
        self._cases = {
            found.id: self._to_case(found, standing[found.id]) for found in self._incidents.values()
        }
        self._joined: dict[int, list[tuple[Condition, Why]]] = {}
        self._leads: dict[int, Condition] = {}
        self._into: dict[int, int] = {}
        self._follows: dict[int, int] = {}
        self._written: dict[int, int] = {}
        self._is_of_the_past = is_of_the_past
        #: Keys of traces that joined what is over: they bring nothing back.
        self._quietly: set[str] = set()
        self._actor = signals[0].source.value
        self.opened: tuple[int, ...] = ()
        self.changed: tuple[int, ...] = ()

    def in_order(self, begun: Sequence[Condition]) -> list[str]:
        """Keys of conditions, causes before their symptoms, so that they find each other at once."""
        services = {self._graph.service_of(found.part) for found in begun}
        weights = {name: -len(self._graph.list_symptoms(name)) for name in services if name is not None}

        def rank(found: Condition) -> tuple[int, int, str]:
            service = self._graph.service_of(found.part)
            weight = weights[service] if service is not None else 1
            return (weight, int(self._severity_of(found)), found.key)

        return [found.key for found in sorted(begun, key=rank)]

    def take(self, begun: Condition) -> None:
        """Decide where a condition that has just begun belongs."""
        former = self._find_former(begun.incident_id)
        is_of_the_past = is_trace(begun.key) and self._is_of_the_past
        is_over = is_of_the_past and former is not None and former.mitigated_at is not None
        if former is not None and former.is_unresolved and not is_over:
            self._join_again(former, begun)
            return
        over = self._list_over(begun) if is_of_the_past else []
        found = place(
            self._newcomer(begun), cases=self._open_cases(), over=over, graph=self._graph, rules=self._rules
        )
        if found.why is Why.BUDGET and found.number is not None:
            case = self._cases[found.number]
            if case.ended_at is not None and not case.has_firing:
                self._quietly.add(begun.key)
        if former is not None and found.number is None and self._goes_on(former, begun):
            return
        number = found.number if found.number is not None else self._draft(begun)
        if former is not None and found.number is None:
            self._follows[number] = former.id
        self._join(number, begun, found)

    def tell_more(self, found: Condition, *, is_worse: bool) -> None:
        """More is said of a condition that holds already; when it is worse, its incident is as bad.

        A budget's incident may be over, and not explain what is told now."""
        home = self._find_former(found.incident_id)
        if home is None:
            return
        if is_trace(found.key) and home.mitigated_at is not None:
            burns_on = is_burning_on(self._plane.content.watch, found, ended_at=home.mitigated_at)
            if burns_on or (is_worse and self._severity_of(found) < home.severity):
                self.take(found)
            else:
                self._quietly.add(found.key)
        elif is_worse and home.is_unresolved:
            self._join_again(home, found)

    def settle_homes(self, heard: Mapping[str, Condition]) -> dict[str, int | None]:
        """Write new and changed incidents; gives the incident of each condition heard of."""
        for number in self._joined:
            if number not in self._into:
                self._write(number)
        homes: dict[str, int | None] = {key: found.incident_id for key, found in heard.items()}
        for number, joined in self._joined.items():
            for found, _ in joined:
                homes[found.key] = self._written[self._root(number)]
        return homes

    def finish(self, heard: Sequence[Condition], *, begun: set[str]) -> None:
        """Say in each incident's time line what came in, and see whether it has gone quiet."""
        touched = {found.incident_id for found in heard if found.incident_id is not None}
        standing = count_standing(self._connection, sorted(touched))
        counts = count_by_incident(self._signals, heard)
        for incident_id in sorted(touched):
            incident = get_within(self._connection, incident_id)
            facts = {
                "change": "signals",
                **counts[incident_id],
                "why": sorted(self._why_of(incident_id)),
                "conditions": standing[incident_id].conditions,
                "holding": standing[incident_id].firing,
                "summaries": [
                    {"ja": found.summary.ja, "en": found.summary.en, "state": found.state.value}
                    for found in heard
                    if found.incident_id == incident_id
                ][:_NAMED],
            }
            note_within(
                self._plane,
                self._connection,
                incident,
                kind=Kind.SIGNALS,
                actor=self._actor,
                facts=facts,
            )
            here = {found.key for found in heard if found.incident_id == incident_id}
            has_begun = bool(here & begun - self._quietly)
            judge_quiet(
                self._plane,
                self._connection,
                incident,
                standing[incident_id],
                has_begun=has_begun,
                actor=self._actor,
            )
            if here & self._quietly:
                watch_burning(self._plane.content.watch, self._connection, incident)
        self.changed = tuple(sorted(touched - set(self.opened)))

    # ── deciding ──────────────────────────────────────────────────────────────────────────────────────

    def _open_cases(self) -> list[Case]:
        return [
            case
            for number, case in self._cases.items()
            if number not in self._into and (number < 0 or self._incidents[number].is_unresolved)
        ]

    def _list_over(self, begun: Condition) -> list[Case]:
        """What was resolved so lately that this trace may be about it."""
        since = clock.now() - looks_back(self._plane.content.watch, begun)
        over = list_resolved_since(self._connection, since)
        standing = count_standing(self._connection, [one.id for one in over])
        for one in over:
            if one.id not in self._cases:
                self._incidents[one.id] = one
                self._cases[one.id] = self._to_case(one, standing[one.id])
        return [self._cases[one.id] for one in over]

    def _find_former(self, incident_id: int | None) -> Incident | None:
        if incident_id is None:
            return None
        found = self._incidents.get(incident_id) or find_incident(self._connection, incident_id)
        while found is not None and found.merged_into is not None:
            found = self._incidents.get(found.merged_into) or find_incident(
                self._connection, found.merged_into
            )
        return found

    def _goes_on(self, former: Incident, begun: Condition) -> bool:
        """Let its former incident go on when nothing else explains it and that is no long time ago."""
        if former.is_unresolved:
            self._join_again(former, begun)
            return True
        # What broke in earnest is not opened again by a drill, nor the other way round; what burns on after
        # an outage is no return of it.
        is_same_kind = former.is_drill == bool(begun.body.get("is_drill"))
        is_burning_on = is_trace(begun.key) and not self._is_of_the_past
        if not is_same_kind or is_burning_on or not is_back_soon(former, self._rules):
            return False
        # A symptom that is back alone would call people to a cause that is not.
        if former.part is not None and not self._is_about(former.part, begun):
            return False
        self._reopen(former, begun)
        return True

    def _is_about(self, part: str, begun: Condition) -> bool:
        return self._graph.service_of(begun.part) == self._graph.service_of(part)

    def _reopen(self, former: Incident, begun: Condition) -> None:
        facts = {"because": begun.key, "summary": _words(begun.summary)}
        again = reopen_within(
            self._plane, self._connection, former, actor=self._actor, facts=facts, change="reopened"
        )
        self._incidents[again.id] = again
        self._cases[again.id] = self._to_case(again, Standing(firing=1))
        self._join_again(again, begun)

    def _join_again(self, home: Incident, found: Condition) -> None:
        self._join(home.id, found, Place(why=Why.SAME_CONDITION, number=home.id))

    def _draft(self, begun: Condition) -> int:
        number = min([0, *self._cases]) - 1
        newcomer = self._newcomer(begun)
        self._cases[number] = Case(
            number=number,
            service=newcomer.service,
            severity=newcomer.severity,
            names=frozenset({begun.name}),
            opened_at=newcomer.at,
            last_at=newcomer.at,
            has_firing=True,
            is_security=newcomer.is_security,
            is_drill=newcomer.is_drill,
            is_only_trace=newcomer.is_trace,
        )
        self._leads[number] = begun
        return number

    def _join(self, number: int, begun: Condition, found: Place) -> None:
        self._joined.setdefault(number, []).append((begun, found.why))
        case = self._cases[number]
        newcomer = self._newcomer(begun)
        absorbed = [self._cases[other] for other in found.absorbs]
        for other in found.absorbs:
            self._into[other] = number
        if found.why is Why.CAUSE:
            self._leads[number] = begun
        self._cases[number] = replace(
            case,
            service=newcomer.service if found.why is Why.CAUSE else case.service,
            severity=min([case.severity, newcomer.severity, *(other.severity for other in absorbed)]),
            names=case.names.union({begun.name}, *(other.names for other in absorbed)),
            last_at=newcomer.at,
            has_firing=case.has_firing or not newcomer.is_trace or case.is_only_trace,
            is_only_trace=newcomer.is_trace and all(one.is_only_trace for one in (case, *absorbed)),
            is_storm=case.is_storm or found.why is Why.STORM,
        )

    def _newcomer(self, begun: Condition) -> Newcomer:
        looks = looks_back(self._plane.content.watch, begun) if self._is_of_the_past else timedelta(0)
        return to_newcomer(begun, self._plane.content.parts, self._graph, looks_back=looks)

    def _severity_of(self, found: Condition) -> Severity:
        return severity_of(found, self._plane.content.parts, self._graph)

    def _to_case(self, incident: Incident, standing: Standing) -> Case:
        return to_case(incident, standing, self._graph)

    # ── writing ───────────────────────────────────────────────────────────────────────────────────────

    def _root(self, number: int) -> int:
        while number in self._into:
            number = self._into[number]
        return number

    def _write(self, number: int) -> None:
        incident = self._open(number) if number < 0 else self._update(number)
        self._written[number] = incident.id
        for other, into in self._into.items():
            if into == number and other > 0:
                why = self._joined[number][-1][1]
                merge_within(
                    self._plane,
                    self._connection,
                    get_within(self._connection, other),
                    into=incident,
                    actor=self._actor,
                    facts={"because": why.value},
                )

    def _title_of(self, lead: Condition) -> Text:
        return title_for(lead, self._plane.content.parts)

    def _open(self, number: int) -> Incident:
        case, lead = self._cases[number], self._leads[number]
        draft = Incident(
            id=0,
            state=IncidentState.OPEN,
            severity=case.severity,
            title=self._title_of(lead),
            part=part_of(lead, self._plane.content.parts, self._graph),
            sop=sop_of(lead, self._rules, self._graph, is_security=case.is_security),
            opened_at=clock.now(),
            is_drill=case.is_drill,
            is_security=case.is_security,
            body=self._body({}, number),
        )
        facts: dict[str, object] = {
            "title": _words(self._title_of(lead)),
            "part": draft.part,
            "sop": draft.sop,
            "cause": lead.key,
            "source": lead.source.value,
            "follows": self._follows.get(number),
        }
        opened = open_within(self._plane, self._connection, draft, actor=self._actor, facts=facts)
        self.opened = (*self.opened, opened.id)
        return opened

    def _update(self, number: int) -> Incident:
        incident, case = get_within(self._connection, number), self._cases[number]
        lead = self._leads.get(number)
        if lead is not None:
            facts: dict[str, object] = {
                "from_part": incident.part,
                "to_part": part_of(lead, self._plane.content.parts, self._graph),
                "from_title": {"ja": incident.title.ja, "en": incident.title.en},
                "title": _words(self._title_of(lead)),
                "cause": lead.key,
            }
            moved = replace(
                incident,
                part=part_of(lead, self._plane.content.parts, self._graph),
                title=self._title_of(lead),
                sop=sop_of(lead, self._rules, self._graph, is_security=case.is_security),
            )
            incident = self._change(moved, "cause_moved", facts)
            # Another part may have another SOP, and what was supported before may be a symptom now.
            ask_triage(self._connection, incident, because="cause_moved")
        if case.severity < incident.severity:
            facts = {"from": int(incident.severity), "to": int(case.severity)}
            raised = replace(incident, severity=case.severity)
            incident = self._change(raised, "severity_raised", facts)
            if not hasten_paging(self._connection, incident):
                page(self._plane, self._connection, incident)
        # What joined and why is said in the entry about the signals.
        return save_incident(self._connection, replace(incident, body=self._body(incident.body, number)))

    def _change(self, after: Incident, change: str, facts: Mapping[str, object]) -> Incident:
        return change_within(
            self._plane, self._connection, after, change=change, actor=self._actor, facts=facts
        )

    def _body(self, body: Mapping[str, object], number: int) -> dict[str, object]:
        case = self._cases[number]
        why = [why for _, why in self._joined.get(number, [])]
        changed = {
            **body,
            "names": sorted(case.names)[:_NAMED],
            "last_joined_at": clock.now().isoformat(),
        }
        if Why.STORM in why or any(into == number for into in self._into.values()):
            changed["is_storm"] = body.get("is_storm", False) or Why.STORM in why
        if number in self._follows:
            changed["follows"] = self._follows[number]
        return changed

    def _why_of(self, incident_id: int) -> set[str]:
        return {
            why.value
            for number, joined in self._joined.items()
            if self._written[self._root(number)] == incident_id
            for _, why in joined
        }


def _words(said: Text) -> dict[str, str]:
    return {"ja": said.ja, "en": said.en}
