"""Powers that bring models and search indexes back with the release that they belong to, and forth again.

Each goes through its own gate, is moved only where it does not stand already, and is on record by itself:
the registry's moves, the pointer's row, the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeVar

from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.release.pointers import PointerChange, Pointers, list_changes
from hrx.ops.release.releases import Component
from hrx.ops.run.acting.going_back_proofs import require_schema
from hrx.ops.run.acting.spec import ActionSpec, Evidence, Look, wait_until_seen
from hrx.ops.run.plane import Plane
from hrx.ops.run.rollouts import find_this_place
from hrx.ops.seams.migrating import MigrationLockHeld

Params = Mapping[str, str]
Done = TypeVar("Done")
_OWNER: Final = "hrx_owner"
_BY: Final = "run"
_LOOK_S: Final = 0.5
PROVE_POINTERS: Final = "rollback.prove_pointers"


def find_pointers(plane: Plane) -> Pointers:
    return Pointers(plane.settings, plane.ledger, lambda: plane.target.database_url(_OWNER))


def read_components(said: str) -> frozenset[Component]:
    """`index,model` of a plan's parameter."""
    return frozenset(Component(one) for one in said.split(",") if one)


def list_pointer_changes(
    plane: Plane, *, former: str, to: str, components: frozenset[Component]
) -> tuple[PointerChange, ...]:
    """Models and indexes in which two releases on record differ. Raises ReleaseNotFound."""
    store = find_this_place(plane.settings).store
    found = list_changes(store.get(former), store.get(to))
    return tuple(one for one in found if one.component in components)


def _switch(plane: Plane, params: Params, timeout_s: float) -> Evidence:
    return _apply(plane, params, former=params["live"], to=params["to"], timeout_s=timeout_s)


def _switch_back(plane: Plane, params: Params, timeout_s: float) -> Evidence:
    require_schema(plane, params)
    return _apply(plane, params, former=params["to"], to=params["live"], timeout_s=timeout_s)


def _apply(plane: Plane, params: Params, *, former: str, to: str, timeout_s: float) -> Evidence:
    changes = _list(plane, params, former=former, to=to)
    pointers = find_pointers(plane)
    moved = _once_free(
        lambda: pointers.apply(changes, by=_BY, reason=f"way back to {to}"), timeout_s=timeout_s
    )
    return {"moved": [f"{one.component.value}:{one.name}" for one in moved], "stand": pointers.stand(changes)}


def _catch_up(plane: Plane, params: Params, timeout_s: float) -> Evidence:
    changes = _list(plane, params, former=params["live"], to=params["to"])
    done = _once_free(lambda: find_pointers(plane).catch_up(changes), timeout_s=timeout_s)
    return {name: {"written": one.written, "removed": one.removed} for name, one in done.items()}


def _once_free(act: Callable[[], Done], *, timeout_s: float) -> Done:
    """The server notices a killed runner a moment later, and its lock with it. Raises MigrationLockHeld when
    somebody else holds it all the time."""
    deadline = clock.monotonic_s() + timeout_s / 2
    while True:
        try:
            return act()
        except MigrationLockHeld:
            if clock.monotonic_s() >= deadline:
                raise
            time.sleep(_LOOK_S)


def _list(plane: Plane, params: Params, *, former: str, to: str) -> tuple[PointerChange, ...]:
    components = read_components(params["components"])
    return list_pointer_changes(plane, former=former, to=to, components=components)


def _prove(plane: Plane, params: Params, timeout_s: float) -> Evidence:
    """Read back where they stand. An index that nobody ever switched to stays unused."""
    changes, pointers = _list(plane, params, former=params["live"], to=params["to"]), find_pointers(plane)
    wanted = {f"{one.component.value}:{one.name}": one.version for one in changes}

    def seen() -> Look:
        stand = pointers.stand(changes)
        unused = {name for name, version in stand.items() if not version and name.startswith("index:")}
        wrong = {name: stand[name] for name in wanted if stand[name] != wanted[name] and name not in unused}
        said = ", ".join(f"{name} {version}" for name, version in sorted(wrong.items()))
        return Look(
            is_good=not wrong,
            evidence={"stand": stand},
            says=Text(ja=f"まだ切り替わっていません: {said}", en=f"not there yet: {said}"),
        )

    return wait_until_seen(seen, timeout_s=timeout_s)


_spec = partial(ActionSpec, only_reads=False, params=("to",))

ACTIONS: Final = (
    _spec(
        id="rollback.catch_up_index",
        title=Text(ja="以前の検索インデックスに不足分を加える", en="Add to the older index what it lacks"),
        perform=_catch_up,
    ),
    _spec(
        id="rollback.switch_pointers",
        title=Text(ja="モデルと検索インデックスを戻す", en="Use the older models and indexes"),
        perform=_switch,
    ),
    _spec(
        id="rollback.switch_pointers_back",
        title=Text(ja="モデルと検索インデックスを元の版にする", en="Use the newer models and indexes again"),
        perform=_switch_back,
    ),
    _spec(
        id=PROVE_POINTERS,
        title=Text(
            ja="使われているモデルと検索インデックスを確かめる",
            en="Prove which models and indexes are in use",
        ),
        perform=_prove,
        only_reads=True,
    ),
)
