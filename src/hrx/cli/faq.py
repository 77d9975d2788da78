"""`hrx faq`: questions and answers of 10.2, found by any words; works with everything down."""

from __future__ import annotations

from typing import Annotated

import typer

from hrx.cli import output
from hrx.cli.options import AsJson
from hrx.cli.plane import opened
from hrx.kit.errors import Text
from hrx.ops.runbook.faq import search_faq


def register(app: typer.Typer) -> None:
    """Add `hrx faq`."""
    app.command("faq")(faq)


def faq(
    words: Annotated[list[str] | None, typer.Argument(help="Words to search for; without any, all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Questions and answers for the middle of the night. Exit code 1 when nothing is found."""
    with opened() as plane:
        found = search_faq(plane.content.faq, " ".join(words or []))
    if as_json:
        items = [
            {
                "id": one.id,
                "question": output.say(one.question),
                "answer": output.say(one.answer),
                "sops": list(one.sops),
                "procedures": list(one.procedures),
            }
            for one in found
        ]
        output.show_json({"items": items})
    elif not found:
        print(
            output.say(
                Text(ja="見つかりません。別の言葉で探してください。", en="Nothing found. Try another word.")
            )
        )
    for one in [] if as_json else found:
        print(f"■ {output.say(one.question)}\n  {output.say(one.answer)}")
        links = [f"hrx sop run {sop}" for sop in one.sops]
        links += [f"hrx procedure show {procedure}" for procedure in one.procedures]
        if links:
            print("  → " + " · ".join(links))
        print()
    if not found:
        raise typer.Exit(output.FAILED)
