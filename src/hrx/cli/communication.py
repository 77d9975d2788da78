"""`hrx communication …`: what readers wait for, words in the making, what the linter says, and saying it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from hrx.cli import communication_acts, output
from hrx.cli.communication_acts import NoticeNumber
from hrx.cli.options import As, AsJson, Code, Yes
from hrx.cli.plane import actor_of, confirm, opened, show_done
from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.communication import subscriptions
from hrx.ops.communication.leaks import has_errors
from hrx.ops.communication.notices import lint
from hrx.ops.communication.publishing import export_status
from hrx.ops.communication.rhythm import list_dues
from hrx.ops.ledger.communications import Notice, NoticeState, get_notice, list_notices
from hrx.ops.ledger.incidents import list_incidents


def register(app: typer.Typer) -> None:
    """Add `hrx communication`."""
    group = typer.Typer(help="Communication: who waits for a word, and what is said.", no_args_is_help=True)
    for name, command in (
        ("due", show_due),
        ("list", list_all),
        ("show", show),
        ("draft", communication_acts.make_draft),
        ("edit", communication_acts.change_words),
        ("lint", show_leaks),
        ("publish", communication_acts.say_it),
        ("discard", communication_acts.throw_away),
        ("cause", communication_acts.stand_by),
        ("export", export),
        ("subscribers", show_subscribers),
        ("forget", forget),
    ):
        group.command(name)(command)
    app.add_typer(group, name="communication")


def show_due(as_json: AsJson = False) -> None:
    """Who waits for a word, and until when; the soonest first. Exit code 1 when one is late."""
    with opened() as plane:
        incidents = list_incidents(plane.ledger.store)
        with plane.ledger.store.read() as connection:
            found = [(one, due) for one in incidents for due in list_dues(plane, connection, one)]
    now = clock.now()
    found.sort(key=lambda item: item[1].due_at)
    if as_json:
        items = [
            {
                "incident": one.id,
                "audience": due.audience.value,
                "kind": due.kind.value,
                "due_at": due.due_at,
                "left_s": round((due.due_at - now).total_seconds()),
                "is_promised": due.is_promised,
            }
            for one, due in found
        ]
        output.show_json({"items": items})
    elif not found:
        print(output.say(Text(ja="待たれている知らせはありません", en="Nobody is waiting for a word")))
    else:
        columns = (
            Text(ja="障害", en="Incident"),
            Text(ja="読者", en="Readers"),
            Text(ja="種類", en="Kind"),
            Text(ja="期限", en="Due"),
            Text(ja="残り", en="Left"),
        )
        rows = [
            [
                f"#{one.id} {output.say(one.title)}",
                output.word("audience", due.audience.value),
                output.word("notice", due.kind.value),
                output.moment(due.due_at),
                _say_left(due.due_at, now),
            ]
            for one, due in found
        ]
        output.show_table(columns, rows)
    if any(due.due_at < now for _, due in found):
        raise typer.Exit(output.FAILED)


def list_all(
    incident: Annotated[int | None, typer.Option("--incident", help="Only those about it.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Discarded drafts too.")] = False,
    as_json: AsJson = False,
) -> None:
    """What was said and what is being written, the newest first."""
    states = tuple(NoticeState) if every else (NoticeState.DRAFT, NoticeState.PUBLISHED)
    with opened() as plane, plane.ledger.store.read() as connection:
        found = list_notices(connection, incident_id=incident, states=states)
    if as_json:
        output.show_json({"items": [to_document(one) for one in found]})
        return
    if not found:
        print(output.say(Text(ja="お知らせはありません", en="There is no notice")))
        return
    columns = (
        Text(ja="番号", en="#"),
        Text(ja="障害", en="Incident"),
        Text(ja="読者", en="Readers"),
        Text(ja="種類", en="Kind"),
        Text(ja="状態", en="State"),
        Text(ja="題", en="Title"),
        Text(ja="時刻", en="At"),
    )
    rows = [
        [
            str(one.id),
            f"#{one.incident_id}" if one.incident_id else "–",
            output.word("audience", one.audience.value),
            output.word("notice", one.kind.value),
            output.word("notice", one.state.value),
            output.say(one.title),
            output.moment(one.published_at or one.made_at),
        ]
        for one in found
    ]
    output.show_table(columns, rows)


def show(number: NoticeNumber, as_json: AsJson = False) -> None:
    """One notice in both languages, with what the linter says of it."""
    with opened() as plane:
        with plane.ledger.store.read() as connection:
            found = get_notice(connection, number)
        leaks = lint(plane, found) if found.state is NoticeState.DRAFT else ()
    if as_json:
        output.show_json({**to_document(found), "leaks": communication_acts.leaks_to_json(leaks)})
        return
    print(f"{found.id} · {output.word('audience', found.audience.value)}", end=" · ")
    print(f"{output.word('notice', found.kind.value)} · {output.word('notice', found.state.value)}")
    for title, text in ((found.title.ja, found.text.ja), (found.title.en, found.text.en)):
        print(f"\n{title}\n{text}")
    if leaks:
        print()
        communication_acts.print_leaks(leaks)


def show_leaks(number: NoticeNumber, as_json: AsJson = False) -> None:
    """What must not be said in these words, where, and what to write instead. Exit code 1 on errors."""
    with opened() as plane:
        with plane.ledger.store.read() as connection:
            found = get_notice(connection, number)
        leaks = lint(plane, found)
    if as_json:
        output.show_json({"items": communication_acts.leaks_to_json(leaks)})
    else:
        communication_acts.print_leaks(leaks)
    if has_errors(leaks):
        raise typer.Exit(output.FAILED)


def export(
    folder: Annotated[Path, typer.Argument(help="Where to write the page's files.")],
    as_json: AsJson = False,
) -> None:
    """The public status page as files, for any static host."""
    with opened() as plane:
        names = export_status(plane, folder)
    if as_json:
        output.show_json({"folder": str(folder), "files": names})
        return
    print(
        output.say(
            Text(
                ja=f"{len(names)} 個のファイルを {folder} に書きました",
                en=f"Wrote {len(names)} files to {folder}",
            )
        )
    )


def show_subscribers(as_json: AsJson = False) -> None:
    """How many readers get the news by mail; nobody's address is shown."""
    with opened() as plane:
        counts = subscriptions.count(plane)
        is_open = subscriptions.is_open(plane)
    if as_json:
        output.show_json({"is_open": is_open, "counts": counts})
        return
    names = {
        "active": Text(ja="購読中", en="Subscribed"),
        "pending": Text(ja="確認待ち", en="Not confirmed yet"),
        "bounced": Text(ja="届かない", en="Undeliverable"),
    }
    output.show_facts([(name, str(counts.get(state, 0))) for state, name in names.items()])
    if not is_open:
        print(
            output.say(
                Text(
                    ja="今は受け付けていません(HRX_SUBSCRIBER_KEY とメールの設定が必要です)",
                    en="None are taken now: HRX_SUBSCRIBER_KEY and mail must be set",
                )
            )
        )


def forget(
    address: Annotated[str, typer.Argument(help="The reader's mail address.")],
    operator: As = None,
    code: Code = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete a reader who asks for it. Exit code 1 when there is none of this address."""
    with opened() as plane:
        actor = actor_of(plane, operator, code=code)
        confirm(Text(ja="この購読者を消しますか?", en="Delete this reader?"), yes=yes)
        was_there = subscriptions.forget(plane, address, actor=actor)
    done = Text(ja="消しました", en="Deleted")
    none = Text(ja="その購読者はいません", en="There is no such reader")
    show_done(done if was_there else none, {"deleted": was_there}, as_json=as_json)
    if not was_there:
        raise typer.Exit(output.FAILED)


# `Any`: JSON.
def to_document(found: Notice) -> dict[str, Any]:
    """A notice as JSON."""
    return {
        "id": found.id,
        "incident": found.incident_id,
        "audience": found.audience.value,
        "kind": found.kind.value,
        "state": found.state.value,
        "title": {"ja": found.title.ja, "en": found.title.en},
        "text": {"ja": found.text.ja, "en": found.text.en},
        "made_by": found.made_by,
        "made_at": found.made_at,
        "published_at": found.published_at,
        "next_update_at": found.next_update_at,
        "late_s": found.body.get("late_s"),
    }


def _say_left(due_at: datetime, now: datetime) -> str:
    minutes = round((due_at - now).total_seconds() / 60)
    if minutes < 0:
        return output.say(Text(ja=f"{-minutes} 分の遅れ", en=f"{-minutes} min late"))
    return output.say(Text(ja=f"{minutes} 分", en=f"{minutes} min"))
