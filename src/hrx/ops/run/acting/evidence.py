"""Keeping evidence before containment destroys it: what can be seen now, in a folder that nobody writes to.

Every file is hashed, the manifest's own hash goes into the ledger's chain, and people's data is masked:
networks instead of addresses, numbers instead of names."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import orjson
import psutil

from hrx.kit import clock
from hrx.kit.errors import HrxError, Text, Unavailable
from hrx.kit.secrets import MASK, mask_text
from hrx.ops.run.acting.database_door import act, look
from hrx.ops.run.acting.spec import ActionSpec, Evidence, NotProven
from hrx.ops.run.plane import Plane
from hrx.ops.seams.addresses import shorten_address

_LOG_BYTES: Final = 2_000_000
_NEEDED_FREE_BYTES: Final = 300_000_000
_SESSIONS: Final = 5_000
MANIFEST: Final = "manifest.json"
_EMAIL: Final = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")
_IPV4: Final = re.compile(r"(?<![\d.])(?!127\.|0\.)(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_ADDRESS: Final = re.compile(r'("address":\s*")([^"]+)"')
_VARIABLE: Final = re.compile(r"(HRX_[A-Z_]+=)\S+")
_ACTIVITY: Final = """
SELECT pid, usename AS role, CASE WHEN application_name LIKE 'hrx %' THEN 'hrx' ELSE application_name END
         AS application, state, wait_event_type, backend_start, xact_start, query_start
  FROM pg_stat_activity WHERE backend_type = 'client backend'
"""


def mask_people(text: str) -> str:
    """The text without secrets, mail addresses and whole network addresses."""
    text = _EMAIL.sub(f"{MASK}@{MASK}", mask_text(text))
    text = _ADDRESS.sub(lambda found: f'{found.group(1)}{shorten_address(found.group(2))}"', text)
    return _IPV4.sub(lambda found: shorten_address(found.group(0)), text)


def find_newest(plane: Plane, label: str) -> Path | None:
    """The newest folder of this label; None when there is none."""
    found = sorted(home_of(plane).glob(f"*-{label}"))
    return found[-1] if found else None


def home_of(plane: Plane) -> Path:
    """Where the folders are."""
    return plane.settings.var_dir / "ops" / "evidence"


def _keep(plane: Plane, params: Mapping[str, str], _timeout_s: float) -> Evidence:
    home = home_of(plane)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if shutil.disk_usage(home).free < _NEEDED_FREE_BYTES:
        raise Unavailable(
            Text(ja="証拠を残すディスクの空きがありません", en="There is no room on the disk for evidence"),
            hint=Text(ja=f"{home} のある領域に空きを作ってください。", en=f"Make room where {home} is."),
            code="run.no_room",
        )
    at = clock.now()
    folder = home / f"{at:%Y%m%dT%H%M%S}{at.microsecond // 1000:03}Z-{params['label']}"
    draft = home / f".{folder.name}"
    draft.mkdir(mode=0o700)
    missing: dict[str, str] = {}
    for name, take in _takers(plane).items():
        try:
            _write(draft / name, take())
        except (HrxError, OSError, psutil.Error) as error:
            # What cannot be had now is told; the rest must not wait for it.
            missing[name] = error.message.en if isinstance(error, HrxError) else type(error).__name__
    files = {
        str(path.relative_to(draft)): digest_file(path) for path in sorted(draft.rglob("*")) if path.is_file()
    }
    seq, hashed = plane.ledger.head()
    head = {"seq": seq, "hash": hashed}
    manifest = {"made_at": at.isoformat(), "files": files, "missing": missing, "ledger_head": head}
    _write(draft / MANIFEST, orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    _make_read_only(draft)
    draft.rename(folder)
    return {
        "folder": str(folder),
        "files": len(files),
        "missing": missing,
        "manifest_sha256": digest_file(folder / MANIFEST),
        "ledger_head": head,
    }


def _prove_kept(plane: Plane, params: Mapping[str, str], _timeout_s: float) -> Evidence:
    """Hash everything again and compare; nothing may be writable."""
    folder = find_newest(plane, params["label"])
    if folder is None:
        raise NotProven(Text(ja="証拠のフォルダーがありません", en="There is no folder of evidence"))
    manifest = orjson.loads((folder / MANIFEST).read_bytes())
    changed = [name for name, digest in manifest["files"].items() if digest_file(folder / name) != digest]
    writable = [path.name for path in folder.rglob("*") if path.stat().st_mode & 0o222]
    if changed or writable:
        wrong = ", ".join([*changed, *writable])
        raise NotProven(Text(ja=f"記録と一致しません: {wrong}", en=f"It is not as recorded: {wrong}"))
    return {
        "folder": str(folder),
        "files": len(manifest["files"]),
        "manifest_sha256": digest_file(folder / MANIFEST),
    }


def _takers(plane: Plane) -> dict[str, Callable[[], bytes]]:
    logs: dict[str, Callable[[], bytes]] = {
        f"logs/{part.name}.log": lambda name=part.name: _tail(plane, name)  # type: ignore[misc]
        for part in plane.content.parts
    }
    return {
        "parts.json": lambda: _json([_part(item) for item in plane.target.list_parts()]),
        "processes.json": lambda: _json(_processes()),
        "connections.json": lambda: _json(_connections()),
        "sessions.json": lambda: _json(
            act(plane, "SELECT * FROM seam.list_recent_sessions(%(most)s)", {"most": _SESSIONS})
        ),
        "database.json": lambda: _json(look(plane, _ACTIVITY)),
        "audit-chain.json": lambda: _json(look(plane, "SELECT * FROM seam.audit_chain")),
        "edge.csv": lambda: plane.target.send_to_edge("show stat").encode(),
        "blocked.json": lambda: _json([shorten_address(item) for item in plane.target.list_blocked()]),
        **logs,
    }


def _tail(plane: Plane, part: str) -> bytes:
    return mask_people(plane.target.tail_log(part, size_bytes=_LOG_BYTES)).encode()


# `Any`: JSON.
def _part(item: Any) -> dict[str, Any]:
    return {"name": item.name, "state": item.state.value, "pid": item.pid, "uptime_s": item.uptime_s}


def _processes() -> list[dict[str, Any]]:
    wanted = ["pid", "ppid", "name", "username", "status", "create_time", "cmdline"]
    found = []
    for process in psutil.process_iter(wanted):
        values = dict(process.info)
        command = _VARIABLE.sub(rf"\1{MASK}", " ".join(values.pop("cmdline") or []))
        found.append({**values, "command": mask_people(command)[:300]})
    return found


def _connections() -> list[dict[str, Any]]:
    return [
        {
            "pid": one.pid,
            "local_port": one.laddr.port if one.laddr else None,
            "remote": shorten_address(one.raddr.ip) if one.raddr else None,
            "state": one.status,
        }
        for one in psutil.net_connections(kind="tcp")
    ]


def _json(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True, mode=0o700)
    path.write_bytes(content)


def digest_file(path: Path) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _make_read_only(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.chmod(0o500 if path.is_dir() else 0o400)
    folder.chmod(0o500)


ACTIONS: Final = (
    ActionSpec(
        id="evidence.keep",
        title=Text(ja="証拠を残す", en="Keep evidence"),
        only_reads=False,
        perform=_keep,
        params=("label",),
    ),
    ActionSpec(
        id="evidence.prove_kept",
        title=Text(ja="証拠が記録どおりであることを確かめる", en="Prove that the evidence is as recorded"),
        only_reads=True,
        perform=_prove_kept,
        params=("label",),
    ),
)
