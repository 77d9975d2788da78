"""Powers over the living database as a whole: closed to people, replaced by a restored copy, opened again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from hrx.kit.errors import HrxError, Text
from hrx.ops.ledger.entries import Kind
from hrx.ops.recovery import switching
from hrx.ops.recovery.living import opened_living
from hrx.ops.recovery.site import Site, open_site
from hrx.ops.run.acting.spec import ActionSpec, Evidence, Look, wait_until_seen
from hrx.ops.run.looking import find_process
from hrx.ops.run.plane import Plane
from hrx.ops.targets.target import PartState

_WRITERS: Final = ("api-blue", "api-green", "worker")
_DATABASE: Final = "postgres"
_RECEIVER: Final = "wal-receiver"
_KEEPER: Final = "backup"
_OWNER: Final = "hrx_owner"
_SERVICE: Final = "api"
_POLL_S: Final = 0.2

Params = Mapping[str, str]


def find_copy_state(plane: Plane, params: Params) -> str:
    """What a plan rests on: how good the copy is, and what a switch to it would lose.

    Raises NotFound when there is none, Refused when it did not pass its checks."""
    facts = switching.require_good(open_site(plane.settings), params["copy"])
    told = facts.comparison or {}
    lost = "unknown" if not told.get("is_living_known") else str(told.get("lost", "unknown"))
    last = facts.last_commit_at.isoformat() if facts.last_commit_at else "unknown"
    return f"{facts.state.value}, last transaction {last}, loses {lost} rows"


def find_kept_state(plane: Plane, params: Params) -> str:
    """Whether the data from before that switch is still there. Raises Refused when it is not."""
    site = open_site(plane.settings)
    for one in switching.list_kept(site):
        if one.name == params["copy"]:
            return "kept"
    raise switching.nothing_kept(params["copy"])


def _close(plane: Plane, _params: Params, _timeout_s: float) -> Evidence:
    site = open_site(plane.settings)
    switching.begin_quiet(site)
    plane.target.close_edge(is_closed=True)
    return {"closed": plane.target.is_edge_closed()}


def _open(plane: Plane, _params: Params, _timeout_s: float) -> Evidence:
    plane.target.close_edge(is_closed=False)
    switching.end_quiet(open_site(plane.settings))
    return {"closed": plane.target.is_edge_closed()}


def _stop_writers(plane: Plane, _params: Params, timeout_s: float) -> Evidence:
    stopped = []
    for part in _WRITERS:
        if find_process(plane, part).state is PartState.RUNNING:
            plane.target.stop_part(part, timeout_s=timeout_s / len(_WRITERS))
            stopped.append(part)
    return {"stopped": stopped}


def _start_writers(plane: Plane, _params: Params, timeout_s: float) -> Evidence:
    wanted = [*plane.target.list_live(_SERVICE), "worker"]
    for part in wanted:
        plane.target.start_part(part, timeout_s=timeout_s / len(wanted))
    return {"started": wanted}


def _prepare(plane: Plane, params: Params, _timeout_s: float) -> Evidence:
    return switching.prepare_copy(open_site(plane.settings), params["copy"])


def _stop_database(plane: Plane, params: Params, timeout_s: float) -> Evidence:
    site = open_site(plane.settings)
    _fill_file(site)
    _wait_for_receiver(site, timeout_s=timeout_s / 4)
    _stop_parts(plane, timeout_s=timeout_s / 2)
    return switching.keep_records(site, params["copy"])


def _restart_database(plane: Plane, params: Params, timeout_s: float) -> Evidence:
    """Undo: the former database again, its receiver where it was."""
    site = open_site(plane.settings)
    switching.give_records_back(site, params["copy"])
    timeline = switching.begin_new_timeline(site)
    return {**timeline, **_start_database(plane, params, timeout_s)}


def _put_in_place(plane: Plane, params: Params, _timeout_s: float) -> Evidence:
    site = open_site(plane.settings)
    closed = switching.close_copy(site, params["copy"])
    return {**closed, **switching.put_in_place(site, params["copy"])}


def _take_back(plane: Plane, params: Params, timeout_s: float) -> Evidence:
    site = open_site(plane.settings)
    _fill_file(site)
    _wait_for_receiver(site, timeout_s=min(10.0, timeout_s / 4))
    _stop_parts(plane, timeout_s=timeout_s / 2)
    switching.keep_records(site, params["copy"], of=switching.AFTER)
    return switching.take_back(site, params["copy"])


def _stop_parts(plane: Plane, *, timeout_s: float) -> None:
    """The receiver last, so that it has everything; the keeper first, for it would copy what moves."""
    for part in (_KEEPER, _DATABASE, _RECEIVER):
        if find_process(plane, part).state is not PartState.STOPPED:
            plane.target.stop_part(part, timeout_s=timeout_s / 3)


def _start_database(plane: Plane, _params: Params, timeout_s: float) -> Evidence:
    site = open_site(plane.settings)
    plane.target.start_part(_DATABASE, timeout_s=timeout_s / 4)
    _wait_until_answering(site, timeout_s=timeout_s / 2)
    switching.forget_beginning(site)
    for part in (_RECEIVER, _KEEPER):
        plane.target.start_part(part, timeout_s=timeout_s / 8)
    return {"started": [_DATABASE, _RECEIVER, _KEEPER]}


def _bring_up_to_date(plane: Plane, params: Params, _timeout_s: float) -> Evidence:
    site = open_site(plane.settings)
    migrated = switching.migrate(site, owner_url=plane.target.database_url(_OWNER))
    with opened_living(site, is_read_only=False) as session:
        held = switching.hold_what_was_sent(site, session, params["copy"])
    # A cache of before the switch would show people what is not so any more.
    plane.target.restart_part("redis", timeout_s=20)
    return {**migrated, "cache": "emptied", "effects_held": held}


def _note(plane: Plane, params: Params, _timeout_s: float) -> Evidence:
    name = params["copy"]
    entry = plane.ledger.append(
        Kind.DATABASE_SWITCHED, actor="run", subject=f"copy:{name}", body={"copy": name}
    )
    return {"noted": entry.seq}


def _note_back(plane: Plane, params: Params, _timeout_s: float) -> Evidence:
    name = params["copy"]
    entry = plane.ledger.append(
        Kind.DATABASE_SWITCHED, actor="run", subject=f"copy:{name}", body={"copy": name, "is_back": True}
    )
    return {"noted": entry.seq}


def _prove_database(plane: Plane, params: Params, timeout_s: float) -> Evidence:
    site = open_site(plane.settings)

    def seen() -> Look:
        with opened_living(site) as session:
            told = switching.prove_switched(site, session, params["copy"])
        return Look(
            is_good=bool(told["is_good"]),
            evidence=told,
            says=Text(ja="まだ書き込みを受け付けません", en="it does not take writes yet"),
        )

    return wait_until_seen(seen, timeout_s=timeout_s)


def prove_received(plane: Plane, _params: Params, timeout_s: float) -> Evidence:
    """The receiver follows the database that is in place now: from here on nothing is lost again."""
    site = open_site(plane.settings)

    def seen() -> Look:
        with opened_living(site) as session:
            row = session.row(
                "SELECT state FROM pg_stat_replication AS r JOIN pg_replication_slots AS s"
                " ON s.active_pid = r.pid WHERE s.slot_name = 'hrx_receiver'"
            )
        state = str(row[0]) if row else "none"
        return Look(
            is_good=state == "streaming",
            evidence={"receiver": state},
            says=Text(ja=f"受信: {state}", en=f"receiving: {state}"),
        )

    return wait_until_seen(seen, timeout_s=timeout_s)


def _fill_file(site: Site) -> None:
    """End the file of change records that is being filled, so that all of it is shipped: every moment of the
    history that is left stays restorable."""
    try:
        with opened_living(site, is_read_only=False) as session:
            session.row("SELECT pg_switch_wal()")
    except HrxError:
        # It is dead or only readable: what was received stays where it is, unshipped but kept.
        return


def _wait_for_receiver(site: Site, *, timeout_s: float) -> None:
    """Everything that was committed is received before the server stops; a dead one is not waited for."""
    deadline = time.monotonic() + timeout_s
    query = (
        "SELECT bool_and(r.flush_lsn >= pg_current_wal_flush_lsn()) FROM pg_stat_replication AS r"
        " JOIN pg_replication_slots AS s ON s.active_pid = r.pid WHERE s.slot_name = 'hrx_receiver'"
    )
    while time.monotonic() < deadline:
        try:
            with opened_living(site) as session:
                row = session.row(query)
        except HrxError:
            return
        if row is None or row[0] in (True, None):
            return
        time.sleep(_POLL_S)


def _wait_until_answering(site: Site, *, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            with opened_living(site) as session:
                session.row("SELECT 1")
            return
        except HrxError:
            if time.monotonic() > deadline:
                raise
        time.sleep(_POLL_S)


def _spec(
    name: str, perform: Callable[[Plane, Params, float], Evidence], *, ja: str, en: str, reads: bool = False
) -> ActionSpec:
    return ActionSpec(
        id=f"recovery.{name}", title=Text(ja=ja, en=en), only_reads=reads, perform=perform, params=("copy",)
    )


def _checked(do: Callable[[Plane, Params, float], Evidence]) -> Callable[[Plane, Params, float], Evidence]:
    return partial(_require_good_first, do)


def _require_good_first(
    do: Callable[[Plane, Params, float], Evidence], plane: Plane, params: Params, timeout_s: float
) -> Evidence:
    """What was good when it was planned may have been removed since."""
    switching.require_good(open_site(plane.settings), params["copy"])
    return do(plane, params, timeout_s)


ACTIONS: Final = (
    _spec("close", _checked(_close), ja="利用者への入口を閉じる", en="Close the edge to people"),
    _spec("open", _open, ja="利用者への入口を開く", en="Open the edge to people"),
    _spec("prepare", _checked(_prepare), ja="写しを書き込めるようにする", en="Open the copy for writing"),
    _spec("stop_writers", _stop_writers, ja="書き込む部品を止める", en="Stop what writes"),
    _spec("start_writers", _start_writers, ja="書き込む部品を動かす", en="Start what writes"),
    _spec("stop_database", _stop_database, ja="データベースを止める", en="Stop the database"),
    _spec(
        "restart_database", _restart_database, ja="元のデータベースを動かす", en="Start the former database"
    ),
    _spec("put_in_place", _put_in_place, ja="写しを置き換える", en="Put the copy in place"),
    _spec("take_back", _take_back, ja="元のデータを戻す", en="Put the former data back"),
    _spec("start_database", _start_database, ja="データベースを動かす", en="Start the database"),
    _spec(
        "bring_up_to_date",
        _bring_up_to_date,
        ja="スキーマを今の版に合わせ、キャッシュを空にする",
        en="Bring the schema to this version, empty the cache",
    ),
    _spec("note", _note, ja="切り替えを記録する", en="Note the switch"),
    _spec("note_back", _note_back, ja="戻したことを記録する", en="Note the way back"),
    _spec(
        "prove_database",
        _prove_database,
        ja="新しいデータベースが書き込みを受け付けることを確かめる",
        en="Prove that the new database takes writes",
        reads=True,
    ),
    _spec(
        "prove_received",
        prove_received,
        ja="変更記録の受信が続いていることを確かめる",
        en="Prove that change records are received again",
        reads=True,
    ),
)
__all__ = ["ACTIONS", "find_copy_state", "find_kept_state"]
