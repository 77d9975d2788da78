"""`hrx evidence …`: which folders of evidence there are, what holds them, and what may go."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from hrx.cli import output
from hrx.cli.options import As, AsJson, Code, DryRun, Reason, Yes
from hrx.cli.plane import acting, confirm, opened, show_done
from hrx.kit.errors import Text
from hrx.ops import words
from hrx.ops.operators.roles import Permission
from hrx.ops.run import evidence_retention
from hrx.ops.run.evidence_retention import Kept, list_kept, retain

Folder = Annotated[str, typer.Argument(help="The folder's name, as `hrx evidence list` shows it.")]


def register(app: typer.Typer) -> None:
    """Add `hrx evidence`."""
    group = typer.Typer(help="Evidence: what is kept, held, and for how long.", no_args_is_help=True)
    group.command("list")(list_all)
    group.command("hold")(hold)
    group.command("release")(release)
    group.command("remove")(remove)
    app.add_typer(group, name="evidence")


def list_all(as_json: AsJson = False) -> None:
    """Every folder of evidence, and why it stays."""
    with opened() as plane:
        found = list_kept(plane)
    _show(found, as_json=as_json)


def hold(
    folder: Folder,
    reason: Reason,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Keep a folder until somebody releases it, such as for a dispute."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        if not dry_run:
            evidence_retention.hold(plane, folder, reason=reason, actor=actor)
    trial = Text(ja=f"(試行){folder} を保留にします", en=f"(dry run) {folder} would be put on hold")
    done = Text(ja=f"{folder} を保留にしました", en=f"{folder} is on hold")
    show_done(trial if dry_run else done, {"folder": folder, "dry_run": dry_run}, as_json=as_json)


def release(
    folder: Folder,
    reason: Reason,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """End a hold: the folder goes when it is old enough. Takes an approver."""
    with acting(operator, code=code, needs=Permission.APPROVE) as (plane, actor):
        if not dry_run:
            confirm(Text(ja=f"{folder} の保留を解きますか?", en=f"End the hold of {folder}?"), yes=yes)
            evidence_retention.release(plane, folder, reason=reason, actor=actor)
    trial = Text(ja=f"(試行){folder} の保留を解きます", en=f"(dry run) the hold of {folder} would end")
    done = Text(ja=f"{folder} の保留を解きました", en=f"{folder} is no longer on hold")
    show_done(trial if dry_run else done, {"folder": folder, "dry_run": dry_run}, as_json=as_json)


def remove(
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove now what may go; done by itself once an hour while operations runs."""
    with acting(operator, code=code, needs=Permission.APPROVE) as (plane, actor):
        found = retain(plane, dry_run=True)
        if found and not dry_run:
            question = Text(
                ja=f"証拠のフォルダ {len(found)} 個を消しますか?",
                en=f"Remove {len(found)} folders of evidence?",
            )
            confirm(question, yes=yes)
            found = retain(plane, actor=actor.name)
    _show(found, as_json=as_json)


def _show(found: list[Kept], *, as_json: bool) -> None:
    if as_json:
        output.show_json({"items": [_to_document(one) for one in found]})
        return
    if not found:
        print(output.say(Text(ja="証拠のフォルダはありません", en="There is no folder of evidence")))
        return
    columns = (
        Text(ja="フォルダ", en="Folder"),
        Text(ja="大きさ", en="Size"),
        Text(ja="障害", en="Incident"),
        Text(ja="理由", en="Why"),
        Text(ja="消してよい日", en="May go on"),
    )
    output.show_table(columns, [_row(one) for one in found])


def _row(one: Kept) -> list[str]:
    why = output.say(words.find("evidence", one.why.value))
    return [
        one.name,
        f"{one.size_bytes / 1e6:.1f} MB",
        str(one.incident_id or "–"),
        f"{why}: {one.held_because} ({one.held_by})" if one.held_by else why,
        f"{one.goes_at:%Y-%m-%d}" if one.goes_at else "–",
    ]


# `Any`: JSON.
def _to_document(one: Kept) -> dict[str, Any]:
    return {
        "folder": one.name,
        "made_at": one.made_at,
        "size_bytes": one.size_bytes,
        "incident": one.incident_id,
        "why": one.why.value,
        "goes_at": one.goes_at,
        "held_by": one.held_by or None,
        "held_because": one.held_because or None,
    }
