"""A plan from a safe order: what goes back, what people notice, what is hidden and what is lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hrx.kit.errors import Text
from hrx.ops.release.releases import Component
from hrx.ops.release.rollback.losing import Loss, LossKind
from hrx.ops.release.rollback.plans import Fate, Part, RollbackPlan
from hrx.ops.release.rollback.searching import Case, Move, judge_tab
from hrx.ops.release.rollback.state import facts_to_json
from hrx.ops.release.rollback.steps import list_steps
from hrx.ops.release.rollback.words import say_jobs, say_tab


def compose_plan(case: Case, moves: tuple[Move, ...], *, options: Mapping[str, object]) -> RollbackPlan:
    """The plan for this order. `options`: what was allowed and chosen, for the plan's facts."""
    drains, stuck = _sort_jobs(case)
    losses = case.way.losses if case.way is not None else ()
    return RollbackPlan(
        live=case.live.id,
        to=case.to.id,
        steps=list_steps(case, moves, drains=drains),
        parts=tuple(_list_parts(case)),
        breaks=tuple(_list_breaks(case, stuck)),
        hidden=tuple(_list_hidden(case)),
        loss=losses,
        cannot_undo=tuple(_list_final(case)),
        facts={
            "live": case.live.content_hash,
            "to": case.to.content_hash,
            "revision": case.schema.revision,
            "shape": _fingerprint(case),
            **options,
            **facts_to_json(case.facts),
        },
    )


def _sort_jobs(case: Case) -> tuple[dict[str, int | None], dict[str, int | None]]:
    """Waiting jobs that the target's worker does not know: those that the live one finishes first, and those
    that nobody can run. Where nobody counted, every kind that only the live one knows may be waiting."""
    if Component.API not in case.moving:
        return {}, {}
    known, own = case.live.handles, case.to.handles
    waiting: dict[str, int | None]
    if case.facts.queued is None:
        # A star: whatever waits, since nobody listed the kinds either.
        waiting = dict.fromkeys(known if known is not None else ("*",))
    else:
        waiting = {kind: count for kind, count in case.facts.queued.items() if count}
    alien = {kind: count for kind, count in waiting.items() if own is None or kind not in own}
    drains = {kind: count for kind, count in alien.items() if known is None or kind in known}
    return drains, {kind: count for kind, count in alien.items() if kind not in drains}


def _list_breaks(case: Case, stuck: Mapping[str, int | None]) -> Iterator[Text]:
    """What people notice although every part runs: open pages, and jobs that nobody can run."""
    if case.moving & {Component.WEB, Component.API}:
        yield from _list_broken_tabs(case)
    if stuck:
        yield say_jobs(stuck, is_scheduled=False, to=case.to.id)
    later: dict[str, int | None] = {
        kind: count
        for kind, count in case.facts.scheduled.items()
        if count and (case.to.handles is None or kind not in case.to.handles)
    }
    if later and Component.API in case.moving:
        yield say_jobs(later, is_scheduled=True, to=case.to.id)


def _list_broken_tabs(case: Case) -> Iterator[Text]:
    api = case.to if Component.API in case.moving else case.live
    for name in sorted({case.live.id, *case.facts.tabs}):
        pages = case.live if name == case.live.id else case.graph.releases.get(name)
        if pages is None:
            continue
        before = judge_tab(case, pages, case.live)
        missing = tuple(sorted(one.subject for one in judge_tab(case, pages, api) - before))
        if missing:
            yield say_tab(name, missing)


def _list_hidden(case: Case) -> Iterator[Loss]:
    """Values that stay while the older version neither shows nor keeps them."""
    shape, own = case.schema.find_shape(case.graph), case.to.shape
    if case.way is not None or shape is None or own is None or Component.API not in case.moving:
        return
    for name in sorted(shape.columns.keys() - own.columns.keys()):
        count = case.facts.rows.get(name)
        if count != 0:
            yield Loss(subject=name, kind=LossKind.DROPPED, rows=count)


def _list_final(case: Case) -> Iterator[Text]:
    if case.way is not None and case.way.losses:
        yield Text(
            ja=f"スキーマを {case.way.revision} へ戻すと、失われた値はバックアップからしか取り戻せません",
            en=f"after the way down to {case.way.revision}, only a backup brings back what is lost",
        )


def _list_parts(case: Case) -> Iterator[Part]:
    for component in Component:
        now, then = _version_now(case, component), case.to.find_version(component)
        if now is None and then is None:
            continue
        fate, reason = _judge_part(case, component, now, then)
        yield Part(component=component, now=now, then=then, fate=fate, reason=reason)


def _version_now(case: Case, component: Component) -> str | None:
    return case.schema.revision if component is Component.SCHEMA else case.live.find_version(component)


def _judge_part(case: Case, component: Component, now: str | None, then: str | None) -> tuple[Fate, Text]:
    if now == then:
        return Fate.SAME, Text(ja="変更なし", en="the same in both")
    if component is Component.SCHEMA:
        if case.way is not None:
            return Fate.GOES_BACK, Text(
                ja=f"{case.to.id} が今のスキーマでは動かないため",
                en=f"{case.to.id} does not run on the present one",
            )
        return Fate.STAYS, Text(
            ja=f"{case.to.id} は今のスキーマのままで動き、失うものがありません",
            en=f"{case.to.id} runs on it as it is, so nothing is lost",
        )
    if component in case.moving:
        return Fate.GOES_BACK, Text(ja="版が違うため", en="it differs")
    if component in case.facts.in_code and Component.API in case.moving and then is not None:
        return Fate.GOES_BACK, Text(ja="API のコードに含まれるため", en="it is part of the API's code")
    if then is None:
        return Fate.STAYS, Text(ja=f"{case.to.id} では使いません", en=f"{case.to.id} does not use it")
    return Fate.STAYS, Text(ja="対象に選ばれていません", en="it was not asked for")


def _fingerprint(case: Case) -> str:
    shape = case.schema.find_shape(case.graph)
    return shape.fingerprint if shape is not None else ""
