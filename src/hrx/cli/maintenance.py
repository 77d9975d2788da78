"""`hrx maintenance …`: planned work, announced in time, ended early or extended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from hrx.cli import output
from hrx.cli.communication_acts import print_leaks
from hrx.cli.options import As, AsJson, Code, DryRun, Reason, Yes
from hrx.cli.plane import acting, actor_of, confirm, opened, show_done
from hrx.kit import clock
from hrx.kit.errors import Invalid, Text
from hrx.ops.communication import maintenance
from hrx.ops.communication.drafting import Words
from hrx.ops.communication.notices import judge
from hrx.ops.ledger.communications import Audience, Notice, NoticeKind, NoticeState, get_notice, list_notices
from hrx.ops.operators.roles import Permission

Number = Annotated[int, typer.Argument(help="The window's number, as in MNT-7.")]


def register(app: typer.Typer) -> None:
    """Add `hrx maintenance`."""
    group = typer.Typer(help="Planned work: announced in time, never forgotten.", no_args_is_help=True)
    for name, command in (
        ("list", list_all),
        ("plan", plan),
        ("announce", announce),
        ("end", end),
        ("extend", extend),
        ("cancel", cancel),
    ):
        group.command(name)(command)
    app.add_typer(group, name="maintenance")


def list_all(as_json: AsJson = False) -> None:
    """Drafts, announced windows and past ones, the newest first."""
    now = clock.now()
    with opened() as plane, plane.ledger.store.read() as connection:
        found = list_notices(
            connection, kind=NoticeKind.MAINTENANCE, states=(NoticeState.DRAFT, NoticeState.PUBLISHED)
        )
    if as_json:
        output.show_json({"items": [to_document(one, now) for one in found]})
        return
    if not found:
        print(output.say(Text(ja="計画した作業はありません", en="No work is planned")))
        return
    columns = (
        Text(ja="番号", en="#"),
        Text(ja="状態", en="State"),
        Text(ja="開始", en="From"),
        Text(ja="終了", en="To"),
        Text(ja="部品", en="Parts"),
        Text(ja="題", en="Title"),
    )
    rows = [
        [
            f"MNT-{one.id}",
            output.word("window", state_of(one, now)),
            output.moment(one.due_at) if one.due_at else "–",
            output.moment(one.ends_at) if one.ends_at else "–",
            " ".join(one.body.get("parts", ())),
            output.say(one.title),
        ]
        for one in found
    ]
    output.show_table(columns, rows)


def plan(
    parts: Annotated[list[str], typer.Option("--part", "-p", help="A part that the work is on.")],
    starts_at: Annotated[str, typer.Option("--from", help="Beginning, such as 2026-12-10T02:00+09:00.")],
    ends_at: Annotated[str, typer.Option("--to", help="End, such as 2026-12-10T03:00+09:00.")],
    ja: Annotated[str, typer.Option(help="Its purpose in Japanese, for customers.")] = "",
    en: Annotated[str, typer.Option(help="Its purpose in English, for customers.")] = "",
    operator: As = None,
    code: Code = "",
    as_json: AsJson = False,
) -> None:
    """Draft the announcement; nothing is published yet."""
    with opened() as plane:
        made = maintenance.plan(
            plane,
            parts=parts,
            starts_at=_read_moment(starts_at),
            ends_at=_read_moment(ends_at),
            said=Text(ja=ja, en=en),
            actor=actor_of(plane, operator, code=code),
        )
        words = Words(title=made.title, text=made.text)
        leaks = judge(plane, words, audience=Audience.CUSTOMERS, facts=None)
    if as_json:
        output.show_json(to_document(made, clock.now()))
        return
    print(f"MNT-{made.id}\n\n{made.title.ja}\n{made.text.ja}\n\n{made.title.en}\n{made.text.en}\n")
    print_leaks(leaks)


def announce(
    number: Number,
    urgent: Annotated[str, typer.Option(help="Why it cannot wait, when it is announced late.")] = "",
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Publish the announcement. Refuses one that comes too late without a reason (exit code 4)."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        with plane.ledger.store.read() as connection:
            found = get_notice(connection, number)
        days = maintenance.notice_days(plane, found)
        if not dry_run:
            question = Text(
                ja=f"{days:.1f} 営業日前の予告です。公開しますか?",
                en=f"It begins in {days:.1f} business days. Publish it?",
            )
            confirm(question, yes=yes)
            maintenance.announce(plane, number, actor=actor, urgent=urgent)
    trial = Text(ja=f"(試行){days:.1f} 営業日前の予告", en=f"(dry run) {days:.1f} business days ahead")
    done = Text(ja="予告しました", en="Announced")
    document = {"notice": number, "business_days": round(days, 1), "dry_run": dry_run}
    show_done(trial if dry_run else done, document, as_json=as_json)


def end(number: Number, operator: As = None, code: Code = "", as_json: AsJson = False) -> None:
    """It is done: the window closes now, and what is still wrong pages at once."""
    with opened() as plane:
        found = maintenance.end_early(plane, number, actor=actor_of(plane, operator, code=code))
    show_done(Text(ja="終わりました", en="It is over"), to_document(found, clock.now()), as_json=as_json)


def extend(
    number: Number,
    until: Annotated[str, typer.Option("--to", help="The new end, such as 2026-12-10T04:00+09:00.")],
    reason: Reason,
    operator: As = None,
    code: Code = "",
    as_json: AsJson = False,
) -> None:
    """It takes longer; readers are told."""
    with opened() as plane:
        found = maintenance.extend(
            plane,
            number,
            until=_read_moment(until),
            reason=reason,
            actor=actor_of(plane, operator, code=code),
        )
    show_done(Text(ja="延長しました", en="Extended"), to_document(found, clock.now()), as_json=as_json)


def cancel(
    number: Number,
    reason: Reason,
    operator: As = None,
    code: Code = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """It will not take place; readers are told where they read of it."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        confirm(Text(ja=f"MNT-{number} を中止しますか?", en=f"Cancel MNT-{number}?"), yes=yes)
        found = maintenance.cancel(plane, number, reason=reason, actor=actor)
    show_done(Text(ja="中止しました", en="Cancelled"), to_document(found, clock.now()), as_json=as_json)


def state_of(found: Notice, now: datetime) -> str:
    """draft, planned, running, over or cancelled."""
    if found.state is NoticeState.DRAFT:
        return "draft"
    if found.is_cancelled:
        return "cancelled"
    if found.is_running(now):
        return "running"
    return "planned" if found.due_at is not None and found.due_at > now else "over"


# `Any`: JSON.
def to_document(found: Notice, now: datetime) -> dict[str, Any]:
    """A window as JSON."""
    return {
        "notice": found.id,
        "state": state_of(found, now),
        "starts_at": found.due_at,
        "ends_at": found.ends_at,
        "parts": list(found.body.get("parts", ())),
        "features": list(found.body.get("features", ())),
        "title": {"ja": found.title.ja, "en": found.title.en},
    }


def _read_moment(given: str) -> datetime:
    try:
        return datetime.fromisoformat(given).astimezone(UTC)
    except ValueError as error:
        raise Invalid(
            Text(ja=f"「{given}」は日時ではありません", en=f"“{given}” is no moment"),
            hint=Text(ja="例: 2026-12-10T02:00+09:00", en="Such as 2026-12-10T02:00+09:00."),
            code="maintenance.no_moment",
        ) from error
