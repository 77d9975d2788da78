"""pgBackRest as Debian packages it, unpacked without root: the strongest peer that installs here."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.recovery.database import Database
from hrx.ops.targets.machine import debian

PACKAGES: Final = ("pgbackrest", "libssh2-1t64")
STANZA: Final = "bench"


@dataclass(frozen=True, kw_only=True)
class PgBackRest:
    """The program, its repository, and the server it keeps."""

    program: Path
    library_dir: Path
    folder: Path
    database: Database

    @property
    def repository(self) -> Path:
        return self.folder / "repo"

    def prepare(self) -> None:
        """Its configuration, archiving switched on, the stanza made."""
        for name in ("repo", "log", "lock", "spool"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "pgbackrest.conf").write_text(
            f"[global]\nrepo1-path={self.repository}\nlog-path={self.folder / 'log'}\n"
            f"lock-path={self.folder / 'lock'}\nspool-path={self.folder / 'spool'}\n"
            "repo1-bundle=y\nrepo1-block=y\nrepo1-cipher-type=aes-256-cbc\nrepo1-cipher-pass=bench-only\n"
            "compress-type=zst\ncompress-level=3\nprocess-max=2\nstart-fast=y\nlog-level-file=off\n"
            f"[{STANZA}]\npg1-path={self.database.cluster.data_dir}\n"
            f"pg1-port={self.database.cluster.port}\npg1-user=hrx_admin\npg1-host-type=\n".replace(
                "pg1-host-type=\n", f"pg1-socket-path={self.database.home}\n"
            )
        )
        self._give()
        command = f"{self._shell()} archive-push %p"
        self.database.execute(f"ALTER SYSTEM SET archive_command = '{command}'")
        self.database.execute("ALTER SYSTEM SET archive_timeout = '60s'")
        self.database.execute("ALTER SYSTEM SET archive_mode = on")
        self.database.cluster.stop()
        self.database.cluster.start()
        self.run("stanza-create")

    def run(self, *arguments: str, timeout_s: float = 900) -> str:
        argv = ["env", f"LD_LIBRARY_PATH={self.library_dir}", str(self.program), *self._options(), *arguments]
        return self.database.run(*argv, timeout_s=timeout_s).stdout

    def restore_argv(self, *arguments: str) -> list[str]:
        return [*self._options(), *arguments]

    def _options(self) -> list[str]:
        return [f"--config={self.folder / 'pgbackrest.conf'}", f"--stanza={STANZA}"]

    def _shell(self) -> str:
        return f"env LD_LIBRARY_PATH={self.library_dir} {self.program} {' '.join(self._options())}"

    def _give(self) -> None:
        if self.database.cluster.run_as:
            for path in (self.folder, *self.folder.rglob("*")):
                shutil.chown(path, self.database.cluster.run_as)


def find_pgbackrest(database: Database, *, cache: Path) -> PgBackRest | None:
    """The peer, fetched once into `cache`; None where the packages cannot be had."""
    program = cache / "usr" / "bin" / "pgbackrest"
    if not program.exists():
        try:
            _fetch(cache)
        # Whatever keeps it away, the others are measured all the same.
        except Exception as error:  # noqa: BLE001
            print(f"  pgBackRest cannot be had here: {error}")
            return None
    libraries = next((cache / "usr" / "lib").glob("*-linux-gnu"), cache / "usr" / "lib")
    found = PgBackRest(
        program=program, library_dir=libraries, folder=database.home / "pgbackrest", database=database
    )
    found.folder.mkdir(exist_ok=True)
    return found


def version_of(peer: PgBackRest) -> str:
    return peer.database.run(
        "env", f"LD_LIBRARY_PATH={peer.library_dir}", str(peer.program), "version"
    ).stdout.strip()


def _fetch(cache: Path) -> None:
    apt = debian.AptRoot(cache / "apt", sources=debian.read_sources())
    try:
        apt.update()
        for package in PACKAGES:
            candidates = [one for one in apt.list_candidates(package) if one.suite == "trixie"]
            debian.unpack(apt.download(candidates[0]), into=cache)
    finally:
        apt.remove()
    for path in cache.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
