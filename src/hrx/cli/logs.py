"""`hrx logs`: the last lines of one part or of all, search, and questions to the archive.

Read from files, so it works with everything down."""

from __future__ import annotations

import sys
from typing import Annotated, Final

import typer
from typer.core import TyperGroup

from hrx.cli import output
from hrx.cli.machine import join_stack, open_machine
from hrx.cli.options import As, AsJson, Code
from hrx.cli.plane import acting
from hrx.kit.errors import Text
from hrx.kit.personal import mask_line
from hrx.kit.settings import load
from hrx.ops.ledger.entries import Kind
from hrx.ops.observe.logs.archive import MEMORY, read_archived
from hrx.ops.observe.logs.files import folders_of
from hrx.ops.observe.logs.querying import answer_sql
from hrx.ops.observe.logs.records import LogRecord
from hrx.ops.observe.logs.searching import LogQuery, read_cursor, search
from hrx.ops.observe.logs.wishes import read_level, read_moment
from hrx.ops.operators.roles import Permission
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.machine import PARTS, Machine

_LINE_BYTES: Final = 2000
_TAIL: Final = "tail"


class _TailUnlessNamed(TyperGroup):
    """`hrx logs api-blue` is `hrx logs tail api-blue`: what is no verb is a part."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if not args or (args[0] not in self.commands and args[0] != "--help"):
            args = [_TAIL, *args]
        return super().parse_args(ctx, args)


def register(app: typer.Typer) -> None:
    """Add `hrx logs`."""
    group = typer.Typer(cls=_TailUnlessNamed, help="What the parts wrote; secrets and personal data masked.")
    group.command(_TAIL)(tail)
    group.command("search")(find)
    group.command("query")(query)
    app.add_typer(group, name="logs")


def tail(
    part: Annotated[str | None, typer.Argument(help="One part, such as api-blue; all when left out.")] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=100_000, help="How many lines.")] = 40,
    as_json: AsJson = False,
) -> None:
    """What the parts wrote last; secrets masked."""
    layout, _ = open_machine()
    machine = Machine(layout)
    count = lines if part else max(1, lines // 5)
    found = {
        name: [
            mask_line(line) for line in machine.tail_log(name, size_bytes=count * _LINE_BYTES).splitlines()
        ]
        for name in ([part] if part else PARTS)
    }
    found = {name: said[-count:] for name, said in found.items()}
    if as_json:
        output.show_json(found)
        return
    for name, said in found.items():
        if said or part:
            print(f"── {name} " + "─" * max(0, 60 - len(name)))
            print("\n".join(said) or output.say(Text(ja="(記録はありません)", en="(nothing was written)")))


def find(
    text: Annotated[str, typer.Argument(help="Found in message or fields, whatever its case.")] = "",
    correlation_id: Annotated[str, typer.Option("--id", help="Only lines of this correlation id.")] = "",
    part: Annotated[
        list[str] | None, typer.Option("--part", "-p", help="Only this part or service; may be repeated.")
    ] = None,
    level: Annotated[
        str, typer.Option("--level", help="At least this: debug, info, warning, error, critical.")
    ] = "",
    since: Annotated[
        str, typer.Option("--since", help="From then on: 15m, 2h, 7d, or a moment such as 2026-11-26T09:00.")
    ] = "",
    until: Annotated[str, typer.Option("--until", help="Before then; the same forms.")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="At most this many.")] = 100,
    after: Annotated[str, typer.Option("--after", help="Go on where the page before ended.")] = "",
    as_json: AsJson = False,
) -> None:
    """Search what was written, the archive included; newest first. Exit code 1 when nothing is found."""
    settings = _settings()
    query = LogQuery(
        text=text or None,
        correlation_id=correlation_id or None,
        parts=tuple(part or ()),
        level=read_level(level),
        since=read_moment(since),
        until=read_moment(until),
        after=read_cursor(after) if after else None,
        limit=limit,
    )
    page = search(
        folders_of(settings), query, read_archive=read_archived, timeout_s=settings.log_search_timeout_s
    )
    if as_json:
        output.show_json(
            {
                "records": [one.to_document() for one in page.records],
                "next": str(page.next) if page.next else None,
                "took_ms": page.took_ms,
            }
        )
    else:
        for one in page.records:
            print(_line(one))
        if page.next is not None:
            more = Text(ja=f"さらに古い行: --after {page.next}", en=f"older lines: --after {page.next}")
            print(output.say(more), file=sys.stderr)
        if not page.records:
            print(output.say(Text(ja="該当する行はありません。", en="No line matches.")), file=sys.stderr)
    if not page.records:
        raise typer.Exit(output.FAILED)


def query(
    sql: Annotated[str, typer.Argument(help="One SELECT over the view logs.")],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=100_000, help="At most this many.")] = 100,
    operator: As = None,
    code: Code = "",
    as_json: AsJson = False,
) -> None:
    """Ask in SQL, over everything that was written; reads nothing but the logs. Recorded in the ledger."""
    with acting(operator, code=code, needs=Permission.PLAN_AND_RUN) as (plane, actor):
        plane.ledger.append(Kind.LOOK, actor=actor.name, subject="logs", body={"sql": mask_line(sql)})
        answer = answer_sql(
            folders_of(plane.settings),
            sql,
            limit=limit,
            memory=MEMORY,
            timeout_s=plane.settings.log_search_timeout_s,
        )
    if as_json:
        rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
        output.show_json({"rows": rows, "is_cut": answer.is_cut})
        return
    output.show_table(
        [Text(ja=name, en=name) for name in answer.columns],
        [["" if value is None else str(value) for value in row] for row in answer.rows],
    )
    if answer.is_cut:
        more = Text(ja=f"先頭の {limit} 行だけです(--limit)", en=f"only the first {limit} rows (--limit)")
        print(output.say(more), file=sys.stderr)


def _line(one: LogRecord) -> str:
    said = " ".join(f"{name}={value}" for name, value in one.fields.items() if value is not None)
    named = f" [{one.correlation_id}]" if one.correlation_id else ""
    at = one.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"{at} {one.level.word.upper():<8} {one.part:<17} {one.event}  {said}{named}".rstrip()


def _settings() -> OpsSettings:
    join_stack()
    return load(OpsSettings)
