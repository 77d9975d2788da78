"""Everything that is looked at in a copy, in one call: after a backup or restore, and before a switch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.recovery.checks.findings import Finding, timed
from hrx.ops.recovery.checks.pages import check_pages
from hrx.ops.recovery.checks.product import AuditHead, check_audit, check_integrity
from hrx.ops.recovery.checks.references import check_references
from hrx.ops.recovery.checks.structure import CODE as STRUCTURE
from hrx.ops.recovery.checks.structure import check_structure
from hrx.ops.seams.sessions import Session, SessionLost

_SERVER: Final = Text(ja="サーバー", en="The server")
_STOPPED: Final = Text(ja="検査の中断", en="A check that could not end")
_MOMENT: Final = Text(ja="最後の取引", en="Last transaction")


def check_copy(
    session: Session,
    *,
    target: datetime | None = None,
    heads: Mapping[int, AuditHead] | None = None,
    is_copy: bool = True,
) -> tuple[Finding, ...]:
    """Look through one database; changes nothing. The session is a superuser's (every table, every tenant).

    `target`: the moment that was asked for; nothing in the copy may be later. `heads`: ends of audit trails
    as seen from outside (`product.read_heads`), which a copy of a later moment must hold. `is_copy` False:
    the living system, which is open for writing. Raises SessionLost when the server goes away.

    All well: `all(one.is_well for one in found)`."""
    session.rows("SET statement_timeout = 0")
    return (
        timed(lambda: _check_server(session, is_copy=is_copy)),
        timed(lambda: _check_moment(session, target)),
        timed(lambda: check_pages(session)),
        _attempt(session, "references", lambda: check_references(session)),
        _attempt(session, "integrity", lambda: check_integrity(session)),
        _attempt(session, "audit", lambda: check_audit(session, heads=heads or {}, until=target)),
        _attempt(session, STRUCTURE, lambda: check_structure(session)),
    )


def _attempt(session: Session, code: str, look: Callable[[], Finding]) -> Finding:
    """Damage can stop a look on its way; that is a finding, as long as the server still answers."""
    try:
        return timed(look)
    except SessionLost as error:
        session.row("SELECT 1")
        return Finding(code=code, is_well=False, title=_STOPPED, said=error.message)


def _check_server(session: Session, *, is_copy: bool) -> Finding:
    """A copy is read-only until somebody switches to it; checksums are on, or reading verifies nothing."""
    row = session.row(
        "SELECT pg_is_in_recovery(), current_setting('data_checksums'), current_user, version()"
    )
    is_closed, checksums, user, version = row or (False, "off", "", "")
    is_super = session.row("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == (True,)
    if is_super and not is_closed:
        # Only a superuser may read what the server's files say, and the session's own word is another.
        is_closed = session.row(
            "SELECT EXISTS (SELECT FROM pg_file_settings"
            " WHERE name = 'default_transaction_read_only' AND setting = 'on')"
        ) == (True,)
    if not is_super:
        said = Text(
            ja=f"役割 {user} では全テナントの行を見られません",
            en=f"Role {user} does not see every tenant's rows",
        )
    elif checksums != "on":
        said = Text(ja="ページのチェックサムが無効です", en="Page checksums are off")
    elif is_closed != is_copy:
        said = (
            Text(ja="写しが書き込み可能になっています", en="The copy is open for writing")
            if is_copy
            else Text(ja="読み取り専用です", en="It is read-only")
        )
    else:
        said = Text(
            ja="読み取り専用で、ページのチェックサムが有効です"
            if is_copy
            else "書き込み可能で、ページのチェックサムが有効です",
            en="Read-only, page checksums on" if is_copy else "Open for writing, page checksums on",
        )
    return Finding(
        code="server",
        is_well=is_super and checksums == "on" and is_closed == is_copy,
        title=_SERVER,
        said=said,
        figures={"version": str(version).partition(" on ")[0]},
    )


def _check_moment(session: Session, target: datetime | None) -> Finding:
    """The newest commit in it: never later than asked for."""
    row = session.row("SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_xact_replay_timestamp() END")
    last: datetime | None = row[0] if row else None
    if last is None:
        known = session.row("SELECT (pg_last_committed_xact()).timestamp")
        last = known[0] if known else None
    if last is None:
        said = Text(ja="取引の時刻が分かりません", en="It knows no time of a transaction")
        return Finding(code="moment", is_well=target is None, title=_MOMENT, said=said)
    stamp = f"{last:%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"
    figures: dict[str, int | float | str] = {"last_commit_at": last.isoformat()}
    if target is None:
        said = Text(ja=f"最後の取引は {stamp}", en=f"Its last transaction is of {stamp}")
        return Finding(code="moment", is_well=True, title=_MOMENT, said=said, figures=figures)
    before_s = round((target - last).total_seconds(), 6)
    figures["before_target_s"] = before_s
    if before_s < 0:
        said = Text(
            ja=f"最後の取引 {stamp} は、指定した時点より {-before_s:.3f} 秒あとです",
            en=f"Its last transaction, {stamp}, is {-before_s:.3f} s later than what was asked for",
        )
    else:
        said = Text(
            ja=f"最後の取引は {stamp}、指定した時点の {before_s:.3f} 秒前です",
            en=f"Its last transaction is of {stamp}, {before_s:.3f} s before what was asked for",
        )
    return Finding(code="moment", is_well=before_s >= 0, title=_MOMENT, said=said, figures=figures)
