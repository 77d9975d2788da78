"""Restored copies beside the living system: made, listed, asked, compared, taken away.

Each has a folder with its facts (`copy.json`); a lock on it keeps two restores from one place. What was
killed half-way says so, and is begun again under the same name."""

from __future__ import annotations

import fcntl
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import orjson

from hrx.kit import clock
from hrx.kit.errors import Conflict, HrxError, Invalid, NotFound, Text
from hrx.ops.recovery.bases import fetcher_of
from hrx.ops.recovery.checks.checking import check_copy
from hrx.ops.recovery.checks.findings import Finding
from hrx.ops.recovery.checks.product import AuditHead
from hrx.ops.recovery.copy_server import Ground, conninfo_of, let_write
from hrx.ops.recovery.files_finding import check_named_files
from hrx.ops.recovery.planning import RestorePlan
from hrx.ops.recovery.restoring import OnStage, remove_copy, restore_beside
from hrx.ops.recovery.site import Site
from hrx.ops.recovery.targets import Meant
from hrx.ops.recovery.wal import format_lsn
from hrx.ops.seams.sessions import Session, opened_session
from hrx.ops.targets.machine.postgres import SUPERUSER

DATABASE: Final = "hrx"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
_FACTS: Final = "copy.json"
_LOCK: Final = "copy.lock"
#: Sockets need a port number in their name; no network is listened on.
_PORT: Final = 5432
_CHECK_TIMEOUT_S: Final = 3600.0
_STARTS_WITHIN_S: Final = 60.0
_SPOILED: Final = Finding(
    code="spoiled",
    is_well=False,
    title=Text(ja="予行", en="A rehearsal"),
    said=Text(ja="予行が書き込みました。もう写しではありません", en="One wrote to it: it is a copy no more"),
)


class CopyState(StrEnum):
    """How far a copy is."""

    RESTORING = "restoring"
    READY = "ready"
    WRONG = "wrong"
    FAILED = "failed"
    SWITCHED = "switched"


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyFacts:
    """What is known of one copy. Seconds by stage; `findings` as `Finding.as_dict`. `Any`: JSON."""

    name: str
    state: CopyState
    said: str
    meant: Mapping[str, str]
    began_at: datetime
    backup_ids: tuple[str, ...]
    data_bytes: int
    segments: int
    ended_at: datetime | None = None
    reached: str | None = None
    last_commit_at: datetime | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    findings: tuple[Mapping[str, Any], ...] = ()
    problem: Mapping[str, str] | None = None
    comparison: Mapping[str, Any] | None = None

    @property
    def is_well(self) -> bool:
        return self.state in (CopyState.READY, CopyState.SWITCHED)


def restore_copy(
    site: Site,
    plan: RestorePlan,
    meant: Meant,
    *,
    name: str,
    said: str,
    heads: Mapping[int, AuditHead] | None = None,
    directory: Path | None = None,
    timeout_s: float,
    on_stage: OnStage | None = None,
) -> CopyFacts:
    """Restore, check, and note it all. Gives the facts of a copy that is well or WRONG (a check says so).

    Raises what `restore_beside` raises (the copy is FAILED then), Conflict when somebody restores into it now
    or it is there already, Invalid for its name."""
    check_name(name)
    home = directory / name if directory else _home(site, name)
    with _locked(site, name):
        before = _find(site, name)
        if before is not None and before.is_well:
            raise Conflict(
                Text(ja=f"写し {name} はもうあります", en=f"There is a copy {name} already"),
                hint=Text(
                    ja=f"`hrx recover remove {name}` で消すか、`--name` で別の名前にします。",
                    en=f"Remove it with `hrx recover remove {name}`, or choose another `--name`.",
                ),
                code="recovery.copy_exists",
            )
        if before is not None:
            # One that failed, was killed, or did not pass its checks is ours to begin anew.
            remove_copy(ground_of(site, name))
        facts = CopyFacts(
            name=name,
            state=CopyState.RESTORING,
            said=said,
            meant={"ja": meant.words.ja, "en": meant.words.en},
            began_at=clock.now(),
            backup_ids=tuple(one.id for one in plan.chain),
            data_bytes=plan.data_bytes,
            segments=len(plan.segments) + (plan.tail is not None),
        )
        _write(site, facts, home=home)
        try:
            found = restore_beside(
                site.vault,
                plan,
                _ground(site, name, home),
                timeout_s=timeout_s,
                on_stage=on_stage,
                fetch_base=fetcher_of(site),
            )
            facts = replace(
                facts,
                reached=format_lsn(found.reached),
                # Nothing was replayed onto a backup that ended just before: the records know what came last.
                last_commit_at=found.last_commit_at or (meant.last.at if meant.last else None),
                seconds=found.seconds,
            )
            if on_stage:
                on_stage("checks")
            findings = check(site, name, target=plan.target.time, heads=heads, home=home)
        except HrxError as error:
            _write(site, replace(facts, state=CopyState.FAILED, problem=_say(error)), home=home)
            raise
        facts = replace(
            facts,
            state=CopyState.READY if all(one.is_well for one in findings) else CopyState.WRONG,
            ended_at=clock.now(),
            seconds={**facts.seconds, "checks": round(sum(one.seconds for one in findings), 3)},
            findings=tuple(one.as_dict() for one in findings),
        )
        _write(site, facts, home=home)
        return facts


def check(
    site: Site,
    name: str,
    *,
    target: datetime | None,
    heads: Mapping[int, AuditHead] | None = None,
    home: Path | None = None,
) -> tuple[Finding, ...]:
    """Every check on a running copy. Raises SessionLost."""
    ground = _ground(site, name, home or home_of(site, name))
    with _opened(ground) as session:
        found = check_copy(session, target=target, heads=heads)
        return (*found, check_named_files(session, site.vault, site.files_dir))


def note_comparison(site: Site, name: str, comparison: Mapping[str, Any]) -> CopyFacts:
    """Keep what a comparison said with the copy."""
    facts = get_copy(site, name)
    changed = replace(facts, comparison=comparison)
    _write(site, changed, home=home_of(site, name))
    return changed


def note_state(site: Site, name: str, state: CopyState) -> None:
    """Keep how far it is."""
    _write(site, replace(get_copy(site, name), state=state), home=home_of(site, name))


def spoil(site: Site, name: str, *, owner: str) -> tuple[str, str]:
    """Let a copy be written to, for a rehearsal; gives the URL of the role `owner` and the superuser's.

    It is noted first, as a check that failed: nobody can switch to it from then on. Raises NotFound, Conflict
    when one switched to it or it was never whole, SessionLost."""
    with _locked(site, name):
        facts = get_copy(site, name)
        if facts.state not in (CopyState.READY, CopyState.WRONG):
            raise Conflict(
                Text(
                    ja=f"写し {name} は書き込める状態ではありません({facts.state.value})",
                    en=f"Copy {name} is none to be spoiled ({facts.state.value})",
                ),
                hint=Text(
                    ja="`hrx recover restore --to latest --name rehearsal` で作ります。",
                    en="Make one: `hrx recover restore --to latest --name rehearsal`.",
                ),
                code="recovery.copy_not_to_be_spoiled",
            )
        others = (one for one in facts.findings if one["code"] != _SPOILED.code)
        found = replace(facts, state=CopyState.WRONG, findings=(*others, _SPOILED.as_dict()))
        _write(site, found, home=home_of(site, name))
        cluster = ground_of(site, name).cluster
        if not cluster.is_running():
            cluster.start(timeout_s=_STARTS_WITHIN_S)
        let_write(cluster, database=DATABASE)
    where = f"/{DATABASE}?host={quote(str(cluster.socket_dir), safe='')}&port={cluster.port}"
    return f"postgresql://{owner}@{where}", f"postgresql://{SUPERUSER}@{where}"


@contextmanager
def opened_copy(site: Site, name: str) -> Iterator[Session]:
    """A superuser's session in the product's database of a running copy. Raises NotFound, SessionLost."""
    get_copy(site, name)
    with _opened(ground_of(site, name)) as session:
        yield session


def list_copies(site: Site) -> list[CopyFacts]:
    """Every copy that this machine knows, the newest first; one whose restore was killed is FAILED."""
    found = (_find(site, path.parent.name) for path in (site.recovery_dir / "copies").glob(f"*/{_FACTS}"))
    return sorted((one for one in found if one), key=lambda one: one.began_at, reverse=True)


def get_copy(site: Site, name: str) -> CopyFacts:
    """Raises NotFound."""
    found = _find(site, name) if _NAME.fullmatch(name) else None
    if found is None:
        names = " ".join(one.name for one in list_copies(site)) or "–"
        raise NotFound(
            Text(ja=f"写し {name} はありません", en=f"There is no copy {name}"),
            hint=Text(ja=f"あるのは: {names}", en=f"There are: {names}"),
            code="recovery.no_copy",
        )
    return found


def remove(site: Site, name: str) -> None:
    """Stop it and take it away; harmless when half of it is gone. Raises NotFound, Conflict."""
    get_copy(site, name)
    with _locked(site, name):
        remove_copy(ground_of(site, name))
        folder = _home(site, name)
        for path in (folder / _FACTS, folder / _LOCK):
            path.unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def ground_of(site: Site, name: str) -> Ground:
    """Where a copy is, and how it is reached."""
    return _ground(site, name, home_of(site, name))


def home_of(site: Site, name: str) -> Path:
    """The folder with the copy's data, which may be on another disk than its facts."""
    told = _read(site, name)
    return Path(str(told["home"])) if told else _home(site, name)


def is_running(site: Site, name: str) -> bool:
    return ground_of(site, name).cluster.is_running()


def _opened(ground: Ground) -> Any:
    return opened_session(conninfo_of(ground.cluster, database=DATABASE), timeout_s=_CHECK_TIMEOUT_S)


def _ground(site: Site, name: str, home: Path) -> Ground:
    mark = hashlib.sha256(f"{site.layout.var}/{name}".encode()).hexdigest()[:8]
    cluster = site.cluster_at(home / "copy" / "data", port=_PORT)
    return Ground(
        directory=home / "copy",
        port=_PORT,
        socket_dir=site.layout.sockets / f"copy-{mark}",
        run_as=cluster.run_as,
        install_dir=cluster.install_dir,
        receiver_dir=site.received_dir,
    )


def _home(site: Site, name: str) -> Path:
    return site.recovery_dir / "copies" / name


def check_name(name: str) -> None:
    """Raises Invalid for a name that no copy can have."""
    if not _NAME.fullmatch(name):
        raise Invalid(
            Text(
                ja="写しの名前は英小文字、数字、- で 31 字までです",
                en="A copy's name has small letters, digits and -, 31 at most",
            ),
            code="recovery.copy_name",
        )


@contextmanager
def _locked(site: Site, name: str) -> Iterator[None]:
    folder = _home(site, name)
    folder.mkdir(parents=True, exist_ok=True)
    for path in (site.recovery_dir, site.recovery_dir / "copies", folder):
        # The server's user passes through; nothing in it can be listed by others.
        path.chmod(0o711)
    with (folder / _LOCK).open("w") as turn:
        try:
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Conflict(
                Text(ja=f"写し {name} は今復元中です", en=f"Copy {name} is being restored now"),
                hint=Text(
                    ja="終わるのを待つか、`--name` で別の名前にします。",
                    en="Wait until it ends, or choose another `--name`.",
                ),
                code="recovery.copy_busy",
            ) from None
        yield


def _is_locked(site: Site, name: str) -> bool:
    try:
        with (_home(site, name) / _LOCK).open("r") as turn:
            fcntl.flock(turn, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _find(site: Site, name: str) -> CopyFacts | None:
    told = _read(site, name)
    if told is None:
        return None
    del told["home"]
    facts = CopyFacts(
        **{
            **told,
            "state": CopyState(told["state"]),
            "began_at": datetime.fromisoformat(told["began_at"]),
            "ended_at": _moment(told["ended_at"]),
            "last_commit_at": _moment(told["last_commit_at"]),
            "backup_ids": tuple(told["backup_ids"]),
            "findings": tuple(told["findings"]),
        }
    )
    if facts.state is CopyState.RESTORING and not _is_locked(site, name):
        return replace(facts, state=CopyState.FAILED)
    return facts


def _read(site: Site, name: str) -> dict[str, Any] | None:
    try:
        told: dict[str, Any] = orjson.loads((_home(site, name) / _FACTS).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    return told


def _write(site: Site, facts: CopyFacts, *, home: Path) -> None:
    path = _home(site, facts.name) / _FACTS
    draft = path.with_suffix(".new")
    draft.write_bytes(orjson.dumps({**asdict(facts), "home": str(home)}, option=orjson.OPT_INDENT_2))
    draft.replace(path)


def _moment(said: str | None) -> datetime | None:
    return datetime.fromisoformat(said) if said else None


def _say(error: HrxError) -> dict[str, str]:
    return {"code": error.stable_code, "ja": error.message.ja, "en": error.message.en}


def broken(facts: CopyFacts) -> Sequence[Mapping[str, Any]]:
    """The findings that are not well."""
    return [one for one in facts.findings if not one["is_well"]]
