"""Arguments and options that commands of several nouns have, each worded once."""

from __future__ import annotations

from typing import Annotated

import typer

DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document.")]
As = Annotated[str | None, typer.Option("--operator", help="Act as this operator (asks for the password).")]
Code = Annotated[str, typer.Option("--code", help="The operator's second factor, when one is set.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the record.")]
Params = Annotated[list[str] | None, typer.Option("--param", "-p", help="name=value, such as part=worker.")]
PastToo = Annotated[bool, typer.Option("--all", help="Those that are over too.")]
IncidentNumber = Annotated[int, typer.Argument(help="The incident's number.")]
