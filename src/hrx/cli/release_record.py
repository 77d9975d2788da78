"""`hrx release record`: keep what this checkout is as a release, with what its tests were seen to use."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from hrx.cli import output
from hrx.cli.machine import join_stack
from hrx.cli.options import AsJson, DryRun
from hrx.cli.release_rollback import open_store
from hrx.kit import clock
from hrx.kit.errors import Text
from hrx.kit.settings import document, load
from hrx.ops.release.environments.schema import ask_product
from hrx.ops.release.gathering import gather_release
from hrx.ops.release.models.moving import open_registry
from hrx.ops.release.pointers import gather_pointers
from hrx.ops.release.recorded import Recording, load_recording, merge_recordings
from hrx.ops.release.releases import CheckResult, Component, Outcome, Release, SbomReference
from hrx.ops.settings import HOME, OpsSettings

Recorded = Annotated[
    Path | None,
    typer.Option("--recorded", help="Folder that `deploy/prove.py --record` wrote.", file_okay=False),
]


def add_to(group: typer.Typer) -> None:
    """Add `hrx release record`."""
    group.command("record")(record)


def record(
    recorded: Recorded = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Keep this checkout as a release: its components, and the tables and columns that its tests used."""
    join_stack()
    recording = load_all(recorded)

    def make(id: str) -> Release:
        return gather(id, clock.now(), None, recording=recording)

    store = open_store(load(OpsSettings))
    release = make("dry-run") if dry_run else store.add_next(make)
    versions = {name.value: one.version for name, one in release.components.items()}
    if as_json:
        output.show_json(
            {
                "id": release.id,
                "commit": release.commit,
                "components": versions,
                "reads": len(release.reads),
                "writes": len(release.writes),
                "was_recorded": release.use is not None,
                "content_hash": release.content_hash,
                "dry_run": dry_run,
            }
        )
        return
    print(output.say(_say_done(release, dry_run=dry_run)))
    output.show_facts([(Text(ja=name, en=name), version) for name, version in versions.items()])
    print(output.say(_say_use(release, recording)))


def gather(id: str, at: datetime, sbom: SbomReference | None, *, recording: Recording | None) -> Release:
    """What this checkout is, under that id. Raises as `gather_release`."""
    settings = load(OpsSettings)
    return gather_release(
        HOME,
        id=id,
        built_at=at,
        product_settings=ask_product(),
        plane_settings=document(OpsSettings),
        recording=recording,
        checks=(CheckResult(name="tests", outcome=Outcome.NOT_CHECKED, detail="not run by this command"),),
        sbom=sbom,
        pointers=gather_pointers(HOME, settings.runbook_dir, open_registry(settings), encoders=settings),
    )


def load_all(folder: Path | None) -> Recording | None:
    """What the tests' recordings say together; None when there are none."""
    if folder is None:
        return None
    found = [load_recording(path) for path in sorted(folder.glob("*.json"))]
    return merge_recordings(found) if found else None


def _say_done(release: Release, *, dry_run: bool) -> Text:
    if dry_run:
        return Text(ja="登録はしていません(試し)", en="Nothing was kept (dry run)")
    return Text(ja=f"✓ リリース {release.id} を登録しました", en=f"✓ Kept as release {release.id}")


def _say_use(release: Release, recording: Recording | None) -> Text:
    if release.use is not None and recording is not None:
        return Text(
            ja=f"テスト中の {recording.statements:,} 文から: 読む列 {len(release.reads)}、"
            f"書く列 {len(release.writes)}",
            en=f"From {recording.statements:,} statements of its tests: columns read {len(release.reads)}, "
            f"written {len(release.writes)}",
        )
    head = release.find_version(Component.SCHEMA)
    if recording is not None and recording.revision != head:
        return Text(
            ja=f"記録はリビジョン {recording.revision} のもので、今の {head} には使えません。"
            "すべての列を使うものとして扱います",
            en=f"The recording is of revision {recording.revision}, not {head}: every column counts as used",
        )
    return Text(
        ja="テストの記録がありません。すべての列を使うものとして扱うため、戻せる範囲が狭くなります",
        en="No tests were recorded, so every column counts as used and fewer ways back are safe",
    )
