"""Powers over PostgreSQL: end a session, cancel a statement, make a promised index, put a password back.

A session is named by its pid and the moment when it began, and both are compared in the very statement that
acts: a pid that was given to somebody else meanwhile is never touched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from hrx.kit.errors import Conflict, NotFound, Refused, Text
from hrx.ops.run.acting.database_door import OWNER, act, look
from hrx.ops.run.acting.spec import ActionSpec, Evidence, Look, wait_until_seen
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.indexes import PromisedIndex
from hrx.ops.targets.target import Target

_MAKING: Final = re.compile(r"CREATE (UNIQUE )?INDEX ([a-z_0-9]+) ON (.+)", re.S)
_END_WAIT_MS: Final = 5_000

_SESSION: Final = """
SELECT a.pid, a.usename AS role, r.rolsuper AS is_superuser, a.state,
       CASE WHEN a.application_name LIKE 'hrx %%' THEN 'hrx' ELSE a.application_name END AS application,
       EXTRACT(EPOCH FROM clock_timestamp() - a.xact_start)::float8 AS transaction_s,
       CASE WHEN a.state = 'active' THEN EXTRACT(EPOCH FROM clock_timestamp() - a.query_start)::float8 END
         AS statement_s,
       a.backend_xid IS NOT NULL AS has_written,
       (SELECT count(*) FROM pg_stat_activity AS w
         WHERE w.wait_event_type = 'Lock' AND a.pid = ANY (pg_blocking_pids(w.pid))) AS holds_up
  FROM pg_stat_activity AS a
  JOIN pg_roles AS r ON r.rolname = a.usename
 WHERE a.pid = %(pid)s AND a.backend_start = %(started)s::timestamptz
   AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
"""
_END: Final = """
SELECT pg_terminate_backend(a.pid, %(wait_ms)s) AS is_done FROM pg_stat_activity AS a
 WHERE a.pid = %(pid)s AND a.backend_start = %(started)s::timestamptz
   AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
"""
# One that began in this very second is another statement than the one that was found to be slow.
_CANCEL: Final = """
SELECT pg_cancel_backend(a.pid) AS is_done FROM pg_stat_activity AS a
 WHERE a.pid = %(pid)s AND a.backend_start = %(started)s::timestamptz AND a.state = 'active'
   AND a.query_start < clock_timestamp() - interval '1 second'
   AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
"""
_QUEUE: Final = """
SELECT count(*) AS waiting, COALESCE(max(EXTRACT(EPOCH FROM clock_timestamp() - l.waitstart)), 0)::float8
         AS longest_s
  FROM pg_locks AS l WHERE NOT l.granted
"""
_INDEX: Final = """
SELECT i.indisvalid AS is_valid
  FROM pg_index AS i
  JOIN pg_class AS c ON c.oid = i.indexrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE n.nspname || '.' || c.relname = %(name)s
"""


class SessionIsAdministrators(Refused):
    """A superuser's session: somebody works there on purpose, and only a superuser may end it."""

    code = "run.session_of_administrator"


# `Any`: a row.
def find_session(plane: Plane, params: Mapping[str, str]) -> Mapping[str, Any] | None:
    """The session that pid and moment name, as it is now; None when it has ended."""
    rows = look(plane, _SESSION, {"pid": int(params["pid"]), "started": params["started"]})
    return rows[0] if rows else None


def find_index_state(plane: Plane, name: str) -> str:
    """`there`, `half` (left over from a build that failed) or `missing`."""
    rows = look(plane, _INDEX, {"name": name})
    if not rows:
        return "missing"
    return "there" if rows[0]["is_valid"] else "half"


def refuse_administrators(session: Mapping[str, Any] | None) -> None:
    """Raises SessionIsAdministrators when it is a superuser's."""
    if session is not None and session["is_superuser"]:
        raise SessionIsAdministrators(
            Text(
                ja=f"この接続は管理者の役割({session['role']})のもので、手順では終わらせません",
                en=f"This session is of an administrator's role ({session['role']}); no procedure ends it",
            ),
            hint=Text(
                ja="誰が使っているかを確かめ、本人に閉じてもらってください。",
                en="Find out whose it is and have them close it.",
            ),
        )


def _look_at_session(plane: Plane, params: Mapping[str, str], _timeout_s: float) -> Evidence:
    found = find_session(plane, params)
    queue = look(plane, _QUEUE)[0]
    return {"is_there": found is not None, **(found or {}), "queue": dict(queue)}


def _end_session(plane: Plane, params: Mapping[str, str], _timeout_s: float) -> Evidence:
    refuse_administrators(find_session(plane, params))
    rows = act(
        plane,
        _END,
        {"pid": int(params["pid"]), "started": params["started"], "wait_ms": _END_WAIT_MS},
    )
    if rows and not rows[0]["is_done"]:
        raise Conflict(
            Text(
                ja=f"接続 {params['pid']} は {_END_WAIT_MS / 1000:g} 秒たっても終わりません",
                en=f"Session {params['pid']} has not ended after {_END_WAIT_MS / 1000:g} s",
            ),
            code="run.session_stays",
        )
    # None found is the wanted end, too: it ended by itself, or a former run did it.
    return {"pid": int(params["pid"]), "ended": bool(rows), "had_ended_before": not rows}


def _cancel_statement(plane: Plane, params: Mapping[str, str], _timeout_s: float) -> Evidence:
    refuse_administrators(find_session(plane, params))
    rows = act(plane, _CANCEL, {"pid": int(params["pid"]), "started": params["started"]})
    return {"pid": int(params["pid"]), "cancelled": bool(rows), "had_ended_before": not rows}


def _prove_no_queue(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    """The session has gone, and nobody has waited for a lock for more than a second."""

    def seen() -> Look:
        found, queue = find_session(plane, params), look(plane, _QUEUE)[0]
        is_good = found is None and float(queue["longest_s"]) <= 1
        waits = f"{queue['waiting']} ({float(queue['longest_s']):.1f} s)"
        return Look(
            is_good=is_good,
            evidence={"session_is_there": found is not None, **queue},
            says=Text(ja=f"ロックを待つ処理 {waits}", en=f"statements that wait for a lock: {waits}"),
        )

    return wait_until_seen(seen, timeout_s=timeout_s)


def _prove_statement_gone(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    """The session runs nothing, or something that began within this second."""

    def seen() -> Look:
        found = find_session(plane, params)
        runs_s = float((found or {}).get("statement_s") or 0)
        return Look(
            is_good=runs_s <= 1,
            evidence={"session_is_there": found is not None, "statement_s": round(runs_s, 2)},
            says=Text(ja=f"まだ {runs_s:.0f} 秒走っています", en=f"it still runs, for {runs_s:.0f} s"),
        )

    return wait_until_seen(seen, timeout_s=timeout_s)


def _make_index(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    promised = _promised(plane, params["index"])
    state = find_index_state(plane, promised.name)
    if state == "there":
        return {"index": promised.name, "made": False, "was": state}
    if state == "half":
        _drop(plane, promised, timeout_s=timeout_s)
    act(plane, _concurrently(promised.definition), role=OWNER, timeout_s=timeout_s)
    return {"index": promised.name, "table": promised.table, "made": True, "was": state}


def _drop_half_index(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    """Remove what a build that failed left behind; an index that works is left alone."""
    promised = _promised(plane, params["index"])
    state = find_index_state(plane, promised.name)
    if state == "half":
        _drop(plane, promised, timeout_s=timeout_s)
    return {"index": promised.name, "was": state, "dropped": state == "half"}


def _prove_index(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    def seen() -> Look:
        state = find_index_state(plane, params["index"])
        return Look(
            is_good=state == "there",
            evidence={"index": params["index"], "state": state},
            says=Text(ja=f"索引の状態: {state}", en=f"the index is {state}"),
        )

    return wait_until_seen(seen, timeout_s=timeout_s)


def _drop(plane: Plane, promised: PromisedIndex, *, timeout_s: float) -> None:
    act(plane, f"DROP INDEX CONCURRENTLY IF EXISTS {promised.name}", role=OWNER, timeout_s=timeout_s)


def _concurrently(definition: str) -> str:
    """PostgreSQL's own words for the index, made without stopping writers. Raises ValueError."""
    found = _MAKING.fullmatch(" ".join(definition.split()))
    if found is None:
        raise ValueError(definition)
    unique, name, rest = found.group(1) or "", found.group(2), found.group(3)
    return f"CREATE {unique}INDEX CONCURRENTLY IF NOT EXISTS {name} ON {rest}"


def _promised(plane: Plane, name: str) -> PromisedIndex:
    for index in plane.content.indexes:
        if index.name == name:
            return index
    raise NotFound(
        Text(ja=f"索引 {name} は約束されていません", en=f"No index {name} is promised"), code="run.no_index"
    )


def _reset_password(plane: Plane, params: Mapping[str, str], _timeout_s: float) -> Evidence:
    target: Target = plane.target
    target.reset_database_password(params["role"])
    return {"role": params["role"], "set": True}


def _prove_role(plane: Plane, params: Mapping[str, str], timeout_s: float) -> Evidence:
    """Sign in to the database as the role, with what is on file."""

    def seen() -> Look:
        rows = act(plane, "SELECT current_user::text AS role", role=params["role"], timeout_s=3)
        return Look(
            is_good=rows[0]["role"] == params["role"],
            evidence={"signed_in_as": rows[0]["role"]},
            says=Text(ja=f"{rows[0]['role']} として入りました", en=f"signed in as {rows[0]['role']}"),
        )

    return wait_until_seen(seen, timeout_s=timeout_s)


_SESSION_PARAMS: Final = ("pid", "started")

ACTIONS: Final = (
    ActionSpec(
        id="database.look_at_session",
        title=Text(ja="接続と待ち行列を見る", en="Look at a session and the queue"),
        only_reads=True,
        perform=_look_at_session,
        params=_SESSION_PARAMS,
    ),
    ActionSpec(
        id="database.end_session",
        title=Text(ja="接続を終わらせる", en="End a session"),
        only_reads=False,
        perform=_end_session,
        params=_SESSION_PARAMS,
    ),
    ActionSpec(
        id="database.cancel_statement",
        title=Text(ja="SQL を中止する", en="Cancel a statement"),
        only_reads=False,
        perform=_cancel_statement,
        params=_SESSION_PARAMS,
    ),
    ActionSpec(
        id="database.prove_no_queue",
        title=Text(ja="待ち行列が消えたことを確かめる", en="Prove that the queue has gone"),
        only_reads=True,
        perform=_prove_no_queue,
        params=_SESSION_PARAMS,
    ),
    ActionSpec(
        id="database.prove_statement_gone",
        title=Text(ja="SQL が終わったことを確かめる", en="Prove that the statement has ended"),
        only_reads=True,
        perform=_prove_statement_gone,
        params=_SESSION_PARAMS,
    ),
    ActionSpec(
        id="database.make_index",
        title=Text(ja="約束された索引を作る", en="Make a promised index"),
        only_reads=False,
        perform=_make_index,
        params=("index",),
    ),
    ActionSpec(
        id="database.drop_half_index",
        title=Text(ja="作りかけの索引を片付ける", en="Remove an index that was only half made"),
        only_reads=False,
        perform=_drop_half_index,
        params=("index",),
    ),
    ActionSpec(
        id="database.prove_index",
        title=Text(ja="索引が使えることを確かめる", en="Prove that the index is there and valid"),
        only_reads=True,
        perform=_prove_index,
        params=("index",),
    ),
    ActionSpec(
        id="database.reset_password",
        title=Text(ja="保管中のパスワードに戻す", en="Put the password on file back"),
        only_reads=False,
        perform=_reset_password,
        params=("role",),
    ),
    ActionSpec(
        id="database.prove_role",
        title=Text(ja="その役割で入れることを確かめる", en="Prove that the role can sign in"),
        only_reads=True,
        perform=_prove_role,
        params=("role",),
    ),
)
