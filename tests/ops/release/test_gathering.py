"""What a checkout is as a release, read from the checkout (R3.7-1)."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hrx.kit.errors import Unavailable
from hrx.kit.settings import SettingDoc, document
from hrx.ops.release.gathering import TreeIsDirty, fingerprint_settings, gather_release
from hrx.ops.release.recorded import Recording
from hrx.ops.release.releases import Component, Release
from hrx.ops.release.shapes import ColumnShape, SchemaShape, SchemaUse
from hrx.ops.settings import OpsSettings

pytestmark = pytest.mark.req("R3.7-1")
_MIGRATION = """
revision = "0001"
down_revision = None
def upgrade(): pass
def downgrade(): pass
"""
_FILES = {
    "web/openapi.json": json.dumps(
        {
            "paths": {
                "/api/v1/people": {"get": {}, "post": {}},
                "/api/v1/people/{person_id}": {"get": {}, "delete": {}},
                "/api/v1/exports/{kind}": {"get": {}},
                "/api/v1/unused": {"get": {}},
            }
        }
    ),
    "web/src/api/people.ts": 'api.GET("/api/v1/people", { x });'
    'api.GET(\n  "/api/v1/people/{person_id}", {});',
    "web/src/export.tsx": "<a href={`/api/v1/exports/${kind}?x=1`}>",
    "web/src/api/schema.d.ts": '"/api/v1/unused": {}',
    "src/hrx/app/jobs.py": '@jobs.task("imports.check", timeout_s=1)\n@jobs.every_tenant("forget", cron="")',
    "migrations/env.py": "",
    "migrations/versions/0001_first.py": _MIGRATION,
}
_RECORDING = Recording(
    revision="0001",
    shape=SchemaShape(columns={"app.person.id": ColumnShape(type="bigint")}),
    use=SchemaUse(reads=frozenset({"app.person.id"})),
    statements=9,
    unresolved=0,
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name, content in _FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    # As the checkout's own: what Python leaves beside the migrations is no change.
    (tmp_path / ".gitignore").write_text("__pycache__/\n")
    _git(tmp_path, "init", "-q")
    _git(tmp_path, "add", "-A")
    _git(tmp_path, "-c", "user.name=t", "-c", "user.email=t@t.example", "commit", "-qm", "first")
    return tmp_path


def _git(home: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=home, check=True, timeout=20)


def gather(home: Path, recording: Recording | None = None) -> Release:
    product = [doc for doc in document(OpsSettings) if doc.is_required]
    return gather_release(
        home,
        id="r1",
        built_at=datetime(2026, 11, 27, tzinfo=UTC),
        product_settings=product,
        plane_settings=document(OpsSettings),
        recording=recording,
    )


def test_every_component_has_a_version_and_pages_need_what_they_ask_for(checkout: Path) -> None:
    found = gather(checkout)
    assert set(found.components) == {Component.WEB, Component.API, Component.SCHEMA, Component.SETTINGS}
    assert found.find_version(Component.SCHEMA) == "0001"
    assert len(found.commit) == 40
    assert sorted(found.components[Component.WEB].needs or ()) == [
        "api:GET /api/v1/exports/{kind}()",
        "api:GET /api/v1/people()",
        "api:GET /api/v1/people/{person_id}()",
    ]
    offers = found.components[Component.API].offers
    assert offers is not None
    assert "api:GET /api/v1/unused()" in offers
    assert sorted(found.handles or ()) == ["forget", "forget.spread", "imports.check"]
    assert gather(checkout).content_hash == found.content_hash


def test_what_was_recorded_counts_only_on_its_own_revision_and_when_all_was_named(checkout: Path) -> None:
    assert gather(checkout, _RECORDING).use == _RECORDING.use
    assert gather(checkout, replace(_RECORDING, revision="0002")).shape is None
    unnamed = gather(checkout, replace(_RECORDING, unresolved=1))
    assert unnamed.use is None
    assert unnamed.reads == {"app.person.id"}
    assert unnamed.writes == {"app.person.id"}, "what nobody could name counts as everything"


def test_changes_without_a_commit_are_no_release(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (checkout / "web/src/export.tsx").write_text("changed")
    with pytest.raises(TreeIsDirty) as refused:
        gather(checkout)
    assert refused.value.hint is not None
    with pytest.raises(Unavailable):
        gather(tmp_path_factory.mktemp("no-checkout"))


def test_the_fingerprint_of_settings_is_that_of_what_they_are_not_of_their_words() -> None:
    docs: list[SettingDoc] = document(OpsSettings)
    first = fingerprint_settings(docs)
    assert fingerprint_settings(reversed(docs)) == first
    assert fingerprint_settings([replace(docs[0], en="Another word"), *docs[1:]]) == first
    for changed in (
        [*docs[1:]],
        [replace(docs[0], default="other"), *docs[1:]],
        [replace(docs[0], is_required=not docs[0].is_required), *docs[1:]],
        [replace(docs[0], type_name="int"), *docs[1:]],
    ):
        assert fingerprint_settings(changed) != first
