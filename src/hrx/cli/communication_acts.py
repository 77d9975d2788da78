"""`hrx communication <verb>`: writing, judging and saying words; what changes something is asked first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from hrx.cli import output
from hrx.cli.options import As, AsJson, Code, DryRun, IncidentNumber, Yes
from hrx.cli.plane import acting, confirm, show_done
from hrx.kit.errors import Invalid, Text
from hrx.ops.communication.causes import confirm_cause
from hrx.ops.communication.drafting import Words
from hrx.ops.communication.facts import Said
from hrx.ops.communication.leaks import Leak, has_errors
from hrx.ops.communication.notices import discard, draft, edit, lint, preview
from hrx.ops.communication.speaking import publish
from hrx.ops.ledger.communications import Audience, NoticeKind, get_notice
from hrx.ops.operators.roles import Permission

NoticeNumber = Annotated[int, typer.Argument(help="The notice's number.")]
Ja = Annotated[str, typer.Option(help="In Japanese.")]
En = Annotated[str, typer.Option(help="In English.")]


def make_draft(
    incident: IncidentNumber,
    to: Annotated[Audience, typer.Option("--to", help="Who reads it.")] = Audience.CUSTOMERS,
    kind: Annotated[NoticeKind | None, typer.Option(help="What is due now, when left out.")] = None,
    action_ja: Ja = "",
    action_en: En = "",
    workaround_ja: Ja = "",
    workaround_en: En = "",
    prevention_ja: Ja = "",
    prevention_en: En = "",
    expected_at: Annotated[str, typer.Option(help="Expected recovery, such as 2026-11-26T18:30+09:00.")] = "",
    source: Annotated[str, typer.Option(help="What that estimate rests on.")] = "",
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Words from the facts of the ledger and from what you type; nothing is said yet."""
    said = Said(
        action=Text(ja=action_ja, en=action_en),
        workaround=Text(ja=workaround_ja, en=workaround_en),
        prevention=Text(ja=prevention_ja, en=prevention_en),
        expected_at=_read_moment(expected_at),
        source=source,
    )
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        if dry_run:
            words, leaks = preview(plane, incident, audience=to, kind=kind, said=said)
            number = None
        else:
            made = draft(plane, incident, audience=to, kind=kind, said=said, actor=actor)
            words, leaks, number = Words(title=made.title, text=made.text), lint(plane, made), made.id
    if as_json:
        texts = {"title": vars_of(words.title), "text": vars_of(words.text)}
        output.show_json({"notice": number, "dry_run": dry_run, **texts, "leaks": leaks_to_json(leaks)})
        return
    if number is not None:
        print(output.say(Text(ja=f"下書き {number} を作りました", en=f"Draft {number} is made")))
    for title, text in ((words.title.ja, words.text.ja), (words.title.en, words.text.en)):
        print(f"\n{title}\n{text}")
    print()
    print_leaks(leaks)


def change_words(
    number: NoticeNumber,
    title_ja: Ja = "",
    title_en: En = "",
    text_ja: Ja = "",
    text_en: En = "",
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Your own words instead; what is left out stays as it is."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        with plane.ledger.store.read() as connection:
            found = get_notice(connection, number)
        words = Words(
            title=Text(ja=title_ja or found.title.ja, en=title_en or found.title.en),
            text=Text(ja=text_ja or found.text.ja, en=text_en or found.text.en),
        )
        if not dry_run:
            edit(plane, number, words=words, next_update_at=found.next_update_at, actor=actor)
    trial = Text(ja="(試行)書き換えます", en="(dry run) would be changed")
    done = Text(ja=f"下書き {number} を書き換えました", en=f"Draft {number} is changed")
    show_done(trial if dry_run else done, {"notice": number, "dry_run": dry_run}, as_json=as_json)


def say_it(
    number: NoticeNumber,
    override: Annotated[str, typer.Option(help="Why to publish in spite of the findings.")] = "",
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Publish a draft. Refuses words that the linter finds an error in (exit code 4)."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        with plane.ledger.store.read() as connection:
            found = get_notice(connection, number)
        if dry_run:
            leaks = lint(plane, found)
            waits = False
        else:
            readers = output.word("audience", found.audience.value)
            question = Text(
                ja=f"「{found.title.ja}」を{readers}に公開しますか?",
                en=f"Publish “{found.title.en}” to {readers.lower()}?",
            )
            confirm(question, yes=yes)
            published = publish(plane, number, actor=actor, override=override)
            leaks, waits = published.leaks, published.waits_for_second
    document = {
        "notice": number,
        "dry_run": dry_run,
        "waits_for_second": waits,
        "leaks": leaks_to_json(leaks),
    }
    if dry_run:
        done = Text(ja="(試行)公開します", en="(dry run) would be published")
        if has_errors(leaks):
            done = Text(ja="(試行)公開できません", en="(dry run) would be refused")
    elif waits:
        done = Text(
            ja="理由を記録しました。別の承認者が公開すると載ります",
            en="The reason is on record; it goes out once another approver publishes it",
        )
    else:
        done = Text(ja="公開しました", en="Published")
    show_done(done, document, as_json=as_json)
    if dry_run and not as_json:
        print_leaks(leaks)


def throw_away(
    number: NoticeNumber,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Discard a draft."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        if not dry_run:
            confirm(Text(ja=f"下書き {number} を捨てますか?", en=f"Discard draft {number}?"), yes=yes)
            discard(plane, number, actor=actor)
    trial = Text(ja="(試行)捨てます", en="(dry run) would be discarded")
    done = Text(ja=f"下書き {number} を捨てました", en=f"Draft {number} is discarded")
    show_done(trial if dry_run else done, {"notice": number, "dry_run": dry_run}, as_json=as_json)


def stand_by(
    incident: IncidentNumber,
    ja: Ja,
    en: En,
    basis: Annotated[str, typer.Option(help="What it rests on; not shown to readers.")],
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Stand by a cause, in words that customers may read; only then may it be stated."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        if not dry_run:
            confirm(Text(ja=f"原因を「{ja}」としますか?", en=f"Is the cause “{en}”?"), yes=yes)
            confirm_cause(plane, incident, says=Text(ja=ja, en=en), basis=basis, actor=actor)
    trial = Text(ja="(試行)原因を記録します", en="(dry run) would be put on record")
    done = Text(ja="原因を記録しました", en="The cause is on record")
    show_done(trial if dry_run else done, {"incident": incident, "dry_run": dry_run}, as_json=as_json)


def print_leaks(leaks: Sequence[Leak]) -> None:
    """The findings as lines, errors first."""
    if not leaks:
        print(output.say(Text(ja="✓ 指摘はありません", en="✓ Nothing was found")))
    for one in leaks:
        mark = "✗" if one.level.value == "error" else "!"
        place = f"{one.field}.{one.language}:{one.start}"
        shown = f" “{one.excerpt}”" if one.excerpt else ""
        print(f"{mark} {place}{shown} {output.say(one.why)}")
        print(f"    → {output.say(one.instead)}")


# `Any`: JSON.
def leaks_to_json(leaks: Sequence[Leak]) -> list[dict[str, Any]]:
    return [
        {
            "rule": one.rule,
            "level": one.level.value,
            "field": f"{one.field}.{one.language}",
            "start": one.start,
            "end": one.end,
            "excerpt": one.excerpt,
            "why": output.say(one.why),
            "instead": output.say(one.instead),
        }
        for one in leaks
    ]


def vars_of(text: Text) -> dict[str, str]:
    return {"ja": text.ja, "en": text.en}


def _read_moment(given: str) -> datetime | None:
    if not given:
        return None
    try:
        at = datetime.fromisoformat(given)
    except ValueError as error:
        raise Invalid(
            Text(ja=f"「{given}」は時刻ではありません", en=f"“{given}” is no moment"),
            hint=Text(ja="例: 2026-11-26T18:30+09:00", en="Such as 2026-11-26T18:30+09:00."),
            code="communication.no_moment",
        ) from error
    return at.astimezone() if at.tzinfo is None else at
