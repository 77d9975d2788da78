"""The supervisor's configuration out of a list of programs.

Secrets never enter it: a program's private environment is a 0600 file of its own, read by
deploy/with-env in the moment of the start. The file's digest is in the configuration, so that a changed
secret or setting counts as a changed program."""

from __future__ import annotations

import hashlib
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.supervisor import Supervisor

#: The supervisor rotates nothing: files are closed by `ops.observe.logs.rotating`, and only one may do that.
_NEVER: Final = "0"
#: Bounds the growing pauses between attempts (1 s, 2 s, …) to about three minutes before giving up.
_START_RETRIES: Final = 18
_ENV: Final = "/usr/bin/env"
_TAKE_UP_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One supervised process: how it starts, how it is asked to end, and how long that may take.

    `environment` is everything it may know; `user` is who runs it (None: ourselves). `fingerprint` changes
    when the program must be restarted although its command is the same: its code, its configuration."""

    name: str
    argv: Sequence[str]
    cwd: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: str = "TERM"
    stop_wait_s: int = 10
    may_kill_group: bool = True
    fingerprint: str = ""


def write_config(layout: Layout, programs: Sequence[Program]) -> Path:
    """Write supervisord.conf and the environment files; gives the configuration's path."""
    text = _HEAD.format(
        socket=layout.supervisor_socket,
        log=_escape(str(layout.log / "supervisord.log")),
        pid=_escape(str(layout.run / "supervisord.pid")),
        run=_escape(str(layout.run)),
        user="user=root\n" if layout.user else "",
    )
    for program in programs:
        text += _render(program, layout=layout, digest=_write_environment(layout, program))
    path = layout.run / "supervisord.conf"
    draft = path.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(path)
    return path


_HEAD: Final = """\
; Written by `make up`; changes are lost.
[unix_http_server]
file={socket}
chmod=0700

[supervisord]
logfile={log}
logfile_maxbytes=0
pidfile={pid}
childlogdir={run}
umask=077
{user}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""


def _render(program: Program, *, layout: Layout, digest: str) -> str:
    command = [str(layout.root / "deploy" / "with-env"), str(_environment_file(layout, program))]
    lines = {
        "command": shlex.join([*(command if not program.user else _as_user(program)), *program.argv]),
        "directory": str(program.cwd),
        "environment": f'HRX_PROGRAM="{program.name}",HRX_DIGEST="{digest}"',
        "autostart": "false",
        "autorestart": "true",
        "startsecs": "1",
        "startretries": str(_START_RETRIES),
        "stopsignal": program.stop_signal,
        "stopwaitsecs": str(program.stop_wait_s),
        "killasgroup": "true" if program.may_kill_group else "false",
        "redirect_stderr": "true",
        "stdout_logfile": str(layout.log / f"{program.name}.log"),
        "stdout_logfile_maxbytes": _NEVER,
    }
    if program.user:
        lines["user"] = program.user
    body = "".join(f"{name}={_escape(value)}\n" for name, value in lines.items())
    return f"\n[program:{program.name}]\n{body}"


def read_variable(layout: Layout, name: str) -> str | None:
    """The value that programs are given; None when none is. Of several programs the first one's."""
    for path in sorted((layout.run / "env").glob("*.env")):
        for line in path.read_text().splitlines():
            if line.startswith(f"{name}="):
                return "".join(shlex.split(line.partition("=")[2]))
    return None


def list_variables(layout: Layout, program: str) -> frozenset[str]:
    """The names of what a program is given; none of a program that there is not."""
    return frozenset(read_variables(layout, program))


def read_variables(layout: Layout, program: str) -> dict[str, str]:
    """What a program is given at its next start; nothing of a program that there is not."""
    try:
        return _read_environment(layout.run / "env" / f"{program}.env")
    except OSError:
        return {}


def replace_variable(layout: Layout, name: str, value: str) -> tuple[str, ...]:
    """Give a variable another value wherever a program has it; gives those programs, to be restarted."""
    changed = []
    for path in sorted((layout.run / "env").glob("*.env")):
        lines = path.read_text().splitlines()
        if not any(line.startswith(f"{name}=") for line in lines):
            continue
        text = "".join(
            f"{name}={shlex.quote(value)}\n" if line.startswith(f"{name}=") else f"{line}\n" for line in lines
        )
        draft = path.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(text)
        draft.replace(path)
        changed.append(path.stem)
    return tuple(changed)


def change_variables(layout: Layout, names: Sequence[str], change: Callable[[str], str]) -> tuple[str, ...]:
    """Change variables wherever a program has one, also where they stand on its command line; gives the
    programs that have one, to be restarted."""
    changed = []
    for path in sorted((layout.run / "env").glob("*.env")):
        known = _read_environment(path)
        wanted = {name: change(value) for name, value in known.items() if name in names}
        if wanted:
            changed.append(path.stem)
        if any(known[name] != value for name, value in wanted.items()):
            _write_variables(path, known | wanted)
            _change_command(layout, path.stem, wanted)
    return tuple(changed)


def take_up_changed(layout: Layout, supervisor: Supervisor, parts: tuple[str, ...]) -> tuple[str, ...]:
    """Start those anew whose command line was changed: a restart alone would begin the former one.

    Gives the other ones, to be restarted by whoever moves the programs over."""
    conf = layout.run / "supervisord.conf"
    if not conf.exists() or not supervisor.is_answering():
        return parts
    own = [part for part in parts if _has_own_command(conf.read_text(), part)]
    differing = [name for name in supervisor.reload_config().changed if name in own] if own else []
    for name in differing:
        supervisor.drop(name, timeout_s=_TAKE_UP_S)
        supervisor.adopt(name)
        supervisor.start(name, timeout_s=_TAKE_UP_S)
    return tuple(part for part in parts if part not in differing)


def _section(text: str, program: str) -> str:
    found = re.search(rf"^\[program:{re.escape(program)}\]\n(?:(?!\[).*\n?)*", text, re.M)
    return found.group(0) if found else ""


def _has_own_command(text: str, program: str) -> bool:
    return f"command={_ENV} " in _section(text, program)


def _change_command(layout: Layout, program: str, variables: Mapping[str, str]) -> None:
    """The variables of a program of the service user stand on its command line (`_as_user`)."""
    path = layout.run / "supervisord.conf"
    text = path.read_text() if path.exists() else ""
    if not _has_own_command(text, program):
        return
    section = _section(text, program)
    lines = section.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("command="):
            words = shlex.split(line.removeprefix("command=").replace(" \\;", " ;").replace("%%", "%"))
            pairs = ((word.partition("=")[0], word) for word in words)
            told = [f"{name}={variables[name]}" if name in variables else word for name, word in pairs]
            lines[number] = f"command={_escape(shlex.join(told))}"
    draft = path.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(text.replace(section, "\n".join(lines) + "\n"))
    draft.replace(path)


def replace_program(
    layout: Layout,
    name: str,
    *,
    argv: Sequence[str],
    cwd: Path,
    variables: Mapping[str, str],
    fingerprint: str,
    without: Sequence[str] = (),
) -> bool:
    """Have one of our own programs start from elsewhere, with these variables besides those it has; gives
    whether there is such a program. A web server's `argv` is its script alone: how node is started stays.

    Nothing is read again before the supervisor is told to."""
    path = layout.run / "supervisord.conf"
    text = path.read_text()
    section = _section(text, name)
    environment = layout.run / "env" / f"{name}.env"
    if not section or not environment.exists():
        return False
    known = _read_environment(environment)
    known = {key: value for key, value in known.items() if key not in without} | dict(variables)
    written = _write_variables(environment, known)
    digest = _digest(fingerprint, written)
    lines = section.splitlines()
    for number, line in enumerate(lines):
        key, _, value = line.partition("=")
        if key == "command":
            words = shlex.split(value.replace("%%", "%"))
            before = words[:-1] if len(argv) == 1 else words[:2]
            lines[number] = f"command={_escape(shlex.join([*before, *argv]))}"
        elif key == "directory":
            lines[number] = f"directory={_escape(str(cwd))}"
        elif key == "environment":
            lines[number] = f'environment=HRX_PROGRAM="{name}",HRX_DIGEST="{digest}"'
    draft = path.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(text.replace(section, "\n".join(lines) + "\n"))
    draft.replace(path)
    return True


def read_commit(root: Path) -> str:
    """The checkout's commit, twelve digits; `unknown` without git."""
    git = shutil.which("git")
    argv: Sequence[str] = [git or "git", "-C", str(root), "rev-parse", "--short=12", "HEAD"]
    if git is None:
        return "unknown"
    done = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False)
    return done.stdout.strip() or "unknown"


def _read_environment(path: Path) -> dict[str, str]:
    found = (line.partition("=") for line in path.read_text().splitlines())
    return {name: "".join(shlex.split(quoted)) for name, _, quoted in found if name}


def _as_user(program: Program) -> list[str]:
    """A program of the service user cannot read our private files; it gets its few variables in the open.

    Such programs (PostgreSQL, Redis, Prometheus, Alertmanager) take secrets from files of their own."""
    return [_ENV, *(f"{name}={value}" for name, value in program.environment.items())]


def _environment_file(layout: Layout, program: Program) -> Path:
    return layout.run / "env" / f"{program.name}.env"


def _write_environment(layout: Layout, program: Program) -> str:
    """Write NAME='value' lines for a POSIX shell; gives a digest of all that must cause a restart."""
    text = _write_variables(_environment_file(layout, program), program.environment)
    return _digest(program.fingerprint, text)


def _digest(fingerprint: str, variables: str) -> str:
    return hashlib.sha256(f"{fingerprint}\n{variables}".encode()).hexdigest()[:16]


def _write_variables(path: Path, variables: Mapping[str, str]) -> str:
    text = "".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(variables.items()))
    draft = path.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(path)
    return text


def _escape(value: str) -> str:
    """supervisord expands %(name)s; a comment starts at ` ;`."""
    return value.replace("%", "%%").replace(" ;", " \\;")
