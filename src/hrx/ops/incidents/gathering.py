"""Gathering conditions that have just begun into incidents, within one write transaction of the intake."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.incidents.grouping import Case, Newcomer, Place, Why, place
from hrx.ops.incidents.lifecycle import (
    ask_triage,
    change_within,
    hasten_paging,
    merge_within,
    note_within,
    open_within,
    page,
    reopen_within,
    stop_watching,
    watch_quiet,
)
from hrx.ops.incidents.naming import title_for
from hrx.ops.ledger.entries import Kind
from hrx.ops.ledger.incidents import (
    Incident,
    IncidentState,
    find_incident,
    get_within,
    list_unresolved,
    save_incident,
)
from hrx.ops.ledger.signals import Condition, Standing, count_standing, key_of
from hrx.ops.ledger.store import Connection
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.graph import make_graph
from hrx.ops.signal import Severity, Signal

#: How many conditions one entry names; the rows have all of them.
_NAMED: Final = 10


class Gathering:
    """The incidents as they become while conditions are taken in, one after the other.

    New incidents have negative numbers until they are written: a storm leaves one row and not many."""

    def __init__(self, plane: Plane, connection: Connection, *, signals: Sequence[Signal]) -> None:
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
        if former is not None and former.is_unresolved:
            self._join(former.id, begun, Place(why=Why.SAME_CONDITION, number=former.id))
            return
        found = place(self._newcomer(begun), cases=self._open_cases(), graph=self._graph, rules=self._rules)
        # What broke in earnest is not opened again by a drill, nor the other way round.
        is_same_kind = former is not None and former.is_drill == bool(begun.body.get("is_drill"))
        # An open incident that explains it comes first: one fault is one incident, whatever it was before.
        if former is not None and found.number is None and is_same_kind and self._is_back_soon(former):
            self._reopen(former, begun)
            return
        number = found.number if found.number is not None else self._draft(begun)
        if former is not None and found.number is None:
            self._follows[number] = former.id
        self._join(number, begun, found)

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
        counts = self._count_by_incident(heard)
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
            has_begun = any(found.key in begun and found.incident_id == incident_id for found in heard)
            self._judge_quiet(incident, standing[incident_id], has_begun=has_begun)
        self.changed = tuple(sorted(touched - set(self.opened)))

    # ── deciding ──────────────────────────────────────────────────────────────────────────────────────

    def _open_cases(self) -> list[Case]:
        return [case for number, case in self._cases.items() if number not in self._into]

    def _find_former(self, incident_id: int | None) -> Incident | None:
        if incident_id is None:
            return None
        found = self._incidents.get(incident_id) or find_incident(self._connection, incident_id)
        while found is not None and found.merged_into is not None:
            found = self._incidents.get(found.merged_into) or find_incident(
                self._connection, found.merged_into
            )
        return found

    def _is_back_soon(self, former: Incident) -> bool:
        return (
            former.state is IncidentState.RESOLVED
            and former.resolved_at is not None
            and clock.now() - former.resolved_at <= self._rules.reopen
        )

    def _reopen(self, former: Incident, begun: Condition) -> None:
        facts = {"because": begun.key, "summary": _words(begun.summary)}
        again = reopen_within(
            self._plane, self._connection, former, actor=self._actor, facts=facts, change="reopened"
        )
        self._incidents[again.id] = again
        self._cases[again.id] = self._to_case(again, Standing(firing=1))
        self._join(again.id, begun, Place(why=Why.SAME_CONDITION, number=again.id))

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
            has_firing=True,
            is_storm=case.is_storm or found.why is Why.STORM,
        )

    def _newcomer(self, begun: Condition) -> Newcomer:
        return Newcomer(
            name=begun.name,
            service=self._graph.service_of(begun.part),
            severity=self._severity_of(begun),
            at=clock.now(),
            is_security=bool(begun.body.get("is_security")),
            is_drill=bool(begun.body.get("is_drill")),
        )

    def _severity_of(self, found: Condition) -> Severity:
        """What was said; else by the part: a required one is major, anything else minor."""
        if found.severity is not None:
            return found.severity
        service = self._graph.service_of(found.part)
        is_required = any(part.required and part.service == service for part in self._plane.content.parts)
        return Severity.MAJOR if is_required else Severity.MINOR

    def _to_case(self, incident: Incident, standing: Standing) -> Case:
        last = incident.body.get("last_joined_at")
        return Case(
            number=incident.id,
            service=self._graph.service_of(incident.part),
            severity=incident.severity,
            names=frozenset(incident.body.get("names", [])),
            opened_at=incident.opened_at,
            last_at=datetime.fromisoformat(last) if last else incident.opened_at,
            has_firing=standing.firing > 0,
            is_security=incident.is_security,
            is_drill=incident.is_drill,
            is_storm=bool(incident.body.get("is_storm")),
        )

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
            part=self._part_of(lead),
            sop=self._sop_of(lead, case),
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
                "to_part": self._part_of(lead),
                "from_title": {"ja": incident.title.ja, "en": incident.title.en},
                "title": _words(self._title_of(lead)),
                "cause": lead.key,
            }
            moved = replace(
                incident,
                part=self._part_of(lead),
                title=self._title_of(lead),
                sop=self._sop_of(lead, case),
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

    def _part_of(self, lead: Condition) -> str | None:
        """The part as parts.yaml names it, when it does."""
        known = {part.name for part in self._plane.content.parts}
        if lead.part is None or lead.part in known:
            return lead.part
        service = self._graph.service_of(lead.part)
        return next(
            (part.name for part in self._plane.content.parts if part.service == service and part.required),
            lead.part,
        )

    def _sop_of(self, lead: Condition, case: Case) -> str | None:
        said = lead.body.get("sop")
        if said:
            return str(said)
        if case.is_security:
            return self._rules.security_sop
        service = self._graph.service_of(lead.part)
        return self._rules.sops.get(service) if service is not None else None

    def _count_by_incident(self, heard: Sequence[Condition]) -> dict[int, dict[str, object]]:
        homes = {found.key: found.incident_id for found in heard}
        signals: dict[int, Counter[str]] = {}
        sources: dict[int, Counter[str]] = {}
        for one in self._signals:
            home = homes.get(key_of(one))
            if home is not None:
                signals.setdefault(home, Counter())[one.state.value] += 1
                sources.setdefault(home, Counter())[one.source.value] += 1
        return {
            home: {
                "received": sum(states.values()),
                "firing": states["firing"],
                "resolved": states["resolved"],
                "sources": dict(sources[home]),
            }
            for home, states in signals.items()
        }

    def _why_of(self, incident_id: int) -> set[str]:
        return {
            why.value
            for number, joined in self._joined.items()
            if self._written[self._root(number)] == incident_id
            for _, why in joined
        }

    def _judge_quiet(self, incident: Incident, standing: Standing, *, has_begun: bool) -> None:
        if incident.state in (IncidentState.OPEN, IncidentState.ACKNOWLEDGED):
            if standing.is_quiet:
                watch_quiet(self._plane, self._connection, incident)
            else:
                stop_watching(self._connection, incident)
        elif incident.state is IncidentState.MITIGATED and has_begun:
            reopen_within(
                self._plane, self._connection, incident, actor=self._actor, facts={}, change="relapsed"
            )


def _words(said: Text) -> dict[str, str]:
    return {"ja": said.ja, "en": said.en}
