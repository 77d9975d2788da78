"""`hrx release migrations …`: read, rehearse and check the migrations before they meet real data."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from hrx.cli import output
from hrx.cli.options import AsJson, Yes
from hrx.cli.plane import confirm
from hrx.cli.recover_elsewhere import this_site
from hrx.cli.release_rollback import open_store
from hrx.kit.errors import Invalid, Text
from hrx.kit.settings import load
from hrx.ops.recovery.copies import spoil
from hrx.ops.release.asking import keep_rehearsed
from hrx.ops.release.migrations import rehearsing
from hrx.ops.release.migrations.linting import Finding, LintReport, RevisionLint, lint_folder
from hrx.ops.release.migrations.reporting import to_document, write_report
from hrx.ops.release.migrations.revisions import list_between
from hrx.ops.release.migrations.running import read_current
from hrx.ops.release.migrations.squawk import Squawked, ask_squawk
from hrx.ops.release.proofs import ProofShelf
from hrx.ops.seams.postgres import address_of
from hrx.ops.settings import HOME, OpsSettings

Folder = Annotated[
    Path, typer.Option("--folder", help="Folder of the migrations: env.py and versions.", file_okay=False)
]
UrlVariable = Annotated[
    str,
    typer.Option("--url-variable", help="Environment variable with the database URL of the owner."),
]
To = Annotated[str, typer.Option("--to", help="The last revision, or head.")]
_HERE = Path("migrations")
#: The variable that env.py reads; a URL has a password, which no command line should show.
_OWNER = "HRX_OWNER_DATABASE_URL"
_OWNER_ROLE = "hrx_owner"
_ACCEPTED = Text(ja="受け入れ済み: ", en="Accepted because ")


def add_to(release: typer.Typer) -> None:
    """Add `hrx release migrations`."""
    group = typer.Typer(help="Migrations: read, rehearsed, checked.", no_args_is_help=True)
    group.command("lint")(lint)
    group.command("rehearse")(rehearse)
    group.command("check")(check)
    release.add_typer(group, name="migrations")


def lint(
    folder: Folder = _HERE,
    squawk: Annotated[
        bool, typer.Option("--squawk", help="Also ask squawk, where it is installed; it only adds.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Hold every migration against the rules. Exit code 1 when a finding is neither mended nor accepted."""
    report = lint_folder(folder)
    asked = ask_squawk(report) if squawk else None
    if as_json:
        output.show_json(_lint_document(report, asked))
    else:
        for finding in (*report.open_findings, *report.accepted_findings):
            _print_finding(finding)
        if asked is not None:
            _print_squawk(asked)
        print(output.say(_summary(report)))
    if report.open_findings:
        raise typer.Exit(output.FAILED)


def rehearse(
    url_variable: UrlVariable = _OWNER,
    admin_url_variable: Annotated[
        str, typer.Option("--admin-url-variable", help="The same for a role that sees every row.")
    ] = "",
    copy: Annotated[
        str, typer.Option("--copy", help="On this restored copy; nobody can switch to it afterwards.")
    ] = "",
    to: To = "head",
    folder: Folder = _HERE,
    report: Annotated[
        Path | None, typer.Option("--report", help="Also write the report to this file.")
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Run what is pending on a copy: up under traffic, down, up again. Exit code 1 when something hurts."""
    where = copy or address_of(_read_url(url_variable))
    confirm(
        Text(
            ja=f"{where} のデータベースで予行します。中身は元に戻りません。続けますか?",
            en=f"The rehearsal spoils the database of {where}. Go on?",
        ),
        yes=yes,
    )
    if copy:
        url, admin_url = spoil(this_site(), copy, owner=_OWNER_ROLE)
    else:
        url = _read_url(url_variable)
        admin_url = _read_url(admin_url_variable) if admin_url_variable else ""
    seen = rehearsing.rehearse(
        url, folder=folder, revision=to, admin_url=admin_url or None, tell=_tell_nothing if as_json else _tell
    )
    if folder.resolve() == (HOME / "migrations").resolve():
        # The planner of roll-backs goes down only where somebody has been.
        keep_rehearsed(ProofShelf(open_store(load(OpsSettings)).folder), seen)
    document = to_document(seen)
    if report is not None:
        write_report(document, report)
    if as_json:
        output.show_json(document)
    else:
        for one in seen.revisions:
            _print_rehearsal(one)
        print(output.say(_rehearsed(seen)))
    if not seen.is_passed:
        raise typer.Exit(output.FAILED)


def check(
    url_variable: UrlVariable = _OWNER, to: To = "head", folder: Folder = _HERE, as_json: AsJson = False
) -> None:
    """Where a database stands and what would run. Changes nothing; exit code 1 when a finding is open."""
    report = lint_folder(folder)
    current = read_current(_read_url(url_variable))
    pending = list_between(tuple(one.revision for one in report.revisions), after=current, until=to)
    coming = [one for one in report.revisions if one.revision in pending]
    is_open = any(found.is_open for one in coming for found in one.findings)
    if as_json:
        output.show_json(
            {
                "current": current,
                "to": to,
                "pending": [_pending_document(one) for one in coming],
                "open": is_open,
            }
        )
    else:
        print(
            output.say(
                Text(
                    ja=f"現在のスキーマ: {current or '空'}", en=f"The schema stands at {current or 'nothing'}"
                )
            )
        )
        for one in coming:
            _print_pending(one)
        if not coming:
            print(output.say(Text(ja="✓ 実行する移行はありません", en="✓ Nothing is pending")))
    if is_open:
        raise typer.Exit(output.FAILED)


def _read_url(variable: str) -> str:
    url = os.environ.get(variable, "")
    if not url:
        raise Invalid(
            Text(ja=f"環境変数 {variable} が空です", en=f"Environment variable {variable} is empty"),
            hint=Text(
                ja=f"export {variable}=postgresql://… で、データベースの URL を渡します。",
                en=f"Give the database's URL: export {variable}=postgresql://…",
            ),
            code="cli.no_url",
        )
    return url


def _tell(text: Text) -> None:
    print(output.say(text))


def _tell_nothing(_: Text) -> None:
    return


def _print_rehearsal(one: rehearsing.RevisionRehearsal) -> None:
    held_ms = max((trace.held_ms for trace in one.performance.transactions), default=0.0)
    print(
        f"{'✗' if one.open_hazards else '✓'} {one.revision} "
        + output.say(
            Text(
                ja=f"待ち: 読み {one.stalls.reads_ms:.0f} ms、書き {one.stalls.writes_ms:.0f} ms、"
                f"ロック保持 {held_ms:.0f} ms、試行 {one.performance.tries} 回",
                en=f"waits: reads {one.stalls.reads_ms:.0f} ms, writes {one.stalls.writes_ms:.0f} ms; "
                f"locks held {held_ms:.0f} ms; tries {one.performance.tries}",
            )
        )
    )
    for seen in one.hazards:
        print(f"    {'·' if seen.accepted_because else '✗'} {output.say(seen.text)}")
        if seen.accepted_because:
            print(f"      {output.say(_ACCEPTED)}{seen.accepted_because}")
    if one.losses:
        named = ", ".join(one.losses)
        print("    " + output.say(Text(ja=f"戻すと失われる: {named}", en=f"Lost on the way down: {named}")))
    if one.unproven:
        named = ", ".join(one.unproven)
        print("    " + output.say(Text(ja=f"確かめられない: {named}", en=f"Not proven: {named}")))


def _rehearsed(seen: rehearsing.RehearsalReport) -> Text:
    count = len(seen.revisions)
    if seen.is_passed:
        return Text(ja=f"✓ 予行した移行 {count} 件、害なし", en=f"✓ {count} migrations rehearsed, none hurts")
    hurting = sum(bool(one.open_hazards) for one in seen.revisions)
    return Text(
        ja=f"✗ 予行した移行 {count} 件のうち {hurting} 件に害があります",
        en=f"✗ {hurting} of {count} rehearsed migrations hurt",
    )


def _print_pending(one: RevisionLint) -> None:
    opened = sum(found.is_open for found in one.findings)
    print(f"{'✗' if opened else '·'} {one.revision.id} {one.revision.title}")
    if opened:
        print("    " + output.say(Text(ja=f"未解決の指摘 {opened} 件", en=f"{opened} open findings")))
    if one.destroys:
        named = ", ".join(one.destroys)
        print(
            "    "
            + output.say(
                Text(
                    ja=f"失われる: {named}(RPO より新しい検証済みバックアップが必要)",
                    en=f"Destroys {named}: needs a verified backup younger than the RPO",
                )
            )
        )


def _pending_document(one: RevisionLint) -> dict[str, object]:
    return {
        "id": one.revision.id,
        "title": one.revision.title,
        "destroys": list(one.destroys),
        "declares_loss": list(one.revision.declares_loss),
        "findings": [_finding_document(found) for found in one.findings],
    }


def _print_finding(finding: Finding) -> None:
    mark = "✗" if finding.is_open else "·"
    print(" ".join(filter(None, (mark, finding.revision, finding.rule.id, finding.table))))
    print(f"    {finding.statement}")
    if finding.accepted_because is not None:
        print(f"    {output.say(_ACCEPTED)}{finding.accepted_because}")
        return
    print(f"    {output.say(finding.rule.why)}")
    print(f"  → {output.say(finding.rule.rewrite)}")


def _print_squawk(asked: Squawked) -> None:
    if asked.version is None:
        print(
            output.say(
                Text(
                    ja="squawk は見つかりません(任意。Apache-2.0 または MIT)。尋ねていません。",
                    en="squawk is not installed (optional; Apache-2.0 or MIT): not asked.",
                )
            )
        )
        return
    for one in asked.findings:
        print(f"· {one.revision} {asked.version} {one.rule}: {one.message}")


def _summary(report: LintReport) -> Text:
    count, accepted = len(report.revisions), len(report.accepted_findings)
    if report.open_findings:
        found = len(report.open_findings)
        return Text(
            ja=f"✗ 移行 {count} 件: 指摘 {found} 件、受け入れ済み {accepted} 件",
            en=f"✗ {count} migrations: {found} findings, {accepted} accepted",
        )
    return Text(
        ja=f"✓ 移行 {count} 件: 指摘なし、受け入れ済み {accepted} 件",
        en=f"✓ {count} migrations: no finding, {accepted} accepted",
    )


def _lint_document(report: LintReport, asked: Squawked | None) -> dict[str, object]:
    return {
        "revisions": [
            {
                "id": one.revision.id,
                "title": one.revision.title,
                "destroys": list(one.destroys),
                "declares_loss": list(one.revision.declares_loss),
                "findings": [_finding_document(found) for found in one.findings],
            }
            for one in report.revisions
        ],
        "open": len(report.open_findings),
        "accepted": len(report.accepted_findings),
        "squawk": None
        if asked is None
        else {
            "version": asked.version,
            "findings": [
                {"revision": one.revision, "rule": one.rule, "message": one.message} for one in asked.findings
            ],
        },
    }


def _finding_document(finding: Finding) -> dict[str, object]:
    return {
        "rule": finding.rule.id,
        "table": finding.table,
        "statement": finding.statement,
        "why": output.say(finding.rule.why),
        "rewrite": output.say(finding.rule.rewrite),
        "accepted_because": finding.accepted_because,
    }
