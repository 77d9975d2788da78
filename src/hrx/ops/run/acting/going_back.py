"""Powers over the way back of a release on this machine, one for each kind of step of the planner.

Each may be repeated after any death, and each looks at what is there before it acts. What is taken back is
refused once the schema has left what the newer code runs on: half a way back is better than a broken one."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Conflict, Refused, Text
from hrx.ops.recovery.moments import note_version
from hrx.ops.release.deploying import SERVICES, Place, count_unknown_jobs, fill_slot, move_worker
from hrx.ops.release.releases import Component, Slot
from hrx.ops.release.store import changed_slot
from hrx.ops.release.strategies.hands import Hands
from hrx.ops.release.strategies.storing import RolloutStore, rollout_folder
from hrx.ops.release.strategies.wording import say_progress
from hrx.ops.run.acting.going_back_proofs import require_schema
from hrx.ops.run.acting.spec import ActionSpec, Evidence, Look, wait_until_seen
from hrx.ops.run.plane import Plane
from hrx.ops.run.rollouts import find_this_machine, find_this_place
from hrx.ops.targets.machine.slot_code import WORKER
from hrx.ops.targets.target import PartState

Params = Mapping[str, str]
_BY: Final = "run"
#: Changes nothing, and says first what would fail later.
SETTINGS: Final = "rollback.settings"
_LOOK_S: Final = 0.5
_STOPS_WITHIN_S: Final = 60.0


class SettingsMissing(Refused):
    """The older release requires settings that its slot is not given."""

    code = "rollback.settings_missing"


def _start(plane: Plane, params: Params, timeout_s: float) -> Evidence:
    _fill(plane, params)
    return _ready(find_this_machine(), Slot(params["slot"]), SERVICES, timeout_s=timeout_s)


def _fill(plane: Plane, params: Params) -> None:
    """Put the older release into its slot, unless somebody uses that already."""
    place, hands, slot = _this(plane), find_this_machine(), Slot(params["slot"])
    if not any(_is_taking(hands, service, slot) for service in SERVICES):
        fill_slot(place, place.store.get(params["to"]), slot, by=_BY)


def _rest(plane: Plane, params: Params, _timeout_s: float) -> Evidence:
    hands, slot = find_this_machine(), Slot(params["slot"])
    stopped = []
    for service in SERVICES:
        if not _is_taking(hands, service, slot) and hands.edge.kept(service) != slot:
            hands.edge.rest(service, slot)
            plane.target.stop_part(f"{service}-{slot}", timeout_s=_STOPS_WITHIN_S)
            stopped.append(service)
    return {"slot": slot.value, "stopped": stopped}


def _switch(plane: Plane, params: Params, timeout_s: float) -> Evidence:
    _fill(plane, params)
    return _send(plane, Slot(params["slot"]), _services(params), holds=params["to"], timeout_s=timeout_s)


def _switch_back(plane: Plane, params: Params, timeout_s: float) -> Evidence:
    require_schema(plane, params)
    return _send(plane, _other(params), _services(params), holds=params["live"], timeout_s=timeout_s)


def _send(plane: Plane, slot: Slot, services: Sequence[str], *, holds: str, timeout_s: float) -> Evidence:
    """On disk first: an edge that is restarted in between must not send people to what is about to rest.

    Raises PlacementChanged when the slot holds something else by now."""
    held = _this(plane).find_held(slot)
    if held != holds:
        raise changed_slot(slot, held=held, expected=holds)
    hands = find_this_machine()
    seen = _ready(hands, slot, services, timeout_s=timeout_s / 2)
    for service in services:
        hands.edge.keep(service, slot)
    hands.edge.send_all([(service, slot) for service in services])
    return {**seen, "live": {service: list(plane.target.list_live(service)) for service in services}}


def _drain(plane: Plane, params: Params, timeout_s: float) -> Evidence:
    """Until none is left, or most of the time is over; the worker's next move keeps the rest."""
    place, slot = _this(plane), Slot(params["slot"])
    before = left = count_unknown_jobs(place, slot, only_due=True)
    deadline = clock.monotonic_s() + timeout_s * 0.8
    while any(count != 0 for count in left.values()) and clock.monotonic_s() < deadline:
        if place.supervisor.get_part(WORKER).state is not PartState.RUNNING:
            # Nobody works on them.
            break
        time.sleep(_LOOK_S)
        left = count_unknown_jobs(place, slot, only_due=True)
    return {"before": dict(before), "left": dict(left)}


def _move_worker(plane: Plane, params: Params, _timeout_s: float) -> Evidence:
    place = _this(plane)
    if not params["keep"]:
        plane.target.stop_part(WORKER, timeout_s=_STOPS_WITHIN_S)
        return {"worker": "stopped"}
    return _move_to(place, Slot(params["slot"]))


def _move_worker_back(plane: Plane, params: Params, timeout_s: float) -> Evidence:
    require_schema(plane, params)
    seen = _move_to(_this(plane), _other(params))
    plane.target.start_part(WORKER, timeout_s=timeout_s / 2)
    return seen


def _move_to(place: Place, slot: Slot) -> Evidence:
    moved = move_worker(place, slot)
    return {"worker": slot.value, "kept": dict(moved.kept), "given_back": dict(moved.given_back)}


def _close(plane: Plane, _params: Params, _timeout_s: float) -> Evidence:
    plane.target.close_edge(is_closed=True)
    for slot in Slot:
        plane.target.stop_part(f"api-{slot}", timeout_s=_STOPS_WITHIN_S)
    return {"closed": plane.target.is_edge_closed()}


def _reopen(plane: Plane, params: Params, timeout_s: float) -> Evidence:
    require_schema(plane, params)
    seen = _ready(find_this_machine(), _other(params), SERVICES, timeout_s=timeout_s)
    plane.target.close_edge(is_closed=False)
    return {**seen, "closed": plane.target.is_edge_closed()}


def _open(plane: Plane, params: Params, timeout_s: float) -> Evidence:
    seen = _send(plane, Slot(params["slot"]), SERVICES, holds=params["to"], timeout_s=timeout_s)
    moved = _move_to(_this(plane), Slot(params["slot"]))
    plane.target.start_part(WORKER, timeout_s=timeout_s / 2)
    plane.target.close_edge(is_closed=False)
    return {**seen, **moved, "closed": plane.target.is_edge_closed()}


def _close_again(plane: Plane, params: Params, timeout_s: float) -> Evidence:
    """People are let in no more; who takes over then is sent requests again, once it may run."""
    require_schema(plane, params)
    plane.target.close_edge(is_closed=True)
    plane.target.stop_part(WORKER, timeout_s=_STOPS_WITHIN_S)
    hands, other = find_this_machine(), _other(params)
    for service in SERVICES:
        hands.edge.keep(service, other)
    hands.edge.send_all([(service, other) for service in SERVICES])
    return {"closed": plane.target.is_edge_closed(), "limit_s": timeout_s}


def _settings(plane: Plane, params: Params, _timeout_s: float) -> Evidence:
    """Names only: what the slot is given lies in a file of the supervisor's."""
    place = _this(plane)
    api = place.store.get(params["to"]).components[Component.API]
    needed = {one.removeprefix("settings:") for one in api.needs or () if one.startswith("settings:")}
    missing = sorted(needed - place.list_given(f"api-{params['slot']}"))
    if missing:
        raise SettingsMissing(
            Text(
                ja=f"{params['to']} に必要な設定がありません: {', '.join(missing)}",
                en=f"Settings that {params['to']} requires are missing: {', '.join(missing)}",
            ),
            hint=Text(
                ja="設定を加えて `hrx up` を実行し、計画を作り直してください。",
                en="Add them, run `hrx up` and plan again.",
            ),
        )
    return {"required": len(needed)}


def _record(plane: Plane, params: Params, _timeout_s: float) -> Evidence:
    return _place(plane, params, live=Slot(params["slot"]), release_id=params["to"])


def _record_back(plane: Plane, params: Params, _timeout_s: float) -> Evidence:
    require_schema(plane, params)
    return _place(plane, params, live=_other(params), release_id=params["live"])


def _place(plane: Plane, params: Params, *, live: Slot, release_id: str) -> Evidence:
    place = _this(plane)
    for slot in (live, Slot.BLUE if live is Slot.GREEN else Slot.GREEN):
        held = place.store.look(place.environment).slots.get(slot)
        weight = 100 if slot is live else 0
        if held is not None and held.weight != weight:
            place.store.place(
                place.environment, slot, held.release_id, weight=weight, by=_BY, expected=held.release_id
            )
    release, schema = place.store.get(release_id), params["floor"] or params["schema"]
    note_version(plane.ledger, commit=release.commit[:12], schema=schema, began_at=clock.now(), actor=_BY)
    return {"live": place.store.look(place.environment).live, "slot": live.value}


def _ready(hands: Hands, slot: Slot, services: Sequence[str], *, timeout_s: float) -> Evidence:
    """Awake, ready by its own word and up by the edge's. Raises NotProven."""
    for service in services:
        hands.wake(service, slot)
        if not _is_taking(hands, service, slot):
            hands.edge.check_on(service, slot)

    def seen() -> Look:
        cold = [one for one in services if not hands.is_ready(one, slot)]
        cold += [one for one in services if not hands.edge.look(one)[slot].is_up and one not in cold]
        names = " ".join(f"{one}-{slot}" for one in cold)
        return Look(
            is_good=not cold,
            evidence={"slot": slot.value, "ready": list(services)},
            says=Text(ja=f"準備ができていません: {names}", en=f"not ready: {names}"),
        )

    return wait_until_seen(seen, timeout_s=timeout_s)


def _is_taking(hands: Hands, service: str, slot: Slot) -> bool:
    return hands.edge.look(service)[slot].is_taking


def _services(params: Params) -> tuple[str, ...]:
    return tuple(params["services"].split(","))


def _other(params: Params) -> Slot:
    return Slot.BLUE if Slot(params["slot"]) is Slot.GREEN else Slot.GREEN


def _this(plane: Plane) -> Place:
    """Raises Conflict while a rollout is under way: two hands on one edge."""
    require_no_rollout(plane)
    return find_this_place(plane.settings)


def require_no_rollout(plane: Plane) -> None:
    """Raises Conflict while one is under way, Unavailable when its record cannot be read."""
    progress = RolloutStore(rollout_folder(plane.settings.var_dir)).find()
    if progress is not None and not progress.stand.is_over:
        raise Conflict(
            say_progress(progress),
            hint=Text(
                ja="切り替えの途中なら `hrx release rollback` ですぐ戻せます。",
                en="A rollout under way goes back at once: `hrx release rollback`.",
            ),
            code="rollback.rollout_under_way",
        )


_spec = partial(ActionSpec, only_reads=False, params=("to",))

ACTIONS: Final = (
    _spec(
        id="rollback.start",
        title=Text(ja="戻り先を空いているスロットで起動する", en="Start the release in the free slot"),
        perform=_start,
    ),
    _spec(
        id="rollback.rest", title=Text(ja="そのスロットを休ませる", en="Let that slot rest"), perform=_rest
    ),
    _spec(
        id="rollback.switch",
        title=Text(ja="要求を戻り先へ移す", en="Send requests to the older release"),
        perform=_switch,
    ),
    _spec(
        id="rollback.switch_back",
        title=Text(ja="要求を元の版へ返す", en="Send requests to the newer release again"),
        perform=_switch_back,
    ),
    _spec(
        id="rollback.drain",
        title=Text(ja="新しい版だけが知るジョブを待つ", en="Wait for jobs that only the newer release knows"),
        perform=_drain,
    ),
    _spec(
        id="rollback.move_worker",
        title=Text(ja="ワーカーを戻す(または止める)", en="Move the worker, or stop it"),
        perform=_move_worker,
    ),
    _spec(
        id="rollback.move_worker_back",
        title=Text(ja="ワーカーを元の版で動かす", en="Run the worker of the newer release again"),
        perform=_move_worker_back,
    ),
    _spec(
        id="rollback.close",
        title=Text(ja="閉じて API を止める", en="Close the edge and stop the API"),
        perform=_close,
    ),
    _spec(
        id="rollback.reopen",
        title=Text(ja="元の版で開き直す", en="Open again with the newer release"),
        perform=_reopen,
    ),
    _spec(
        id="rollback.open",
        title=Text(ja="戻した版で開く", en="Open with the older release"),
        perform=_open,
    ),
    _spec(id="rollback.close_again", title=Text(ja="もう一度閉じる", en="Close again"), perform=_close_again),
    _spec(
        id=SETTINGS,
        title=Text(ja="必要な設定を確かめる", en="See that required settings are there"),
        perform=_settings,
        only_reads=True,
    ),
    _spec(
        id="rollback.record",
        title=Text(ja="公開中の版を記録する", en="Record which release is live"),
        perform=_record,
    ),
    _spec(
        id="rollback.record_back",
        title=Text(ja="記録を元の版に返す", en="Record the newer release as live again"),
        perform=_record_back,
    ),
)
