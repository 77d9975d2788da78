"""The planner's way back as a plan of the ring: the same steps in the same order, each with its power.

Everything that decides is a fact of the plan: releases by their content, the tables, who serves, each loss
with its count, and whether a backup stands behind it. When one of them changes, an approval is void."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from hrx.kit.errors import Refused, Text
from hrx.ops.plan import Action, Effect, Plan, Risk, Step
from hrx.ops.recovery.living import opened_living
from hrx.ops.recovery.site import open_site
from hrx.ops.release.asking import Counted, Ground, plan_way_back, read_ground
from hrx.ops.release.building.building import find_code, is_built
from hrx.ops.release.deploying import Place
from hrx.ops.release.releases import Component, Environment, Release, Slot
from hrx.ops.release.rollback.counting import RowCounts, count_rows
from hrx.ops.release.rollback.losing import LossKind
from hrx.ops.release.rollback.plans import Fate, RollbackPlan, RollbackRefused, RollbackStep, StepKind
from hrx.ops.release.rollback.words import say_loss
from hrx.ops.release.wording import show_plan
from hrx.ops.run.acting.going_back import SETTINGS, require_no_rollout
from hrx.ops.run.acting.going_down import has_fresh_backup, say_losses
from hrx.ops.run.acting.going_pointers import PROVE_POINTERS, find_pointers, list_pointer_changes
from hrx.ops.run.plane import Plane
from hrx.ops.run.rollouts import find_this_machine, find_this_place
from hrx.ops.runbook.procedures import Procedure, StepTemplate
from hrx.ops.settings import HOME

PROCEDURE: Final = "roll-back-release"
_BEFORE: Final = "before"
_NOTHING: Final = "nothing"
_SWITCHES: Final[Mapping[StepKind, str]] = {
    StepKind.SWITCH_API: "api",
    StepKind.SWITCH_WEB: "web",
    StepKind.SWITCH_BOTH: "api,web",
}
_TEMPLATES: Final[Mapping[StepKind, str]] = {
    **dict.fromkeys(_SWITCHES, "switch"),
    StepKind.START_API: "start_api",
    StepKind.DRAIN_JOBS: "drain_jobs",
    StepKind.STOP_API: "stop_api",
    StepKind.CLOSE: "close",
    StepKind.COUNT_ROWS: "count_rows",
    StepKind.OPEN: "open",
    StepKind.APPLY_SETTINGS: "apply_settings",
    StepKind.CATCH_UP_INDEX: "catch_up_index",
    StepKind.SWITCH_POINTERS: "switch_pointers",
}


class EdgeElsewhere(Refused):
    """The edge sends people to another slot than the record says is live."""

    code = "rollback.edge_elsewhere"


class LossUncounted(Refused):
    """Values would be lost, and nobody can count how many."""

    code = "rollback.loss_uncounted"


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBackHere:
    """The planner's plan with the slots of this machine. `lose`: what may be lost, as it was given; `stand`:
    versions in use now of the models and indexes that move."""

    found: RollbackPlan
    ground: Ground
    slot: Slot
    lose: str
    stand: Mapping[str, str]

    @property
    def floor(self) -> str:
        """The revision that the schema goes down to; empty where it stays."""
        for step in self.found.steps:
            if step.kind is StepKind.DOWNGRADE_SCHEMA:
                return step.params["to"]
        return ""


def find_way_here(plane: Plane, params: Mapping[str, str]) -> WayBackHere:
    """What the planner says now, by looking at this machine and its database; nothing is changed.

    Raises RollbackRefused with its reasons, PointersNotReady, EdgeElsewhere, LossUncounted, NothingLive,
    NothingBefore, Conflict while a rollout is under way, Unavailable."""
    require_no_rollout(plane)
    place = find_this_place(plane.settings)
    url = plane.settings.ops_database_url
    ground = read_ground(
        place.store,
        Environment(plane.settings.environment),
        migrations=_find_migrations(place),
        database_url=url.get_secret_value() if url else None,
    )
    target = None if params["to"] == _BEFORE else place.store.get(params["to"])
    found = _plan(plane, place, ground, target, params)
    slot = _find_slot(ground, found.to)
    return WayBackHere(
        found=found, ground=ground, slot=slot, lose=params["lose"], stand=_look_at_pointers(plane, found)
    )


def compose_way_back(plane: Plane, procedure: Procedure, params: Mapping[str, str]) -> Plan:
    """The plan of the ring. Raises as `find_way_here`."""
    way = find_way_here(plane, params)
    templates = {one.key: one for one in (*procedure.steps, *procedure.proofs)}
    view = show_plan(way.found)
    said = [view.summary, *view.breaks, *(say_loss(one) for one in way.found.loss), *view.cannot_undo]
    return Plan(
        procedure=procedure.id,
        title=view.title,
        params=dict(params),
        facts=_facts_of(way),
        lock=procedure.lock,
        risk=Risk.HIGH if way.found.loss or way.found.has_downtime else Risk(procedure.risk),
        impact=Text(ja=" / ".join(one.ja for one in said), en=" / ".join(one.en for one in said)),
        steps=(*_list_steps(way, templates), _step(way, templates["record"], number=None)),
        proofs=tuple(_list_proofs(way, procedure)),
        approval=procedure.approval,
    )


def _find_migrations(place: Place) -> Path:
    """Those of what is live: the checkout may be older or newer. Raises ReleaseUnreadable."""
    live = place.store.look(place.environment).live
    release = place.store.find(live) if live is not None else None
    if release is None or not is_built(place.store, release):
        return HOME / "migrations"
    return find_code(place.store, release).code / "migrations"


def _plan(
    plane: Plane, place: Place, ground: Ground, target: Release | None, params: Mapping[str, str]
) -> RollbackPlan:
    """Counted only where a way down is needed: that costs a pass over each table that changes."""
    counted = Counted(
        may_lose=frozenset() if params["lose"] == _NOTHING else frozenset(params["lose"].split(",")),
        may_stop=params["stop"] == "yes",
        kept=frozenset(
            name
            for name, one in ground.graph.releases.items()
            if name in ground.standing.warm or is_built(place.store, one)
        ),
    )
    try:
        found = plan_way_back(ground, target, counted)
        if not any(step.kind is StepKind.DOWNGRADE_SCHEMA for step in found.steps):
            return found
    except RollbackRefused:
        if not _may_go_down(ground, target):
            raise
    rows = _count(plane, ground, target)
    found = plan_way_back(
        ground,
        target,
        replace(counted, rows=rows.rows, breaking=rows.breaking, has_fresh_backup=has_fresh_backup(plane)),
    )
    _refuse_uncounted(found)
    return found


def _may_go_down(ground: Ground, target: Release | None) -> bool:
    """Whether there is a schema below the present one to go to."""
    floor = target.find_version(Component.SCHEMA) if target is not None else None
    return target is None or floor not in (None, ground.schema.revision)


def _count(plane: Plane, ground: Ground, target: Release | None) -> RowCounts:
    """Raises Unavailable where this machine may not see every row."""
    present = ground.schema.find_shape(ground.graph)
    lowest = target.find_version(Component.SCHEMA) if target is not None else None
    below = ground.graph.list_down(ground.schema.revision, lowest) if lowest else None
    names = [one.down_revision for one in below or [] if one.down_revision is not None]
    older = [shape for name in names if (shape := ground.graph.find_shape(name)) is not None]
    if present is None or not older:
        return RowCounts()
    with opened_living(open_site(plane.settings)) as session:
        return count_rows(session, present, older)


def _refuse_uncounted(found: RollbackPlan) -> None:
    """What comes back empty was lost before; what goes now is counted, or does not go."""
    unknown = [one.subject for one in found.loss if one.rows is None and one.kind is not LossKind.EMPTIED]
    if unknown:
        named = ", ".join(unknown)
        raise LossUncounted(
            Text(
                ja=f"失われる値を数えられません: {named}", en=f"Nobody can count what would be lost: {named}"
            ),
            hint=Text(
                ja="`hrx status` でデータベースを確かめてください。", en="See to the database: `hrx status`."
            ),
        )


def _find_slot(ground: Ground, to: str) -> Slot:
    """Where the older release is, or comes to: the slot that people are not sent to. Raises EdgeElsewhere."""
    kept = Slot(find_this_machine().edge.kept("api"))
    held = ground.standing.slots.get(kept)
    if held is None or held.release_id != ground.live.id:
        raise EdgeElsewhere(
            Text(
                ja=f"入口は {kept.value} に要求を送っていますが、公開中の記録は {ground.live.id} です",
                en=f"The edge sends people to {kept.value}, but {ground.live.id} is on record as live",
            ),
            hint=Text(
                ja="`hrx release history` と `hrx release status` を見比べてください。",
                en="Compare `hrx release history` with `hrx release status`.",
            ),
        )
    if held.release_id == to:
        raise EdgeElsewhere(Text(ja=f"{to} はすでに公開中です", en=f"{to} is live already"))
    return Slot.GREEN if kept is Slot.BLUE else Slot.BLUE


def _look_at_pointers(plane: Plane, found: RollbackPlan) -> Mapping[str, str]:
    """Where they stand. Raises PointersNotReady for what could not serve: before anything is touched."""
    changes = list_pointer_changes(
        plane, former=found.live, to=found.to, components=_list_pointers(found.steps)
    )
    pointers = find_pointers(plane)
    pointers.require_ready(changes)
    return pointers.stand(changes)


def _list_pointers(steps: Sequence[RollbackStep]) -> frozenset[Component]:
    names = {name for one in steps if one.kind is StepKind.SWITCH_POINTERS for name in one.params}
    return frozenset(map(Component, names))


def _list_proofs(way: WayBackHere, procedure: Procedure) -> Iterator[Step]:
    """What is looked at afterwards; models and indexes only where one moves."""
    pointers = _say_components(_list_pointers(way.found.steps))
    for one in procedure.proofs:
        if pointers or one.action != PROVE_POINTERS:
            yield _step(way, one, number=None, more={"components": pointers})


def _say_components(components: frozenset[Component]) -> str:
    return ",".join(sorted(components))


def _facts_of(way: WayBackHere) -> dict[str, str]:
    ground, found = way.ground, way.found
    to, losses = ground.graph.releases[found.to], {one.subject: one.rows for one in found.loss}
    shape = ground.schema.find_shape(ground.graph)
    return {
        "release.live": f"{found.live} {ground.live.content_hash[:12]}",
        "release.to": f"{found.to} {to.content_hash[:12]} in {way.slot.value}",
        "release.serving": " ".join(sorted(ground.standing.serving)),
        "schema.revision": ground.schema.revision,
        "schema.tables": shape.fingerprint[:12] if shape is not None else "unknown",
        "schema.goes_to": way.floor or ground.schema.revision,
        "schema.loses": say_losses(losses) or _NOTHING,
        **{f"pointer.{name}": version or _NOTHING for name, version in way.stand.items()},
    }


def _list_steps(way: WayBackHere, templates: Mapping[str, StepTemplate]) -> Sequence[Step]:
    found = way.found
    steps = []
    for number, one in enumerate(found.steps, start=1):
        if one.kind is StepKind.OBSERVE:
            # The ring's proofs are that.
            continue
        steps.append(_step_of(way, one, templates, number=number))
    # Looking for settings changes nothing, so it comes before anything does.
    return sorted(steps, key=lambda step: step.action.id != SETTINGS)


def _step_of(
    way: WayBackHere,
    one: RollbackStep,
    templates: Mapping[str, StepTemplate],
    *,
    number: int,
) -> Step:
    if one.kind is StepKind.DOWNGRADE_SCHEMA:
        key = "downgrade_with_loss" if one.effect is Effect.IRREVERSIBLE else "downgrade_schema"
    else:
        key = _TEMPLATES[one.kind]
    params = {"keep": one.params.get("keep", ""), "subjects": one.params.get("subjects", "")}
    if one.kind is StepKind.CATCH_UP_INDEX:
        params["components"] = Component.INDEX.value
    if one.kind is StepKind.SWITCH_POINTERS:
        params["components"] = _say_components(_list_pointers([one]))
    if one.kind in _SWITCHES:
        params["services"] = ",".join(sorted({*_SWITCHES[one.kind].split(","), *_list_same(way)}))
    return _step(way, templates[key], number=number, told=one, more=params)


def _list_same(way: WayBackHere) -> Sequence[str]:
    """What is the same in both goes along, so that a slot stays whole."""
    ours = (Component.API, Component.WEB)
    return [one.component.value for one in way.found.parts if one.component in ours and one.fate is Fate.SAME]


def _step(
    way: WayBackHere,
    template: StepTemplate,
    *,
    number: int | None,
    told: RollbackStep | None = None,
    more: Mapping[str, str] | None = None,
) -> Step:
    losses = {one.subject: one.rows for one in way.found.loss}
    params = {
        "to": way.found.to,
        "live": way.found.live,
        "slot": way.slot.value,
        "schema": way.ground.schema.revision,
        "floor": way.floor,
        "losses": say_losses(losses),
        "lose": way.lose,
        **(more or {}),
    }
    return Step(
        key=template.key if number is None else f"{number}-{template.key}",
        name=told.name if told is not None else template.name,
        reason=told.reason if told is not None else template.reason,
        action=Action(id=template.action, params=params),
        timeout_s=template.timeout_s,
        effect=template.effect,
        undo=Action(id=template.undo, params=params) if template.undo else None,
        loses=_say_lost(way) if template.effect is Effect.IRREVERSIBLE else template.loses,
    )


def _say_lost(way: WayBackHere) -> Text:
    said = [say_loss(one) for one in way.found.loss]
    return Text(ja="、".join(one.ja for one in said), en="; ".join(one.en for one in said))
