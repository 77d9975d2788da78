"""`hrx release history|plan`: what was placed where, and whether and how one can go back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final

import typer

from hrx.cli import output
from hrx.cli.machine import join_stack
from hrx.cli.options import AsJson
from hrx.cli.recover_elsewhere import this_site
from hrx.kit import clock
from hrx.kit.errors import HrxError, Invalid, Refused, Text
from hrx.kit.settings import load
from hrx.ops.recovery.standing import read_standing
from hrx.ops.release.asking import Counted, Ground, plan_way_back, read_ground
from hrx.ops.release.releases import CheckResult, Component, Environment, Release
from hrx.ops.release.results import ResultShelf
from hrx.ops.release.returning import find_way_back
from hrx.ops.release.rollback.plans import RollbackPlan, RollbackRefused, plan_to_json, refusal_to_json
from hrx.ops.release.store import ReleaseStore
from hrx.ops.release.strategies.progress import Progress
from hrx.ops.release.wording import PlanView, RefusalView, count_checks, show_history, show_plan, show_refusal
from hrx.ops.settings import HOME, OpsSettings

#: A backup that is to stand in for what a way down loses must not be older.
_BACKUP_IS_FRESH: Final = timedelta(hours=1)
_SHOWN: Final = 20
Where = Annotated[
    Environment | None,
    typer.Option("--environment", help="Which environment; this one unless told otherwise."),
]


def add_to(group: typer.Typer) -> None:
    """Add `hrx release history` and `hrx release plan`."""
    group.command("history")(history)
    group.command("plan")(plan)


def open_store(settings: OpsSettings) -> ReleaseStore:
    """The releases of this machine."""
    return ReleaseStore(settings.var_dir / "releases")


def history(environment: Where = None, as_json: AsJson = False) -> None:
    """What was placed in which slot, newest first, and what is live now."""
    join_stack()
    settings = load(OpsSettings)
    store, where = open_store(settings), environment or Environment(settings.environment)
    shelf = ResultShelf(store.folder)
    standing, releases = store.look(where), [shelf.show_with(one) for one in store.list_all()]
    rows = show_history(store.list_placements(where), standing, releases)
    if as_json:
        items = [
            {
                "at": row.placement.at.isoformat(),
                "slot": row.placement.slot.value,
                "release": row.placement.release_id,
                "weight": row.placement.weight,
                "by": row.placement.by,
                "run": row.placement.run,
                "is_live": row.is_live,
            }
            for row in rows
        ]
        kept = [_document(one, store) for one in store.list_all()]
        output.show_json(
            {"environment": where.value, "live": standing.live, "items": items, "releases": kept}
        )
        return
    if not rows:
        print(
            output.say(
                Text(
                    ja=f"{where.value} に置かれたリリースはまだありません",
                    en=f"Nothing was placed in {where.value} yet",
                )
            )
        )
        return
    columns = (
        Text(ja="時刻", en="When"),
        Text(ja="スロット", en="Slot"),
        Text(ja="リリース", en="Release"),
        Text(ja="版", en="Version"),
        Text(ja="コミット", en="Commit"),
        Text(ja="状態", en="State"),
        Text(ja="検査", en="Checks"),
        Text(ja="実行者", en="By"),
    )
    nothing = Text(ja="–", en="–")
    checks = {one.id: count_checks(one.checks) for one in releases}
    output.show_table(
        columns,
        [
            [
                output.moment(row.placement.at),
                row.placement.slot.value,
                row.placement.release_id or "–",
                row.version,
                row.commit,
                output.say(row.state),
                output.say(checks.get(row.placement.release_id or "", nothing)),
                output.actor(row.placement.by),
            ]
            for row in rows[:_SHOWN]
        ],
    )


def _document(release: Release, store: ReleaseStore) -> dict[str, object]:
    return {
        "id": release.id,
        "version": release.version,
        "commit": release.commit,
        "content_hash": release.content_hash,
        "checks": list_checks(store, release.id),
    }


def list_checks(store: ReleaseStore, release_id: str) -> list[dict[str, str]]:
    """The newest word on each check, as a script reads it; none for a release that is not kept here."""
    return [
        {"name": one.name, "outcome": one.outcome.value, "detail": one.detail}
        for one in find_checks(store, release_id)
    ]


def find_checks(store: ReleaseStore, release_id: str) -> tuple[CheckResult, ...]:
    """What the release's record says, with what was found since it was built in place of it."""
    release = store.find(release_id)
    return ResultShelf(store.folder).show_with(release).checks if release is not None else ()


def plan(
    rollback: Annotated[bool, typer.Option("--rollback", help="Plan the way back.")] = False,
    to: Annotated[
        str | None, typer.Option("--to", help="The release to go back to; the one before unless told.")
    ] = None,
    only: Annotated[list[Component] | None, typer.Option("--only", help="Move only this component.")] = None,
    lose: Annotated[
        list[str] | None, typer.Option("--lose", help="Values of this column or table may be lost.")
    ] = None,
    may_stop: Annotated[
        bool, typer.Option("--may-stop", help="The maintenance page may be shown meanwhile.")
    ] = False,
    rows: Annotated[
        list[str] | None, typer.Option("--rows", help="COLUMN=N: values written since, as counted.")
    ] = None,
    breaking: Annotated[
        list[str] | None,
        typer.Option("--breaking", help="NAME=N: rows that break what the older schema demands."),
    ] = None,
    queued: Annotated[
        list[str] | None, typer.Option("--queued", help="KIND=N: jobs that wait, as counted.")
    ] = None,
    environment: Where = None,
    as_json: AsJson = False,
) -> None:
    """Whether and how one can go back: order, what breaks, what is lost. Exit code 4: it is not safe."""
    if not rollback:
        raise Invalid(
            Text(ja="何を計画するかを選んでください", en="Say what is to be planned"),
            hint=Text(
                ja="戻す計画: `hrx release plan --rollback`",
                en="The way back: `hrx release plan --rollback`.",
            ),
            code="release.plan_of_what",
        )
    join_stack()
    settings = load(OpsSettings)
    where = environment or Environment(settings.environment)
    store = open_store(settings)
    url = settings.ops_database_url
    ground = read_ground(
        store,
        where,
        migrations=HOME / "migrations",
        # Another environment's tables are not those of the database that this plane looks at.
        database_url=url.get_secret_value() if url and where.value == settings.environment else None,
    )
    counted = Counted(
        rows=_read_counts(rows or []),
        breaking=_read_counts(breaking or []),
        queued=_read_counts(queued) if queued is not None else None,
        has_fresh_backup=_has_fresh_backup(),
        only=frozenset(only) if only else frozenset(Component),
        may_lose=frozenset(lose or []),
        may_stop=may_stop,
    )
    try:
        found = plan_way_back(ground, store.get(to) if to else None, counted)
    except RollbackRefused as refused:
        show_refused(refused, as_json=as_json)
        raise typer.Exit(output.REFUSED) from None
    _show_plan(found, ground, as_json=as_json)


def refuse_unsafe(settings: OpsSettings, progress: Progress, *, as_json: bool) -> None:
    """End with the reasons (exit code 4) when moving requests back is not enough; the console's button is
    refused by the same rule. Raises Refused, ReleaseUnreadable."""
    url = settings.ops_database_url
    store, environment = open_store(settings), Environment(settings.environment)
    if store.find(progress.rollout.release_id) is None:
        # Of what was put into a slot by hand nothing is on record: whoever did it knows what goes back.
        return
    way = find_way_back(
        progress,
        store,
        environment,
        migrations=HOME / "migrations",
        database_url=url.get_secret_value() if url else None,
        has_fresh_backup=_has_fresh_backup(),
    )
    if way.why_not is None or _is_same_code(store, progress.rollout.release_id, way.to):
        return
    if isinstance(way.refused, RollbackRefused):
        show_refused(way.refused, as_json=as_json)
        raise typer.Exit(output.REFUSED)
    raise Refused(
        way.why_not,
        hint=Text(
            ja="計画は `hrx release plan --rollback`、実行は `hrx release rollback --to 番号`。",
            en="See `hrx release plan --rollback`; to run it: `hrx release rollback --to ID`.",
        ),
        code="release.not_one_press",
    )


def _is_same_code(store: ReleaseStore, one: str, other: str | None) -> bool:
    """Whether two kept releases differ in nothing that runs; a planner has nothing to say of them."""
    first, second = store.find(one), store.find(other) if other is not None else None
    return (
        first is not None
        and second is not None
        and all(first.find_version(part) == second.find_version(part) for part in Component)
    )


def find_proven_moment() -> datetime | None:
    """The newest moment that a restore has shown to come back; None where nobody can tell of one."""
    try:
        return read_standing(this_site()).newest_proven_at
    except HrxError:
        return None


def _has_fresh_backup() -> bool:
    """Whether a restore has shown that what there was an hour ago can be brought back."""
    proven_at = find_proven_moment()
    return proven_at is not None and clock.now() - proven_at <= _BACKUP_IS_FRESH


def _read_counts(pairs: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name or not value.isdecimal():
            raise Invalid(
                Text(ja=f"「{pair}」は 名前=件数 の形ではありません", en=f"“{pair}” is not NAME=N"),
                hint=Text(
                    ja="例: `--rows app.person.nickname=0`", en="Such as `--rows app.person.nickname=0`."
                ),
                code="release.bad_count",
            )
        found[name] = int(value)
    return found


def _show_plan(found: RollbackPlan, ground: Ground, *, as_json: bool) -> None:
    if as_json:
        output.show_json({**plan_to_json(found), "plan_hash": found.plan_hash})
        return
    view = show_plan(found)
    print(output.say(view.title))
    print(output.say(view.summary))
    if not ground.was_looked_at:
        print(
            output.say(
                Text(
                    ja="データベースは見ていません。表はリリースの記録によります。",
                    en="The database was not looked at: its tables are taken from what releases recorded.",
                )
            )
        )
    print()
    columns = (
        Text(ja="部分", en="Part"),
        Text(ja="今", en="Now"),
        Text(ja="戻す先", en="Then"),
        Text(ja="扱い", en="What happens"),
        Text(ja="理由", en="Why"),
    )
    output.show_table(
        columns,
        [
            [output.say(one.component), one.now, one.then, output.say(one.fate), output.say(one.reason)]
            for one in view.parts
        ],
    )
    print()
    _print_steps(view)
    for title, lines in _list_sections(view):
        if lines:
            print(f"\n{output.say(title)}")
            for line in lines:
                print(f"  - {output.say(line)}")
    print(f"\n{output.say(Text(ja='計画のハッシュ', en='Hash of the plan'))}: {view.plan_hash}")


def _print_steps(view: PlanView) -> None:
    undo = output.say(Text(ja="取り消し", en="undo"))
    for step in view.steps:
        print(f"{step.number:>2}. {output.say(step.name)}")
        print(f"      {output.say(step.reason)}")
        if step.undo is not None:
            print(f"      {undo}: {output.say(step.undo)}")


def _list_sections(view: PlanView) -> Sequence[tuple[Text, Sequence[Text]]]:
    return (
        (Text(ja="利用者への影響", en="What people notice"), view.breaks),
        (Text(ja="見えなくなる値(残ります)", en="Values that are hidden, and stay"), view.hidden),
        (Text(ja="失われる値", en="Values that are lost"), view.loss),
        (Text(ja="取り消せないこと", en="What cannot be undone"), view.cannot_undo),
    )


def show_refused(refused: RollbackRefused, *, as_json: bool) -> None:
    output.show_error(refused, as_json=False) if not as_json else output.show_json(_refusal_document(refused))
    if not as_json:
        _print_refusal(show_refusal(refused))


def _refusal_document(refused: RollbackRefused) -> Mapping[str, object]:
    return {
        "error": {
            "code": refused.stable_code,
            "message": output.say(refused.message),
            "hint": output.say(refused.hint) if refused.hint else None,
            "fields": [],
        },
        **refusal_to_json(refused),
    }


def _print_refusal(view: RefusalView) -> None:
    print(f"\n{output.say(Text(ja='理由', en='Why'))}")
    for reason in view.reasons:
        print(f"  - {output.say(reason)}")
    print(f"\n{output.say(Text(ja='代わりにできること', en='What can be done instead'))}")
    for says, command in view.alternatives:
        print(f"  - {output.say(says)}" + (f"\n      {command}" if command else ""))
