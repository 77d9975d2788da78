"""`hrx release check`: the questions of the pipeline, one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Annotated, Final

import typer

from hrx.cli import output
from hrx.cli.ending import end_in_order
from hrx.cli.machine import join_stack
from hrx.cli.options import As, AsJson, Code
from hrx.cli.plane import acting
from hrx.kit import clock
from hrx.kit.errors import HrxError, Invalid, NotFound, Text
from hrx.kit.settings import load
from hrx.ops.operators.roles import Permission
from hrx.ops.release.checking.listing import CHECKS, Check, find_check
from hrx.ops.release.checking.results import Bench, Checked, Tell
from hrx.ops.release.checking.staging import end_staging
from hrx.ops.release.releases import Outcome, Release
from hrx.ops.run.plane import Plane
from hrx.ops.run.rollouts import find_this_place
from hrx.ops.settings import OpsSettings

_LIST: Final = "list"
_STAGING: Final = "staging"
_OUTCOMES: Final = {
    Outcome.PASSED: Text(ja="✓ 合格", en="✓ Passed"),
    Outcome.FAILED: Text(ja="✗ 不合格", en="✗ Failed"),
    Outcome.NOT_CHECKED: Text(ja="− 未確認", en="− Not checked"),
}
_ENDED: Final = 143


def add_to(release: typer.Typer) -> None:
    """Add `hrx release check`."""
    release.command("check")(check)


def check(
    name: Annotated[str, typer.Argument(help="Which check; `list` lists them.")],
    release_id: Annotated[
        str, typer.Option("--release", help="The release that is looked at; this checkout without one.")
    ] = "",
    down: Annotated[bool, typer.Option("--down", help="With staging: take it down.")] = False,
    as_json: AsJson = False,
    operator: As = None,
    code: Code = "",
) -> None:
    """Ask one question of the pipeline. Exit code 1: failed; what could not be asked is told, not failed."""
    if name == _LIST:
        _show_list(as_json=as_json)
        return
    wanted = _get_check(name)
    if down:
        wanted = _get_end(wanted)
    # A pipeline that gives up ends us by signal: what we started is to end with us.
    end_in_order()
    began_s = clock.monotonic_s()
    with ExitStack() as opened:
        bench = _open_bench(release_id, tell=_be_quiet if as_json else _say)
        if wanted.changes:
            plane, actor = opened.enter_context(acting(operator, code=code, needs=Permission.PLAN_AND_RUN))
            bench = replace(bench, ledger=plane.ledger, actor=actor.name)
        found = wanted.run(bench)
    _show(wanted, found, seconds=clock.monotonic_s() - began_s, as_json=as_json)
    if found.outcome is Outcome.FAILED:
        raise typer.Exit(output.FAILED)


def _open_bench(release_id: str, *, tell: Tell) -> Bench:
    join_stack()
    settings = load(OpsSettings)
    place = find_this_place(settings)
    return Bench(
        layout=place.layout,
        settings=settings,
        release=place.store.get(release_id) if release_id else None,
        tell=tell,
    )


def _get_end(wanted: Check) -> Check:
    if wanted.name != _STAGING:
        raise Invalid(
            Text(ja="--down は staging だけのものです", en="--down goes with staging only"),
            hint=Text(ja="`hrx release check staging --down`", en="`hrx release check staging --down`."),
            code="check.no_end",
        )
    title = Text(ja="検証環境を止める", en="Staging is taken down")
    return replace(wanted, title=title, run=end_staging)


def _get_check(name: str) -> Check:
    found = find_check(name)
    if found is None:
        names = ", ".join(one.name for one in CHECKS)
        raise NotFound(
            Text(ja=f"確認「{name}」はありません", en=f"There is no check {name}"),
            hint=Text(ja=f"次のどれかです: {names}", en=f"One of: {names}."),
            code="check.unknown",
        )
    return found


def _show_list(*, as_json: bool) -> None:
    if as_json:
        output.show_json({"items": [{"name": one.name, "title": output.say(one.title)} for one in CHECKS]})
        return
    output.show_table(
        (Text(ja="名前", en="Name"), Text(ja="内容", en="What it asks")),
        [[one.name, output.say(one.title)] for one in CHECKS],
    )


#: What follows once requests have moved, in this order.
_AFTER: Final = ("smoke", "cache-clear", "mark")


def run_after_switch(
    plane: Plane, release: Release, *, actor: str, as_json: bool
) -> tuple[Mapping[str, object], ...]:
    """The questions that follow a switch, told as they are answered. Nothing is taken back by them: a
    failure proposes the way back, for what broke may be older than the release."""
    bench = replace(
        _open_bench(release.id, tell=_be_quiet), settings=plane.settings, ledger=plane.ledger, actor=actor
    )
    told = []
    for wanted in (one for one in CHECKS if one.name in _AFTER):
        began_s = clock.monotonic_s()
        try:
            found = wanted.run(bench)
        except HrxError as error:
            found = Checked(outcome=Outcome.FAILED, detail=error.message)
        seconds = clock.monotonic_s() - began_s
        told.append(_document(wanted, found, seconds=seconds))
        if not as_json:
            _print(wanted, found, seconds=seconds)
    return tuple(told)


def _show(wanted: Check, found: Checked, *, seconds: float, as_json: bool) -> None:
    if as_json:
        output.show_json(_document(wanted, found, seconds=seconds))
    else:
        _print(wanted, found, seconds=seconds)


def _document(wanted: Check, found: Checked, *, seconds: float) -> dict[str, object]:
    document: dict[str, object] = {
        "check": wanted.name,
        "outcome": found.outcome.value,
        "detail": output.say(found.detail),
        "seconds": round(seconds, 2),
    }
    return document | ({"findings": list(found.findings)} if found.findings else {})


def _print(wanted: Check, found: Checked, *, seconds: float) -> None:
    print(f"{output.say(_OUTCOMES[found.outcome])}  {output.say(wanted.title)} ({seconds:.1f} s)")
    print(f"  {output.say(found.detail)}")
    for one in found.findings:
        print("  · " + "  ".join(_cell(value) for value in one.values() if value not in ("", [], None)))


def _cell(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _say(said: Text) -> None:
    print(f"  · {output.say(said)}", flush=True)


def _be_quiet(_said: Text) -> None:
    return
