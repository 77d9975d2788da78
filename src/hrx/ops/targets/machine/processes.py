"""Processes of a stack as the operating system sees them, for when its supervisor cannot be asked.

Every process of a stack carries HRX_STACK=<its var folder>; nothing else is ever signalled."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Final

import psutil

_POLL_S: Final = 0.05


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


def find_processes_on(folder: Path) -> list[psutil.Process]:
    """Processes that were started on a path below this folder, ourselves left out: a server that a program
    of the stack started carries no mark, but is told where its data lies."""
    below, found = f"{folder}{os.sep}", []
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        try:
            if any(below in word for word in process.cmdline()):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def end_processes_on(folder: Path, *, timeout_s: float) -> list[str]:
    """End them, PostgreSQL without waiting for its sessions, and kill what stays; gives their names.

    Only where nobody is left who starts more."""
    names: set[str] = set()
    until_s = time.monotonic() + timeout_s
    while left := [one for one in find_processes_on(folder) if is_alive(one.pid)]:
        names |= {_name(one) for one in left}
        for one in left:
            _interrupt(one, kill=time.monotonic() >= until_s)
        # One that was just starting another may have had the time to.
        _wait_for_end(left, timeout_s=min(timeout_s, 5.0))
    return sorted(names)


def end_stack_processes(stack_mark: str, *, timeout_s: float) -> list[str]:
    """Ask what is left to end, wait, then kill; gives the names of what was there.

    Only for processes whose supervisor is gone: with it they would come back."""
    left = find_stack_processes(stack_mark)
    names = sorted({_name(process) for process in left})
    for process in left:
        _signal(process, kill=False)
    stubborn = _wait_for_end(left, timeout_s=timeout_s)
    for process in stubborn:
        _signal(process, kill=True)
    _wait_for_end(stubborn, timeout_s=5)
    return names


def is_alive(pid: int) -> bool:
    """Whether a process still does anything. One that ended but was not collected does not: in containers
    the first process often collects nothing, and such remains stay for good."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def find_suspended(pid: int) -> list[psutil.Process]:
    """The process and its children, at any distance, that a signal has stopped; empty when it is gone."""
    try:
        leader = psutil.Process(pid)
        family = [leader, *leader.children(recursive=True)]
    except psutil.Error:
        return []
    return [process for process in family if _is_stopped(process)]


def _is_stopped(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return False


def _wait_for_end(waiting: list[psutil.Process], *, timeout_s: float) -> list[psutil.Process]:
    """Those that are still alive after the time."""
    deadline = time.monotonic() + timeout_s
    alive = [process for process in waiting if is_alive(process.pid)]
    while alive and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        alive = [process for process in alive if is_alive(process.pid)]
    return alive


def _name(process: psutil.Process) -> str:
    try:
        return process.environ().get("HRX_PROGRAM") or str(process.name())
    except (psutil.Error, OSError):
        return str(process.pid)


def _interrupt(process: psutil.Process, *, kill: bool) -> None:
    try:
        process.send_signal(signal.SIGKILL if kill else signal.SIGINT)
    except psutil.Error:
        return


def _signal(process: psutil.Process, *, kill: bool) -> None:
    try:
        if kill:
            process.kill()
        else:
            process.terminate()
    except psutil.Error:
        return
