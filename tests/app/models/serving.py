"""The part that scores as a process, on a socket of its own."""

from __future__ import annotations

import os
import signal
import socket as sockets
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from hrx.kit.models.records import Alias, Draft
from hrx.kit.models.registry import Registry
from hrx.kit.models.signing import Signer

#: Slow machines start Python and the runtime in ten seconds and more.
PATIENCE_S = 90.0


@dataclass
class ServingProcess:
    """`held`: its registry, and the key that signs there."""

    held: tuple[Registry, Signer]
    folder: Path
    socket: Path
    port: int
    settings: Mapping[str, str] = field(default_factory=dict)
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        log = (self.folder / "scoring.log").open("ab")
        self.running = subprocess.Popen(
            [sys.executable, "-m", "hrx.app.models.serving"],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.pathsep.join(sys.path),
                "HRX_SCORING_SOCKET": str(self.socket),
                "HRX_SCORING_PORT": str(self.port),
                "HRX_SCORING_MODELS": "small",
                "HRX_SCORING_POLL_S": "0.02",
                "HRX_MODEL_STORE_URL": f"file:{self.folder / 'shelf'}",
                "HRX_SCORING_PUBLIC_KEYS_FILE": str(self.folder / "signing.pub"),
                **self.settings,
            },
            stdout=log,
            stderr=log,
        )
        log.close()
        self.wait(self.socket.exists)

    def wait(self, condition: object) -> None:
        """Until it holds. Fails with what the process said when it ends first."""
        assert callable(condition)
        until = time.monotonic() + PATIENCE_S
        while not condition():
            assert self.running is not None
            if self.running.poll() is not None:
                raise AssertionError((self.folder / "scoring.log").read_text())
            assert time.monotonic() < until
            time.sleep(0.02)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.running is not None
        self.running.send_signal(number)
        return self.running.wait(PATIENCE_S)

    def ask(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def degraded(self) -> list[str]:
        try:
            return list(orjson.loads(self.ask("/readyz"))["degraded"])
        except urllib.error.URLError:
            return ["not there"]

    def go_live(self, draft: Draft, alias: Alias = Alias.LIVE) -> str:
        registry, signer = self.held
        version = registry.register(draft, signer=signer, by="x").version
        registry.move("small", alias, to=version, signer=signer, by="x", reason="")
        return version


@contextmanager
def serving(
    held: tuple[Registry, Signer], folder: Path, *, starts: bool = True, **settings: str
) -> Iterator[ServingProcess]:
    """A process that is ended when the test ends, however it ends."""
    with sockets.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # Paths of test folders are longer than the kernel takes for a socket.
    with tempfile.TemporaryDirectory(prefix="hrx-") as short:
        made = ServingProcess(held, folder, Path(short) / "scoring.sock", port, settings)
        try:
            if starts:
                made.start()
            yield made
        finally:
            if made.running is not None and made.running.poll() is None:
                made.running.kill()
                made.running.wait(PATIENCE_S)
