"""Powers after a loss: rows brought back from a copy, people erased for good, outside effects released."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from hrx.kit import log
from hrx.kit.errors import Text
from hrx.ops.recovery.copies import get_copy, opened_copy
from hrx.ops.recovery.effects import find_hold, release_effects, tell_hold
from hrx.ops.recovery.erasing import erase_within, find_unerased, keep_order, list_orders, new_order
from hrx.ops.recovery.returning import Scope, bring_back, plan_return
from hrx.ops.recovery.site import Site, open_site
from hrx.ops.run.acting.database_door import REPAIR
from hrx.ops.run.acting.spec import ActionSpec, Evidence, Look, wait_until_seen
from hrx.ops.run.plane import Plane
from hrx.ops.seams.sessions import Session, opened_session

#: Past row-level security and without triggers: signs in here only.
_RESTORE: Final = "hrx_restore"
_SCOPE: Final = ("copy", "tenant", "table", "keys", "changed")
_PERSON: Final = ("tenant", "person")


def scope_of(params: Mapping[str, str]) -> Scope:
    """What a plan's parameters name."""
    return Scope(
        tenant=int(params["tenant"]),
        table=None if params["table"] == "all" else params["table"],
        keys=() if params["keys"] == "all" else tuple(int(one) for one in params["keys"].split(",")),
        restores_changed=params["changed"] == "set-back",
    )


@contextmanager
def opened_pair(plane: Plane, copy: str, *, timeout_s: float) -> Iterator[tuple[Site, Session, Session]]:
    """A copy, and the living system as the role that brings rows back."""
    site = open_site(plane.settings)
    with opened_copy(site, copy) as there, _living(plane, _RESTORE, timeout_s=timeout_s) as here:
        yield site, there, here


@contextmanager
def _living(plane: Plane, role: str, *, timeout_s: float) -> Iterator[Session]:
    url = plane.target.database_url(role)
    with opened_session(url, timeout_s=timeout_s, is_read_only=False) as session:
        yield session


def _bring_back(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    with opened_pair(plane, params["copy"], timeout_s=timeout_s) as (site, there, here):
        done = bring_back(
            there,
            here,
            scope_of(params),
            expected_rows=int(params["rows"]),
            correlation_id=log.correlation_id.get() or "",
            moment=get_copy(site, params["copy"]).last_commit_at,
            orders=list_orders(site.folder),
        )
    return done.as_dict()


def _prove_back(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    """Planned again, nothing is left to do."""

    def seen() -> Look:
        with opened_pair(plane, params["copy"], timeout_s=timeout_s) as (site, there, here):
            left = plan_return(there, here, scope_of(params), orders=list_orders(site.folder))
        return Look(
            is_good=left.rows == 0,
            evidence={"rows_left": left.rows},
            says=Text(ja=f"まだ戻っていない行 {left.rows}", en=f"rows not back yet: {left.rows}"),
        )

    return wait_until_seen(seen, timeout_s=timeout_s)


def _erase(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    """The order is kept before the erasure is committed: killed in between, it is known, and runs again."""
    site = open_site(plane.settings)
    order = new_order(
        tenant=int(params["tenant"]),
        person=int(params["person"]),
        by=log.correlation_id.get() or "",
        reference=params["reference"],
    )
    with _living(plane, _RESTORE, timeout_s=timeout_s) as session, session.transaction():
        done = erase_within(session, order, correlation_id=log.correlation_id.get() or "")
        keep_order(site.folder, order)
    return {"rows": dict(done.rows), "files": list(done.file_keys), "order": order.name}


def _prove_erased(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    site = open_site(plane.settings)

    def seen() -> Look:
        orders = tuple(
            one
            for one in list_orders(site.folder)
            if (str(one.tenant), str(one.person)) == (params["tenant"], params["person"])
        )
        with _living(plane, _RESTORE, timeout_s=timeout_s) as session:
            left = find_unerased(session, orders)
        return Look(
            is_good=bool(orders) and not left,
            evidence={"order": orders[0].name if orders else "", "readable": len(left)},
            says=Text(ja="まだ読めるか、指示が残っていません", en="still readable, or no order was kept"),
        )

    return wait_until_seen(seen, timeout_s=timeout_s)


def _look_at_effects(plane: Plane, _params: Mapping[str, str], timeout_s: float) -> Evidence:
    with _living(plane, REPAIR, timeout_s=timeout_s) as session:
        hold = find_hold(session)
    if hold is None:
        return {"held": False}
    return {
        "held": True,
        "since": hold.held_at.isoformat(),
        "why": hold.reason,
        "waiting": [
            {"task": one.task, "of_the_past": one.is_of_the_past, "jobs": one.jobs, "tenants": one.tenants}
            for one in hold.waiting
        ],
    }


def _release(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    with _living(plane, REPAIR, timeout_s=timeout_s) as session:
        dropped = release_effects(session, drops_past=params["past"] == "drop")
    return {"was_held": dropped is not None, "dropped": dropped or 0}


def _prove_released(plane: Plane, _params: Mapping[str, str], timeout_s: float) -> Evidence:
    def seen() -> Look:
        with _living(plane, REPAIR, timeout_s=timeout_s) as session:
            hold = find_hold(session)
        return Look(is_good=hold is None, evidence={"held": hold is not None}, says=tell_hold(hold))

    return wait_until_seen(seen, timeout_s=timeout_s)


def find_effects_state(plane: Plane) -> str:
    """`yes` while outside effects are held. Raises SessionLost, Unavailable."""
    with _living(plane, REPAIR, timeout_s=3.0) as session:
        return "no" if find_hold(session) is None else "yes"


ACTIONS: Final = (
    ActionSpec(
        id="rows.bring_back",
        title=Text(ja="写しから行を戻す", en="Bring rows back from a copy"),
        only_reads=False,
        perform=_bring_back,
        params=(*_SCOPE, "rows"),
    ),
    ActionSpec(
        id="rows.prove_back",
        title=Text(ja="戻すべき行が残っていないことを確かめる", en="Prove that no row is left to bring back"),
        only_reads=True,
        perform=_prove_back,
        params=_SCOPE,
    ),
    ActionSpec(
        id="person.erase",
        title=Text(ja="人物の個人情報を消す", en="Erase a person"),
        only_reads=False,
        perform=_erase,
        params=(*_PERSON, "reference"),
    ),
    ActionSpec(
        id="person.prove_erased",
        title=Text(ja="人物がもう読めないことを確かめる", en="Prove that the person cannot be read any more"),
        only_reads=True,
        perform=_prove_erased,
        params=_PERSON,
    ),
    ActionSpec(
        id="effects.look",
        title=Text(ja="止めている送信を見る", en="Look at what is held"),
        only_reads=True,
        perform=_look_at_effects,
    ),
    ActionSpec(
        id="effects.release",
        title=Text(ja="外部への送信を再開する", en="Release outside effects"),
        only_reads=False,
        perform=_release,
        params=("past",),
    ),
    ActionSpec(
        id="effects.prove_released",
        title=Text(ja="送信を止めていないことを確かめる", en="Prove that nothing is held"),
        only_reads=True,
        perform=_prove_released,
    ),
)
