"""`hrx oncall …`: who is called now and in the weeks to come, and whether somebody always is."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from hrx.cli import oncall_acts, output
from hrx.cli.oncall_words import change_to_document, gap_to_document, say_period, show_proof, zone_of
from hrx.cli.options import AsJson
from hrx.cli.plane import opened, show_done
from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.paging.calendars import write_roster
from hrx.ops.paging.roster import OnDuty, list_now, list_rotations, prove_coverage, read_changes
from hrx.ops.paging.roster_words import name_person, name_policy, say_moment

Days = Annotated[int, typer.Option("--days", min=1, max=366, help="How many days ahead.")]
OneRotation = Annotated[str | None, typer.Option("--rotation", help="One rotation, such as first.")]
OnePerson = Annotated[str | None, typer.Option("--person", help="One person of chapter 9, such as sato.")]
Target = Annotated[Path, typer.Argument(help="Where to write the calendar (.ics).")]


def register(app: typer.Typer) -> None:
    """Add `hrx oncall`."""
    group = typer.Typer(
        help="On-call: who is called, when, and whether somebody always is.", no_args_is_help=True
    )
    for name, command in (
        ("now", show_now),
        ("schedule", schedule),
        ("changes", list_changes),
        ("override", oncall_acts.override),
        ("leave", oncall_acts.leave),
        ("cancel", oncall_acts.cancel),
        ("prove", prove),
        ("export", export),
    ):
        group.command(name)(command)
    app.add_typer(group, name="oncall")


def show_now(as_json: AsJson = False) -> None:
    """Whom an incident of each severity would page now, step by step."""
    with opened() as plane:
        found = list_now(plane)
        zone = zone_of(plane)
        content = plane.content
    if as_json:
        output.show_json(
            {
                "items": [
                    {
                        "policy": one.policy.name,
                        "places": list(one.policy.places),
                        "steps": [[_duty_to_document(duty) for duty in step] for step in one.steps],
                    }
                    for one in found
                ]
            }
        )
        return
    columns = (
        Text(ja="重大度", en="Severity"),
        Text(ja="段", en="Step"),
        Text(ja="呼び出す人", en="Who"),
        Text(ja="次の交代", en="Until"),
        Text(ja="連絡手段", en="Ways"),
    )
    rows = [
        [
            output.say(name_policy(one.policy.name)) if number == at == 0 else "",
            str(number + 1),
            output.say(duty.person.name if duty.person else Text(ja="(誰もいない)", en="(nobody)")),
            say_moment(duty.until, zone=zone) if duty.until else "–",
            ", ".join(output.word("channel", way.kind.value) for way in duty.ways) or "–",
        ]
        for one in found
        for number, step in enumerate(one.steps)
        for at, duty in enumerate(step)
    ]
    output.show_table(columns, rows)
    print(output.say(Text(ja=f"時刻は {zone}。", en=f"Times are of {zone}.")))
    if content.contacts.is_example:
        print(
            "! "
            + output.say(
                Text(
                    ja="連絡先はまだ見本です(runbook/respond/contacts.yaml)。",
                    en="The contacts are still examples (runbook/respond/contacts.yaml).",
                )
            )
        )


def schedule(days: Days = 14, rotation: OneRotation = None, as_json: AsJson = False) -> None:
    """Every shift of the coming days."""
    with opened() as plane:
        now = clock.now()
        found = list_rotations(plane, start=now, end=now + timedelta(days=days), rotation=rotation)
        content = plane.content
    if as_json:
        items = [
            {
                "rotation": one.rotation.id,
                "person": shift.person,
                "start": shift.start,
                "end": shift.end,
                "override": shift.layer is None,
            }
            for one in found
            for shift in one.shifts
        ]
        output.show_json({"items": items})
        return
    for one in found:
        columns = (
            Text(ja=f"{one.rotation.title.ja}({one.rotation.time_zone})",
                 en=f"{one.rotation.title.en} ({one.rotation.time_zone})"),
            Text(ja="当番", en="Who"),
            Text(ja="備考", en="Note"),
        )  # fmt: skip
        rows = [
            [
                say_period(shift.start, shift.end, zone=one.rotation.time_zone),
                output.say(name_person(content, shift.person)),
                output.say(Text(ja="交代", en="override")) if shift.layer is None else "",
            ]
            for shift in one.shifts
        ]
        output.show_table(columns, rows)


def list_changes(as_json: AsJson = False) -> None:
    """Overrides and leave that are in force or still to come."""
    with opened() as plane:
        found, zone, content = read_changes(plane), zone_of(plane), plane.content
    if as_json:
        output.show_json({"items": [change_to_document(one) for one in found]})
        return
    if not found:
        print(output.say(Text(ja="交代も休暇もありません", en="There is no override and no leave")))
        return
    columns = (
        Text(ja="番号", en="#"),
        Text(ja="種類", en="Kind"),
        Text(ja="誰", en="Who"),
        Text(ja=f"期間({zone})", en=f"Period ({zone})"),
        Text(ja="当番表", en="Rotation"),
        Text(ja="理由", en="Why"),
    )
    rows = [
        [
            str(one.id),
            output.word("on_call_change", one.kind.value),
            output.say(name_person(content, one.person)),
            say_period(one.starts_at, one.ends_at, zone=zone),
            one.rotation or "–",
            one.reason or "–",
        ]
        for one in found
    ]
    output.show_table(columns, rows)


def prove(days: Days = 365, as_json: AsJson = False) -> None:
    """Prove that somebody can be reached at every moment of every severity. Exit code 1 at a gap."""
    with opened() as plane:
        started = perf_counter()
        proof = prove_coverage(plane, length=timedelta(days=days))
        took_s = perf_counter() - started
        if as_json:
            output.show_json(
                {
                    "covered": proof.is_covered,
                    "start": proof.start,
                    "end": proof.end,
                    "took_s": round(took_s, 3),
                    "gaps": [gap_to_document(one.policy, gap) for one in proof.policies for gap in one.gaps],
                    "empty_steps": [
                        gap_to_document(one.policy, gap) for one in proof.policies for gap in one.empty_steps
                    ],
                }
            )
        else:
            show_proof(plane, proof, took_s=took_s)
    if not proof.is_covered:
        raise typer.Exit(code=1)


def export(
    target: Target, rotation: OneRotation = None, person: OnePerson = None, as_json: AsJson = False
) -> None:
    """Write the shifts as a calendar file: two weeks back and four months ahead."""
    with opened() as plane:
        content = write_roster(plane, language=output.language(), rotation=rotation, person=person)
    draft = target.with_name(target.name + ".new")
    draft.write_bytes(content)
    draft.replace(target)
    count = content.count(b"BEGIN:VEVENT")
    show_done(
        Text(ja=f"{target} に {count} 件の当番を書きました", en=f"{target} holds {count} shifts"),
        {"file": str(target), "shifts": count},
        as_json=as_json,
    )


def _duty_to_document(duty: OnDuty) -> dict[str, object]:
    until: datetime | None = duty.until
    return {
        "rotation": duty.target.rotation,
        "person": duty.person.id if duty.person else None,
        "until": until,
        "override": duty.is_override,
        "ways": [way.kind.value for way in duty.ways],
    }
