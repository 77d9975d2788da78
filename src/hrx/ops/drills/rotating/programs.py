"""This machine's powers over programs that are stand-ins: each holds what its file said when it began, as a
process of the stack does, and comes to every door that it has a secret for."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from hrx.kit import clock
from hrx.kit.errors import Text, Unavailable
from hrx.ops.drills.rotating.visiting import Visitor
from hrx.ops.seams.sessions import opened_session
from hrx.ops.targets.machine.backups import create_slot_argv
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.machine import Machine
from hrx.ops.targets.machine.supervisor_config import read_variables
from hrx.ops.targets.target import PartState, PartStatus

_SESSION_S: Final = 10.0
_COPY_S: Final = 20.0
#: By name of a variable: what a program does with it, over and over.
Doors = Mapping[str, Callable[[Mapping[str, str]], None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    began_at: datetime
    variables: Mapping[str, str]
    visitors: tuple[Visitor, ...]


class ScratchMachine(Machine):
    """The machine of a rehearsal. `doors`: what programs come to, by the variable that opens it."""

    def __init__(self, layout: Layout, *, doors: Doors) -> None:
        super().__init__(layout)
        self._folder = layout
        self._doors = doors
        self._live = "api-blue"
        self._running: dict[str, _Running] = {}
        self._ended: list[Visitor] = []
        self.restarts = 0

    @property
    def visitors(self) -> list[Visitor]:
        """Of programs that run now and of those that ran before."""
        return [*self._ended, *self.present]

    def held_by(self, part: str) -> Mapping[str, str]:
        """What a running program began with."""
        return self._running[part].variables

    @property
    def present(self) -> list[Visitor]:
        """Those of programs that run now."""
        return [one for running in self._running.values() for one in running.visitors]

    def stop_all(self) -> None:
        for name in list(self._running):
            self._end(name)

    def list_live(self, service: str) -> tuple[str, ...]:
        return (self._live,)

    def find_kept(self, service: str) -> str:
        return self._live

    def switch_to(self, part: str, *, timeout_s: float) -> None:
        if part not in self._running:
            raise Unavailable(Text(ja=f"{part} は動いていません", en=f"{part} does not run"))
        self._live = part

    def list_parts(self) -> list[PartStatus]:
        now = clock.now()
        return [self._status(path.stem, now) for path in sorted((self._folder.run / "env").glob("*.env"))]

    def _status(self, name: str, now: datetime) -> PartStatus:
        running = self._running.get(name)
        if running is None:
            return PartStatus(name=name, state=PartState.STOPPED)
        uptime_s = (now - running.began_at).total_seconds()
        return PartStatus(name=name, state=PartState.RUNNING, uptime_s=uptime_s)

    def start_part(self, name: str, *, timeout_s: float) -> PartStatus:
        if name not in self._running:
            variables = read_variables(self._folder, name)
            self._running[name] = _Running(
                began_at=clock.now(),
                variables=variables,
                visitors=tuple(
                    Visitor(variable, lambda door=door: door(variables))  # type: ignore[misc]
                    for variable, door in self._doors.items()
                    if variable in variables
                ),
            )
            self.restarts += 1
        return PartStatus(name=name, state=PartState.RUNNING)

    def stop_part(self, name: str, *, timeout_s: float) -> PartStatus:
        self._end(name)
        return PartStatus(name=name, state=PartState.STOPPED)

    def restart_part(self, name: str, *, timeout_s: float) -> PartStatus:
        self._end(name)
        return self.start_part(name, timeout_s=timeout_s)

    def _end(self, name: str) -> None:
        running = self._running.pop(name, None)
        for visitor in running.visitors if running else ():
            visitor.stop()
            self._ended.append(visitor)


def come_by_url(url: str) -> None:
    """One session from its beginning to its end. Raises SessionLost."""
    with opened_session(url, timeout_s=_SESSION_S) as session:
        session.rows("SELECT 1")


def come_to_copy(
    program: str, variables: Mapping[str, str], *, passfile: Path, timeout_s: float = _COPY_S
) -> None:
    """Sign in as whoever copies the server, by PostgreSQL's own receiver. Raises Unavailable."""
    try:
        done = subprocess.run(
            create_slot_argv(program, conninfo=variables["HRX_BACKUP_CONNINFO"]),
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "PGPASSFILE": str(passfile)},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        said = f"> {timeout_s:g} s"
        raise Unavailable(Text(ja=f"複製に入れません: {said}", en=f"Nobody may copy: {said}")) from error
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        raise Unavailable(Text(ja=f"複製に入れません: {said}", en=f"Nobody may copy: {said}"))
