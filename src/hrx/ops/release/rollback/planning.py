"""Whether one can go back, how, and at what price; or why not, and what would be safe instead."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.release.graph import ReleaseGraph
from hrx.ops.release.releases import Component, Release
from hrx.ops.release.rollback.answering import No, Question, answer, list_moving
from hrx.ops.release.rollback.losing import Block
from hrx.ops.release.rollback.plans import Alternative, RollbackPlan, RollbackRefused
from hrx.ops.release.rollback.state import RollbackFacts, SchemaState
from hrx.ops.release.rollback.words import COMPONENTS

_EVERYTHING: Final = frozenset(Component)
_SAY_LOSSY: Final = Text(ja="値が失われてよければ戻せます", en="It can be done if these values may be lost")
_SAY_LOSSY_AFTER_BACKUP: Final = Text(
    ja="確認済みの新しいバックアップを取り、値が失われてよければ戻せます",
    en="It can be done once a backup was taken and verified, if these values may be lost",
)


def plan_rollback(
    graph: ReleaseGraph,
    live: Release,
    to: Release,
    schema_state: SchemaState,
    facts: RollbackFacts,
    *,
    only: frozenset[Component] = _EVERYTHING,
    may_lose: frozenset[str] = frozenset(),
    may_stop: bool = False,
) -> RollbackPlan:
    """The way from `live` back to `to`, safest order first; nothing is executed.

    `only`: the components that may move, the schema aside, which moves when it must. `may_lose`: columns or
    tables whose values may go. `may_stop`: whether people may meet the maintenance page meanwhile.
    Raises RollbackRefused with the reasons and the nearest safe alternatives (runbook 3.7)."""
    asked = Question(
        graph=graph,
        live=live,
        to=to,
        schema=schema_state,
        facts=facts,
        only=only,
        may_lose=may_lose,
        may_stop=may_stop,
    )
    found = answer(asked)
    if isinstance(found, RollbackPlan):
        return found
    raise RollbackRefused(
        Text(
            ja=f"{live.id} から {to.id} へ安全に戻す手順がありません",
            en=f"There is no safe way from {live.id} back to {to.id}",
        ),
        reasons=found.reasons,
        alternatives=tuple(_list_alternatives(asked, found)),
    )


def _list_alternatives(asked: Question, no: No) -> Iterator[Alternative]:
    """Safe ways that are near what was asked for, nearest first."""
    if no.would_do_closed:
        yield Alternative(
            says=Text(
                ja="メンテナンス画面を出して止めている間なら戻せます",
                en="It can be done while the maintenance page is shown",
            ),
            command=_say_command(replace(asked, may_stop=True)),
        )
    lossy = _find_lossy(asked, no)
    if lossy is not None:
        yield lossy
    other = _find_other(asked)
    if other is not None:
        yield Alternative(
            says=Text(ja=f"{other} へなら安全に戻せます", en=f"Going back to {other} is safe"),
            command=_say_command(replace(asked, to=asked.graph.releases[other])),
        )
    for component in (Component.WEB, Component.API, Component.PROMPT, Component.MODEL, Component.INDEX):
        if component in list_moving(asked) and _can(asked, only=frozenset({component})):
            name = COMPONENTS[component]
            yield Alternative(
                says=Text(ja=f"{name.ja}だけなら戻せます", en=f"Going back with {name.en} alone is safe"),
                command=_say_command(replace(asked, only=frozenset({component}))),
            )
    yield Alternative(
        says=Text(
            ja="それ以外は、直した版を新しいリリースとして出してください",
            en="Otherwise correct it and ship that as a new release",
        )
    )


def _say_command(asked: Question) -> str:
    """What to type to ask this, with every option that it was found safe with."""
    only = sorted(asked.only) if asked.only != _EVERYTHING else ()
    words = [
        *("hrx", "release", "plan", "--rollback", "--to", asked.to.id),
        *(word for one in only for word in ("--only", one.value)),
        *(word for one in sorted(asked.may_lose) for word in ("--lose", one)),
        *(("--may-stop",) if asked.may_stop else ()),
    ]
    return shlex.join(words)


def _find_lossy(asked: Question, no: No) -> Alternative | None:
    """The same with the losses agreed to, where nothing else shuts the way."""
    for way in no.shut:
        blocks = {one.block for one in way.blocked}
        if not blocks or not blocks <= {Block.LOSES_UNDECLARED, Block.NO_BACKUP}:
            continue
        lost = asked.may_lose | frozenset(one.subject for one in way.losses)
        if _can(asked, may_lose=lost, with_backup=True):
            return Alternative(
                says=_SAY_LOSSY_AFTER_BACKUP if Block.NO_BACKUP in blocks else _SAY_LOSSY,
                command=_say_command(replace(asked, may_lose=lost)),
            )
    return None


def _find_other(asked: Question) -> str | None:
    """The release nearest to the one that was asked for to which one can go back."""
    names = asked.graph.list_before(asked.live.id)
    wanted = names.index(asked.to.id) if asked.to.id in names else len(names)
    near = sorted(
        (name for name in names if name != asked.to.id),
        key=lambda name: (abs(names.index(name) - wanted), names.index(name)),
    )
    return next((name for name in near if _can(asked, to=asked.graph.releases[name])), None)


def _can(
    asked: Question,
    *,
    to: Release | None = None,
    only: frozenset[Component] | None = None,
    may_lose: frozenset[str] | None = None,
    with_backup: bool = False,
) -> bool:
    facts = replace(asked.facts, has_fresh_backup=True) if with_backup else asked.facts
    other = replace(
        asked,
        to=to if to is not None else asked.to,
        only=only if only is not None else asked.only,
        may_lose=may_lose if may_lose is not None else asked.may_lose,
        facts=facts,
    )
    return isinstance(answer(other), RollbackPlan)
