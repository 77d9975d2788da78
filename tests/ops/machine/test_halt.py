"""What `hrx down` must not leave: servers that the keeper of the backups started to prove one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from hrx.ops.targets.machine import users
from hrx.ops.targets.machine.halt import take_down
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.postgres import PostgresCluster
from tests.conftest import free_port

pytestmark = [pytest.mark.req("R6.2-1", "R3.1-2"), pytest.mark.timeout(300)]


@pytest.fixture
def proof(layout: Layout) -> Iterator[PostgresCluster]:
    """The server of a proof whose keeper has just ended: started by pg_ctl, in nobody's care."""
    home = layout.proving / "copy"
    home.mkdir(parents=True)
    for path in (layout.recovery, layout.proving, home):
        users.give_to(path, user=layout.user, mode=0o711)
    made = PostgresCluster(data_dir=home / "data", port=free_port(), socket_dir=home, run_as=layout.user)
    made.init("admin-password")
    made.start()
    yield made
    made.stop(mode="immediate")


def test_a_proof_that_outlived_its_keeper_ends_with_the_stack(layout: Layout, proof: PostgresCluster) -> None:
    server = psutil.Process(int((proof.data_dir / "postmaster.pid").read_text().split()[0]))
    family = [server, *server.children(recursive=True)]
    take_down(layout)
    assert not proof.is_running()
    gone, alive = psutil.wait_procs(family, timeout=60)
    assert len(gone) == len(family)
    assert alive == []


def test_a_proof_on_another_disk_ends_with_its_stack_and_nobody_else_does(
    layout: Layout, proof: PostgresCluster
) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "input()", f"{layout.proving}-of-others/data"],
                                stdin=subprocess.PIPE)  # fmt: skip
    try:
        elsewhere = layout.var / "another-disk"
        take_down(layout, proving=elsewhere)
        assert proof.is_running(), "this one lies where the caller said that no proof of it lies"
        take_down(layout, proving=proof.data_dir.parents[1])
        assert not proof.is_running()
        assert stranger.poll() is None
    finally:
        stranger.communicate(b"\n", timeout=60)
