"""Which of two slots a drill means: the one that people are on when it runs, not one by name.

An experiment says `${live:api}` where it means the API's live slot, in arguments and in conditions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from hrx.kit.errors import HrxError, Refused, Text
from hrx.ops.drills.experiments import Experiment
from hrx.ops.targets.target import Target

_LIVE: Final = re.compile(r"\$\{live:(?P<service>[a-z]+)\}")


class LiveNotKnown(Refused):
    """Nobody can say which slot people are on, so nobody can say what the drill would break."""

    code = "drill.live_not_known"


def list_services(experiment: Experiment) -> tuple[str, ...]:
    """The services whose live slot the experiment speaks of."""
    texts = [value for call in experiment.method for value in call.arguments.values()]
    texts += experiment.expects.conditions
    return tuple(sorted({found["service"] for text in texts for found in _LIVE.finditer(text)}))


def name_live(target: Target, experiment: Experiment) -> Experiment:
    """The experiment with the live slots named, as the edge tells them now.

    Raises LiveNotKnown when the edge does not answer, or both slots or neither take requests."""
    live = {service: _find_live(target, service) for service in list_services(experiment)}
    expects = experiment.expects
    return replace(
        experiment,
        method=tuple(
            replace(call, arguments={key: _put(value, live) for key, value in call.arguments.items()})
            for call in experiment.method
        ),
        expects=replace(expects, conditions=tuple(_put(one, live) for one in expects.conditions)),
    )


def _put(text: str, live: Mapping[str, str]) -> str:
    return _LIVE.sub(lambda found: live[found["service"]], text)


def _find_live(target: Target, service: str) -> str:
    try:
        taking = target.list_live(service)
    except HrxError as error:
        raise _not_known(service, ja=error.message.ja, en=error.message.en) from error
    if len(taking) == 1:
        return taking[0]
    if not taking:
        raise _not_known(service, ja="どのスロットも要求を受けていません", en="no slot takes requests")
    names = ", ".join(taking)
    raise _not_known(service, ja=f"{names} が要求を分け合っています", en=f"{names} share the requests")


def _not_known(service: str, *, ja: str, en: str) -> LiveNotKnown:
    return LiveNotKnown(
        Text(
            ja=f"{service} の生きているスロットが分かりません: {ja}",
            en=f"Nobody can say which slot of {service} is live: {en}",
        ),
        hint=Text(
            ja="`hrx release status` を見て、リリースの途中なら終わらせてください。",
            en="See `hrx release status`; finish a release that is under way.",
        ),
    )
