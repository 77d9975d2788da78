"""`hrx release …`: what a release is, how it comes out, what its migrations would do, and the way back."""

from __future__ import annotations

import typer

from hrx.cli import (
    release_building,
    release_checking,
    release_drill,
    release_indexes,
    release_migrations,
    release_models,
    release_pipeline,
    release_proofs,
    release_record,
    release_rollback,
    release_rollout,
    release_ship,
    release_targets,
)


def register(app: typer.Typer) -> None:
    """Add `hrx release`."""
    group = typer.Typer(help="Releases: what is shipped, its migrations, the way back.", no_args_is_help=True)
    release_building.add_to(group)
    release_rollout.add_to(group)
    release_migrations.add_to(group)
    release_proofs.add_to(group)
    release_record.add_to(group)
    release_models.add_to(group)
    release_indexes.add_to(group)
    release_rollback.add_to(group)
    release_ship.add_to(group)
    release_checking.add_to(group)
    release_pipeline.add_to(group)
    release_drill.add_to(group)
    group.command("targets")(release_targets.targets)
    app.add_typer(group, name="release")
