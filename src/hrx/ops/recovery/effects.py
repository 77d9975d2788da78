"""Outside effects after a restore: held in the copy before it is switched in, listed, released by a person.

Whatever leaves the product (mail, webhooks, calls to others) goes through a job, and no worker takes a job
while the hold is set (migration 0008). Jobs of the restored moment may have been done since: who releases
them sees which they are, and says whether they run or are dropped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hrx.kit.errors import Refused, Text
from hrx.ops.seams.sessions import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldJobs:
    """Jobs of one kind that wait. `is_of_the_past`: the restored moment knew them; perhaps done since."""

    task: str
    is_of_the_past: bool
    jobs: int
    tenants: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Effects are held since `held_at`; `run` leads to the ledger."""

    held_at: datetime
    reason: str
    run: str
    waiting: tuple[HeldJobs, ...]

    @property
    def of_the_past(self) -> int:
        return sum(one.jobs for one in self.waiting if one.is_of_the_past)

    @property
    def newer(self) -> int:
        return sum(one.jobs for one in self.waiting if not one.is_of_the_past)


class CannotHold(Refused):
    """The copy's schema is older than the hold."""

    code = "recovery.cannot_hold"


def hold_effects(session: Session, *, reason: str, correlation_id: str) -> bool:
    """Hold everything from now on; True when it was not held before. The copy is open for writing, before
    any worker can reach it; the session is that of hrx_repair or a superuser. Raises CannotHold for a copy
    from before migration 0008 (migrate it first), SessionLost."""
    if session.row("SELECT to_regprocedure('seam.hold_effects(text, text)') IS NULL") == (True,):
        raise CannotHold(
            Text(
                ja="この写しの版では、外部への送信を止められません",
                en="At this copy's version outside effects cannot be held",
            ),
            hint=Text(
                ja="写しを今の版へ移行してから止めます。ワーカーはそれまで起動しません。",
                en="Migrate the copy to today's version, then hold them; keep workers stopped until then.",
            ),
        )
    row = session.row(
        "SELECT seam.hold_effects(%(reason)s, %(id)s)", {"reason": reason, "id": correlation_id}
    )
    return bool(row and row[0])


def find_hold(session: Session) -> Hold | None:
    """What is held, None when nothing is. Raises SessionLost."""
    row = session.row("SELECT held_at, reason, correlation_id FROM seam.effects_hold()")
    if row is None:
        return None
    waiting = session.rows(
        "SELECT task_name, is_of_the_past, jobs, tenants, oldest_at FROM seam.list_held_effects()"
    )
    return Hold(
        held_at=row[0],
        reason=row[1],
        run=row[2],
        waiting=tuple(
            HeldJobs(task=task, is_of_the_past=past, jobs=jobs, tenants=tenants, oldest_at=oldest)
            for task, past, jobs, tenants, oldest in waiting
        ),
    )


def release_effects(session: Session, *, drops_past: bool) -> int | None:
    """Let jobs run again; gives how many of the past were dropped, None when nothing was held."""
    row = session.row("SELECT seam.release_effects(%(drop)s)", {"drop": drops_past})
    return None if row is None or row[0] is None else int(row[0])


def tell_hold(hold: Hold | None) -> Text:
    """One sentence."""
    if hold is None:
        return Text(ja="外部への送信は止めていません", en="Outside effects are not held")
    past = "1 job" if hold.of_the_past == 1 else f"{hold.of_the_past} jobs"
    since = f"{hold.held_at:%Y-%m-%d %H:%M} UTC"
    return Text(
        ja=f"外部への送信を {since} から止めています。復元した時点の仕事 {hold.of_the_past} 件"
        f"(その後に済んでいるかもしれない)、新しい仕事 {hold.newer} 件",
        en=f"Outside effects are held since {since}: {past} of the restored moment,"
        f" perhaps done since, and {hold.newer} newer",
    )
