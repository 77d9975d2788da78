"""Recovery drills for real, on their scratch ground: each keeps the runbook's promise and leaves nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from hrx.kit.settings import load
from hrx.ops.drills.journal import Journal, find_injected, list_outcomes
from hrx.ops.drills.recovery.experiments import choose, load_recovery_experiments
from hrx.ops.drills.recovery.outcomes import RecoveryOutcome, list_recovery_outcomes
from hrx.ops.drills.recovery.running import FUNCTIONS, run_recovery_drill
from hrx.ops.drills.recovery.scratch import Seed, opened_seed
from hrx.ops.drills.recovery.writing import Acknowledged, Writer, find_loss
from hrx.ops.ledger.entries import Ledger, open_ledger
from hrx.ops.targets.machine.layout import find_layout
from hrx.ops.targets.machine.settings import MachineSettings

pytestmark = [pytest.mark.req("R6.2-1"), pytest.mark.timeout(300)]
DRILLS = Path(__file__).resolve().parents[2] / "drills"
KNOWN = load_recovery_experiments(DRILLS)
#: Quick ones; all of them run in `make drill`.
FAST = ("lost-data-directory", "fat-fingered-delete", "lost-encryption-key", "clock-jump")


@pytest.fixture(scope="module")
def seed() -> Iterator[Seed]:
    home = Path(tempfile.mkdtemp(prefix="hrx-test-"))
    home.chmod(0o711)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(home))
        with opened_seed(find_layout(load(MachineSettings))) as found:
            yield found
    assert list(home.glob("hrx-*")) == []
    shutil.rmtree(home)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    found = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    yield found
    found.store.close()


def run(seed: Seed, ledger: Ledger, drill: str) -> RecoveryOutcome:
    (one,) = choose(KNOWN, [drill])
    journal = Journal(ledger=ledger, run_id=drill, drill=drill, actor="test", title=one.title)
    return run_recovery_drill(seed, one, journal=journal)


@pytest.mark.parametrize("drill", FAST)
def test_what_was_lost_comes_back_exactly_and_nothing_is_left(seed: Seed, ledger: Ledger, drill: str) -> None:
    found = run(seed, ledger, drill)
    assert found.problem is None
    assert found.is_kept, found
    assert found.is_exact
    assert found.written > 100
    (kept,) = list_recovery_outcomes(ledger)
    assert kept == found
    assert list_outcomes(ledger) == []
    assert find_injected(ledger) == []
    home = seed.layout.var.parents[1]
    assert list(home.glob("hrx-*")) == [seed.layout.var.parent]
    words = [" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])]
    assert not [word for word in words if str(home) in word]


def test_every_experiment_names_what_is_built() -> None:
    assert {one.func for one in KNOWN} == set(FUNCTIONS)


def test_a_loss_is_counted_against_the_writers_own_record() -> None:
    writer = Writer(url="")
    writer.acknowledged = [Acknowledged(number=n, xid=n, at_s=float(n)) for n in range(1, 11)]
    whole = find_loss(writer, set(range(1, 11)), fault_at_s=10.5)
    assert (whole.commits, whole.seconds, whole.is_exact) == (0, 0.0, True)
    short = find_loss(writer, set(range(1, 8)), fault_at_s=10.5)
    assert (short.commits, short.seconds, short.is_exact) == (3, 3.5, True)
    holed = find_loss(writer, {1, 2, 4, 5, 6, 7, 8, 9, 10}, fault_at_s=10.5)
    assert (holed.commits, holed.is_exact) == (1, False)
    assert not find_loss(writer, set(range(1, 14)), fault_at_s=10.5).is_exact
