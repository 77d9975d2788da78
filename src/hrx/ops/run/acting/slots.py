"""Powers over the two slots of API and portal: which of them people's requests go to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hrx.kit.errors import Refused, Text
from hrx.ops.run.acting.spec import ActionSpec, Evidence, Look, wait_until_seen
from hrx.ops.run.looking import find_process, may_rest
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.parts import PartInfo, get_part
from hrx.ops.targets.target import PartState


class NoSlot(Refused):
    """The part has no second slot to switch with."""

    code = "slot.none"


class MayNotRest(Refused):
    """The slot is in use."""

    code = "slot.in_use"


def find_slot(plane: Plane, part: str) -> PartInfo:
    """The part, which must be one of two slots. Raises NoSlot."""
    info = get_part(plane.content.parts, part)
    if info.slot is None:
        names = " ".join(item.name for item in plane.content.parts if item.slot)
        raise NoSlot(
            Text(ja=f"{part} にはスロットがありません", en=f"{part} is no slot"),
            hint=Text(ja=f"次のいずれかです: {names}", en=f"One of: {names}"),
        )
    return info


def find_other(plane: Plane, info: PartInfo) -> PartInfo:
    """The slot beside this one."""
    return next(
        item
        for item in plane.content.parts
        if item.service == info.service and item.slot not in (None, info.slot)
    )


def _start(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    status = plane.target.start_part(find_slot(plane, params["part"]).name, timeout_s=timeout_s)
    return {"part": status.name, "state": status.state.value, "pid": status.pid}


def _rest(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    """Let a slot rest again, unless requests go to it or would after a start of the edge."""
    info = find_slot(plane, params["part"])
    if not may_rest(plane, info) or info.name in plane.target.list_live(info.service):
        return {"part": info.name, "stopped": False}
    status = plane.target.stop_part(info.name, timeout_s=timeout_s)
    return {"part": info.name, "stopped": status.state is PartState.STOPPED}


def refuse_live(plane: Plane, info: PartInfo) -> None:
    """Raises MayNotRest for a slot that people use, or would use after a start of the edge."""
    if may_rest(plane, info) and info.name not in plane.target.list_live(info.service):
        return
    raise MayNotRest(
        Text(
            ja=f"{info.name} は利用者の要求を受けているスロットです",
            en=f"{info.name} is the slot that people's requests go to",
        ),
        hint=Text(
            ja="先に `switch-slot` でもう一方へ切り替えてください。",
            en="First switch to the other: `switch-slot`.",
        ),
    )


def _prove_rests(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    info = find_slot(plane, params["part"])

    def seen() -> Look:
        state = find_process(plane, info.name).state
        live = plane.target.list_live(info.service)
        return Look(
            is_good=state is PartState.STOPPED and info.name not in live,
            evidence={"state": state.value, "live": list(live)},
            says=Text(ja=f"状態: {state.value}", en=f"it is {state.value}"),
        )

    return wait_until_seen(seen, timeout_s=timeout_s)


def _switch(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    return _switch_to(plane, find_slot(plane, params["part"]), timeout_s=timeout_s)


def _switch_back(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    return _switch_to(plane, find_other(plane, find_slot(plane, params["part"])), timeout_s=timeout_s)


def _switch_to(plane: Plane, info: PartInfo, *, timeout_s: float) -> Evidence:
    before = plane.target.list_live(info.service)
    plane.target.switch_to(info.name, timeout_s=timeout_s / 2)
    return {"before": list(before), "after": list(plane.target.list_live(info.service))}


def _prove_live(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    """Ask the version through the edge: the answer itself must come from this slot."""
    info = find_slot(plane, params["part"])
    url = f"{plane.settings.edge_url.rstrip('/')}{info.version_path}"

    def seen() -> Look:
        answer = plane.http.look_at_version(info.name, url)
        slot = answer.facts.get("slot")
        return Look(
            is_good=slot == info.slot,
            evidence={"slot": slot, "commit": answer.facts.get("commit"), "latency_ms": answer.latency_ms},
            says=Text(
                ja=f"入口の答えはスロット {slot} から来ました", en=f"the edge's answer came from {slot}"
            ),
        )

    return wait_until_seen(seen, timeout_s=timeout_s)


_OF_SLOT: Final = ("part",)

ACTIONS: Final = (
    ActionSpec(
        id="slot.start",
        title=Text(ja="スロットを起こす", en="Wake a slot"),
        only_reads=False,
        perform=_start,
        params=_OF_SLOT,
    ),
    ActionSpec(
        id="slot.rest",
        title=Text(ja="スロットを待機に戻す", en="Let a slot rest again"),
        only_reads=False,
        perform=_rest,
        params=_OF_SLOT,
    ),
    ActionSpec(
        id="slot.prove_rests",
        title=Text(ja="スロットが待機していることを確かめる", en="Prove that a slot rests"),
        only_reads=True,
        perform=_prove_rests,
        params=_OF_SLOT,
    ),
    ActionSpec(
        id="slot.switch",
        title=Text(ja="入口をこのスロットに向ける", en="Point the edge at this slot"),
        only_reads=False,
        perform=_switch,
        params=_OF_SLOT,
    ),
    ActionSpec(
        id="slot.switch_back",
        title=Text(ja="入口をもう一方に戻す", en="Point the edge back at the other"),
        only_reads=False,
        perform=_switch_back,
        params=_OF_SLOT,
    ),
    ActionSpec(
        id="slot.prove_live",
        title=Text(
            ja="入口の答えがこのスロットから来ることを確かめる", en="Prove that this slot answers at the edge"
        ),
        only_reads=True,
        perform=_prove_live,
        params=_OF_SLOT,
    ),
)
