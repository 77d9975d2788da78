"""The ground of release drills: the whole product on folders, ports and data of its own, driven by the same
commands as an operator's. Nothing of the living stack is read or written but its checkout and its tools."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import psutil

from hrx.kit.errors import Refused, Text, Unavailable
from hrx.ops.drills.recovery.scratch import end_tree
from hrx.ops.drills.release.versions import make_version
from hrx.ops.release.checking.programs import clean_environment
from hrx.ops.release.deploying import Place
from hrx.ops.release.indexes.definitions import load_definitions
from hrx.ops.release.releases import Release
from hrx.ops.release.strategies.progress import Progress
from hrx.ops.release.strategies.storing import RolloutStore, rollout_folder
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.halt import has_leftovers, remove_stack
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.ports import is_free
from hrx.ops.targets.machine.secrets import parse_env
from hrx.ops.targets.machine.slots import MachineSlots, find_slots
from hrx.ops.targets.machine.supervisor import Supervisor

#: Below the ports that clients are given by the system; beside staging's.
_FIRST_PORT: Final = 21_480
_SHIFT: Final = 9_000
_UP_WITHIN_S: Final = 600.0
#: A cold build of portal and environment takes minutes.
_BUILT_WITHIN_S: Final = 1500.0
_DEPLOYED_WITHIN_S: Final = 900.0
_STEP_WITHIN_S: Final = 180.0
_POLL_S: Final = 0.05
#: Every command of a ground carries its folder under this name.
_MARK: Final = "HRX_DRILL_HOME"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command printed as JSON (empty when it printed none), and its exit code."""

    code: int
    # `Any`: JSON.
    told: dict[str, Any]
    err: str

    @property
    def error(self) -> str:
        """The stable code of its error; empty for none."""
        return str(self.told.get("error", {}).get("code", ""))

    @property
    def words(self) -> str:
        """Its error in words, else where the rollout ended and which checks failed, else its last words."""
        failed = [str(one["check"]) for one in self.told.get("checks", ()) if one["outcome"] == "failed"]
        stand = [f"{self.told['stand']} ({self.told['reason']})"] if "stand" in self.told else []
        message = self.told.get("error", {}).get("message")
        return str(message or ", ".join((*stand, *failed)) or self.err.strip()[-300:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One that is at work; its words lie in files."""

    process: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        """`kill -9` of it alone, without a word before."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def wait(self, *, timeout_s: float = _DEPLOYED_WITHIN_S) -> Said:
        """Raises Unavailable when it does not end."""
        try:
            code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(30)
            raise stuck(f"hrx did not end within {timeout_s:g} s") from None
        told: dict[str, Any] = {}
        with suppress(ValueError):
            told = json.loads(self.log.read_text())
        return Said(code=code, told=told, err=self.log.with_suffix(".err").read_text(errors="replace"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A folder and two ports for one stack; `home` holds everything of it, and commands carry its name."""

    home: Path
    layout: Layout
    port: int

    @property
    def place(self) -> Place:
        settings = OpsSettings.model_validate({"var_dir": self.layout.var})
        return Place(layout=self.layout, settings=settings)

    def start(self, *words: str, largest_file_kib: int | None = None) -> Command:
        """One `hrx …` as an operator types it. `largest_file_kib`: no file may grow beyond it, as on a disk
        that is full."""
        argv = [sys.executable, "-m", "hrx.cli", *words, "--json"]
        if largest_file_kib is not None:
            # In blocks of 512 bytes (POSIX).
            argv = ["/bin/sh", "-c", f'ulimit -f {2 * largest_file_kib}; exec "$0" "$@"', *argv]
        log = self.home / f"{'-'.join(words[:2])}-{time.monotonic_ns()}.json"
        with log.open("wb") as out, log.with_suffix(".err").open("wb") as err:
            process = subprocess.Popen(
                argv, cwd=self.layout.root, env=self.environment(), stdin=subprocess.DEVNULL, stdout=out,
                stderr=err, start_new_session=True,
            )  # fmt: skip
        return Command(process=process, log=log)

    def require(self, *words: str, timeout_s: float) -> dict[str, Any]:
        """What a command printed that must end well. Raises Unavailable with its own words."""
        said = self.start(*words).wait(timeout_s=timeout_s)
        if said.code != 0:
            raise stuck(f"hrx {' '.join(words)}: {said.words}")
        return said.told

    def environment(self) -> dict[str, str]:
        """What its commands are started with."""
        return clean_environment(
            **{_MARK: str(self.home)},
            HRX_VAR_DIR=str(self.layout.var),
            HRX_TOOLS_DIR=str(self.layout.tools),
            HRX_READS_ENV_FILE="false",
            HRX_EDGE_PORT=str(self.port),
            HRX_OPS_PORT=str(self.port + 1),
            HRX_INNER_PORT_SHIFT=str(_SHIFT),
            # A second whole system beside the living one.
            HRX_READY_TIMEOUT_S="300",
            **({"HRX_SERVICE_USER": self.layout.user} if self.layout.user else {}),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Up, with the release `base` built."""

    ground: Ground
    edge_url: str
    base: Release

    @property
    def layout(self) -> Layout:
        return self.ground.layout

    @property
    def place(self) -> Place:
        return self.ground.place

    @property
    def hands(self) -> MachineSlots:
        return find_slots(self.layout)

    @property
    def rollouts(self) -> RolloutStore:
        return RolloutStore(rollout_folder(self.layout.var))

    @property
    def supervisor(self) -> Supervisor:
        return Supervisor(self.layout.supervisor_socket)

    def secret(self, name: str) -> str:
        """Raises KeyError."""
        return parse_env(self.layout.secrets_file.read_text())[name]

    def make_version(self, *, is_broken: bool = False) -> Release:
        return make_version(self.place.store, self.base, is_broken=is_broken)

    def start(self, *words: str) -> Command:
        return self.ground.start("release", *words)

    def hrx(self, *words: str) -> Said:
        """One `hrx release …`, to its end. Raises Unavailable when it does not come."""
        return self.start(*words).wait()

    def wait_for_step(self, release: Release, *, number: int) -> Progress:
        """Until the rollout of this release has come to this step (from 0). Raises Unavailable."""
        until_s = time.monotonic() + _STEP_WITHIN_S
        while time.monotonic() < until_s:
            found = self.rollouts.find()
            if found is not None and found.rollout.release_id == release.id and found.step >= number:
                return found
            time.sleep(_POLL_S)
        raise stuck(f"the rollout of {release.id} did not come to step {number} in {_STEP_WITHIN_S:g} s")


def stuck(what: str) -> Unavailable:
    """What to raise when the drill's own ground is not as it should be."""
    return Unavailable(
        Text(ja=f"訓練の足場が進みません: {what}", en=f"The drill's ground did not get there: {what}"),
        code="drill.ground_stuck",
    )


@contextmanager
def opened_stack(machine: Layout) -> Iterator[Stack]:
    """Built from what the checkout has committed, brought up with the demo company, and taken away whatever
    happens. `machine`: whose checkout, tools and user are used. Raises Unavailable with the words of the
    command that failed, as for changes that are in no commit."""
    with made_ground(machine) as ground:
        ground.require("release", "build", timeout_s=_BUILT_WITHIN_S)
        up = ground.require("up", timeout_s=_UP_WITHIN_S)
        # A release that people are moved to finds the indexes that it was made with.
        for name in load_definitions(ground.place.settings.runbook_dir):
            ground.require("release", "indexes", "build", name, timeout_s=_UP_WITHIN_S)
        base = ground.place.store.list_all()[-1]
        yield Stack(ground=ground, edge_url=str(up["portal"]), base=base)


@contextmanager
def made_ground(machine: Layout, *, name: str = "stack") -> Iterator[Ground]:
    """An empty folder that the service user may enter; gone afterwards with everything that ran from it. What
    a drill that was killed left there goes first.

    Raises DrillUnderWay, and Unavailable when something of it lives on."""
    mark = hashlib.sha256(f"{machine.var} {name}".encode()).hexdigest()[:10]
    home = Path(tempfile.gettempdir()) / f"hrx-drill-{mark}"
    layout = replace(machine, var=home / "var")
    with _alone(machine.var / "run" / f"release-drill-{name}.lock"):
        _take_away(home, layout)
        home.mkdir()
        home.chmod(0o711)
        try:
            yield Ground(home=home, layout=layout, port=_find_two_ports())
        finally:
            _take_away(home, layout)


class DrillUnderWay(Refused):
    """Another drill of releases is at work for this stack."""

    code = "drill.under_way"


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """The lock ends with the process that holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DrillUnderWay(
                Text(
                    ja="別のリリースの訓練が実行中です。",
                    en="Another drill of releases is at work.",
                ),
                hint=Text(
                    ja="終わるのを待って、もう一度実行してください。",
                    en="Wait for it to end, then try again.",
                ),
            ) from error
        yield


def _take_away(home: Path, layout: Layout) -> None:
    # Commands first: a deploy would go on switching while its stack goes, and an `up` holds the lock.
    _end_commands(home)
    remove_stack(layout)
    shutil.rmtree(home, ignore_errors=True)
    if has_leftovers(layout):
        raise stuck("processes of the drill's stack are left")


def _end_commands(home: Path) -> None:
    """Whatever was started on this ground and lives on, with all below it, of drills that were killed too;
    this process and those that called it aside.

    Killed: all that they could leave half done is thrown away with the ground."""
    spared = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    for one in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            # What runs for the stack itself ends in its order.
            is_ours = one.pid not in spared and one.environ().get(_MARK) == str(home)
            if is_ours and "HRX_STACK" not in one.environ():
                end_tree(one)


def _find_two_ports() -> int:
    """Of two that are free beside each other, the lower one. Raises Unavailable."""
    for port in range(_FIRST_PORT, _FIRST_PORT + 1000, 2):
        if is_free(port) and is_free(port + 1):
            return port
    raise stuck("no two free ports beside each other")
