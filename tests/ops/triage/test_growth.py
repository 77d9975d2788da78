"""Who fills the disk: sizes by place, what grew since the last hour, and whose temporary files are large."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import psycopg
import pytest

from hrx.kit import clock
from hrx.ops.run.plane import Plane
from hrx.ops.targets.machine.usage import Volume
from hrx.ops.triage import growth
from hrx.ops.triage.engine import ask_check
from hrx.ops.triage.looks import disks

pytestmark = pytest.mark.req("R5.2-1")
MIB = 2**20


def write(path: Path, mib: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as opened:
        os.posix_fallocate(opened.fileno(), 0, int(mib * MIB))


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of data whose disk has 90 of 1000 MiB free, and no looks yet."""
    volume = Volume(name="database", available_bytes=90 * MIB, capacity_bytes=1000 * MIB)
    monkeypatch.setattr(growth, "list_volumes", lambda _places: [volume])
    monkeypatch.setattr(growth, "_kept", {})
    write(tmp_path / "postgres" / "base" / "16390" / "1", 3)
    write(tmp_path / "postgres" / "pg_wal" / "0001", 2)
    write(tmp_path / "postgres" / "base" / "pgsql_tmp" / "pgsql_tmp77.0", 1)
    write(tmp_path / "log" / "archive" / "day", 4)
    return tmp_path


def in_mib(found: growth.Sizes | None) -> dict[str, int]:
    assert found is not None
    return {name: round(size / MIB) for name, size in found.places.items()}


def test_each_place_is_measured_on_its_own_and_a_hard_link_once(var: Path) -> None:
    os.link(var / "log" / "archive" / "day", var / "log" / "again")
    (var / "elsewhere").symlink_to("/")
    found = in_mib(growth.measure_places(var, within_s=5))
    assert {name: size for name, size in found.items() if size} == {
        "database": 3,
        "database-wal": 2,
        "database-temporary": 1,
        "logs": 4,
        "elsewhere": 900,
    }


def test_a_walk_that_takes_too_long_says_nothing(var: Path) -> None:
    assert growth.measure_places(var, within_s=-1) is None
    assert growth.measure_places(var / "gone", within_s=5) is None


def test_the_console_looks_now_and_then_and_keeps_no_round_waiting(
    var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plane = cast("Plane", SimpleNamespace(settings=SimpleNamespace(var_dir=var)))
    looks, go = [], threading.Event()

    def look(_var: Path, *, within_s: float) -> growth.Sizes:
        looks.append(within_s)
        go.wait(5)
        return growth.Sizes(at_s=0, volume="database", places={}, available_bytes=len(looks))

    monkeypatch.setattr(growth, "measure_places", look)
    growth.note_growth(plane)
    growth.note_growth(plane)
    go.set()
    deadline = time.monotonic() + 5
    while growth.oldest_of(var) is None and time.monotonic() < deadline:
        time.sleep(0.005)
    growth.note_growth(plane)
    assert len(looks) == 1, "not while one goes on, and not again at once"


def test_what_grew_the_most_and_when_nothing_is_left(
    var: Path, plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = plane.settings.model_copy(update={"var_dir": var})
    monkeypatch.setattr(disks, "_GROWS_BYTES", MIB)
    seen = cast("Plane", SimpleNamespace(settings=settings))
    assert "grown_most" not in ask_check(seen, "disk.growth", params={}).facts, "nothing to compare with yet"
    assert ask_check(seen, "disk.growth", params={}).facts["largest"] == "logs"
    before = growth.Sizes(
        at_s=clock.monotonic_s() - 600,
        volume="database",
        places={"logs": MIB, "database": 3 * MIB, "elsewhere": 899 * MIB},
        available_bytes=120 * MIB,
    )
    monkeypatch.setitem(growth._kept, var.resolve(), growth._Kept(sizes=deque([before])))
    facts = ask_check(seen, "disk.growth", params={}).facts
    assert (facts["grown_most"], facts["over_min"]) == ("logs", 10.0)
    assert facts["full_in_min"] == pytest.approx(30, abs=0.5)
    assert facts["is_temporary"] is False


def test_large_temporary_files_name_the_session_that_makes_them(
    var: Path, plane_with_database: Plane, app_session: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    plane = plane_with_database
    seen = cast("Plane", SimpleNamespace(settings=plane.settings.model_copy(update={"var_dir": var})))
    (started,) = app_session.execute(
        "SELECT backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    ).fetchone() or (None,)
    pid = app_session.info.backend_pid
    write(var / "postgres" / "base" / "pgsql_tmp" / f"pgsql_tmp{pid}.3.fileset" / "0", 2)
    monkeypatch.setattr(disks, "_LARGE_TEMPORARY_BYTES", 2 * MIB)
    facts = ask_check(seen, "disk.growth", params={}).facts
    assert (facts["is_temporary"], facts["temporary_pid"]) == (True, pid)
    assert facts["temporary_started"] == started
