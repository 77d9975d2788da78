"""`hrx runbook …`: the runbook in the terminal, for when there is no browser."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown

from hrx.cli import output
from hrx.cli.options import AsJson
from hrx.cli.plane import opened
from hrx.kit.errors import Text
from hrx.ops.run.proofs import find_last_proof
from hrx.ops.runbook.chapters import Built, Chapter, Section, get_chapter

_NOTHING_YET = Text(
    ja="この章はまだ作られていません。以下は、これから作るものです。今は何も動いていません。",
    en="Nothing of this chapter is built yet. What follows is what will be; none of it runs today.",
)


def register(app: typer.Typer) -> None:
    """Add `hrx runbook`."""
    group = typer.Typer(help="The runbook, chapter by chapter.", no_args_is_help=True)
    group.command("list")(list_chapters)
    group.command("show")(show)
    app.add_typer(group, name="runbook")


def list_chapters(as_json: AsJson = False) -> None:
    """The chapters and how much of each is built."""
    with opened() as plane:
        chapters = plane.content.chapters
    if as_json:
        output.show_json({"items": [asdict(chapter) for chapter in chapters]})
        return
    rows = [
        [str(chapter.number), output.say(chapter.title), output.word("built", chapter.built)]
        for chapter in chapters
    ]
    output.show_table((Text(ja="章", en="#"), Text(ja="題", en="Title"), Text(ja="状態", en="State")), rows)


def show(
    chapter: Annotated[int, typer.Argument(help="The chapter's number, 1 to 10.")], as_json: AsJson = False
) -> None:
    """One chapter, each procedure with its last proof."""
    with opened() as plane:
        found = get_chapter(plane.content.chapters, chapter)
        proofs = {
            procedure: find_last_proof(plane, procedure)
            for section in found.sections
            for procedure in section.procedures
        }
    if as_json:
        document = {name: asdict(proof) if proof else None for name, proof in proofs.items()}
        output.show_json({"chapter": asdict(found), "proofs": document})
        return
    lines = {
        name: output.say(
            Text(
                ja=f"最後に確かめた: {proof.at:%Y-%m-%d %H:%M} UTC",
                en=f"last proven {proof.at:%Y-%m-%d %H:%M} UTC",
            )
            if proof
            else Text(ja="まだ実行されたことがありません", en="never run here yet")
        )
        for name, proof in proofs.items()
    }
    Console().print(Markdown(_to_markdown(found, lines)))


def _say_requirements(section: Section) -> str:
    names = ", ".join(section.requirements)
    if section.built is Built.NO:
        return output.say(
            Text(ja=f"これから満たす要件: {names}", en=f"Requirements that will live here: {names}")
        )
    return output.say(Text(ja=f"この節の要件: {names}", en=f"Requirements of this section: {names}"))


def _to_markdown(chapter: Chapter, proofs: dict[str, str]) -> str:
    parts = [f"# {chapter.number} {output.say(chapter.title)}", output.say(chapter.lead)]
    if chapter.built is Built.NO:
        parts.append(f"**{output.say(_NOTHING_YET)}**")
    for section in chapter.sections:
        parts.append(f"## {section.id} {output.say(section.title)} [{output.word('built', section.built)}]")
        parts.append(output.say(section.body))
        if section.requirements and section.built is not Built.YES:
            parts.append(_say_requirements(section))
        parts += [f"* `hrx procedure show {name}` — {proofs[name]}" for name in section.procedures]
    return "\n\n".join(parts)
