"""What is seen from outside after a way back, and what keeps newer code off a schema it cannot run on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Final

from hrx.kit.errors import Refused, Text, Unavailable
from hrx.ops.release.deploying import SERVICES
from hrx.ops.release.migrations.running import read_current
from hrx.ops.release.releases import Slot
from hrx.ops.release.shape_reading import read_revision
from hrx.ops.run.acting.spec import ActionSpec, Evidence, Look, wait_until_seen
from hrx.ops.run.plane import Plane
from hrx.ops.run.rollouts import find_this_machine, find_this_place
from hrx.ops.seams.postgres import DatabaseRefused

Params = Mapping[str, str]
_OWNER: Final = "hrx_owner"
#: After the switch errors are counted for so long; of so many answers one hundredth may fail by chance.
_WATCH_S: Final = 5.0
_FEW: Final = 0.01


class SchemaMovedOn(Refused):
    """The newer code does not run on the schema that is there now, so it gets no request again."""

    code = "rollback.schema_moved_on"


def require_schema(plane: Plane, params: Params) -> None:
    """Raises SchemaMovedOn, Unavailable when nobody can tell. Without a way down nothing is asked."""
    if not params["floor"]:
        return
    revision = _read_revision(plane)
    if revision != params["schema"]:
        raise SchemaMovedOn(
            Text(
                ja=f"スキーマは {revision} にあり、{params['live']} は動きません。"
                f"{params['to']} のまま残します",
                en=f"The schema stands at {revision}, on which {params['live']} does not run; "
                f"{params['to']} stays",
            ),
            hint=Text(
                ja=f"進めるには `hrx release deploy {params['live']}`(スキーマを先に上げます)。",
                en=f"The way forward is `hrx release deploy {params['live']}`: it takes the schema up first.",
            ),
        )


def _read_revision(plane: Plane) -> str | None:
    """Raises Unavailable where nobody can be asked."""
    watching = plane.settings.ops_database_url
    if watching is None:
        return read_current(plane.target.database_url(_OWNER))
    try:
        return read_revision(watching.get_secret_value())
    except DatabaseRefused as error:
        raise Unavailable(
            Text(ja=f"データベースが応答しません({error})", en=f"The database does not answer ({error})"),
            code="rollback.schema_unknown",
        ) from error


def _prove_served(plane: Plane, params: Params, timeout_s: float) -> Evidence:
    """The version where people ask, then a few seconds of its answers."""
    hands, slot = find_this_machine(), Slot(params["slot"])
    wanted = find_this_place(plane.settings).store.get(params["to"]).commit[:12]
    edge = plane.settings.edge_url.rstrip("/")

    def seen() -> Look:
        facts = plane.http.look_at_version(f"api-{slot}", f"{edge}/version").facts
        found = (facts.get("slot"), facts.get("commit"))
        return Look(
            is_good=found == (slot.value, wanted),
            evidence={"slot": found[0], "commit": found[1]},
            says=Text(ja=f"入口の答え: {found}", en=f"the edge's answer came from {found}"),
        )

    served = wait_until_seen(seen, timeout_s=timeout_s - _WATCH_S - plane.settings.look_timeout_s)
    before = {service: hands.edge.look(service)[slot] for service in SERVICES}
    time.sleep(_WATCH_S)
    after = {service: hands.edge.look(service)[slot] for service in SERVICES}
    begun = sum(after[one].begun - before[one].begun for one in SERVICES)
    failed = sum(after[one].failed - before[one].failed for one in SERVICES)
    if failed > max(1, begun * _FEW):
        raise Unavailable(
            Text(
                ja=f"戻した版が {begun} 件中 {failed} 件の要求に失敗しています",
                en=f"The older release fails {failed} of {begun} requests",
            ),
            code="rollback.still_failing",
        )
    return {**served, "watched_s": _WATCH_S, "requests": begun, "failed": failed}


def _prove_schema(plane: Plane, params: Params, timeout_s: float) -> Evidence:
    wanted = params["floor"] or params["schema"]

    def seen() -> Look:
        revision = _read_revision(plane)
        return Look(
            is_good=revision == wanted,
            evidence={"revision": revision},
            says=Text(ja=f"スキーマは {revision}", en=f"the schema stands at {revision}"),
        )

    return wait_until_seen(seen, timeout_s=timeout_s)


_spec = partial(ActionSpec, only_reads=True, params=("to",))

ACTIONS: Final = (
    _spec(
        id="rollback.prove_served",
        title=Text(ja="入口でその版の答えを確かめる", en="Prove at the edge that this release answers"),
        perform=_prove_served,
    ),
    _spec(
        id="rollback.prove_schema",
        title=Text(ja="スキーマのリビジョンを確かめる", en="Prove where the schema stands"),
        perform=_prove_schema,
    ),
)
