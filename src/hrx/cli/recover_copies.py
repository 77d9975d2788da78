"""`hrx recover restore|copies|compare|remove`: copies beside the living system, and what a switch means."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from hrx.cli import output
from hrx.cli.options import AsJson, DryRun, Yes
from hrx.cli.plane import confirm, machine_actor, opened
from hrx.cli.recover_elsewhere import note_if_possible, this_site
from hrx.cli.recover_managed import is_managed, refuse_restore
from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.ledger.entries import Kind
from hrx.ops.recovery import copies
from hrx.ops.recovery.checks.findings import mark_of
from hrx.ops.recovery.comparing import Comparison, RowCounts, tell_comparison
from hrx.ops.recovery.comparing_copies import compare_with_living, tell_copy
from hrx.ops.recovery.copies import CopyFacts
from hrx.ops.recovery.moments import finder
from hrx.ops.recovery.planning import RestorePlan
from hrx.ops.recovery.previewing import Preview, needs_ledger, preview_restore
from hrx.ops.recovery.records import ship
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.targets import Meant, say_last, say_moment

_TIMEOUT_S: Final = 4 * 3600.0
Name = Annotated[str, typer.Argument(help="The copy's name.")]


def restore(
    to: Annotated[str, typer.Option("--to", help="The moment: latest, a time, or before something.")],
    name: Annotated[str | None, typer.Option(help="Name of the copy; without one, made of the time.")] = None,
    directory: Annotated[Path | None, typer.Option(help="Another disk for the copy's data.")] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Restore to a moment beside the living system, read-only, and check everything; nothing else changes."""
    site = this_site()
    if is_managed(site):
        raise refuse_restore(site, to)
    ship(site.vault, site.received_dir)
    seen = _preview(site, to)
    plan, meant, expected_s = seen.plan, seen.meant, seen.expected_s
    chosen = name or f"{clock.now():%m%d-%H%M%S}"
    if not as_json:
        _show_plan(plan, meant, name=chosen, expected_s=expected_s)
    if dry_run:
        if as_json:
            output.show_json({**_plan_document(plan, meant, expected_s), "dry_run": True})
        return
    confirm(Text(ja="復元しますか?", en="Restore it?"), yes=yes or as_json or not sys.stdin.isatty())
    facts = copies.restore_copy(
        site,
        plan,
        meant,
        name=chosen,
        said=to,
        directory=directory,
        timeout_s=_TIMEOUT_S,
        on_stage=None if as_json else _show_stage,
    )
    note_if_possible(site, Kind.COPY_RESTORED, _note(facts))
    comparison = compare_with_living(site, facts.name)
    if as_json:
        output.show_json({**tell_copy(facts), "comparison": comparison.as_dict()})
    else:
        _show_result(facts, comparison)
    if not facts.is_well:
        raise typer.Exit(output.FAILED)


def list_all(as_json: AsJson = False) -> None:
    """Every restored copy of this machine."""
    site = this_site()
    found = copies.list_copies(site)
    if as_json:
        output.show_json({"items": [tell_copy(one) for one in found]})
        return
    columns = (
        Text(ja="写し", en="Copy"),
        Text(ja="時点", en="Moment"),
        Text(ja="状態", en="State"),
        Text(ja="最後の取引", en="Last transaction"),
        Text(ja="所要", en="Took"),
    )
    rows = [
        [
            one.name,
            _meant(one),
            output.word("copy_state", one.state),
            output.say(say_moment(one.last_commit_at)) if one.last_commit_at else "–",
            _seconds(sum(one.seconds.values())) if one.seconds else "–",
        ]
        for one in found
    ]
    output.show_table(columns, rows)


def compare_copy(name: Name, as_json: AsJson = False) -> None:
    """What a switch to this copy would lose and bring back, by table and tenant."""
    site = this_site()
    copies.get_copy(site, name)
    comparison = compare_with_living(site, name)
    if as_json:
        output.show_json(comparison.as_dict())
    else:
        _show_comparison(comparison)


def remove(name: Name, dry_run: DryRun = False, yes: Yes = False, as_json: AsJson = False) -> None:
    """Stop a copy and take it away; the backups stay."""
    site = this_site()
    facts = copies.get_copy(site, name)
    if dry_run:
        output.show_json({"would_remove": name, "dry_run": True})
        return
    confirm(Text(ja=f"写し {name} を消しますか?", en=f"Remove copy {name}?"), yes=yes)
    copies.remove(site, facts.name)
    if as_json:
        output.show_json({"removed": name})
    else:
        print(output.say(Text(ja=f"✓ 写し {name} を消しました", en=f"✓ Copy {name} is gone")))


def _preview(site: Site, to: str) -> Preview:
    if not needs_ledger(to):
        return preview_restore(site, to, find_moment=lambda _what, _name: None)
    with opened() as plane:
        return preview_restore(site, to, find_moment=finder(plane.ledger, site.folder))


def _show_plan(plan: RestorePlan, meant: Meant, *, name: str, expected_s: float | None) -> None:
    size = sum(one.stored_bytes for one in plan.chain) / 1e6
    expected = (
        _seconds(expected_s)
        if expected_s is not None
        else output.say(Text(ja="不明(この機械で初めて)", en="not known (the first on this machine)"))
    )
    output.show_facts(
        [
            (Text(ja="時点", en="Moment"), output.say(meant.words)),
            (Text(ja="そこまでの取引", en="Up to"), output.say(say_last(meant.last))),
            (Text(ja="元", en="From"), " + ".join(one.id for one in plan.chain) + f" ({size:,.0f} MB)"),
            (Text(ja="変更記録", en="Change records"), str(len(plan.segments) + (plan.tail is not None))),
            (Text(ja="写しの名前", en="Copy"), name),
            (Text(ja="見込み", en="Expected"), expected),
        ]
    )


def _show_stage(stage: str) -> None:
    print(f"  … {output.word('restore_stage', stage)}", flush=True)


def _show_result(facts: CopyFacts, comparison: Comparison) -> None:
    for one in facts.findings:
        print(f"  {mark_of(one)} {_in_language(one['title'])}: {_in_language(one['said'])}")
    took = _seconds(sum(facts.seconds.values()))
    last = output.say(say_moment(facts.last_commit_at)) if facts.last_commit_at else "–"
    if facts.is_well:
        done = Text(
            ja=f"✓ 写し {facts.name} は使えます({took})。最後の取引: {last}",
            en=f"✓ Copy {facts.name} is ready ({took}). Last transaction: {last}",
        )
    else:
        done = Text(
            ja=f"✗ 写し {facts.name} に不備があります。切り替えないでください",
            en=f"✗ Copy {facts.name} is not right. Do not switch to it",
        )
    print(output.say(done))
    _show_comparison(comparison)
    if facts.is_well:
        print(
            output.say(
                Text(
                    ja=f"→ 切り替える: `hrx recover switch {facts.name}`"
                    f" ・ 消す: `hrx recover remove {facts.name}`",
                    en=f"→ Switch to it: `hrx recover switch {facts.name}`"
                    f" · take it away: `hrx recover remove {facts.name}`",
                )
            )
        )


def _show_comparison(found: Comparison) -> None:
    print(output.say(tell_comparison(found)))
    if found.differing:
        columns = (
            Text(ja="表", en="Table"),
            Text(ja="失う行", en="Lost"),
            Text(ja="戻る行", en="Come back"),
            Text(ja="以前に戻る行", en="Go back"),
        )
        output.show_table(columns, [[one.table, *_figures(one.counts)] for one in found.differing])
    if found.by_tenant:
        columns = (
            Text(ja="テナント", en="Tenant"),
            Text(ja="失う行", en="Lost"),
            Text(ja="戻る行", en="Come back"),
            Text(ja="以前に戻る行", en="Go back"),
        )
        rows = [[str(tenant or "–"), *_figures(counts)] for tenant, counts in found.by_tenant.items()]
        output.show_table(columns, rows)


def _figures(counts: RowCounts) -> list[str]:
    return [f"{counts.lost:,}", f"{counts.regained:,}", f"{counts.changed:,}"]


def _seconds(seconds: float) -> str:
    return output.say(Text(ja=f"{seconds:.1f} 秒", en=f"{seconds:.1f} s"))


def _meant(facts: CopyFacts) -> str:
    return _in_language(facts.meant)


def _in_language(said: Mapping[str, str]) -> str:
    return output.say(Text(ja=said["ja"], en=said["en"]))


# `Any`: JSON.
def _note(facts: CopyFacts) -> dict[str, Any]:
    return {**tell_copy(facts), "by": machine_actor().name}


def _plan_document(plan: RestorePlan, meant: Meant, expected_s: float | None) -> dict[str, Any]:
    last: Sequence[object] = [meant.last.xid, meant.last.at.isoformat()] if meant.last else []
    return {
        "to": {"ja": meant.words.ja, "en": meant.words.en},
        "last_transaction": list(last),
        "backups": [one.id for one in plan.chain],
        "segments": len(plan.segments),
        "expected_s": expected_s,
    }
