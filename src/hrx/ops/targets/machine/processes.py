"""Processes of a stack as the operating system sees them, for when its supervisor cannot be asked.

Every process of a stack carries HRX_STACK=<its var folder>; nothing else is ever signalled."""

from __future__ import annotations

import os

import psutil


def find_stack_processes(stack_mark: str) -> list[psutil.Process]:
    """Processes of this stack that this user may inspect, ourselves and those who called us left out."""
    spared = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        if process.pid in spared:
            continue
        try:
            if process.environ().get("HRX_STACK") == stack_mark:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def end_stack_processes(stack_mark: str, *, timeout_s: float) -> list[str]:
    """Ask what is left to end, wait, then kill; gives the names of what was there.

    Only for processes whose supervisor is gone: with it they would come back."""
    left = find_stack_processes(stack_mark)
    names = sorted({_name(process) for process in left})
    for process in left:
        _signal(process, kill=False)
    _, stubborn = psutil.wait_procs(left, timeout=timeout_s)
    for process in stubborn:
        _signal(process, kill=True)
    psutil.wait_procs(stubborn, timeout=5)
    return names


def _name(process: psutil.Process) -> str:
    try:
        return process.environ().get("HRX_PROGRAM") or str(process.name())
    except (psutil.Error, OSError):
        return str(process.pid)


def _signal(process: psutil.Process, *, kill: bool) -> None:
    try:
        if kill:
            process.kill()
        else:
            process.terminate()
    except psutil.Error:
        return
