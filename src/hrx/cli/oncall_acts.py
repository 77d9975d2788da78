"""`hrx oncall override|leave|cancel`: changing the roster for a while, each asked first and on record."""

from __future__ import annotations

from typing import Annotated

import typer

from hrx.cli import output
from hrx.cli.oncall_words import change_to_document, gap_to_document, say_period
from hrx.cli.options import As, AsJson, Code, DryRun, Reason, Yes
from hrx.cli.plane import acting, actor_of, confirm, opened, show_done
from hrx.kit.errors import Text
from hrx.ops.operators.roles import Permission, require
from hrx.ops.paging.roster import list_new_gaps
from hrx.ops.paging.roster_changes import make_change, plan_change, read_wall_clock, take_back
from hrx.ops.paging.roster_words import name_policy, say_reasons, say_span
from hrx.ops.run.plane import Plane
from hrx.ops.schedules.proving import Gap
from hrx.ops.schedules.rotation import OnCallChange

Person = Annotated[str, typer.Argument(help="A person of chapter 9, such as sato.")]
Start = Annotated[str, typer.Option("--from", help="When it begins, such as 2026-12-01 09:00.")]
Until = Annotated[str, typer.Option("--until", help="When it ends.")]


def override(
    person: Person,
    rotation: Annotated[str, typer.Option("--rotation", help="The rotation that is taken over.")],
    start: Start,
    until: Until,
    reason: Reason = "",
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Somebody takes a rotation for a while; times are of the rotation's zone."""
    with opened() as plane:
        zone = plane.content.on_call.get_rotation(rotation).time_zone
        planned = plan_change(
            plane,
            person=person,
            starts_at=read_wall_clock(start, zone=zone),
            ends_at=read_wall_clock(until, zone=zone),
            reason=reason,
            rotation=rotation,
        )
        _make(
            plane, planned, zone=zone, operator=operator, code=code, dry_run=dry_run, yes=yes, as_json=as_json
        )


def leave(
    person: Person,
    start: Start,
    until: Until,
    reason: Reason = "",
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Somebody is away, from every rotation; times are of the person's own zone."""
    with opened() as plane:
        zone = plane.content.contacts.get(person).time_zone
        planned = plan_change(
            plane,
            person=person,
            starts_at=read_wall_clock(start, zone=zone),
            ends_at=read_wall_clock(until, zone=zone),
            reason=reason,
        )
        _make(
            plane, planned, zone=zone, operator=operator, code=code, dry_run=dry_run, yes=yes, as_json=as_json
        )


def cancel(
    number: Annotated[int, typer.Argument(help="The number of the change.")],
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Take an override or leave back from now on."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        if not dry_run:
            confirm(Text(ja=f"変更 {number} を取り消しますか?", en=f"Cancel change {number}?"), yes=yes)
            take_back(plane, number, actor=actor)
    trial = Text(ja=f"(試行)変更 {number} を取り消します", en=f"(dry run) change {number} would be cancelled")
    done = Text(ja=f"変更 {number} を取り消しました", en=f"Change {number} is cancelled")
    show_done(trial if dry_run else done, {"change": number, "dry_run": dry_run}, as_json=as_json)


def _make(
    plane: Plane,
    planned: OnCallChange,
    *,
    zone: str,
    operator: str | None,
    code: str,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    actor = actor_of(plane, operator, code=code)
    require(actor, Permission.PLAN_AND_RUN)
    new_gaps = list_new_gaps(plane, planned)
    period = say_period(planned.starts_at, planned.ends_at, zone=zone)
    if not as_json:
        _warn(plane, new_gaps, zone=zone)
    made = planned
    if not dry_run:
        confirm(
            Text(
                ja=f"{planned.person}: {period} ({zone}) で登録しますか?",
                en=f"Record it for {planned.person}, {period} ({zone})?",
            ),
            yes=yes,
        )
        made = make_change(plane, planned, actor=actor)
    trial = Text(
        ja=f"(試行){planned.person}: {period} ({zone})", en=f"(dry run) {planned.person}, {period} ({zone})"
    )
    done = Text(
        ja=f"変更 {made.id} として登録しました。{planned.person}: {period} ({zone})",
        en=f"On record as change {made.id}: {planned.person}, {period} ({zone})",
    )
    document = {
        "change": change_to_document(made),
        "gaps": [gap_to_document(policy, gap) for policy, gap in new_gaps],
        "dry_run": dry_run,
    }
    show_done(trial if dry_run else done, document, as_json=as_json)


def _warn(plane: Plane, gaps: list[tuple[str, Gap]], *, zone: str) -> None:
    for policy, gap in gaps:
        reasons, name = say_reasons(plane.content, gap), name_policy(policy)
        said = Text(
            ja=f"{name.ja} で誰にも連絡できなくなります: {say_span(gap.span, zone=zone)}({reasons.ja})",
            en=f"{name.en} would reach nobody: {say_span(gap.span, zone=zone)} ({reasons.en})",
        )
        print(f"! {output.say(said)}")
