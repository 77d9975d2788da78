"""A small pipeline of real processes: its commands, its repository, its releases, its runner to be killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.ledger.entries import Entry, EntryFilter, Kind, open_ledger
from hrx.ops.release.pipeline.beginning import begin_run
from hrx.ops.release.pipeline.engine import Bench, Runner
from hrx.ops.release.pipeline.folders import read_json
from hrx.ops.release.pipeline.gates import Hold, Word
from hrx.ops.release.pipeline.stages import (
    Definition,
    Goal,
    OnDeath,
    Reads,
    Records,
    Run,
    RunStand,
    Stage,
    Stand,
    Where,
)
from hrx.ops.release.pipeline.starting import Keepers
from hrx.ops.release.pipeline.storing import RunStore
from hrx.ops.release.releases import Release
from hrx.ops.release.store import ReleaseStore
from tests.ops.release.shop import R1, R2

ACT: Final = Path(__file__).with_name("act.py")
DRIVE: Final = Path(__file__).with_name("drive.py")
#: Ten times and more what a busy machine takes.
PATIENCE_S: Final = 90.0


@dataclass(slots=True)
class TestGate:
    """Says what a test wants."""

    __test__ = False
    word: str = "suzuki"
    hold: Hold | None = None

    def ask_word(self, run: Run, records: Records) -> Word:
        del run, records
        says = Text(ja="承認", en=f"approved by {self.word}" if self.word else "nobody approved")
        return Word(by=self.word, says=says)

    def find_hold(self, run: Run) -> Hold | None:
        del run
        return self.hold


@dataclass(slots=True)
class Workshop:
    """A folder with a repository, a ledger, releases, and stages whose moods are files."""

    home: Path
    gate: TestGate = field(default_factory=TestGate)
    mails: tuple[str, ...] = ("sato@minato-seiki.example",)
    commit: str = ""

    def __post_init__(self) -> None:
        for folder in (self.acts, self.repository):
            folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")
        for mail in self.mails:
            self.add_commit(mail)

    @property
    def acts(self) -> Path:
        return self.home / "acts"

    @property
    def repository(self) -> Path:
        return self.home / "repository"

    @property
    def ledger_url(self) -> str:
        return f"sqlite:///{self.home / 'ledger.sqlite3'}"

    @property
    def store(self) -> RunStore:
        return RunStore(self.home / "pipelines")

    @property
    def releases(self) -> ReleaseStore:
        return ReleaseStore(self.home / "releases")

    def git(self, *arguments: str) -> str:
        environment = {
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_SYSTEM": "/dev/null",
            "PATH": os.environ["PATH"],
        }
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.repository,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def add_commit(self, mail: str, *, message: str = "A change.") -> str:
        who = ("-c", f"user.email={mail}", "-c", "user.name=A Person")
        self.git(*who, "commit", "-q", "--allow-empty", "-m", message)
        self.commit = self.git("rev-parse", "HEAD")
        return self.commit

    def add_release(self, release: Release = R2, *, commit: str = "") -> Release:
        return self.releases.add(replace(release, commit=commit or self.commit))

    def bench(self) -> Bench:
        return Bench(
            store=self.store,
            releases=self.releases,
            ledger=open_ledger(self.ledger_url),
            gate=self.gate,
            keepers=Keepers(self.repository),
        )

    def stage(
        self,
        name: str,
        *needs: str,
        reads: Reads = Reads.CHECK,
        where: Where = Where.ANY,
        timeout_s: float = 100,
        on_death: OnDeath = OnDeath.AGAIN,
        changes: bool = False,
    ) -> Stage:
        said = Text(ja=name, en=name)
        return Stage(
            id=name,
            title=said,
            why=said,
            needs=needs,
            command=(sys.executable, str(ACT), str(self.acts), name),
            reads=reads,
            where=where,
            timeout_s=timeout_s,
            on_death=on_death,
            changes=said if changes else None,
            resume=said if changes else None,
        )

    def approval(self, *needs: str) -> Stage:
        said = Text(ja="承認", en="approval")
        return Stage(id="approval", title=said, why=said, needs=needs, where=Where.PRODUCTION)

    def whole(self) -> Definition:
        """Build, two checks, staging, approval, production and a look at it."""
        self.mood("build", stdout=json.dumps({"release": "r2"}))
        production = Where.PRODUCTION
        return Definition(
            stages=(
                self.stage("build", reads=Reads.RELEASE, changes=True),
                self.stage("tests", "build"),
                self.stage("audit", "build"),
                self.stage("staging", "tests", "audit", changes=True),
                self.approval("staging"),
                self.stage("production", "approval", reads=Reads.NOTHING, where=production, changes=True),
                self.stage("smoke", "production", where=production),
            )
        )

    def begin(
        self, definition: Definition, *, goal: Goal = Goal.PRODUCTION, release: Release | None = None
    ) -> Run:
        return begin_run(
            self.store,
            open_ledger(self.ledger_url),
            definition,
            environment="production",
            goal=goal,
            commit=self.commit,
            release=release,
            actor="machine:sato",
        )

    def runner(self, run: Run, *only: str) -> Runner:
        return Runner(self.bench(), run.id, actor="machine:sato", only=frozenset(only))

    def drive(self, run: Run, *only: str) -> RunStand:
        return self.runner(run, *only).drive()

    def stands(self, run: Run) -> dict[str, str]:
        return {name: one.stand.value for name, one in self.store.records(run).items()}

    def mood(self, name: str, **values: object) -> None:
        """How a command behaves: `outcome`, `detail`, `exit`, `stdout`, `stderr`, `child`."""
        (self.acts / f"{name}.json").write_text(json.dumps(values))

    @contextmanager
    def holding(self, *names: str) -> Iterator[None]:
        """These commands wait inside the block."""
        for name in names:
            (self.acts / f"{name}.hold").touch()
        try:
            yield
        finally:
            self.let_go(*names)

    def let_go(self, *names: str) -> None:
        for name in names:
            (self.acts / f"{name}.hold").unlink(missing_ok=True)

    def begun(self, name: str = "") -> list[str]:
        """Every beginning of a command, in order."""
        return [
            line.split()[1]
            for line in self._journal()
            if line.startswith("begin") and name in line.split()[1]
        ]

    def ended(self) -> list[str]:
        return [line.split()[1] for line in self._journal() if line.startswith("end")]

    def told(self, run: Run) -> list[Entry]:
        """What the ledger has of a run, oldest first."""
        wanted = EntryFilter(kinds=(Kind.PIPELINE,), subject=f"pipeline:{run.id}")
        return list(reversed(open_ledger(self.ledger_url).list_entries(wanted, limit=400)))

    def start_runner(self, run: Run) -> subprocess.Popen[bytes]:
        """A runner in a process of its own, which may be killed."""
        return subprocess.Popen(
            [sys.executable, "-m", "tests.ops.release.pipeline.drive", str(self.home), run.id]
        )

    def keeper_pid(self, run: Run, name: str, attempt: int = 1) -> int:
        folder = self.store.stage(run, run.get_stage(name))
        found = read_json(folder.keeper(attempt))
        assert found is not None
        return int(found["pid"])

    def end_all(self) -> None:
        """No keeper outlives its test."""
        for path in (self.home / "pipelines").glob("*/stages/*/keeper-*.json"):
            found = read_json(path)
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(int(found["pid"]) if found else 0, 9)

    def _journal(self) -> list[str]:
        path = self.acts / "journal"
        return path.read_text().splitlines() if path.exists() else []


def wait_until(seen: Callable[[], bool], *, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not seen():
        assert time.monotonic() < deadline, f"never seen: {what}"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


__all__ = ["R1", "R2", "Stand", "TestGate", "Workshop", "is_alive", "wait_until"]
