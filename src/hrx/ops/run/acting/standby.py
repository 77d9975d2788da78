"""Powers over the pair of database servers: the standby takes over, and the pair is made whole again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from hrx.kit.errors import Text
from hrx.kit.ids import new_correlation_id
from hrx.ops.recovery.living import opened_living
from hrx.ops.recovery.site import Site, open_site
from hrx.ops.recovery.standby import supervised, taking_over
from hrx.ops.run.acting.recovery import prove_received
from hrx.ops.run.acting.spec import ActionSpec, Evidence, Look, wait_until_seen
from hrx.ops.run.plane import Plane
from hrx.ops.seams.sessions import SessionLost
from hrx.ops.targets.machine.supervisor import Supervisor

_PASSES_WITHIN_S: Final = 5.0

Params = Mapping[str, str]


def find_pair_state(plane: Plane, _params: Params) -> str:
    """What a plan rests on: who writes, and whether the other follows. Raises Unavailable, Refused."""
    found = supervised.read_status(open_site(plane.settings))
    writer = plane.target.find_database_part()
    primary = "answers" if found.primary is not None else "silent"
    standby = "answers" if found.standby is not None else "silent"
    return f"writer {writer}, primary {primary}, standby {standby}"


def _take_over(plane: Plane, _params: Params, _timeout_s: float, *, loss_max_bytes: int | None) -> Evidence:
    site = open_site(plane.settings)
    return taking_over.take_over(
        site,
        _keeper(site),
        partial(plane.target.pass_database_to, timeout_s=_PASSES_WITHIN_S),
        run_id=new_correlation_id(),
        loss_max_bytes=loss_max_bytes,
    )


def _come_home(plane: Plane, _params: Params, _timeout_s: float) -> Evidence:
    site = open_site(plane.settings)
    pass_to = partial(plane.target.pass_database_to, timeout_s=_PASSES_WITHIN_S)
    return taking_over.come_home(site, _keeper(site), pass_to)


def _rejoin(plane: Plane, _params: Params, _timeout_s: float) -> Evidence:
    site = open_site(plane.settings)
    return taking_over.rejoin(site, _keeper(site))


def _prove_writes(plane: Plane, _params: Params, timeout_s: float) -> Evidence:
    """The writer by its own word, where clients reach it: not in recovery, and a transaction number given."""
    site = open_site(plane.settings)

    def seen() -> Look:
        try:
            with opened_living(site, is_read_only=False) as session:
                row = session.row("SELECT pg_is_in_recovery(), pg_current_xact_id()::text")
        except SessionLost:
            row = None
        is_good = row is not None and row[0] is False
        return Look(
            is_good=is_good,
            evidence={
                "writer": plane.target.find_database_part(),
                "transaction": str(row[1]) if row else None,
            },
            says=Text(ja="まだ書き込みを受け付けません", en="it does not take writes yet"),
        )

    return wait_until_seen(seen, timeout_s=timeout_s)


def _prove_follows(plane: Plane, _params: Params, timeout_s: float) -> Evidence:
    site = open_site(plane.settings)

    def seen() -> Look:
        found = supervised.read_status(site)
        return Look(
            is_good=found.state == "streaming",
            evidence={"state": found.state, "behind_bytes": found.behind_bytes},
            says=Text(ja=f"待機系: {found.state}", en=f"the standby: {found.state}"),
        )

    return wait_until_seen(seen, timeout_s=timeout_s)


def _keeper(site: Site) -> Supervisor:
    return Supervisor(site.layout.supervisor_socket)


def _spec(
    name: str, perform: Callable[[Plane, Params, float], Evidence], *, ja: str, en: str, reads: bool = False
) -> ActionSpec:
    return ActionSpec(id=f"standby.{name}", title=Text(ja=ja, en=en), only_reads=reads, perform=perform)


ACTIONS: Final = (
    _spec(
        "take_over",
        partial(_take_over, loss_max_bytes=0),
        ja="待機系を昇格させる(何も失わないときだけ)",
        en="Promote the standby, if nothing is lost",
    ),
    _spec(
        "take_over_with_loss",
        partial(_take_over, loss_max_bytes=None),
        ja="待機系を昇格させる(失うことを承認済み)",
        en="Promote the standby, the loss being approved",
    ),
    _spec(
        "come_home",
        _come_home,
        ja="引き継いだ側を主系の場所へ移す",
        en="Give whoever took over the primary's place",
    ),
    _spec("rejoin", _rejoin, ja="古い主系を待機系として合流させる", en="Let the old primary follow"),
    _spec(
        "prove_writes",
        _prove_writes,
        ja="データベースが書き込みを受け付けることを確かめる",
        en="Prove that the database takes writes",
        reads=True,
    ),
    _spec(
        "prove_received",
        prove_received,
        ja="変更記録の受信が続いていることを確かめる",
        en="Prove that change records are received again",
        reads=True,
    ),
    _spec(
        "prove_follows",
        _prove_follows,
        ja="待機系が追いかけていることを確かめる",
        en="Prove that the standby follows",
        reads=True,
    ),
)
__all__ = ["ACTIONS", "find_pair_state"]
