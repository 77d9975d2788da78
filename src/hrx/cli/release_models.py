"""`hrx release models …`: versions of models, what points at them, and moving that through the gate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hrx.cli import output
from hrx.cli.options import As, AsJson, Code, DryRun, Reason, Yes
from hrx.cli.plane import acting, confirm, opened, show_done
from hrx.kit.errors import Text
from hrx.kit.models.records import Alias, GateCheck, ModelVersion, Move
from hrx.kit.models.registry import Registry
from hrx.ops.operators.roles import Actor, Permission
from hrx.ops.release.models import moving
from hrx.ops.release.models.moving import Verified, open_registry, open_signer, read_draft
from hrx.ops.run.plane import Plane

Version = Annotated[str, typer.Argument(help="A model's version, such as skills-1a2b3c4d5e6f.")]


def add_to(release: typer.Typer) -> None:
    """Add `hrx release models`."""
    group = typer.Typer(help="Models: versions, aliases, the gate, the way back.", no_args_is_help=True)
    group.command("list")(list_)
    group.command("register")(keep)
    group.command("verify")(verify)
    group.command("move")(move)
    group.command("back")(back)
    release.add_typer(group, name="models")


def list_(
    model: Annotated[str, typer.Argument(help="One model, with its moves; without it, all.")] = "",
    as_json: AsJson = False,
) -> None:
    """Versions with their metrics, and what is live, in the shadow and ready to go back to."""
    with opened() as plane:
        registry = open_registry(plane.settings)
        models = [model] if model else registry.list_models()
        held = [(name, registry.list_versions(name), registry.find_move(name)) for name in models]
        moves = registry.list_moves(model) if model else []
    if as_json:
        items = [_document(one, stands) for _, versions, stands in held for one in versions]
        output.show_json({"items": items, "moves": [_move_document(one) for one in moves]})
        return
    if not any(versions for _, versions, _ in held):
        print(output.say(Text(ja="登録されたモデルはまだありません", en="No model is registered yet")))
        return
    _show_versions([(one, stands) for _, versions, stands in held for one in versions])
    if moves:
        print()
        _show_moves(moves)


def keep(
    folder: Annotated[Path, typer.Argument(help="What the trainer wrote.", file_okay=False)],
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Sign a version and keep it; nothing points at it yet. Safe to repeat."""
    draft = read_draft(folder)
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        if dry_run:
            show_done(
                Text(
                    ja=f"{draft.model} を登録します(試し)", en=f"{draft.model} would be registered (dry run)"
                ),
                {"model": draft.model, "size_bytes": len(draft.content), "dry_run": True},
                as_json=as_json,
            )
            return
        # The key comes first: a registry trusts the key that there is.
        signer = open_signer(plane.settings)
        made = moving.register(
            open_registry(plane.settings), draft, signer=signer, ledger=plane.ledger, by=actor.name
        )
    show_done(
        Text(
            ja=f"✓ {made.version} を登録しました\n→ 切り替える: `hrx release models move {made.version}`",
            en=f"✓ {made.version} is registered\n→ Switch to it: `hrx release models move {made.version}`",
        ),
        _document(made, None),
        as_json=as_json,
    )


def verify(
    version: Annotated[str, typer.Argument(help="A model's version; without it, all.")] = "",
    as_json: AsJson = False,
) -> None:
    """Signature, digest and every rule of the gate, looked at again. Exit code 1 when one does not hold."""
    with opened() as plane:
        registry, runbook = open_registry(plane.settings), plane.settings.runbook_dir
        wanted = [version] if version else list_all(registry)
        found = [moving.verify(registry, one, runbook=runbook) for one in wanted]
    if as_json:
        output.show_json({"items": [_verified_document(one) for one in found]})
    else:
        for one in found:
            _show_verified(one)
    if not all(one.has_held for one in found):
        raise typer.Exit(output.FAILED)


def list_all(registry: Registry) -> list[str]:
    """Every version that has a place in the registry, readable or not."""
    keys = registry.shelf.list_keys("versions")
    return sorted({key.split("/")[2] for key in keys})


def move(
    version: Version,
    alias: Annotated[Alias, typer.Option("--alias", help="live, or shadow.")] = Alias.LIVE,
    reason: Reason = "",
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Point an alias at a version, when the gate lets it. Exit code 4: it does not, and says why."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        if dry_run:
            found = moving.verify(open_registry(plane.settings), version, runbook=plane.settings.runbook_dir)
            if as_json:
                output.show_json({**_verified_document(found), "dry_run": True})
            else:
                _show_verified(found)
            return
        _ask_and_move(plane, actor, version, alias, reason=reason, yes=yes, as_json=as_json)


def back(
    model: Annotated[str, typer.Argument(help="The model that goes back.")],
    reason: Reason = "",
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """The version that was live before is live again; it passes the gate once more."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        before = moving.find_before(open_registry(plane.settings), model)
        if dry_run:
            show_done(
                Text(ja=f"{before} に戻します(試し)", en=f"{before} would be live again (dry run)"),
                {"version": before, "dry_run": True},
                as_json=as_json,
            )
            return
        _ask_and_move(plane, actor, before, Alias.LIVE, reason=reason, yes=yes, as_json=as_json)


def _ask_and_move(
    plane: Plane, actor: Actor, version: str, alias: Alias, *, reason: str, yes: bool, as_json: bool
) -> None:
    confirm(
        Text(ja=f"{alias.value} を {version} に切り替えますか?", en=f"Point {alias.value} at {version}?"),
        yes=yes,
    )
    signer = open_signer(plane.settings)
    done = moving.move(
        open_registry(plane.settings),
        version,
        alias,
        signer=signer,
        ledger=plane.ledger,
        runbook=plane.settings.runbook_dir,
        by=actor.name,
        reason=reason,
    )
    show_done(
        Text(
            ja=f"✓ {done.model} の {alias.value} は {version} です(切り替え {done.number} 回目)",
            en=f"✓ {alias.value} of {done.model} is {version} (move {done.number})",
        ),
        _move_document(done),
        as_json=as_json,
    )


def _show_versions(rows: list[tuple[ModelVersion, Move | None]]) -> None:
    columns = (
        Text(ja="版", en="Version"),
        Text(ja="指しているもの", en="Pointed at by"),
        Text(ja="大きさ", en="Size"),
        Text(ja="指標", en="Metrics"),
        Text(ja="由来", en="Made from"),
        Text(ja="登録", en="Registered"),
    )
    output.show_table(
        columns,
        [
            [
                one.version,
                ", ".join(_aliases_of(one, stands)) or "–",
                f"{one.size_bytes:,} B",
                ", ".join(f"{name} {value:.3g}" for name, value in sorted(one.metrics.items())[:3]),
                f"{one.lineage.get('data', '–')} @ {one.lineage.get('commit', '–')[:12]}",
                f"{output.moment(one.created_at)} {output.actor(one.created_by)}",
            ]
            for one, stands in rows
        ],
    )


def _show_moves(moves: list[Move]) -> None:
    columns = (
        Text(ja="回", en="Move"),
        Text(ja="時刻", en="When"),
        Text(ja="名前", en="Alias"),
        Text(ja="版", en="Version"),
        Text(ja="実行者", en="By"),
        Text(ja="理由", en="Reason"),
    )
    output.show_table(
        columns,
        [
            [
                str(one.number),
                output.moment(one.at),
                one.alias.value,
                one.find(one.alias) or "–",
                output.actor(one.by),
                one.reason or "–",
            ]
            for one in moves
        ],
    )


def _show_verified(found: Verified) -> None:
    print(f"{'✓' if found.has_held else '✗'} {found.version}")
    if found.error is not None:
        print(f"    {output.say(found.error.message)}")
    for one in found.checks:
        print(f"    {'·' if one.has_held else '✗'} {one.name}: {one.detail}")


def _aliases_of(version: ModelVersion, stands: Move | None) -> list[str]:
    if stands is None:
        return []
    return [one.value for one in Alias if stands.find(one) == version.version]


def _document(version: ModelVersion, stands: Move | None) -> dict[str, object]:
    return {
        "model": version.model,
        "version": version.version,
        "kind": version.kind,
        "sha256": version.sha256,
        "size_bytes": version.size_bytes,
        "features": version.features,
        "aliases": _aliases_of(version, stands),
        "metrics": dict(version.metrics),
        "lineage": dict(version.lineage),
        "card": dict(version.card),
        "created_by": version.created_by,
        "created_at": version.created_at.isoformat(),
    }


def _move_document(move: Move) -> dict[str, object]:
    return {
        "model": move.model,
        "number": move.number,
        "alias": move.alias.value,
        "versions": dict(move.versions),
        "by": move.by,
        "at": move.at.isoformat(),
        "reason": move.reason,
        "checks": [_check_document(one) for one in move.checks],
    }


def _verified_document(found: Verified) -> dict[str, object]:
    return {
        "version": found.version,
        "has_held": found.has_held,
        "error": found.error.stable_code if found.error is not None else None,
        "checks": [_check_document(one) for one in found.checks],
    }


def _check_document(check: GateCheck) -> dict[str, object]:
    return {"name": check.name, "has_held": check.has_held, "detail": check.detail}
