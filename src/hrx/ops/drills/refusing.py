"""When no drill may begin: each refusal says what to do first."""

from __future__ import annotations

import time
from typing import Final

from hrx.kit.errors import Refused, Text
from hrx.ops.drills.experiments import Experiment
from hrx.ops.drills.faults.registry import get_fault
from hrx.ops.drills.ground import Ground
from hrx.ops.drills.journal import find_injected
from hrx.ops.drills.live import name_live
from hrx.ops.drills.measuring import list_open_real
from hrx.ops.drills.steady import list_unsteady
from hrx.ops.operators.roles import Actor, Permission

_POLL_S: Final = 0.25
#: A steady state that does not hold may still be the echo of what came before.
_STEADY_S: Final = 30.0


def refuse_unless_safe(ground: Ground, experiment: Experiment, *, actor: Actor) -> None:
    """Raises Refused with what to do first."""
    if experiment.suite == "later":
        raise _refused(
            "drill.not_built", ja="この訓練が要る部品はまだありません", en="Its part is not built yet"
        )
    refuse_in_production(ground, actor=actor)
    if find_injected(ground.plane.ledger):
        raise _refused(
            "drill.still_in",
            ja="前の訓練の故障が残っています。`hrx drill abort` で取り消してください",
            en="An older drill's fault is still in: `hrx drill abort`",
        )
    real = list_open_real(ground.plane.ledger)
    if real:
        raise _refused(
            "drill.real_incident",
            ja=f"実際の障害が未解決です。先に解決してください: `hrx incident show {real[0].id}`",
            en=f"A real incident is open; resolve it first: `hrx incident show {real[0].id}`",
        )
    for call in name_live(ground.plane.target, experiment).method:
        get_fault(call.fault).refuse(ground, call.arguments)
    deadline = time.monotonic() + _STEADY_S
    while unsteady := list_unsteady(ground, experiment):
        if time.monotonic() > deadline:
            names = ", ".join(unsteady)
            raise _refused(
                "drill.not_steady",
                ja=f"始める前から正常ではありません: {names}",
                en=f"The steady state does not hold: {names}",
            )
        time.sleep(_POLL_S)


def refuse_in_production(ground: Ground, *, actor: Actor) -> None:
    """Raises Refused in production, but for an operator who may approve."""
    if ground.plane.settings.environment == "production" and not (
        actor.is_operator and actor.may(Permission.APPROVE)
    ):
        raise _refused(
            "drill.production",
            ja="本番環境の訓練には承認者の操作が必要です(`--operator 名前`)",
            en="In production an approver must run it (`--operator NAME`)",
        )


def _refused(code: str, *, ja: str, en: str) -> Refused:
    return Refused(
        Text(ja=ja, en=en),
        hint=Text(ja="`hrx drill list` で一覧できます。", en="See `hrx drill list`."),
        code=code,
    )
