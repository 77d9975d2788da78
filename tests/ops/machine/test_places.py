"""Folders, disk space and users: what cannot work is refused before anything starts, with what to type."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hrx.kit.errors import NotFound, Refused
from hrx.ops.targets.machine import users
from hrx.ops.targets.machine.disk import require_free_space
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.machine import PARTS, Machine
from hrx.ops.targets.target import PartState, Target

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs programs as another user")


def test_too_little_disk_space_is_refused_with_both_figures(tmp_path: Path) -> None:
    require_free_space(tmp_path / "not" / "yet", min_free_bytes=1)
    with pytest.raises(Refused) as refused:
        require_free_space(tmp_path, min_free_bytes=2**60)
    assert "MiB" in refused.value.message.ja
    assert refused.value.hint is not None
    assert "HRX_VAR_DIR" in refused.value.hint.en


def test_folders_are_made_once_and_private_things_stay_private(layout: Layout) -> None:
    layout.make_folders()
    assert (layout.var / "ops").stat().st_mode & 0o777 == 0o700
    assert layout.supervisor_socket.parent == layout.run


def test_a_path_too_long_for_a_socket_gets_a_short_private_folder(layout: Layout) -> None:
    deep = Layout(root=layout.root, var=layout.var / ("x" * 90), user=None, tools=layout.tools)
    deep.make_folders()
    try:
        assert len(str(deep.supervisor_socket)) < 108
        assert deep.sockets.stat().st_mode & 0o077 == 0
    finally:
        deep.sockets.rmdir()


@needs_root
def test_a_var_folder_that_the_service_user_cannot_enter_is_refused_with_the_command(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    closed_layout = Layout(
        root=folder, var=closed / "var", user=users.choose_service_user(), tools=closed / "t"
    )
    with pytest.raises(Refused) as refused:
        closed_layout.make_folders()
    assert refused.value.hint is not None
    assert f"chmod o+x {closed}`" in refused.value.hint.en


@needs_root
def test_programs_run_as_the_service_user_with_no_more_groups_than_its_own(folder: Path) -> None:
    user = users.choose_service_user()
    done = users.run_as_user(["/usr/bin/id", "-G"], user=user, timeout_s=10)
    assert user is not None
    assert done.stdout.split() == [str(users.primary_group(user))]


def test_without_root_no_service_user_is_asked_for() -> None:
    if os.geteuid() != 0:
        assert users.choose_service_user() is None
    assert users.choose_service_user(preferred="nobody") in (None, "nobody")


@pytest.mark.req("R5.4-1")
def test_looking_at_a_machine_on_which_nothing_runs_is_an_answer(layout: Layout) -> None:
    machine: Target = Machine(layout)
    parts = machine.list_parts()
    assert [part.name for part in parts] == list(PARTS)
    assert {part.state for part in parts} == {PartState.ABSENT}
    assert machine.tail_log("worker", size_bytes=100) == ""
    with pytest.raises(NotFound):
        machine.restart_part("no-such-part", timeout_s=1)
