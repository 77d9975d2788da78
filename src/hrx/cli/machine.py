"""This machine as a command finds it. Loads little, for every command begins here."""

from __future__ import annotations

from hrx.kit.settings import load
from hrx.ops.targets.machine import environment
from hrx.ops.targets.machine.layout import Layout, find_layout
from hrx.ops.targets.machine.settings import MachineSettings


def open_machine(*, may_create_user: bool = False) -> tuple[Layout, MachineSettings]:
    """This machine's folders and settings, `.env` of the checkout included."""
    environment.read_env_file(environment.checkout())
    settings = load(MachineSettings)
    return find_layout(settings, may_create_user=may_create_user), settings


def join_stack() -> None:
    """Let a command know what the running stack knows: its ports, its URLs, the operations role."""
    layout, _ = open_machine()
    environment.read_stack_environment(layout)
