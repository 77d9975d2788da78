"""`hrx recover standby …`: the server that takes over from a lost database."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Final

import typer

from hrx.cli import output, procedure
from hrx.cli.options import As, AsJson, Code, DryRun, Yes
from hrx.cli.plane import acting, confirm, opened, show_done
from hrx.kit.errors import Text
from hrx.ops.operators.roles import Permission
from hrx.ops.recovery.site import open_site
from hrx.ops.recovery.standby import supervised
from hrx.ops.recovery.standby.members import View
from hrx.ops.recovery.standby.supervised import StandbyStatus
from hrx.ops.targets.machine.supervisor import Supervisor

_PROMOTE: Final = "promote-standby"
_PROMOTE_WITH_LOSS: Final = "promote-standby-with-loss"
_REJOIN: Final = "rejoin-standby"
Why = Annotated[str, typer.Option("--reason", help="Why, for the record.")]


def register_under(recover: typer.Typer) -> None:
    """Add `hrx recover standby`."""
    group = typer.Typer(help="The server that takes over from a lost database.", no_args_is_help=True)
    for name, command in (
        ("status", status),
        ("build", build),
        ("start", start),
        ("stop", stop),
        ("promote", promote),
        ("rejoin", rejoin),
    ):
        group.command(name)(command)
    recover.add_typer(group, name="standby")


def status(as_json: AsJson = False) -> None:
    """Who writes, who follows, and how far behind. Exit code 1: a wanted standby does not follow."""
    with opened() as plane:
        found = supervised.read_status(open_site(plane.settings))
    if as_json:
        output.show_json({**asdict(found), "is_well": _is_well(found)})
    else:
        output.show_facts(_facts(found))
        advice = _advice(found)
        if advice is not None:
            print("→ " + output.say(advice))
    if not _is_well(found):
        raise typer.Exit(output.FAILED)


def build(operator: As = None, code: Code = "", yes: Yes = False, as_json: AsJson = False) -> None:
    """Copy the primary anew as its standby; the one that is there is replaced."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, _):
        site = open_site(plane.settings)
        question = Text(
            ja=f"{site.layout.standby_data} の待機系を主系の写しで置き換えますか?",
            en=f"Replace the standby in {site.layout.standby_data} by a new copy of the primary?",
        )
        confirm(question, yes=yes)
        supervised.build(site, Supervisor(site.layout.supervisor_socket))
    _show(Text(ja="✓ 待機系を作り、起動しました", en="✓ The standby was built and runs"), as_json=as_json)


def start(operator: As = None, code: Code = "", as_json: AsJson = False) -> None:
    """Start the standby that was built."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, _):
        site = open_site(plane.settings)
        supervised.start(site, Supervisor(site.layout.supervisor_socket))
    _show(Text(ja="✓ 待機系が動いています", en="✓ The standby runs"), as_json=as_json)


def stop(operator: As = None, code: Code = "", as_json: AsJson = False) -> None:
    """Stop the standby; the primary keeps for it what it lacks, up to 4 GB."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, _):
        supervised.stop(Supervisor(open_site(plane.settings).layout.supervisor_socket))
    _show(Text(ja="✓ 待機系を止めました", en="✓ The standby was stopped"), as_json=as_json)


def promote(
    with_loss: Annotated[
        bool,
        typer.Option("--with-loss", help="Also when commits are lost; another person has to approve it."),
    ] = False,
    reason: Why = "",
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Let the standby take over: in order when the primary answers, else after it is ended for certain."""
    why = reason.strip() or output.say(Text(ja="待機系の昇格", en="The standby takes over"))
    if with_loss:
        procedure.plan(
            _PROMOTE_WITH_LOSS, params=None, reason=why, incident=None, operator=operator, code=code,
            dry_run=dry_run, as_json=as_json,
        )  # fmt: skip
        return
    _run(_PROMOTE, why, operator=operator, code=code, dry_run=dry_run, yes=yes, as_json=as_json)


def rejoin(
    reason: Why = "",
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """After a take-over: the writer in the primary's place again, the old primary as its standby."""
    why = reason.strip() or output.say(Text(ja="待機系の合流", en="The pair is made whole again"))
    _run(_REJOIN, why, operator=operator, code=code, dry_run=dry_run, yes=yes, as_json=as_json)


def _run(
    what: str, why: str, *, operator: str | None, code: str, dry_run: bool, yes: bool, as_json: bool
) -> None:
    procedure.run(
        what, params=None, reason=why, incident=None, operator=operator, code=code, dry_run=dry_run, yes=yes,
        as_json=as_json,
    )  # fmt: skip


def _show(done: Text, *, as_json: bool) -> None:
    show_done(done, {"done": True}, as_json=as_json)


def _is_well(found: StandbyStatus) -> bool:
    return found.mode == "off" or (found.primary is not None and found.state == "streaming")


def _has_taken_over(found: StandbyStatus) -> bool:
    return found.standby is not None and found.standby.is_writer


def _facts(found: StandbyStatus) -> list[tuple[Text, str]]:
    said = [
        (Text(ja="設定", en="Setting"), found.mode),
        (Text(ja="主系", en="Primary"), _say_view(found.primary)),
        (Text(ja="待機系", en="Standby"), _say_view(found.standby)),
    ]
    if found.behind_bytes is not None:
        late = Text(
            ja=f"{found.behind_bytes} バイト、{found.behind_s:.1f} 秒",
            en=f"{found.behind_bytes} bytes, {found.behind_s:.1f} s",
        )
        waits = Text(ja="待つ", en="yes") if found.is_waited_for else Text(ja="待たない", en="no")
        said += [
            (Text(ja="遅れ", en="Behind"), output.say(late)),
            (Text(ja="書き込みは待機系を待つか", en="Writes wait for it"), output.say(waits)),
        ]
    return said


def _say_view(found: View | None) -> str:
    if found is None:
        return output.say(Text(ja="応答なし", en="does not answer"))
    role = Text(ja="書き込む", en="writes") if found.is_writer else Text(ja="追いかける", en="follows")
    line = Text(ja=f"{role.ja}(系統 {found.timeline})", en=f"{role.en} (timeline {found.timeline})")
    return output.say(line)


def _advice(found: StandbyStatus) -> Text | None:
    if found.mode == "off":
        return Text(
            ja="待機系を使うには `HRX_STANDBY_MODE=async hrx up`。",
            en="For a standby: `HRX_STANDBY_MODE=async hrx up`.",
        )
    if _is_well(found):
        return None
    if _has_taken_over(found):
        return Text(
            ja="待機系が引き継いでいます。落ち着いたら `hrx recover standby rejoin` で組を元に戻します。",
            en="The standby took over. At a quiet moment make the pair whole: `hrx recover standby rejoin`.",
        )
    if found.primary is None and found.standby is not None:
        return Text(
            ja="主系が答えません。`hrx recover standby promote` で待機系に引き継がせます。",
            en="The primary is silent. Let the standby take over: `hrx recover standby promote`.",
        )
    if found.primary is None:
        return Text(ja="まず `hrx status` で主系を確かめてください。", en="See to the primary: `hrx status`.")
    if not found.is_built:
        return Text(
            ja="`hrx recover standby build` で作ります。", en="Build it: `hrx recover standby build`."
        )
    return Text(
        ja="`hrx recover standby start`。追いつかなければ `hrx recover standby build` で作り直します。",
        en="`hrx recover standby start`; if it still does not follow, `hrx recover standby build`.",
    )
