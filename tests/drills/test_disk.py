"""The fault that fills the disk: how much it takes, where it refuses, and that it always goes away again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hrx.cli import drill as command
from hrx.kit.errors import Refused
from hrx.ops.drills import running
from hrx.ops.drills.experiments import FaultCall, get_experiment, load_experiments
from hrx.ops.drills.faults import machine as fault
from hrx.ops.drills.faults.fault import NOT_HERE, not_here
from hrx.ops.drills.faults.registry import get_fault
from hrx.ops.drills.ground import Ground
from hrx.ops.drills.journal import Journal, find_injected
from hrx.ops.drills.undoing import abort
from hrx.ops.ledger.entries import Ledger, open_ledger
from hrx.ops.run.plane import Plane
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.usage import Volume
from tests.conftest import ROOT
from tests.drills.test_engine import ME
from tests.drills.test_report import outcome

pytestmark = pytest.mark.req("R5.2-2")
GIB = 1024**3
PARAMS = {"free_ratio": "0.08"}


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    """A machine whose data lies in the test's folder."""
    ledger: Ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    settings = SimpleNamespace(log_min_free_bytes=GIB, environment="demo", runbook_dir=ROOT / "runbook")
    plane = cast("Plane", SimpleNamespace(settings=settings, ledger=ledger, target=None))
    return Ground(plane=plane, layout=Layout(root=ROOT, var=tmp_path, tools=tmp_path, user=None))


def has_disk(monkeypatch: pytest.MonkeyPatch, *, free: float, of: float, kind: str = "ext4") -> None:
    """Have the machine's disk look like this, in GiB."""
    volume = Volume(name="data", available_bytes=int(free * GIB), capacity_bytes=int(of * GIB))
    monkeypatch.setattr(fault, "list_volumes", lambda _places: [volume])
    mounted = SimpleNamespace(mountpoint="/", fstype=kind)
    monkeypatch.setattr("psutil.disk_partitions", lambda *, all: [mounted])


def test_so_much_is_taken_that_the_ratio_asked_for_is_left(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_disk(monkeypatch, free=73, of=102)
    spec = get_fault("machine.disk")
    spec.refuse(ground, PARAMS)
    memo = spec.prepare(ground, PARAMS)
    assert 73 - int(str(memo["size_bytes"])) / GIB == pytest.approx(0.08 * 102)
    assert not ground.layout.drill.exists(), "nothing is put in before it is on record"


@pytest.mark.parametrize(
    ("free", "of", "keeps", "says"),
    [
        (30.0, 49.0, 1.0, "may not leave less than 4.0 GiB"),
        (60.0, 100.0, 7.5, "archive of logs"),
        (7.9, 100.0, 1.0, "Only 7.9 GiB is free"),
        (140.0, 200.0, 1.0, "at most 120.0 GiB"),
    ],
)
def test_what_would_do_harm_is_refused_with_what_to_do(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, free: float, of: float, keeps: float, says: str
) -> None:
    has_disk(monkeypatch, free=free, of=of)
    cast("Any", ground.plane.settings).log_min_free_bytes = int(keeps * GIB)
    with pytest.raises(Refused, match=says) as refused:
        get_fault("machine.disk").refuse(ground, PARAMS)
    assert refused.value.stable_code == NOT_HERE
    assert refused.value.hint is not None
    assert "この機械では実施できません" in refused.value.message.ja


def test_a_file_system_that_would_take_memory_or_be_written_full_is_refused(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_disk(monkeypatch, free=73, of=102, kind="tmpfs")
    with pytest.raises(Refused, match="in memory"):
        get_fault("machine.disk").refuse(ground, PARAMS)
    has_disk(monkeypatch, free=73, of=102)
    # As where the C library has only the call that falls back to writing.
    monkeypatch.setattr("ctypes.CDLL", lambda *_, **__: SimpleNamespace())
    with pytest.raises(Refused, match="cannot reserve room"):
        get_fault("machine.disk").refuse(ground, PARAMS)


def test_a_real_file_takes_the_room_and_gives_it_back(ground: Ground) -> None:
    spec, path = get_fault("machine.disk"), ground.layout.drill / "filling"
    size = 5 * 1024 * 1024
    spec.inject(ground, PARAMS, {"path": str(path), "size_bytes": size})()
    found = os.stat(path)
    assert found.st_size == size
    assert found.st_blocks * 512 >= size, "room is really taken, not only promised"
    assert found.st_mode & 0o077 == 0
    for _ in range(2):
        spec.undo(ground, PARAMS, {"path": str(path), "size_bytes": size})
        assert not ground.layout.drill.exists()


def test_it_stops_when_others_take_the_room_meanwhile(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = iter([20.0, 4.5])
    reserved: list[int] = []
    monkeypatch.setattr(
        fault,
        "list_volumes",
        lambda _places: [
            Volume(name="data", available_bytes=int(next(rooms) * GIB), capacity_bytes=100 * GIB)
        ],
    )
    monkeypatch.setattr("os.posix_fallocate", lambda _descriptor, _at, size: reserved.append(size))
    with pytest.raises(Refused, match="Others took room"):
        get_fault("machine.disk").inject(ground, PARAMS, {"size_bytes": 3 * GIB})
    assert reserved == [GIB]


def test_what_a_killed_drill_left_on_the_disk_is_taken_back(ground: Ground) -> None:
    spec = get_fault("machine.disk")
    call = FaultCall(fault="machine.disk", arguments=PARAMS)
    memo = {"path": str(ground.layout.drill / "filling"), "size_bytes": 1024 * 1024}
    journal = Journal(ledger=ground.plane.ledger, run_id="r", drill="disk-filling", actor="test")
    journal.write_injecting(0, call, memo)
    spec.inject(ground, PARAMS, memo)
    # Nothing more is written: the process is gone.
    done, left = abort(ground, actor="test")
    assert ([one.call.fault for one in done], left) == (["machine.disk"], [])
    assert not ground.layout.drill.exists()
    assert find_injected(ground.plane.ledger) == []


def test_a_memo_cannot_have_another_file_removed(ground: Ground, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("x")
    get_fault("machine.disk").undo(ground, PARAMS, {"path": str(precious), "size_bytes": 1})
    assert precious.exists()


def test_the_drill_is_refused_before_anything_is_asked_or_put_in(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_disk(monkeypatch, free=20, of=30)
    monkeypatch.setattr(running, "list_unsteady", lambda *_: pytest.fail("asked too early"))
    one = get_experiment(load_experiments(ROOT / "drills"), "disk-filling")
    with pytest.raises(Refused, match="cannot be done on this machine"):
        running.run_drill(ground, one, actor=ME)
    assert find_injected(ground.plane.ledger) == []


@pytest.fixture
def suite(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The command with drills that are only pretended; `disk-filling` cannot be done here."""
    said: dict[str, Any] = {"problem": None}

    @contextmanager
    def opened() -> Iterator[Plane]:
        yield ground.plane

    def answer(_ground: Ground, one: Any, **_: object) -> Any:
        if one.id == "disk-filling":
            raise not_here(ja="小さい。", en="It is small.", do_ja="大きく。", do_en="Larger.")
        return replace(outcome(one.id, page_s=1.0), problem=said["problem"])

    monkeypatch.setattr(command, "opened", opened)
    monkeypatch.setattr(command, "open_ground", lambda _plane: ground)
    monkeypatch.setattr(command, "actor_of", lambda *_, **__: ME)
    monkeypatch.setattr(command, "run_drill", answer)
    monkeypatch.setattr(command, "refuse_unless_safe", answer)
    return said


def test_a_suite_goes_on_without_what_this_machine_cannot_bear(
    suite: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    import typer

    command.run(["disk-filling", "api-stopped"], yes=True, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert [one["drill"] for one in found["items"]] == ["api-stopped"]
    assert [one["drill"] for one in found["not_run"]] == ["disk-filling"]
    command.run(["disk-filling", "api-stopped"], dry_run=True)
    would = json.loads(capsys.readouterr().out)
    assert (would["would_run"], would["not_run"][0]["drill"]) == (["api-stopped"], "disk-filling")
    command.run(["disk-filling", "api-stopped"], yes=True)
    assert "disk-filling" in capsys.readouterr().out.split("api-stopped")[-1]
    with pytest.raises(Refused):
        command.run(["disk-filling"], yes=True)
    suite["problem"] = "not taken back"
    with pytest.raises(typer.Exit):
        command.run(["disk-filling", "api-stopped"], yes=True, as_json=True)
