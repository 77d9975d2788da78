"""`hrx release proofs …`: older code tried on newer tables, and what was shown so far."""

from __future__ import annotations

from typing import Annotated

import typer

from hrx.cli import output
from hrx.cli.options import AsJson, DryRun
from hrx.cli.release_rollback import open_store
from hrx.kit.errors import Text
from hrx.kit.settings import load
from hrx.ops.release.proofs import ProofShelf
from hrx.ops.release.proving import NEAR_THE_DATABASE, Proven, prove_code_on_schema
from hrx.ops.release.releases import Component
from hrx.ops.settings import HOME, OpsSettings


def add_to(release: typer.Typer) -> None:
    """Add `hrx release proofs`."""
    group = typer.Typer(help="What releases were shown to run on.", no_args_is_help=True)
    group.command("run")(run)
    group.command("list")(list_all)
    release.add_typer(group, name="proofs")


def run(
    code: Annotated[str, typer.Option("--of", help="The release whose code and tests are run.")],
    schema: Annotated[str, typer.Option("--on", help="The release whose schema they are run on.")],
    tests: Annotated[
        list[str] | None, typer.Option("--tests", help="These tests instead of the usual ones.")
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Run a release's own tests on another's schema, in a database of their own. Exit code 1: they fail."""
    store = open_store(load(OpsSettings))
    older, newer = store.get(code), store.get(schema)
    wanted = tuple(tests or NEAR_THE_DATABASE)
    if dry_run:
        revision = newer.find_version(Component.SCHEMA)
        said = Text(
            ja=f"{older.id} のテストを {revision} で動かします: {' '.join(wanted)}",
            en=f"The tests of {older.id} would run on {revision}: {' '.join(wanted)}",
        )
        output.show_json({"would": said.en, "dry_run": True}) if as_json else print(output.say(said))
        return
    proven = prove_code_on_schema(
        HOME,
        ProofShelf(store.folder),
        code=older,
        schema=newer,
        tests=wanted,
        tell=lambda said: None if as_json else print(f"  · {output.say(said)}", flush=True),
    )
    if as_json:
        output.show_json(_document(proven))
    else:
        _print(proven)
    if not proven.passed:
        raise typer.Exit(output.FAILED)


def list_all(as_json: AsJson = False) -> None:
    """Which release's tests passed, or failed, on which revision."""
    found = ProofShelf(open_store(load(OpsSettings)).folder).list_tests()
    if as_json:
        items = [
            {"code": code, "revision": revision, "passed": passed}
            for (code, revision), passed in sorted(found.items())
        ]
        output.show_json({"items": items})
        return
    yes, no = Text(ja="合格", en="passed"), Text(ja="不合格", en="failed")
    columns = (
        Text(ja="リリース", en="Release"),
        Text(ja="リビジョン", en="Revision"),
        Text(ja="結果", en="Result"),
    )
    output.show_table(
        columns,
        [
            [code, revision, output.say(yes if passed else no)]
            for (code, revision), passed in sorted(found.items())
        ],
    )


def _print(proven: Proven) -> None:
    print(proven.said)
    for name in proven.failed:
        print(f"  ✗ {name}")
    for name in proven.unclear:
        said = Text(ja="自分の表でも失敗する", en="fails on its own tables too")
        print(f"  · {name} ({output.say(said)})")
    done = (
        Text(
            ja=f"✓ {proven.code} のコードは {proven.revision} の表で動きます",
            en=f"✓ The code of {proven.code} runs on the tables of {proven.revision}",
        )
        if proven.passed
        else Text(
            ja=f"✗ {proven.code} のコードは {proven.revision} の表で動きません",
            en=f"✗ The code of {proven.code} does not run on the tables of {proven.revision}",
        )
    )
    print(output.say(done))


def _document(proven: Proven) -> dict[str, object]:
    return {
        "code": proven.code,
        "revision": proven.revision,
        "passed": proven.passed,
        "failed": list(proven.failed),
        "unclear": list(proven.unclear),
        "said": proven.said,
    }
