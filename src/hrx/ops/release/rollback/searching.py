"""Finding an order in which nothing breaks on the way: every state between is judged, not just the last.

A roll-back moves few components, so all states are few (at most 2⁷ × 3) and all of them can be looked at.
What is broken before the first step may stay broken until the last: that is why somebody rolls back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations
from typing import Final

from hrx.ops.release.contracts import find_missing
from hrx.ops.release.fits import Fault, Problem
from hrx.ops.release.graph import ReleaseGraph, find_demand, used_by
from hrx.ops.release.releases import Component, Release
from hrx.ops.release.rollback.losing import WayDown, may_break
from hrx.ops.release.rollback.state import RollbackFacts, SchemaState
from hrx.ops.release.shapes import RuleKind, SchemaShape

#: Pages go first, so that they ask for nothing new; the schema last, when nobody uses what goes.
PREFERRED: Final = (
    Component.WEB,
    Component.API,
    Component.PROMPT,
    Component.MODEL,
    Component.INDEX,
    Component.SETTINGS,
    Component.SCHEMA,
)
_POINTERS: Final = (Component.MODEL, Component.PROMPT, Component.INDEX)

#: Each fails what used the column, and nothing else; a changed type may write wrong values instead.
_NO_WORSE_THAN_GONE: Final = frozenset({Fault.NULL_POSSIBLE, Fault.NULL_REFUSED})


class Running(StrEnum):
    """Whose API and workers run."""

    LIVE = "live"
    BOTH = "both"
    TARGET = "target"
    NOBODY = "nobody"


class MoveKind(StrEnum):
    SWITCH = "switch"
    STOP = "stop"
    START = "start"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Components that change at one moment; STOP and START are those of a maintenance window."""

    kind: MoveKind = MoveKind.SWITCH
    components: frozenset[Component] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One question: these components from `live` to `to`, the schema staying (`way` None) or going down.

    `is_closing`: the API moves by being stopped; what was counted is counted again while nobody runs."""

    graph: ReleaseGraph
    live: Release
    to: Release
    schema: SchemaState
    facts: RollbackFacts
    moving: frozenset[Component]
    way: WayDown | None = None
    is_closing: bool = False
    _judged: dict[tuple[str, bool], frozenset[Problem]] = field(default_factory=dict)

    @property
    def goals(self) -> frozenset[Component]:
        return self.moving | ({Component.SCHEMA} if self.way is not None else frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    done: frozenset[Component]
    running: Running


def find_order(case: Case, *, with_joint: bool) -> tuple[Move, ...] | None:
    """The first safe order in which the preferred component goes first; None when no order is safe."""
    start = _State(done=frozenset(), running=Running.LIVE)
    already = judge_state(case, start)
    if judge_end(case):
        return None
    seen: set[_State] = set()

    def walk(state: _State) -> tuple[Move, ...] | None:
        if state.done == case.goals:
            return ()
        seen.add(state)
        for move, passing, after in _list_moves(case, state, with_joint=with_joint):
            if after in seen or any(_list_new(case, one, already) for one in (*passing, after)):
                continue
            rest = walk(after)
            if rest is not None:
                return (move, *rest)
        return None

    return walk(start)


def _list_new(case: Case, state: _State, already: frozenset[Problem]) -> frozenset[Problem]:
    """What is broken now and was not before. Code whose column is gone fails wherever it uses it: that the
    column is back and may be empty, or refuses empty values, breaks nothing more of it."""
    gone = {(one.who, one.subject) for one in already if one.fault is Fault.COLUMN_GONE and one.is_certain}
    return frozenset(
        one
        for one in judge_state(case, state) - already
        if one.fault not in _NO_WORSE_THAN_GONE or (one.who, one.subject) not in gone
    )


def judge_end(case: Case) -> frozenset[Problem]:
    """What would be broken at the end, in any order; where the API stays, so does what it broke before."""
    found = judge_state(case, _end_of(case))
    if Component.API in case.goals:
        return found
    return found - judge_state(case, _State(done=frozenset(), running=Running.LIVE))


def judge_worst(case: Case) -> frozenset[Problem]:
    """What breaks on the way when every component moves alone in the preferred order."""
    start = _State(done=frozenset(), running=Running.LIVE)
    found: set[Problem] = set()
    state = start
    for component in PREFERRED:
        if component in case.goals:
            for one in _switch(state, frozenset({component})):
                found |= judge_state(case, one)
                state = one
    return frozenset(found) - judge_state(case, start)


def _end_of(case: Case) -> _State:
    running = Running.TARGET if Component.API in case.goals else Running.LIVE
    return _State(done=case.goals, running=running)


def _list_moves(
    case: Case, state: _State, *, with_joint: bool
) -> Iterator[tuple[Move, tuple[_State, ...], _State]]:
    """A move, the states that it passes through, and the one it leads to."""
    for chosen in _list_sets(case, case.goals - state.done, with_joint=with_joint):
        if Component.API in chosen and (case.is_closing or state.running is not Running.LIVE):
            continue
        must_be_closed = case.way is not None and bool(case.way.count_again)
        if Component.SCHEMA in chosen and must_be_closed and state.running is not Running.NOBODY:
            continue
        *passing, after = _switch(state, chosen)
        yield Move(components=chosen), tuple(passing), after
    if case.is_closing and Component.API in case.goals - state.done:
        if state.running is Running.LIVE:
            yield Move(kind=MoveKind.STOP), (), _State(done=state.done, running=Running.NOBODY)
        else:
            after = _State(done=state.done | {Component.API}, running=Running.TARGET)
            yield Move(kind=MoveKind.START, components=frozenset({Component.API})), (), after


def _list_sets(case: Case, left: frozenset[Component], *, with_joint: bool) -> Iterator[frozenset[Component]]:
    for component in PREFERRED:
        if component in left:
            yield frozenset({component})
    if not with_joint:
        return
    if {Component.WEB, Component.API} <= left:
        yield frozenset({Component.WEB, Component.API})
    pointers = [one for one in _POINTERS if one in left & case.facts.at_once]
    for size in (2, 3):
        yield from map(frozenset, combinations(pointers, size))


def _switch(state: _State, chosen: frozenset[Component]) -> tuple[_State, ...]:
    """The states on the way; two versions of the API run side by side for a while."""
    if Component.API not in chosen:
        return (_State(done=state.done | chosen, running=state.running),)
    # A slot that moves as a whole keeps its pages to itself, so web and API meet in pairs only.
    done = state.done | chosen if Component.WEB in chosen else state.done
    both = _State(done=done, running=Running.BOTH)
    return both, _State(done=state.done | chosen, running=Running.TARGET)


def judge_state(case: Case, state: _State) -> frozenset[Problem]:
    """Everything that is broken, or not shown to hold, while things stand so."""
    found: set[Problem] = set()
    running = _list_running(case, state.running)
    # Where nothing has moved it goes on as before; of all else nobody can tell whether it copes.
    if state.done:
        found |= {
            Problem(who=name, fault=Fault.NOT_ON_RECORD, subject="", is_certain=False)
            for name in _name_running(case, state.running) - _list_known(case).keys()
        }
    for release in running:
        found |= _judge_on_schema(case, release, is_down=Component.SCHEMA in state.done)
        for used in used_by(Component.API):
            for owner in _list_owners(case, state, used, [release]):
                found |= _judge_pair(case, release, Component.API, owner, used)
    if state.running is not Running.NOBODY:
        found |= _judge_pages(case, state, running)
        for user in (Component.PROMPT, Component.INDEX):
            for used in used_by(user):
                for owner in _list_owners(case, state, user, running):
                    found |= _judge_pair(case, owner, user, _owner(case, state, used), used)
    return frozenset(found)


def _list_owners(case: Case, state: _State, component: Component, running: list[Release]) -> list[Release]:
    """Whose version of it is in use: what is part of the code is each one's own."""
    return running if component in case.facts.in_code else [_owner(case, state, component)]


def _judge_pages(case: Case, state: _State, running: list[Release]) -> frozenset[Problem]:
    if state.running is Running.BOTH and Component.WEB in state.done and Component.API in state.done:
        pairs = [(one, one) for one in running]
    else:
        pages = _owner(case, state, Component.WEB)
        pairs = [(pages, one) for one in running]
    found: set[Problem] = set()
    for pages, api in pairs:
        found |= _judge_pair(case, pages, Component.WEB, api, Component.API)
    return frozenset(found)


def judge_tab(case: Case, pages: Release, api: Release) -> frozenset[Problem]:
    """What a page that is open in a browser misses when this API answers it."""
    return _judge_pair(case, pages, Component.WEB, api, Component.API)


def _name_running(case: Case, running: Running) -> frozenset[str]:
    before = {case.live.id, *case.facts.serving, *case.facts.workers}
    names: set[str] = set()
    if running in {Running.LIVE, Running.BOTH}:
        names |= before
    if running in {Running.BOTH, Running.TARGET}:
        names.add(case.to.id)
    return frozenset(names)


def _list_known(case: Case) -> Mapping[str, Release]:
    return {**case.graph.releases, case.live.id: case.live, case.to.id: case.to}


def _list_running(case: Case, running: Running) -> list[Release]:
    """Those that are on record; `judge_state` says of the others that nobody knows."""
    known = _list_known(case)
    return [known[name] for name in sorted(_name_running(case, running)) if name in known]


def _owner(case: Case, state: _State, component: Component) -> Release:
    return case.to if component in state.done else case.live


def _judge_on_schema(case: Case, release: Release, *, is_down: bool) -> frozenset[Problem]:
    known = case._judged.get((release.id, is_down))
    if known is not None:
        return known
    revision, shape = _schema_of(case, is_down=is_down)
    found = frozenset(
        one
        for one in case.graph.judge_fit(release, revision=revision, shape=shape)
        if not _is_counted_out(case, release, one)
    )
    case._judged[(release.id, is_down)] = found
    return found


def _schema_of(case: Case, *, is_down: bool) -> tuple[str, SchemaShape | None]:
    if is_down and case.way is not None:
        return case.way.revision, case.way.shape
    return case.schema.revision, case.schema.find_shape(case.graph)


def _judge_pair(
    case: Case, user: Release, what: Component, used: Release, other: Component
) -> frozenset[Problem]:
    """Whether one component finds in another what it needs."""
    build, offering = user.components.get(what), used.components.get(other)
    if build is None:
        return frozenset()
    who = f"{what.value} {user.id}"
    if offering is None:
        # A release that never had the other one does not need it.
        is_needed = user.components.get(other) is not None
        missing = Problem(who=who, fault=Fault.MISSING, subject=other.value, is_certain=True)
        return frozenset({missing}) if is_needed else frozenset()
    if build.needs is not None and offering.offers is not None:
        return frozenset(
            Problem(who=who, fault=Fault.NOT_OFFERED, subject=name, is_certain=True)
            for name in find_missing(build.needs, offering.offers, of=other)
        )
    # Nobody recorded what they need: having been tested together is all that speaks for them.
    if case.graph.were_together(what, build.version, other, offering.version):
        return frozenset()
    subject = f"{other.value} {offering.version}"
    return frozenset({Problem(who=who, fault=Fault.NEVER_TOGETHER, subject=subject, is_certain=False)})


def _is_counted_out(case: Case, release: Release, problem: Problem) -> bool:
    """Whether it was counted that no row holds what this release does not know, and nobody writes such a row
    until it serves."""
    if case.facts.breaking.get(problem.subject) != 0:
        return False
    if problem.fault not in {Fault.NULL_POSSIBLE, Fault.RULE_GONE} or release.shape is None:
        return False
    demand = find_demand(release.shape, problem.subject)
    columns = frozenset({problem.subject})
    if demand.rule is not None:
        columns = demand.rule.columns
        if demand.rule.kind not in {RuleKind.CHECK, RuleKind.REFERENCE} or not columns:
            return False
    if case.is_closing:
        return True
    writers = case.facts.serving | case.facts.workers | {case.live.id}
    return not may_break(case.graph, writers - {release.id}, demand=demand, columns=columns)


def list_count_again(case: Case) -> tuple[str, ...]:
    """What has to be counted once more while nobody runs: rules and columns that the older code, or the way
    down, relies on."""
    if not case.is_closing:
        return ()
    down = case.way is not None
    revision, shape = _schema_of(case, is_down=down)
    found = case.graph.judge_fit(case.to, revision=revision, shape=shape)
    own = {one.subject for one in found if _is_counted_out(case, case.to, one)}
    return tuple(sorted(own | set(case.way.count_again if case.way is not None else ())))
