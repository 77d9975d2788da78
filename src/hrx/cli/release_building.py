"""`hrx release build | deploy`: a commit becomes a release, and a release comes to people."""

from __future__ import annotations

import sys
from functools import partial
from typing import Annotated, Final

import typer

from hrx.cli import output, release_rollout, release_rollout_shown
from hrx.cli.options import As, AsJson, Code, DryRun, Yes
from hrx.cli.plane import acting, confirm
from hrx.cli.release_checking import run_after_switch
from hrx.cli.release_record import Recorded, gather, load_all
from hrx.cli.release_rollback import find_proven_moment
from hrx.cli.release_rollout import Harm, How, Shares
from hrx.cli.release_settings import Despite, require_fit_settings
from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.ops.ledger.entries import Kind
from hrx.ops.operators.roles import Permission
from hrx.ops.recovery.moments import note_version
from hrx.ops.release.asking import read_graph
from hrx.ops.release.building.building import build_release, find_code, is_built
from hrx.ops.release.deploying import Place, alone, migrate
from hrx.ops.release.dropping import EarlyDrop, list_early_drops, refuse_early_drops
from hrx.ops.release.environments.schema import ask_product
from hrx.ops.release.leaks.refusing import check_portal
from hrx.ops.release.migrations.deciding import VerifiedBackup
from hrx.ops.release.migrations.linting import lint_folder
from hrx.ops.release.pointers import Pointers, list_changes
from hrx.ops.release.releases import Component, Release
from hrx.ops.release.store import ReleaseStore
from hrx.ops.release.strategies.progress import Stand
from hrx.ops.release.strategies.rollout import Strategy
from hrx.ops.run.plane import Plane
from hrx.ops.run.rollouts import find_this_place

_OWNER: Final = "hrx_owner"
_FIRST: Final = "r1"
_NAMES: Final = {
    Component.API: Text(ja="API", en="API"),
    Component.WEB: Text(ja="ポータル", en="Portal"),
    Component.SCHEMA: Text(ja="スキーマ", en="Schema"),
}


def add_to(release: typer.Typer) -> None:
    """Add the commands to `hrx release`."""
    for command in (build, deploy):
        release.command()(command)


def build(recorded: Recorded = None, operator: As = None, code: Code = "", as_json: AsJson = False) -> None:
    """Make a release of the commit that is checked out; nothing that runs is touched."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        place = find_this_place(plane.settings)
        made = build_release(
            place.layout,
            place.store,
            partial(gather, recording=load_all(recorded)),
            check_portal=partial(check_portal, root=place.layout.root, settings=plane.settings),
            tell=_be_quiet if as_json else _say,
        )
        plane.ledger.append(
            Kind.RELEASE_BUILT, actor=actor.name, subject=f"release:{made.id}", body=_document(made)
        )
    early = _find_early_drops(place, made)
    if as_json:
        output.show_json({**_document(made), "early_drops": [one.say().en for one in early]})
        return
    for one in early:
        print(f"✗ {output.say(one.say())}", file=sys.stderr)
    output.show_facts(
        [
            (Text(ja="リリース", en="Release"), f"{made.id} ({made.version})"),
            *((_NAMES[name], one.version) for name, one in made.components.items() if name in _NAMES),
        ]
    )
    print(
        output.say(
            Text(
                ja=f"→ 利用者に届ける: `hrx release deploy {made.id}`",
                en=f"→ Bring it to people: `hrx release deploy {made.id}`",
            )
        )
    )


def deploy(
    release_id: Annotated[str, typer.Argument(help="The release's id; without one, the newest.")] = "",
    strategy: How = Strategy.CANARY,
    shares: Shares = release_rollout.SHARES_SAID,
    harm: Harm = release_rollout.HARM,
    no_checks: Annotated[
        bool, typer.Option("--no-checks", help="Leave out smoke, cache-clear and mark after the switch.")
    ] = False,
    despite: Despite = "",
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Schema first, then the resting slot, then requests move behind the gate. Exit code 1: not live."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        place = find_this_place(plane.settings)
        release = place.store.get(release_id) if release_id else _newest(place.store)
        rollout, is_new = release_rollout.find_or_plan(
            plane, release.id, strategy=strategy, shares=shares, harm=harm
        )
        if dry_run:
            release_rollout_shown.show_plan(rollout, as_json=as_json)
            return
        # What follows the requests must be able to, before anybody is moved.
        standing = place.store.look(place.environment).live
        former = place.store.find(standing) if standing is not None else None
        pointers = Pointers(plane.settings, plane.ledger, partial(plane.target.database_url, _OWNER))
        pointers.require_ready(list_changes(former, release))
        question = Text(
            ja=f"リリース {release.id}({release.version})を {rollout.new} に置き、要求を移しますか?",
            en=f"Put release {release.id} ({release.version}) into {rollout.new} and move requests to it?",
        )
        refuse_early_drops(_find_early_drops(place, release))
        confirm(question, yes=yes)
        if is_new:
            _require_fit(plane, place, release, actor=actor.name, despite=despite, is_quiet=as_json)
        began = clock.now()
        url = plane.target.database_url(_OWNER)
        tell = _be_quiet if as_json else _say
        with alone(plane.ledger, by=actor.name, reason=f"deploy {release.id}"):
            # Again: somebody else may have begun while this one was asked.
            rollout, is_new = release_rollout.find_or_plan(
                plane, release.id, strategy=strategy, shares=shares, harm=harm, fills=True
            )
            migrate(place, release, owner_url=url, backup=_find_backup(), tell=tell)
            if is_new:
                release_rollout.begin_here(plane, rollout)
        ended = release_rollout.go_on(plane, actor=actor.name, as_json=as_json)
        done = ended.progress
        if done.stand is Stand.PROMOTED:
            schema = release.components[Component.SCHEMA].version
            note_version(
                plane.ledger, commit=release.commit[:12], schema=schema, began_at=began, actor=actor.name
            )
        checks = (
            run_after_switch(plane, release, actor=actor.name, as_json=as_json)
            if done.stand is Stand.PROMOTED and not no_checks
            else ()
        )
    release_rollout_shown.finish(ended, wanted=Stand.PROMOTED, as_json=as_json, checks=checks)
    if any(one["outcome"] == "failed" for one in checks):
        raise typer.Exit(output.FAILED)


def _require_fit(
    plane: Plane, place: Place, release: Release, *, actor: str, despite: str, is_quiet: bool
) -> None:
    """By what the release itself declares: its code is asked, and not what runs here."""
    code = find_code(place.store, release)
    require_fit_settings(
        plane,
        place.environment,
        subject=f"release:{release.id}",
        actor=actor,
        despite=despite,
        is_quiet=is_quiet,
        product=ask_product(python=str(code.python), folder=code.code),
    )


def _find_early_drops(place: Place, release: Release) -> tuple[EarlyDrop, ...]:
    """What its migrations drop too early; nothing where nothing is live, or the live one is not on record."""
    live = place.store.look(place.environment).live
    if live is None or live == release.id or not is_built(place.store, release):
        return ()
    migrations = find_code(place.store, release).code / "migrations"
    graph = read_graph(place.store, place.environment, migrations=migrations)
    return list_early_drops(graph, lint_folder(migrations).revisions, live=live, coming=release.id)


def _find_backup() -> VerifiedBackup | None:
    """What a destructive migration rests on: `hrx recover verify` makes it younger."""
    proven_at = find_proven_moment()
    if proven_at is None:
        return None
    return VerifiedBackup(id="proven", covers_until=proven_at, verified_at=proven_at)


def _newest(store: ReleaseStore) -> Release:
    found = store.list_all()
    return found[-1] if found else store.get(_FIRST)


def _say(said: Text) -> None:
    print(f"  · {output.say(said)}", flush=True)


def _be_quiet(_said: Text) -> None:
    return


def _document(release: Release) -> dict[str, object]:
    return {
        "release": release.id,
        "version": release.version,
        "commit": release.commit,
        "built_at": release.built_at.isoformat(),
        "components": {name.value: one.version for name, one in release.components.items()},
    }
