"""`python -m hrx.ops.release.pipeline.keeping ORDER`: one command of one stage, watched by its own process.

It outlives whoever started it: the time limit holds, the log goes on and the exit code is kept although the
runner was killed. One lock for each stage: two keepers never run the same stage at once."""

from __future__ import annotations

import fcntl
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from hrx.kit.processes import name_this_process
from hrx.kit.secrets import mask_mapping, mask_text
from hrx.ops.release.pipeline.folders import StageFolder, read_json, write_whole

ENDED: Final = "ended"
TIMED_OUT: Final = "timed_out"
STOPPED: Final = "stopped"
NOT_STARTED: Final = "not_started"
#: Between asking a command to end and killing it.
GRACE_S: Final = 10.0
#: More of what a command says is read and not kept.
_LOG_MAX: Final = 8 * 2**20
_DOCUMENT_MAX: Final = 2**20
_LINE_MAX: Final = 65_536
#: How long another keeper of the same stage is waited for.
_LOCK_S: Final = 5.0


def main() -> int:
    path = Path(sys.argv[1])
    order = read_json(path)
    if order is None:
        return 1
    folder, attempt = StageFolder(path.parent), int(order["attempt"])
    with folder.lock.open("a") as lock:
        if not _take(lock.fileno()) or _is_overtaken(folder, attempt):
            return 1
        watch = _Keeper(folder, order)
        keeper = {"pid": os.getpid(), "process": name_this_process()}
        write_whole(folder.keeper(attempt), orjson.dumps(keeper))
        result = watch.run()
        write_whole(folder.result(attempt), orjson.dumps({"attempt": attempt, **result}))
        # What the command left running goes with it, and so does this process.
        os.killpg(0, signal.SIGKILL)
    return 0


def _take(handle: int) -> bool:
    deadline = time.monotonic() + _LOCK_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        else:
            return True


def _is_overtaken(folder: StageFolder, attempt: int) -> bool:
    """Whether a later attempt is on record already, or this one came to its end."""
    record = read_json(folder.record) or {}
    return record.get("attempt") != attempt or folder.result(attempt).exists()


class _Keeper:
    """Reads what the command says until it ends, is late, or is to stop."""

    # `Any`: the order is stored JSON.
    def __init__(self, folder: StageFolder, order: Mapping[str, Any]) -> None:
        self._folder = folder
        self._argv = [str(word) for word in order["argv"]]
        self._cwd = str(order["cwd"])
        self._deadline = time.monotonic() + float(order["timeout_s"])
        self._document = bytearray()
        self._rest: dict[str, bytes] = {}
        self._is_to_stop = False
        self._log = folder.log.open("ab", buffering=0)
        self._room = _LOG_MAX - self._log.tell()
        signal.signal(signal.SIGTERM, self._stop)

    def run(self) -> dict[str, object]:
        try:
            child = subprocess.Popen(
                self._argv,
                cwd=self._cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            self._write(f"{self._argv[0]}: {error.strerror}".encode())
            return {"how": NOT_STARTED, "exit": None, "document": None}
        how = self._follow(child)
        if how is not ENDED:
            self._end(child)
        self._finish_lines()
        return {"how": how, "exit": child.poll(), "document": self._read_document()}

    def _stop(self, _number: int, _frame: object) -> None:
        self._is_to_stop = True

    def _follow(self, child: subprocess.Popen[bytes]) -> str:
        with selectors.DefaultSelector() as selector:
            for name, stream in (("out", child.stdout), ("err", child.stderr)):
                if stream is not None:
                    os.set_blocking(stream.fileno(), False)
                    selector.register(stream, selectors.EVENT_READ, name)
            while True:
                is_over = child.poll() is not None
                self._read_all(selector)
                if is_over:
                    return ENDED
                if self._is_to_stop:
                    return STOPPED
                if time.monotonic() > self._deadline:
                    return TIMED_OUT

    def _read_all(self, selector: selectors.BaseSelector) -> None:
        """Whatever is there now; waits a tenth of a second for it at most."""
        if not selector.get_map():
            time.sleep(0.05)
            return
        for key, _ in selector.select(timeout=0.1):
            # `fileobj` is typed as anything with a descriptor.
            while piece := _read_some(key.fd):
                self._take_in(str(key.data), piece)
            if piece == b"":
                selector.unregister(key.fileobj)

    def _take_in(self, name: str, piece: bytes) -> None:
        if name == "out" and len(self._document) < _DOCUMENT_MAX:
            self._document += piece
        lines = (self._rest.get(name, b"") + piece).split(b"\n")
        self._rest[name] = lines.pop()
        if len(self._rest[name]) > _LINE_MAX:
            lines.append(self._rest.pop(name))
        for line in lines:
            self._write(line)

    def _finish_lines(self) -> None:
        for line in self._rest.values():
            if line:
                self._write(line)

    def _write(self, line: bytes) -> None:
        said = mask_text(line.decode(errors="replace")).encode() + b"\n"
        if self._room <= 0:
            return
        self._room -= len(said)
        try:
            self._log.write(said if self._room > 0 else "… (log is full / ログの上限)\n".encode())
        except OSError:
            # A full disk must not end the command; its exit code is what counts.
            self._room = 0

    def _end(self, child: subprocess.Popen[bytes]) -> None:
        """Ask the whole group to end; what does not is killed with this process."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(0, signal.SIGTERM)
        try:
            child.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    # `Any`: a program's JSON.
    def _read_document(self) -> dict[str, Any] | None:
        try:
            found = orjson.loads(bytes(self._document))
        except orjson.JSONDecodeError:
            return None
        return mask_mapping(found) if isinstance(found, dict) else None


def _read_some(handle: int) -> bytes | None:
    """The next bytes; b"" at the end, None when there are none now."""
    try:
        return os.read(handle, _LINE_MAX)
    except BlockingIOError:
        return None


if __name__ == "__main__":
    sys.exit(main())
