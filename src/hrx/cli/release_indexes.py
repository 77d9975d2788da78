"""`hrx release indexes …`: search indexes in generations, built beside the live one, switched, and back."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Annotated, Final

import typer

from hrx.cli import output
from hrx.cli.options import As, AsJson, Code, DryRun, Yes
from hrx.cli.plane import acting, confirm, opened, show_done
from hrx.kit.errors import Text
from hrx.ops.ledger.entries import Kind
from hrx.ops.operators.roles import Permission
from hrx.ops.release.indexes.building import build as build_generation
from hrx.ops.release.indexes.building import building_session, count_behind, count_lacking
from hrx.ops.release.indexes.definitions import (
    choose_encoder,
    get_definition,
    load_definitions,
    version_of,
)
from hrx.ops.release.indexes.generations import (
    APPLICATION,
    Generation,
    Pointer,
    find_pointer,
    list_generations,
)
from hrx.ops.release.indexes.switching import IndexNotReady, find_before
from hrx.ops.release.indexes.switching import switch as switch_generation
from hrx.ops.run.plane import Plane
from hrx.ops.seams.migrating import MigratingSession, migrating_session

_OWNER: Final = "hrx_owner"
Name = Annotated[str, typer.Argument(help="The index, as runbook/indexes.yaml names it.")]


def add_to(release: typer.Typer) -> None:
    """Add `hrx release indexes`."""
    group = typer.Typer(help="Search indexes: generations, the live one, the way back.", no_args_is_help=True)
    group.command("list")(list_)
    group.command("build")(build)
    group.command("switch")(switch)
    group.command("back")(back)
    release.add_typer(group, name="indexes")


def list_(as_json: AsJson = False) -> None:
    """Every index with its generations: how far each is, which one answers, how many rows it is behind."""
    with opened() as plane, _looking(plane) as session:
        items = [
            _document(
                one,
                find_pointer(session, name),
                behind=_behind(session, one),
                lacking=count_lacking(session, one),
            )
            for name in load_definitions(plane.settings.runbook_dir)
            for one in list_generations(session, name)
        ]
    if as_json:
        output.show_json({"items": items})
        return
    if not items:
        print(
            output.say(
                Text(
                    ja="まだ何も作られていません → `hrx release indexes build positions`",
                    en="Nothing was built yet → `hrx release indexes build positions`",
                )
            )
        )
        return
    columns = (
        Text(ja="インデックス", en="Index"),
        Text(ja="世代", en="Generation"),
        Text(ja="版", en="Version"),
        Text(ja="エンコーダー", en="Encoder"),
        Text(ja="進み", en="Built"),
        Text(ja="指しているもの", en="Pointed at by"),
        Text(ja="遅れ(行)", en="Rows behind"),
        Text(ja="ベクトル待ち(行)", en="Rows without vector yet"),
    )
    output.show_table(
        columns,
        [
            [
                str(one["index"]),
                str(one["generation"]),
                str(one["version"]),
                str(one["encoder"]),
                f"{one['done_ratio']:.0%}",
                str(one["pointed_at_by"] or "–"),
                "–" if one["behind"] is None else str(one["behind"]),
                str(one["lacking"]),
            ]
            for one in items
        ],
    )


def build(
    name: Name, operator: As = None, code: Code = "", dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Fill a generation beside the live one, in batches; goes on where it stood. Search is not touched."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        definition = get_definition(plane.settings.runbook_dir, name)
        encoder = choose_encoder(definition, plane.settings)
        if dry_run:
            version = version_of(definition, encoder)
            show_done(
                Text(
                    ja=f"{name} の版 {version} を作ります(試し)",
                    en=f"{name} {version} would be built (dry run)",
                ),
                {"index": name, "version": version, "dry_run": True},
                as_json=as_json,
            )
            return
        with building_session(plane.target.database_url(_OWNER), name) as session:
            made = build_generation(session, definition, encoder, tell=_be_quiet if as_json else _tell)
            pointer = find_pointer(session, name)
            lacking = count_lacking(session, made)
        body = _document(made, pointer, behind=0, lacking=lacking)
        plane.ledger.append(Kind.INDEX_BUILT, actor=actor.name, subject=f"index:{name}", body=body)
    show_done(_built(made, lacking), body, as_json=as_json)


def _built(made: Generation, lacking: int) -> Text:
    name = made.index
    if lacking:
        return Text(
            ja=f"✓ {name} の世代 {made.number}({made.version})の言葉ができました。"
            f"残り {lacking:,} 行のベクトルはワーカーが作ります\n"
            "→ 残りを見る: `hrx release indexes list`",
            en=f"✓ The words of generation {made.number} of {name} ({made.version}) are built; the worker "
            f"makes the vectors of {lacking:,} rows\n"
            "→ See what is left: `hrx release indexes list`",
        )
    return Text(
        ja=f"✓ {name} の世代 {made.number}({made.version})ができました\n"
        f"→ 切り替える: `hrx release indexes switch {name}`",
        en=f"✓ Generation {made.number} of {name} ({made.version}) is built\n"
        f"→ Switch to it: `hrx release indexes switch {name}`",
    )


def switch(
    name: Name,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Let the newest generation answer, in one transaction; the former one is kept to go back to."""
    _move(name, operator, code, is_back=False, dry_run=dry_run, yes=yes, as_json=as_json)


def back(
    name: Name,
    operator: As = None,
    code: Code = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Let the generation before answer again, with what came since added to it first."""
    _move(name, operator, code, is_back=True, dry_run=dry_run, yes=yes, as_json=as_json)


def _move(
    name: str, operator: str | None, code: str, *, is_back: bool, dry_run: bool, yes: bool, as_json: bool
) -> None:
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        get_definition(plane.settings.runbook_dir, name)
        with building_session(plane.target.database_url(_OWNER), name) as session:
            to = find_before(session, name) if is_back else _newest(session, name)
            if dry_run:
                show_done(
                    Text(ja=f"世代 {to.number} に切り替えます(試し)", en=f"Generation {to.number} (dry run)"),
                    {**_document(to, find_pointer(session, name), behind=None), "dry_run": True},
                    as_json=as_json,
                )
                return
            confirm(
                Text(
                    ja=f"{name} を世代 {to.number} に切り替えますか?",
                    en=f"Let generation {to.number} of {name} answer?",
                ),
                yes=yes,
            )
            switch_generation(session, to, by=actor.name, folder=plane.settings.encoders_dir)
            body = _document(to, find_pointer(session, name), behind=None)
        plane.ledger.append(Kind.INDEX_SWITCHED, actor=actor.name, subject=f"index:{name}", body=body)
    show_done(
        Text(ja=f"✓ {name} は世代 {to.number} が答えます", en=f"✓ Generation {to.number} of {name} answers"),
        body,
        as_json=as_json,
    )


def _newest(session: MigratingSession, name: str) -> Generation:
    found = list_generations(session, name)
    if not found:
        raise IndexNotReady(
            Text(ja=f"{name} はまだ作られていません", en=f"{name} was never built"),
            hint=Text(
                ja=f"`hrx release indexes build {name}` で作ります。",
                en=f"Build it: `hrx release indexes build {name}`.",
            ),
        )
    return found[-1]


def _looking(plane: Plane) -> AbstractContextManager[MigratingSession]:
    return migrating_session(
        plane.target.database_url(_OWNER), application=APPLICATION, statement_timeout_s=30
    )


def _behind(session: MigratingSession, one: Generation) -> int | None:
    return count_behind(session, one) if one.is_finished else None


def _tell(one: Generation) -> None:
    print(f"  · {one.rows_done:,} / {one.rows_total:,} ({one.done_ratio:.0%})", flush=True)


def _be_quiet(_one: Generation) -> None:
    return


def _document(
    one: Generation, pointer: Pointer | None, *, behind: int | None, lacking: int | None = None
) -> dict[str, object]:
    names = {pointer.live: "live", pointer.previous: "previous"} if pointer is not None else {}
    return {
        "index": one.index,
        "generation": one.number,
        "version": one.version,
        "encoder": one.encoder,
        "rows_total": one.rows_total,
        "done_ratio": one.done_ratio,
        "is_finished": one.is_finished,
        "pointed_at_by": names.get(one.number),
        "behind": behind,
        "lacking": lacking,
    }
