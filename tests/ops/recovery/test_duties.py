"""The keeper's duties beside the database, run by hand on a small machine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hrx.kit import clock
from hrx.ops.ledger.entries import Kind, open_ledger
from hrx.ops.recovery.duties import keep_before_switch, list_side_duties, oldest_moment
from hrx.ops.recovery.elsewhere_state import read_state, state_file_of
from hrx.ops.recovery.keys import create_key
from hrx.ops.recovery.places import Folder
from hrx.ops.recovery.site import Site
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.layout import Layout
from tests.ops.recovery.test_files import store

pytestmark = pytest.mark.req("R6.1-1")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    var = tmp_path / "var"
    create_key(var / "backup.key")
    layout = Layout(root=tmp_path, var=var, user=None, tools=tmp_path / "tools")
    settings = OpsSettings(var_dir=var, offsite_url=f"file:{tmp_path / 'elsewhere'}")
    ledger = open_ledger(settings.ledger_location)
    ledger.append(Kind.LOOK, actor="test")
    ledger.store.close()
    return Site(settings=settings, layout=layout)


def run_all(site: Site) -> set[str]:
    duties = list_side_duties(site)
    for duty in duties:
        duty.run()
    return {duty.name for duty in duties}


def test_every_duty_runs_again_and_again_and_all_of_it_is_elsewhere(site: Site, tmp_path: Path) -> None:
    first = run_all(site)
    store(site.files_dir, b"content", "abc")
    again = run_all(site)

    assert first == again == {
        "files", "all-files", "settings", "ledger",
        "elsewhere-records", "elsewhere-copies", "elsewhere-retention",
    }  # fmt: skip
    here = {one.name for one in site.folder.list_files()}
    assert {name.partition("/")[0] for name in here} == {"keys.txt", "files", "ledger", "settings"}
    assert {one.name for one in Folder(tmp_path / "elsewhere").list_files()} == here
    state = read_state(state_file_of(site))
    assert state is not None
    assert (state.problem, state.waiting, state.files) == (None, 0, len(here))


def test_what_leaves_the_vault_leaves_the_copy(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = store(site.files_dir, b"content", "abc")
    run_all(site)
    (site.files_dir / one.key).unlink()
    run_all(site)
    assert any(found.name.startswith("files/") for found in Folder(tmp_path / "elsewhere").list_files())
    # Nothing says how far back a restore reaches while there is no backup: nothing is forgotten.
    later = datetime.now(UTC) + timedelta(days=90)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert oldest_moment(site.vault) is None
    run_all(site)
    assert any(found.name.startswith("files/") for found in Folder(tmp_path / "elsewhere").list_files())

    monkeypatch.setattr("hrx.ops.recovery.duties.oldest_moment", lambda _: later - timedelta(days=31))
    run_all(site)
    for folder in (site.folder, Folder(tmp_path / "elsewhere")):
        assert not any(found.name.startswith(("files/", "gone/")) for found in folder.list_files())


def test_before_a_switch_everything_of_the_moment_is_kept(site: Site) -> None:
    run_all(site)
    store(site.files_dir, b"content", "last")
    ledger = open_ledger(site.settings.ledger_location)
    ledger.append(Kind.LOOK, actor="test")
    ledger.store.close()
    keep_before_switch(site)
    names = sorted(site.vault.list_names())
    assert sum(name.startswith("ledger/") for name in names) == 2
    assert any("klast" in name for name in names)


def test_without_a_location_nothing_is_sent(site: Site) -> None:
    alone = Site(settings=site.settings.model_copy(update={"offsite_url": None}), layout=site.layout)
    assert run_all(alone) == {"files", "all-files", "settings", "ledger"}
