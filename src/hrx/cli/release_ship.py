"""`hrx release ship | deployments | bring-back`: a release at a target, most often a vendor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from hrx.cli import output
from hrx.cli.options import As, AsJson, Code, DryRun, Yes
from hrx.cli.plane import acting, confirm, machine_actor, opened, show_done
from hrx.cli.release_going_back import require_no_way_back
from hrx.cli.release_here import open_here, refuse_here
from hrx.cli.release_settings import Despite, require_fit_settings
from hrx.kit.errors import Invalid, Text
from hrx.ops import lock as locks
from hrx.ops.ledger.entries import Kind
from hrx.ops.operators.roles import Permission
from hrx.ops.release.environments.opening import find_source
from hrx.ops.release.releases import Environment
from hrx.ops.release.this_machine import NAME
from hrx.ops.release.vendor_settings import collect_settings
from hrx.ops.run.plane import Plane
from hrx.ops.targets.releasing import (
    Build,
    Deployment,
    DeploymentState,
    Folder,
    Image,
    ReleaseTarget,
    require_key,
)
from hrx.ops.targets.shipping import Shipment, Shipped, Step, back_key, ship
from hrx.ops.targets.vendors import find_vendor, open_vendor

_STEPS: Final = {
    Step.PREPARE: Text(ja="ビルドを渡しています", en="bringing the build there"),
    Step.SETTINGS: Text(ja="設定を渡しています", en="pushing settings"),
    Step.DEPLOY: Text(ja="デプロイを作っています", en="making the deployment"),
    Step.HEALTH: Text(ja="正常になるのを待っています", en="waiting until it is healthy"),
    Step.DELETE: Text(ja="古いものを消しています", en="deleting what is too old"),
}
_STATES: Final = {
    DeploymentState.WAITING: Text(ja="準備中", en="waiting"),
    DeploymentState.READY: Text(ja="待機", en="ready"),
    DeploymentState.STOPPED: Text(ja="停止", en="stopped"),
    DeploymentState.FAILED: Text(ja="失敗", en="failed"),
    DeploymentState.REMOVED: Text(ja="削除済み", en="removed"),
}
#: An upload may take longer than any wait for health.
_STEP_S: Final = 900.0
TargetName = Annotated[str, typer.Argument(help="The target's name, as in `hrx release targets`.")]
Timeout = Annotated[
    float, typer.Option("--timeout", help="How long its health is waited for, in seconds.", min=1)
]


def add_to(release: typer.Typer) -> None:
    """Add the commands to `hrx release`."""
    release.command("ship")(ship_release)
    release.command("deployments")(deployments)
    release.command("bring-back")(bring_back)


def ship_release(
    target: TargetName,
    version: Annotated[str, typer.Option("--release-version", help="The version, for people.")],
    key: Annotated[
        str, typer.Option("--key", help="Its name there: the same name again makes nothing twice.")
    ],
    image: Annotated[str | None, typer.Option("--image", help="A pinned container image.")] = None,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="A folder of files.", exists=True, file_okay=False)
    ] = None,
    environment: Annotated[
        Environment, typer.Option("--environment", help="Whose settings it is told.")
    ] = Environment.PRODUCTION,
    timeout: Timeout = 600.0,
    despite: Despite = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
    operator: As = None,
    code: Code = "",
) -> None:
    """Put a release at a target, wait until it is healthy and live, and delete what is too old."""
    refuse_here(target)
    build = _read_build(image, folder)
    require_key(key)
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        source = find_source(plane.settings, environment)
        settings = collect_settings(find_vendor(target).name, source, environment=environment)
        if dry_run:
            names = sorted(settings)
            text = Text(
                ja=f"{target} に {version}({key})を出し、設定 {len(names)} 件を渡します: {', '.join(names)}",
                en=f"Would ship {version} ({key}) to {target} with {len(names)} settings: {', '.join(names)}",
            )
            show_done(text, {"target": target, "settings": names, "dry_run": True}, as_json=as_json)
            return
        confirm(Text(ja=f"{target} に {version} を出しますか?", en=f"Ship {version} to {target}?"), yes=yes)
        if settings:
            require_fit_settings(
                plane,
                environment,
                subject=f"target:{target}",
                actor=actor.name,
                despite=despite,
                is_quiet=as_json,
                names=frozenset(settings),
            )
        shipment = Shipment(
            build=build, version=version, key=key, settings=settings, health_timeout_s=timeout
        )
        with (
            _opened_target(target, plane, by=actor.name) as place,
            _alone(plane, target, by=actor.name, reason=f"ship {version}", timeout_s=timeout) as renew,
        ):
            _note(plane, actor.name, target, {"act": "ship", "version": version, "key": key})

            def follow(step: Step) -> None:
                renew()
                if not as_json:
                    _tell(step)

            done = ship(place, shipment, on_step=follow)
        _note(plane, actor.name, target, {"act": "shipped", "version": version, "key": key})
    _show_shipped(target, done, as_json=as_json)


def deployments(target: TargetName, as_json: AsJson = False) -> None:
    """Deployments at a target, the newest first: which is live, to which one may go back."""
    with opened() as plane, _opened_target(target, plane, by=machine_actor().name) as place:
        listed = place.list_deployments()
    if as_json:
        output.show_json({"items": [_document(one) for one in listed]})
        return
    columns = (
        Text(ja="ID", en="Id"),
        Text(ja="版", en="Version"),
        Text(ja="状態", en="State"),
        Text(ja="作成", en="Made"),
    )
    live = Text(ja="公開中", en="live")
    rows = [
        [
            one.id,
            one.version or "-",
            output.say(live if one.is_live else _STATES[one.state]),
            output.moment(one.created_at),
        ]
        for one in listed
    ]
    output.show_table(columns, rows)


def bring_back(
    target: TargetName,
    deployment: Annotated[str, typer.Argument(help="Its id, as in `hrx release deployments`.")],
    timeout: Timeout = 600.0,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
    operator: As = None,
    code: Code = "",
) -> None:
    """Make a former deployment at a target live again."""
    with (
        acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor),
        _opened_target(target, plane, by=actor.name) as place,
    ):
        if target == NAME:
            require_no_way_back(plane)
        live = next((one for one in place.list_deployments() if one.is_live), None)
        now = (live.version or live.id) if live else "-"
        text = Text(
            ja=f"{target}: いまの {now} から {deployment} に戻します。",
            en=f"{target}: {deployment} takes over from {now}.",
        )
        if dry_run:
            show_done(text, {"target": target, "to": deployment, "dry_run": True}, as_json=as_json)
            return
        confirm(Text(ja=f"{text.ja}よいですか?", en=f"{text.en} Go on?"), yes=yes)
        with _alone(plane, target, by=actor.name, reason=f"bring back {deployment}", timeout_s=timeout):
            _note(plane, actor.name, target, {"act": "bring-back", "to": deployment})
            # The live one is part of the name: going back, forward and back again are three things.
            key = back_key(f"{_plain(deployment)[:16]}-{_plain(live.id if live else 'none')[:16]}")
            done = place.roll_back(deployment, key=key, timeout_s=timeout)
        _note(plane, actor.name, target, {"act": "brought-back", "to": deployment})
    said = done.version or done.id
    show_done(
        Text(ja=f"{target}: {said} が公開中です。", en=f"{target}: {said} is live."),
        {"target": target, "live": _document(done)},
        as_json=as_json,
    )


@contextmanager
def _alone(
    plane: Plane, target: str, *, by: str, reason: str, timeout_s: float
) -> Iterator[Callable[[], None]]:
    """One at a time changes what is live at a target; gives what keeps the lock for one step more.

    It outlasts one step and the way back from it, and is free at once when its holder has died. Raises
    LockHeld; the renewal raises LockLost when somebody else has taken it."""
    valid_s = 2 * timeout_s + _STEP_S
    held = locks.acquire(plane.ledger, f"target:{target}", owner=by, reason=reason, valid_s=valid_s)

    def renew() -> None:
        nonlocal held
        held = locks.renew(plane.ledger, held, valid_s=valid_s)

    try:
        yield renew
    finally:
        locks.release(plane.ledger, held)


@contextmanager
def _opened_target(name: str, plane: Plane, *, by: str) -> Iterator[ReleaseTarget]:
    place: ReleaseTarget
    if name == NAME:
        place = open_here(plane, by=by)
    else:
        folder = plane.settings.var_dir / "release" / "targets"
        place = open_vendor(name, plane.settings, state_dir=folder)
    try:
        yield place
    finally:
        place.close()


def _read_build(image: str | None, folder: Path | None) -> Build:
    if image is not None and folder is None:
        return Image(reference=image)
    if folder is not None and image is None:
        return Folder(path=folder)
    raise Invalid(
        Text(
            ja="--image か --folder のどちらか一つを指定してください。",
            en="Name one of --image and --folder.",
        ),
        code="release.one_build",
    )


def _plain(identity: str) -> str:
    """Only what a name may have."""
    return "".join(sign for sign in identity.lower() if sign.isalnum() and sign.isascii()) or "x"


def _note(plane: Plane, actor: str, target: str, body: dict[str, object]) -> None:
    plane.ledger.append(Kind.ROLLOUT, actor=actor, subject=f"target:{target}", body=body)


def _tell(step: Step) -> None:
    print(f"▸ {output.say(_STEPS[step])}")


def _show_shipped(target: str, done: Shipped, *, as_json: bool) -> None:
    version, former = done.deployment.version, done.former
    before = (former.version or former.id) if former else "-"
    show_done(
        Text(
            ja=f"{target}: {version} が公開中です(前は {before})。消した古いもの: {len(done.deleted)}",
            en=f"{target}: {version} is live (before: {before}). Old ones deleted: {len(done.deleted)}",
        ),
        {
            "target": target,
            "live": _document(done.deployment),
            "former": _document(former) if former else None,
            "uploaded": done.uploaded,
            "deleted": list(done.deleted),
        },
        as_json=as_json,
    )


def _document(one: Deployment) -> dict[str, object]:
    return {
        "id": one.id,
        "version": one.version,
        "key": one.key,
        "state": one.state.value,
        "is_live": one.is_live,
        "made_at": one.created_at,
        "url": one.url,
        "may_go_back": one.may_roll_back,
    }
