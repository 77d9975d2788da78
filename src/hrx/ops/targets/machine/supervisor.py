"""supervisord over its Unix socket: what runs, and start, stop, restart, with a time limit on every call.

A supervisor that does not answer is Unavailable, which callers who only look turn into UNKNOWN."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import time
import xmlrpc.client
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hrx.kit.errors import NotFound, Text, Unavailable
from hrx.ops.targets.machine.usage import measure_age_s
from hrx.ops.targets.target import PartState, PartStatus

_POLL_S: Final = 0.05
_CALL_TIMEOUT_S: Final = 5.0

# supervisord's own numbers for process states (supervisor/states.py).
_STATES: Final = {
    0: PartState.STOPPED,
    10: PartState.STARTING,
    20: PartState.RUNNING,
    30: PartState.STARTING,  # BACKOFF: it died while starting and is tried again
    40: PartState.STOPPING,
    100: PartState.STOPPED,  # EXITED: it ended by itself and is not to be restarted
    200: PartState.FAILED,  # FATAL: given up
}
_BAD_NAME: Final = 10
_ALREADY_STARTED: Final = 60
_NOT_RUNNING: Final = 70


class _UnixConnection(http.client.HTTPConnection):
    """HTTP to a socket file."""

    def __init__(self, path: Path, *, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        opened.settimeout(self.timeout)
        try:
            opened.connect(str(self._path))
        except OSError:
            opened.close()
            raise
        self.sock = opened


class _UnixTransport(xmlrpc.client.Transport):
    """XML-RPC to a socket file, one connection a call."""

    def __init__(self, path: Path, *, timeout_s: float) -> None:
        super().__init__()
        self._path = path
        self._timeout_s = timeout_s

    def make_connection(self, host: object) -> http.client.HTTPConnection:
        # Remembered, for `close` closes what it finds here: a refused call would leave its socket open.
        opened = _UnixConnection(self._path, timeout_s=self._timeout_s)
        self._connection = (host, opened)  # type: ignore[assignment]
        return opened


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigChange:
    """Names of programs that a new configuration adds, changes and removes."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


class Supervisor:
    """The supervisor behind one socket. `call_timeout_s` limits a single question."""

    def __init__(self, socket_path: Path, *, call_timeout_s: float = _CALL_TIMEOUT_S) -> None:
        self._path = socket_path
        self._call_timeout_s = call_timeout_s

    def is_answering(self) -> bool:
        """Whether a supervisor listens there."""
        try:
            self._call("supervisor.getState")
        except Unavailable:
            return False
        return True

    def pid(self) -> int:
        """The supervisor's own process id."""
        return int(self._call("supervisor.getPID"))

    def list_parts(self) -> list[PartStatus]:
        """Every program, in the supervisor's order. Raises Unavailable when nobody answers."""
        return [_read_status(info) for info in self._call("supervisor.getAllProcessInfo")]

    def get_part(self, name: str) -> PartStatus:
        """One program now. Raises NotFound for a name that the supervisor does not have."""
        return _read_status(self._call("supervisor.getProcessInfo", name))

    def start(self, name: str, *, timeout_s: float) -> PartStatus:
        """Start and wait until it runs; harmless when it does. Raises Unavailable when it does not."""
        self.request_start(name)
        return self._wait(name, timeout_s=timeout_s, until=PartState.RUNNING, verb=_START)

    def request_start(self, name: str) -> None:
        """Ask for a start without waiting; harmless when it runs."""
        try:
            self._call("supervisor.startProcess", name, False)
        except _Fault as fault:
            if fault.number != _ALREADY_STARTED:
                raise

    def stop(self, name: str, *, timeout_s: float) -> PartStatus:
        """Stop in the program's own way and wait; harmless when it is stopped."""
        self.request_stop(name)
        return self._wait(name, timeout_s=timeout_s, until=PartState.STOPPED, verb=_STOP)

    def request_stop(self, name: str) -> None:
        """Ask for a stop without waiting; from here on it is not started again by itself."""
        try:
            self._call("supervisor.stopProcess", name, False)
        except _Fault as fault:
            if fault.number != _NOT_RUNNING:
                raise

    def restart(self, name: str, *, timeout_s: float) -> PartStatus:
        """Stop when running, then start; the limit covers both."""
        deadline = time.monotonic() + timeout_s
        self.stop(name, timeout_s=timeout_s)
        return self.start(name, timeout_s=max(1.0, deadline - time.monotonic()))

    def signal(self, name: str, signal: str) -> None:
        """Send a signal (HUP, USR1 …) to a running program."""
        self._call("supervisor.signalProcess", name, signal)

    def reopen_logs(self) -> None:
        """Have the supervisor open its own log and those of its programs anew. Raises Unavailable."""
        pid = self.pid()
        try:
            os.kill(pid, signal.SIGUSR2)
        except OSError as error:
            raise Unavailable(
                Text(
                    ja=f"プロセス管理(supervisord、PID {pid})に合図を送れません: {error}",
                    en=f"The supervisor (pid {pid}) cannot be signalled: {error}",
                ),
                code="supervisor.not_signalled",
            ) from error

    def tail_log(self, name: str, *, size_bytes: int) -> str:
        """The end of the program's output, errors included."""
        text, _, _ = self._call("supervisor.tailProcessStdoutLog", name, 0, size_bytes)
        return str(text)

    def reload_config(self) -> ConfigChange:
        """Read the configuration again and say what differs; nothing is started or stopped yet."""
        added, changed, removed = self._call("supervisor.reloadConfig")[0]
        return ConfigChange(added=tuple(added), changed=tuple(changed), removed=tuple(removed))

    def drop(self, name: str, *, timeout_s: float) -> None:
        """Stop a program and forget it."""
        self.stop(name, timeout_s=timeout_s)
        self._call("supervisor.removeProcessGroup", name)

    def adopt(self, name: str) -> None:
        """Take up a program of the (re-read) configuration, without starting it."""
        self._call("supervisor.addProcessGroup", name)

    def shutdown(self) -> None:
        """Ask the supervisor to stop every program and end itself; does not wait."""
        self._call("supervisor.shutdown")

    def _wait(self, name: str, *, timeout_s: float, until: PartState, verb: Text) -> PartStatus:
        deadline = time.monotonic() + timeout_s
        status = self.get_part(name)
        while status.state is not until and time.monotonic() < deadline:
            if status.state is PartState.FAILED and until is not PartState.STOPPED:
                break
            if status.state is PartState.FAILED:
                return status
            time.sleep(_POLL_S)
            status = self.get_part(name)
        if status.state is until:
            return status
        raise Unavailable(
            Text(
                ja=f"{name} を {timeout_s:g} 秒以内に{verb.ja}できません({status.state}: {status.says})",
                en=f"{name} could not be {verb.en} within {timeout_s:g} s ({status.state}: {status.says})",
            ),
            hint=Text(
                ja=f"`make logs PART={name}` で記録を見てください。", en=f"See `make logs PART={name}`."
            ),
            code="supervisor.wrong_state",
        )

    def _call(self, method: str, *arguments: object) -> Any:
        """One XML-RPC call. `Any`: the protocol has no types; every caller converts what it takes."""
        transport = _UnixTransport(self._path, timeout_s=self._call_timeout_s)
        try:
            with xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=transport) as proxy:
                target: Callable[..., Any] = proxy
                for part in method.split("."):
                    target = getattr(target, part)
                return target(*arguments)
        except xmlrpc.client.Fault as fault:
            raise _translate(fault, method=method, arguments=arguments) from fault
        except (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
            raise Unavailable(
                Text(
                    ja=f"プロセス管理(supervisord)が応答しません: {error}",
                    en=f"The supervisor does not answer: {error}",
                ),
                hint=Text(ja="`make up` を実行してください。", en="Run `make up`."),
                code="supervisor.unreachable",
            ) from error


_START: Final = Text(ja="起動", en="started")
_STOP: Final = Text(ja="停止", en="stopped")


class _Fault(Unavailable):
    """The supervisor said no, for the reason with this number (supervisor/xmlrpc.py)."""

    code = "supervisor.fault"

    def __init__(self, message: Text, *, number: int) -> None:
        super().__init__(message)
        self.number = number


def _translate(fault: xmlrpc.client.Fault, *, method: str, arguments: tuple[object, ...]) -> Exception:
    if fault.faultCode == _BAD_NAME:
        name = arguments[0] if arguments else "?"
        return NotFound(
            Text(ja=f"部品 {name} はありません。", en=f"There is no part {name}."), code="supervisor.no_part"
        )
    said = f"{method.partition('.')[2]}: {fault.faultString}"
    return _Fault(
        Text(ja=f"プロセス管理が断りました({said})", en=f"The supervisor refused ({said})"),
        number=fault.faultCode,
    )


def _read_status(info: dict[str, Any]) -> PartStatus:
    state = _STATES.get(info["state"], PartState.UNKNOWN)
    runs = state is PartState.RUNNING
    says = str(info["spawnerr"] or ("" if runs else info["description"]))
    return PartStatus(
        name=str(info["name"]),
        state=state,
        pid=int(info["pid"]) or None,
        uptime_s=_uptime_s(info) if runs else None,
        says=says,
    )


def _uptime_s(info: dict[str, Any]) -> float:
    """By the kernel; the supervisor counts whole seconds, and by a clock that may be set meanwhile."""
    age_s = measure_age_s(int(info["pid"]))
    return float(max(0, info["now"] - info["start"])) if age_s is None else round(age_s, 2)
