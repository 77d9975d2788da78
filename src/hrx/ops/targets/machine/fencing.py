"""A fence around a data directory that must not write any more, because another one has taken over.

Two things stand in the way of a second writer. The fence is a file inside the data directory (it goes
where that goes) and one beside it (it stays when the directory is lost or half rewound); every start of
ours refuses either. And a fenced directory carries `standby.signal`: whatever starts it without asking
us, by hand or a supervisor that restarts what fell, gets a server that only reads."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson
import psutil

from hrx.kit.errors import Refused, Text, Unavailable
from hrx.ops.targets.machine import users

_INSIDE: Final = "hrx.fence"
_STANDBY: Final = "standby.signal"
_KILLED_WITHIN_S: Final = 5.0
_POLL_S: Final = 0.02
#: Lines of postmaster.pid (PostgreSQL's pidfile.h): port and socket folder.
_PORT_LINE, _SOCKET_LINE = 3, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """Since when, in whose run, and what was known of the writer then: nothing of it may go on from there."""

    fenced_at: datetime
    run: str
    system_identifier: str
    timeline: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenStopped:
    """Nothing works on this data directory, and nothing that starts on it can write. Made by `prove_stopped`
    only: whoever promotes another server has to show one."""

    data_dir: Path
    fence: Fence


def raise_fence(data_dir: Path, fence: Fence, *, user: str | None) -> None:
    """Put the fence up, on disk, before anything else happens; harmless when it stands already."""
    content = orjson.dumps(asdict(fence))
    _write(_beside(data_dir), content, user=user)
    if (data_dir / "PG_VERSION").exists():
        _write(data_dir / _INSIDE, content, user=user)
        _write(data_dir / _STANDBY, b"", user=user)


def read_fence(data_dir: Path) -> Fence | None:
    """None where there is none. Raises Refused for one that cannot be read: it is a fence all the same."""
    for path in (_beside(data_dir), data_dir / _INSIDE):
        try:
            told: dict[str, Any] = orjson.loads(path.read_bytes())
            return Fence(**{**told, "fenced_at": datetime.fromisoformat(told["fenced_at"])})
        except FileNotFoundError:
            continue
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise _fenced(data_dir, Text(ja="読めない柵", en="a fence that cannot be read")) from error
    return None


def is_fenced_inside(data_dir: Path) -> bool:
    """Whether the fence lies in the directory itself and goes where it goes; the one beside it stays."""
    return (data_dir / _INSIDE).exists()


def require_unfenced(data_dir: Path) -> None:
    """Raises Refused when another server has taken over from this data directory."""
    fence = read_fence(data_dir)
    if fence is not None:
        at = f"{fence.fenced_at:%Y-%m-%d %H:%M:%S} UTC"
        raise _fenced(data_dir, Text(ja=f"{at}、実行 {fence.run}", en=f"{at}, run {fence.run}"))


def lift_fence(data_dir: Path, *, keeps_reading: bool) -> None:
    """Take it away: after the directory was made a copy of the new writer (`keeps_reading`: it stays a
    standby), or when the switch was called off before anything was promoted."""
    if not keeps_reading:
        (data_dir / _STANDBY).unlink(missing_ok=True)
    (data_dir / _INSIDE).unlink(missing_ok=True)
    _beside(data_dir).unlink(missing_ok=True)


def open_for_repair(data_dir: Path) -> None:
    """Let PostgreSQL's own tools run crash recovery on a fenced directory: they refuse a standby's. The fence
    beside it stays."""
    (data_dir / _STANDBY).unlink(missing_ok=True)


def list_processes_on(data_dir: Path) -> list[psutil.Process]:
    """Every process that works in this data directory: the postmaster and whatever outlived it, for a session
    that lost its postmaster may still finish a commit. Each has the directory as its own.

    Raises Unavailable when a PostgreSQL process cannot be looked at: then nothing is proven."""
    found = []
    wanted = str(data_dir.resolve())
    for process in psutil.process_iter():
        try:
            if process.cwd() == wanted and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
        except (psutil.AccessDenied, OSError):
            if _is_postgres(process) and _may_work_on(process, data_dir):
                raise _cannot_tell(data_dir, process) from None
    return found


def _may_work_on(process: psutil.Process, data_dir: Path) -> bool:
    """PostgreSQL refuses a directory that is not its own user's: another user's cannot be at work there. Of a
    directory that is gone, whoever owns the folder around it was its user: root, who may run it as another,
    is denied no look."""
    try:
        there = data_dir if data_dir.exists() else data_dir.parent
        return bool(process.uids().effective == there.stat().st_uid)
    except psutil.NoSuchProcess:
        return False
    except (psutil.AccessDenied, OSError):
        return True


def kill_processes_on(data_dir: Path) -> int:
    """SIGKILL to all of them, which nothing can put off, also not a process that is stopped; gives how many.

    PostgreSQL is made to survive it. Raises Unavailable when one is still there afterwards."""
    killed = list_processes_on(data_dir)
    for process in killed:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    # psutil waits for an ended process until its parent collects it, which may never be.
    deadline = time.monotonic() + _KILLED_WITHIN_S
    while left := list_processes_on(data_dir):
        if time.monotonic() > deadline:
            raise _cannot_tell(data_dir, left[0])
        time.sleep(_POLL_S)
    _remove_locks(data_dir)
    return len(killed)


def prove_stopped(data_dir: Path) -> ProvenStopped:
    """The proof, or Refused: no fence yet, or somebody still works there."""
    fence = read_fence(data_dir)
    if fence is None or (data_dir.exists() and not (data_dir / _STANDBY).exists()):
        raise Refused(
            Text(ja=f"{data_dir} に柵がありません", en=f"There is no fence around {data_dir}"),
            hint=Text(
                ja="もう一度、昇格を実行してください。",
                en="Run the promotion again: it begins with the fence.",
            ),
            code="standby.not_fenced",
        )
    left = list_processes_on(data_dir)
    if left:
        raise Refused(
            Text(
                ja=f"古い主系がまだ動いています(pid {left[0].pid})",
                en=f"The old primary still runs (pid {left[0].pid})",
            ),
            hint=Text(
                ja="止めるまで昇格しません。もう一度実行してください。",
                en="Nothing is promoted before it has ended. Run it again.",
            ),
            code="standby.old_primary_runs",
        )
    return ProvenStopped(data_dir=data_dir, fence=fence)


def _remove_locks(data_dir: Path) -> None:
    """The lock files of a server that we have just seen not to run: they name a process that nobody may have
    collected yet (in a container often nobody does), or whose number is soon another's."""
    lock = data_dir / "postmaster.pid"
    try:
        lines = lock.read_text().splitlines()
    except FileNotFoundError:
        return
    if len(lines) > _SOCKET_LINE:
        of_socket = Path(lines[_SOCKET_LINE]) / f".s.PGSQL.{lines[_PORT_LINE]}.lock"
        with suppress(OSError):
            if of_socket.read_text().splitlines()[0] == lines[0]:
                of_socket.unlink()
    lock.unlink()


def _beside(data_dir: Path) -> Path:
    return data_dir.with_name(data_dir.name + ".fence")


def _write(path: Path, content: bytes, *, user: str | None) -> None:
    """Whole and on disk, with its name: a fence that a power cut takes away is none."""
    draft = path.with_name(path.name + ".new")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    users.give_to(draft, user=user, mode=0o600)
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _is_postgres(process: psutil.Process) -> bool:
    try:
        return bool(process.name().startswith("postgres"))
    except psutil.Error:
        return False


def _cannot_tell(data_dir: Path, process: psutil.Process) -> Unavailable:
    return Unavailable(
        Text(
            ja=f"{data_dir} で動くものがないことを確かめられません(pid {process.pid})",
            en=f"It cannot be proven that nothing works on {data_dir} (pid {process.pid})",
        ),
        hint=Text(
            ja="PostgreSQL を動かしている利用者か root で実行してください。",
            en="Run it as the user that runs PostgreSQL, or as root.",
        ),
        code="standby.not_proven",
    )


def _fenced(data_dir: Path, why: Text) -> Refused:
    return Refused(
        Text(
            ja=f"{data_dir} は書き込みを引き継がれた古い主系です({why.ja})。起動すると主系が二つになります。",
            en=f"{data_dir} is an old primary whose writing another server took over ({why.en}). Started, "
            "there would be two writers.",
        ),
        hint=Text(
            ja="起動せず、`hrx recover standby status` で役割を確かめてください。",
            en="Leave it stopped, and see who is what: `hrx recover standby status`.",
        ),
        code="postgres.fenced",
    )
