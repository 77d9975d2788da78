"""The answer to one question: a plan, or every reason against it. Alternatives are looked for elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hrx.kit.errors import Text
from hrx.ops.release.fits import Fault, Problem
from hrx.ops.release.graph import ReleaseGraph
from hrx.ops.release.releases import Component, Release
from hrx.ops.release.rollback.composing import compose_plan
from hrx.ops.release.rollback.losing import WayDown, list_ways_down
from hrx.ops.release.rollback.plans import RollbackPlan
from hrx.ops.release.rollback.searching import Case, find_order, judge_end, judge_worst
from hrx.ops.release.rollback.state import RollbackFacts, SchemaState
from hrx.ops.release.rollback.words import name_components, say_blocked, say_problem, say_several


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What was asked, with everything that decides the answer."""

    graph: ReleaseGraph
    live: Release
    to: Release
    schema: SchemaState
    facts: RollbackFacts
    only: frozenset[Component]
    may_lose: frozenset[str]
    may_stop: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class No:
    """Why there is no safe way. `shut`: the ways down that were looked at, and what shuts them."""

    reasons: tuple[Text, ...]
    shut: tuple[WayDown, ...] = ()
    would_do_closed: bool = False


def _options_of(asked: Question) -> dict[str, object]:
    return {
        "only": sorted(asked.only),
        "may_lose": sorted(asked.may_lose),
        "may_stop": asked.may_stop,
    }


def answer(asked: Question) -> RollbackPlan | No:
    """The first plan that is safe: the schema staying before going down, open before closed."""
    refused = tuple(_list_refusals(asked))
    if refused:
        return No(reasons=refused)
    moving = list_moving(asked)
    for is_closing in (False, True) if asked.may_stop else (False,):
        found = _find_plan(asked, moving, is_closing=is_closing)
        if found is not None:
            return found
    return _explain(asked, moving)


def _find_plan(asked: Question, moving: frozenset[Component], *, is_closing: bool) -> RollbackPlan | None:
    for way in _list_options(_list_ways(asked, is_closing=is_closing)):
        case = _case(asked, moving, way, is_closing=is_closing)
        for with_joint in (False, True):
            moves = find_order(case, with_joint=with_joint)
            if moves is not None:
                return compose_plan(case, moves, options=_options_of(asked))
    return None


def _list_options(ways: list[WayDown]) -> list[WayDown | None]:
    return [None, *(way for way in ways if way.is_open)]


def _list_refusals(asked: Question) -> Iterator[Text]:
    to = asked.to
    if not list_moving(asked):
        yield _say_bound(asked) if _list_bound(asked) else _say_same(asked)
    if to.id in asked.graph.withdrawn:
        yield Text(ja=f"{to.id} は取り下げられています", en=f"{to.id} was withdrawn")
    if to.id not in asked.facts.kept:
        yield Text(
            ja=f"{to.id} のビルドはもう残っていません。作り直しが必要です",
            en=f"the builds of {to.id} are no longer here and would have to be made again",
        )


def _say_same(asked: Question) -> Text:
    live, to, now = asked.live.id, asked.to.id, asked.schema.revision
    then = asked.to.find_version(Component.SCHEMA)
    if then in (None, now):
        return Text(
            ja=f"{live} と {to} で変わる部分がありません", en=f"nothing differs between {live} and {to}"
        )
    # The same code runs on the schema it runs on now, so that going down would only lose.
    return Text(
        ja=f"{live} と {to} は同じコードで、スキーマ({now} と {then})だけが違い、今のスキーマで動いています",
        en=f"{live} and {to} are the same code; only the schema differs ({now}, {to} came with {then}), "
        "and the code runs on it as it is",
    )


def _list_bound(asked: Question) -> frozenset[Component]:
    """What differs and cannot move, for the code that it is part of stays."""
    is_left = Component.API not in list_moving(asked)
    return _list_different(asked) & asked.facts.in_code if is_left else frozenset()


def _say_bound(asked: Question) -> Text:
    names = name_components(_list_bound(asked))
    return Text(
        ja=f"{names.ja}は API のコードに含まれており、API と一緒にしか戻せません",
        en=f"{names.en} are files of the API's code and go back with it only",
    )


def list_moving(asked: Question) -> frozenset[Component]:
    """Components that differ and move by a step of their own; what is part of the code moves the API. The
    schema is left out: it moves only when it must."""
    different = _list_different(asked)
    own = different - asked.facts.in_code
    may_take_along = Component.API in asked.only and asked.to.find_version(Component.API) is not None
    return own | {Component.API} if own != different and may_take_along else own


def _list_different(asked: Question) -> frozenset[Component]:
    return frozenset(
        one
        for one in asked.only - {Component.SCHEMA}
        if asked.to.find_version(one) is not None
        and asked.to.find_version(one) != asked.live.find_version(one)
    )


def _list_ways(asked: Question, *, is_closing: bool = False) -> list[WayDown]:
    revision = asked.to.find_version(Component.SCHEMA)
    if revision is None or revision == asked.schema.revision:
        return []
    return list_ways_down(
        asked.graph,
        asked.schema,
        to=revision,
        facts=asked.facts,
        may_lose=asked.may_lose,
        is_closed=is_closing,
    )


def _case(
    asked: Question, moving: frozenset[Component], way: WayDown | None, *, is_closing: bool = False
) -> Case:
    return Case(
        graph=asked.graph,
        live=asked.live,
        to=asked.to,
        schema=asked.schema,
        facts=asked.facts,
        moving=moving,
        way=way,
        is_closing=is_closing,
    )


def _explain(asked: Question, moving: frozenset[Component]) -> No:
    """The reasons, the present schema first, then every way down and what shuts it."""
    ways = _list_ways(asked, is_closing=asked.may_stop)
    options = _list_options(ways)
    stay = _case(asked, moving, None)
    problems = judge_end(stay) or judge_worst(stay)
    texts = [say_problem(one) for one in _sorted(problems)]
    # A way that stands open and still does not help breaks somebody on the way.
    for way in (one for one in options if one is not None):
        case = _case(asked, moving, way)
        texts += [say_problem(one) for one in _sorted(judge_end(case) or judge_worst(case))]
    if Component.API in moving and any(one.who == asked.to.id for one in problems):
        texts += [say_blocked(one) for way in ways[-1:] for one in way.blocked]
    closed = not asked.may_stop and _find_plan(asked, moving, is_closing=True) is not None
    return No(reasons=say_several(texts), shut=tuple(ways), would_do_closed=closed)


def _sorted(problems: frozenset[Problem]) -> list[Problem]:
    """What is certain first."""
    return sorted(problems, key=lambda one: (not one.is_certain, one.fault is Fault.NEVER_TOGETHER, one))
