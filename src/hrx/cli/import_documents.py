"""`hrx import documents DIR`: a folder of handbooks and rules into the product, through its API as a user."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hrx.cli import output
from hrx.cli.import_api import Api, Sent, open_api
from hrx.cli.options import AsJson, DryRun, Yes
from hrx.cli.plane import confirm
from hrx.kit.errors import Invalid, Text

#: What the product reads; a folder's other files are told and left.
SUFFIXES: Final = frozenset(
    {
        ".md", ".markdown", ".txt", ".html", ".htm", ".csv", ".tsv", ".pdf", ".docx", ".docm",
        ".xlsx", ".xlsm", ".pptx", ".pptm",
    }
)  # fmt: skip
KINDS: Final = ("policy", "handbook", "form", "notice", "other")
AUDIENCES: Final = ("everyone", "managers", "hr")
#: How long reading may go on after the last upload, without any version becoming ready.
_SILENCE_S: Final = 300.0
_LOOK_EVERY_S: Final = 0.5

Folder = Annotated[Path, typer.Argument(help="The folder; hidden files are left out.", metavar="DIR")]
Kind = Annotated[str, typer.Option("--kind", help="policy, handbook, form, notice or other.")]
Audience = Annotated[str, typer.Option("--audience", help="everyone, managers or hr.")]
From = Annotated[
    datetime | None,
    typer.Option(
        "--from", formats=["%Y-%m-%d"], help="The first day on which they are in force; default today."
    ),
]
Url = Annotated[str | None, typer.Option("--url", help="The portal's address; default this machine's.")]
Email = Annotated[
    str | None, typer.Option("--email", help="Whose sign-in (asks for the password); default the demo's HR.")
]


def register(app: typer.Typer) -> None:
    """Add `hrx import`."""
    group = typer.Typer(help="Import: folders of documents into the product.", no_args_is_help=True)
    group.command("documents")(documents)
    app.add_typer(group, name="import")


def documents(
    folder: Folder,
    kind: Kind = "handbook",
    audience: Audience = "everyone",
    since: From = None,
    url: Url = None,
    email: Email = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Upload every readable file of a folder. Again is harmless: only what is new is uploaded."""
    files, left = list_files(folder)
    _check(kind, audience)
    if dry_run:
        _show_plan(folder, files, left, as_json=as_json)
        return
    confirm(
        Text(
            ja=f"{folder} の {len(files)} 件を取り込みますか?",
            en=f"Import {len(files)} files of {folder}?",
        ),
        yes=yes,
    )
    form = {"kind": kind, "audience": audience}
    if since is not None:
        form["effective_from"] = since.date().isoformat()
    started = time.monotonic()
    with open_api(url=url, email=email) as api:
        sent = _send(api, folder, files, form, as_json=as_json)
        _wait(api, sent, as_json=as_json)
    failed = _show(sent, left, seconds=time.monotonic() - started, as_json=as_json)
    if failed:
        raise typer.Exit(output.FAILED)


def list_files(folder: Path) -> tuple[list[Path], list[Path]]:
    """Files to import and files that are left, in the order of their paths. Raises Invalid for no folder."""
    if not folder.is_dir():
        raise Invalid(
            Text(ja=f"フォルダー {folder} がありません", en=f"There is no folder {folder}"),
            hint=Text(ja="パスを確かめてください。", en="Look at the path: `hrx import documents --help`."),
            code="import.no_folder",
        )
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    return (
        [path for path in found if path.suffix.lower() in SUFFIXES],
        [path for path in found if path.suffix.lower() not in SUFFIXES],
    )


def _check(kind: str, audience: str) -> None:
    for value, known, option in ((kind, KINDS, "--kind"), (audience, AUDIENCES, "--audience")):
        if value not in known:
            raise Invalid(
                Text(ja=f"{option} に {value} は指定できません", en=f"{option} cannot be {value}"),
                hint=Text(ja=f"次のどれか: {', '.join(known)}", en=f"One of: {', '.join(known)}"),
                code="import.unknown_choice",
            )


def _send(api: Api, folder: Path, files: list[Path], form: dict[str, str], *, as_json: bool) -> list[Sent]:
    sent: list[Sent] = []
    with _progress(as_json, total=len(files), ja="アップロード", en="uploading") as advance:
        for path in files:
            place = f"{folder.resolve().name}/{path.relative_to(folder).as_posix()}"
            sent.append(api.upload(path, place=place, form=form))
            advance()
    return sent


def _wait(api: Api, sent: list[Sent], *, as_json: bool) -> None:
    """Until each is ready or failed, or nothing more happens for a while."""
    waiting = [each for each in sent if each.is_on_its_way]
    heard = time.monotonic()
    with _progress(as_json, total=len(waiting), ja="読み取り", en="reading") as advance:
        while waiting and time.monotonic() - heard < _SILENCE_S:
            for each in list(waiting):
                api.look(each)
                if each.is_on_its_way:
                    # Files are read in their order: those behind this one are not ready either.
                    break
                waiting.remove(each)
                advance()
                heard = time.monotonic()
            else:
                continue
            time.sleep(_LOOK_EVERY_S)


@contextmanager
def _progress(as_json: bool, *, total: int, ja: str, en: str) -> Iterator[Any]:
    console = Console(stderr=True, quiet=as_json)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=not console.is_terminal) as progress:
        task = progress.add_task(output.say(Text(ja=ja, en=en)), total=total)
        yield lambda: progress.advance(task)


def _show_plan(folder: Path, files: list[Path], left: list[Path], *, as_json: bool) -> None:
    if as_json:
        output.show_json({"files": [str(path) for path in files], "left": [str(path) for path in left]})
        return
    for path in files:
        print(path.relative_to(folder))
    counts = Text(
        ja=f"(試行) {len(files)} 件を取り込みます。読めない種類の {len(left)} 件は残します。",
        en=f"(dry run) would import {len(files)} files and leave {len(left)} of other kinds",
    )
    print(output.say(counts))


def _show(sent: list[Sent], left: list[Path], *, seconds: float, as_json: bool) -> int:
    """The summary; gives how many files could not be taken in."""
    counted = {
        name: sum(1 for each in sent if each.outcome == name)
        for name in ("created", "new_version", "unchanged")
    }
    passages = sum(each.passages for each in sent)
    failed = [each for each in sent if each.problem or each.is_on_its_way]
    facts = {
        **counted,
        "failed": len(failed),
        "left": len(left),
        "passages": passages,
        "seconds": round(seconds, 1),
    }
    if as_json:
        items = [{"path": each.place, "problem": each.problem, "hint": each.hint} for each in failed]
        output.show_json({**facts, "problems": items})
        return len(failed)
    names = {
        "created": Text(ja="新しい文書", en="new documents"),
        "new_version": Text(ja="新しい版", en="new versions"),
        "unchanged": Text(ja="変更なし", en="unchanged"),
        "failed": Text(ja="読めなかったもの", en="not taken in"),
        "left": Text(ja="対象外の種類", en="of other kinds, left"),
        "passages": Text(ja="検索できる段落", en="passages to be found"),
        "seconds": Text(ja="秒", en="seconds"),
    }
    output.show_facts([(names[name], f"{value:,}") for name, value in facts.items()])
    for each in failed:
        print(f"✗ {each.place}: {each.problem or output.say(_STILL_READING)}")
        if each.hint:
            print(f"  → {each.hint}")
    return len(failed)


_STILL_READING: Final = Text(
    ja="まだ読み取り中です(ワーカーが動いているか `hrx status` で確認)",
    en="still being read (see whether the worker runs: `hrx status`)",
)
