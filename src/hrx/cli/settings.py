"""`hrx settings …`: the reference made from the settings, and what is true of each environment."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import typer

from hrx.cli import output
from hrx.cli.options import AsJson, DryRun
from hrx.cli.settings_environments import age, drift, export, matrix, take_in
from hrx.cli.settings_leaks import leaks
from hrx.cli.settings_prove import prove
from hrx.cli.settings_rehearse import rehearse_all
from hrx.cli.settings_rotate import rotate
from hrx.kit.errors import Refused, Text
from hrx.kit.settings import SettingDoc, document
from hrx.ops.release.environments.schema import ask_product
from hrx.ops.settings import HOME, OpsSettings
from hrx.ops.targets.machine.settings import MachineSettings

_HEAD: Final = "<!-- Made by `hrx settings write`; a test compares it with the code. -->\n\n# Settings\n\n"
_INTRO: Final = (
    "Every setting of every process, from its declaration. Read once at start; nothing reads them\n"
    "later. No secret has a default: `make up` makes them in `var/secrets.env` (mode 0600).\n"
)
_ENV_HEAD: Final = (
    "# Made by `hrx settings write`. Copy to .env and keep what you change; secrets are made by `make up`.\n"
)


def register(app: typer.Typer) -> None:
    """Add `hrx settings`."""
    group = typer.Typer(
        help="Settings and secrets: the reference, each environment, leaks, age.", no_args_is_help=True
    )
    group.command("write")(write)
    group.command("check")(check)
    group.command("leaks")(leaks)
    group.command("matrix")(matrix)
    group.command("drift")(drift)
    group.command("export")(export)
    group.command("import")(take_in)
    group.command("age")(age)
    group.command("rotate")(rotate)
    group.command("rehearse")(rehearse_all)
    group.command("prove")(prove)
    app.add_typer(group, name="settings")


def write(
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Write .env.example and docs/settings.md from the code."""
    changed = [path for path, content in render_all().items() if _differs(path, content)]
    if not dry_run:
        for path, content in render_all().items():
            path.write_text(content)
    names = [str(path.relative_to(HOME)) for path in changed]
    if as_json:
        output.show_json({"changed": names, "dry_run": dry_run})
        return
    print(output.say(Text(ja="変更: ", en="changed: ")) + (", ".join(names) or "-"))


def check(as_json: AsJson = False) -> None:
    """Say whether the written reference still matches the code."""
    stale = [str(path.relative_to(HOME)) for path, content in render_all().items() if _differs(path, content)]
    if stale:
        raise Refused(
            Text(
                ja=f"設定の一覧が古くなっています: {', '.join(stale)}",
                en=f"The settings reference is out of date: {', '.join(stale)}",
            ),
            hint=Text(ja="`hrx settings write` を実行してください。", en="Run `hrx settings write`."),
            code="settings.reference_stale",
        )
    if as_json:
        output.show_json({"stale": []})
    else:
        print(output.say(Text(ja="設定の一覧は最新です", en="The settings reference is current")))


def render_all() -> dict[Path, str]:
    """Path → content of each generated file.

    Raises Unavailable when the product cannot be asked."""
    planes = {
        "Application plane (API, worker)": ask_product(),
        "Operations plane (console, hrx)": document(OpsSettings),
        "This machine (make up)": document(MachineSettings),
    }
    return {
        HOME / "docs" / "settings.md": _HEAD + _INTRO + "".join(map(_render_plane, planes, planes.values())),
        HOME / ".env.example": _ENV_HEAD + "".join(map(_render_example, planes, planes.values())),
    }


def _render_plane(title: str, rows: list[SettingDoc]) -> str:
    lines = [
        f"\n## {title}\n",
        "| variable | type, unit | default | meaning | 意味 |",
        "|---|---|---|---|---|",
    ]
    lines += [_render_row(row) for row in rows]
    return "\n".join(lines) + "\n"


def _render_row(row: SettingDoc) -> str:
    kind = row.type_name if row.type_name.isidentifier() else "choice"
    unit = f"{'secret' if row.is_secret else kind}{', ' + row.unit if row.unit else ''}"
    default = "**required**" if row.is_required else f"`{_portable(row.default)}`" if row.default else "–"
    cells = (f"`{row.variable}`", unit, default, row.en, row.ja)
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _render_example(title: str, rows: list[SettingDoc]) -> str:
    parts = [f"\n# ── {title}\n"]
    for row in rows:
        unit = f" [{row.unit}]" if row.unit else ""
        example = "" if row.is_secret else _portable(row.default) or row.example
        parts.append(f"# {row.en}{unit}\n# {row.ja}\n# {row.variable}={example}\n")
    return "\n".join(parts)


def _portable(value: str | None) -> str:
    """A default below the checkout is shown relative to it: the reference is the same everywhere."""
    return (value or "").replace(f"{HOME}/", "")


def _differs(path: Path, content: str) -> bool:
    return not path.exists() or path.read_text() != content
