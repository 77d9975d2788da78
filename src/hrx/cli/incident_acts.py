"""`hrx incident <verb> NUMBER`: what one can do about an incident, each asked first and on record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated

import typer

from hrx.cli import output
from hrx.cli.incident_words import clocks_of, to_document
from hrx.cli.options import As, AsJson, Code, DryRun, IncidentNumber, Reason, Yes
from hrx.cli.plane import acting, confirm, show_done
from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.incidents.actions import ending, judging, regrouping, responding
from hrx.ops.ledger.incidents import Incident, get_incident
from hrx.ops.operators.roles import Actor, Permission
from hrx.ops.run.plane import Plane
from hrx.ops.signal import Severity


def acknowledge(
    number: IncidentNumber,
    over: Annotated[bool, typer.Option("--take-over", help="Also when somebody else has it.")] = False,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Say "I have it": calling people ends, the response clock stops."""
    del yes  # Saying that one has it is never asked twice.
    do = responding.take_over if over else responding.acknowledge
    _act(
        number,
        lambda plane, actor: do(plane, number, actor=actor),
        operator=operator,
        code=code,
        dry_run=dry_run,
        question=None,
        yes=True,
        as_json=as_json,
    )


def severity(
    number: IncidentNumber,
    level: Annotated[int, typer.Argument(min=1, max=4, help="1 is worst.")],
    reason: Reason,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Set the severity anew; both clocks are counted again from the opening."""
    _act(
        number,
        lambda plane, actor: judging.set_severity(
            plane, number, severity=Severity(level), reason=reason, actor=actor
        ),
        operator=operator,
        code=code,
        dry_run=dry_run,
        question=Text(ja=f"SEV{level} に変えますか?", en=f"Make it SEV{level}?"),
        yes=yes,
        as_json=as_json,
    )


def pause(
    number: IncidentNumber,
    reason: Reason,
    minutes: Annotated[int, typer.Option(min=1, max=20160, help="For this long at most.")] = 60,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Stop the recovery clock for a while, when we wait for what we cannot hasten."""
    _act(
        number,
        lambda plane, actor: judging.pause_clock(
            plane, number, until=clock.now() + timedelta(minutes=minutes), reason=reason, actor=actor
        ),
        operator=operator,
        code=code,
        dry_run=dry_run,
        question=Text(ja=f"復旧の時計を {minutes} 分止めますか?", en=f"Pause the clock for {minutes} min?"),
        yes=yes,
        as_json=as_json,
    )


def resume(
    number: IncidentNumber,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Let the recovery clock go on."""
    _act(
        number,
        lambda plane, actor: judging.continue_clock(plane, number, actor=actor),
        operator=operator,
        code=code,
        dry_run=dry_run,
        question=Text(ja="復旧の時計を再開しますか?", en="Let the clock go on?"),
        yes=yes,
        as_json=as_json,
    )


def mitigate(
    number: IncidentNumber,
    reason: Reason,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """The symptom has gone: the recovery clock stops."""
    _act(
        number,
        lambda plane, actor: ending.mitigate(plane, number, reason=reason, actor=actor),
        operator=operator,
        code=code,
        dry_run=dry_run,
        question=Text(ja="症状は解消したとしますか?", en="Has the symptom gone?"),
        yes=yes,
        as_json=as_json,
    )


def resolve(
    number: IncidentNumber,
    reason: Reason,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """It is over and will stay over."""
    _act(
        number,
        lambda plane, actor: ending.resolve(plane, number, reason=reason, actor=actor),
        operator=operator,
        code=code,
        dry_run=dry_run,
        question=Text(ja="解決としますか?", en="Resolve it?"),
        yes=yes,
        as_json=as_json,
    )


def reopen(
    number: IncidentNumber,
    reason: Reason,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """It is not over after all: people are called again."""
    _act(
        number,
        lambda plane, actor: ending.reopen(plane, number, reason=reason, actor=actor),
        operator=operator,
        code=code,
        dry_run=dry_run,
        question=Text(ja="再び開きますか?", en="Open it again?"),
        yes=yes,
        as_json=as_json,
    )


def close(
    number: IncidentNumber,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Everything about it is done, the post-mortem too."""
    _act(
        number,
        lambda plane, actor: ending.close(plane, number, actor=actor),
        operator=operator,
        code=code,
        dry_run=dry_run,
        question=Text(ja="完了としますか?", en="Close it?"),
        yes=yes,
        as_json=as_json,
    )


def merge(
    number: IncidentNumber,
    into: Annotated[int, typer.Argument(help="The incident it is part of.")],
    reason: Reason,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Two incidents are one: everything of this one goes to the other."""
    _act(
        number,
        lambda plane, actor: regrouping.merge(plane, number, into=into, reason=reason, actor=actor),
        operator=operator,
        code=code,
        dry_run=dry_run,
        question=Text(ja=f"障害 {into} に統合しますか?", en=f"Merge it into incident {into}?"),
        yes=yes,
        as_json=as_json,
    )


def split(
    number: IncidentNumber,
    keys: Annotated[
        list[str], typer.Argument(help="Conditions that are another matter, as `show` names them.")
    ],
    reason: Reason,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Some of its conditions are another matter: they become an incident of their own, diagnosed anew."""
    many = len(set(keys))
    _act(
        number,
        lambda plane, actor: regrouping.split_off(
            plane, number, keys=tuple(keys), reason=reason, actor=actor
        ),
        operator=operator,
        code=code,
        dry_run=dry_run,
        question=Text(
            ja=f"条件 {many} 件を別の障害に分けますか?",
            en=f"Make another incident of {many} condition{'s' if many != 1 else ''}?",
        ),
        yes=yes,
        as_json=as_json,
    )


def note(
    number: IncidentNumber,
    text: Annotated[str, typer.Argument(help="What is worth remembering.")],
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Put a note into its time line."""
    del yes  # A note changes nothing that would have to be asked about.
    _act(
        number,
        lambda plane, actor: responding.add_note(plane, number, text=text, actor=actor),
        operator=operator,
        code=code,
        dry_run=dry_run,
        question=None,
        yes=True,
        as_json=as_json,
    )


def role(
    number: IncidentNumber,
    name: Annotated[responding.IncidentRole, typer.Argument(help="manager, scribe or liaison.")],
    person: Annotated[str, typer.Argument(help="Contact or operator; empty takes the role away.")],
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Give somebody a role in it."""
    _act(
        number,
        lambda plane, actor: responding.assign_role(plane, number, role=name, person=person, actor=actor),
        operator=operator,
        code=code,
        dry_run=dry_run,
        question=Text(ja=f"{person} に割り当てますか?", en=f"Give it to {person}?"),
        yes=yes,
        as_json=as_json,
    )


def _act(
    number: int,
    do: Callable[[Plane, Actor], Incident],
    *,
    operator: str | None,
    code: str,
    dry_run: bool,
    question: Text | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Ask, do it, say how the incident stands; a dry run only checks the right and the number."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        found = get_incident(plane.ledger.store, number)
        if not dry_run:
            if question is not None:
                confirm(question, yes=yes)
            found = do(plane, actor)
        document = {**to_document(found, *clocks_of(plane, found)), "dry_run": dry_run}
    trial = Text(ja="(試行)", en="(dry run) ") if dry_run else Text(ja="", en="")
    state = output.word("incident", found.state.value)
    said = f"#{found.id} {found.severity.label} {output.say(found.title)}: {state}"
    show_done(Text(ja=trial.ja + said, en=trial.en + said), document, as_json=as_json)
