"""A release on a staging environment beside the living one: own folder, own ports, own data, own supervisor.

The product runs from the release's own folder, as in production, on the demo company's data. It stays up for
the end-to-end tests, until it is taken down or another release takes its place. Nothing of it is told a
setting of the living system, so that it reaches neither its data nor its channels."""

from __future__ import annotations

import secrets
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from hrx.kit.errors import Refused, Text
from hrx.ops.release.building.building import REQUIREMENTS, find_code
from hrx.ops.release.checking.programs import Ran, clean_environment, run_program
from hrx.ops.release.checking.results import Bench, Checked, failed, not_checked, passed
from hrx.ops.release.releases import Component, Outcome, Release
from hrx.ops.release.store import ReleaseStore
from hrx.ops.seams.http import HttpSeam
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.slot_code import WORKER, SlotCode, write_slot_code

_RECORD: Final = "staging.json"
_SIGN: Final = ".staging"
_SLOTS: Final = ("api-blue", "api-green", "web-blue", "web-green", WORKER)
_READY_WITHIN_S: Final = 300
_PORTS: Final = Path("run") / "ports.json"
_DOWN_WITHIN_S: Final = 180.0
_TODO: Final = Text(
    ja="`hrx release build` のあと `hrx release check staging --release rN`",
    en="`hrx release build`, then `hrx release check staging --release rN`",
)


class StagingUnsafe(Refused):
    """The folder named for staging is, holds, or is above what lives."""

    code = "staging.unsafe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Staging:
    """What is up there: written once it answered."""

    release: str
    url: str
    folder: Path

    @property
    def demo_password(self) -> str:
        """Of every account of its demo company. Raises OSError, KeyError."""
        lines = (self.folder / "secrets.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if line.startswith("HRX_"))["HRX_DEMO_PASSWORD"]


def check_staging(bench: Bench) -> Checked:
    """Up with this release, observed by its own start, which waits for every door. Raises StagingUnsafe."""
    folder = find_folder(bench.settings, bench.layout)
    release = bench.release
    if release is None:
        return not_checked(Text(ja="リリースの指定がありません", en="no release was named"), todo=_TODO)
    code = _find_built(bench, release)
    if code is None:
        return not_checked(
            Text(ja=f"{release.id} の成果物がありません", en=f"{release.id} was recorded, not built"),
            todo=_TODO,
        )
    if not _has_same_migrations(bench.layout, code):
        return not_checked(
            Text(
                ja=f"作業ツリーの移行は {release.id} のものではありません",
                en=f"this checkout's migrations are not those of {release.id}",
            ),
            todo=Text(ja=f"`git checkout {release.commit[:12]}`", en=f"`git checkout {release.commit[:12]}`"),
        )
    if _read_sign(folder) != release.id:
        # Rows of another version could stand on a schema that this one does not know.
        bench.tell(Text(ja="前の検証環境を片づける", en="clear what an older staging left"))
        ended = take_down(bench, wipe=True)
        if ended.outcome is not Outcome.PASSED:
            return ended
    _lay_out(folder, code, release=release.id)
    bench.tell(Text(ja="検証環境を起動する", en="bring staging up"))
    ran = _run(bench, "up", timeout_s=bench.settings.staging_timeout_s)
    if ran.code != 0:
        return failed(
            f"{release.id} が検証環境で起動しません: {_say(ran)}", f"{release.id} does not start: {_say(ran)}"
        )
    # `Any`: what the release's own command printed.
    told: Any = orjson.loads(ran.out)
    return _look(bench, Staging(release=release.id, url=str(told["portal"]), folder=folder), release)


def _look(bench: Bench, staging: Staging, release: Release) -> Checked:
    """Whether it is this release that answers there, asked from outside."""
    http = HttpSeam(timeout_s=bench.settings.smoke_timeout_s)
    try:
        seen = http.look_at_version(release.id, f"{staging.url}/version")
    finally:
        http.close()
    commit, wanted = str(seen.facts.get("commit", "")), release.commit[:12]
    if commit[:12] != wanted:
        return failed(
            f"{staging.url} で {wanted} ではなく {commit or '不明な版'} が答えます",
            f"{commit or 'an unknown version'} answers at {staging.url}, not {wanted}",
        )
    _write(staging)
    return passed(
        f"{release.id} が {staging.url} で動いています(デモのデータ。復元した複製は使っていません)",
        f"{release.id} is up at {staging.url}, with demo data (no restored copy)",
    )


def end_staging(bench: Bench) -> Checked:
    """Down, data kept; harmless when nothing is up. Raises StagingUnsafe."""
    return take_down(bench, wipe=False)


def take_down(bench: Bench, *, wipe: bool) -> Checked:
    """Everything of staging stopped, and forgotten when `wipe` says so; its ports stay the same."""
    folder = find_folder(bench.settings, bench.layout)
    if not folder.is_dir():
        return passed("検証環境はありません", "There is no staging")
    ran = _run(bench, "down", timeout_s=_DOWN_WITHIN_S)
    if ran.code != 0:
        return failed(f"検証環境を止められません: {_say(ran)}", f"Staging does not stop: {_say(ran)}")
    (folder / _RECORD).unlink(missing_ok=True)
    if wipe:
        _forget(folder)
    return passed("検証環境を止めました", "Staging is down")


def find_staging(settings: OpsSettings, layout: Layout) -> Staging | None:
    """What was brought up there last and not taken down. Raises StagingUnsafe."""
    folder = find_folder(settings, layout)
    try:
        told = orjson.loads((folder / _RECORD).read_bytes())
        return Staging(release=str(told["release"]), url=str(told["url"]), folder=folder)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def find_folder(settings: OpsSettings, layout: Layout) -> Path:
    """Where staging lives. Raises StagingUnsafe for a folder in which something else lives."""
    living = layout.var.resolve()
    folder = (settings.staging_dir or living / "staging").resolve()
    holds_living = folder == living or folder in living.parents or folder == layout.root.resolve()
    is_foreign = folder.is_dir() and any(folder.iterdir()) and not (folder / _SIGN).exists()
    if holds_living or is_foreign:
        raise StagingUnsafe(
            Text(
                ja=f"{folder} には検証環境ではないものがあります",
                en=f"{folder} holds something that is no staging",
            ),
            hint=Text(
                ja="HRX_STAGING_DIR に、空か、まだないフォルダを指定してください。",
                en="Set HRX_STAGING_DIR to a folder that is empty, or not there yet.",
            ),
        )
    return folder


def _lay_out(folder: Path, code: SlotCode, *, release: str) -> None:
    """The folder with its sign, and which code its slots run, as `hrx up` reads it. The sign names the
    release before anything starts: a start that was killed is gone on with, not begun anew."""
    (folder / "run").mkdir(parents=True, exist_ok=True)
    # The user who runs PostgreSQL and the like has to get through.
    folder.chmod(0o711)
    (folder / _SIGN).write_text(release)
    write_slot_code(folder / "run", dict.fromkeys(_SLOTS, code))
    web = folder / "web"
    home = web / (code.portal / ".next" / "BUILD_ID").read_text().strip()
    if not home.exists():
        web.mkdir(exist_ok=True)
        draft = web / f".{home.name}.{secrets.token_hex(4)}"
        shutil.copytree(code.portal, draft, symlinks=True)
        draft.rename(home)
    home.touch()


def _run(bench: Bench, command: str, *, timeout_s: float) -> Ran:
    """`hrx up` or `hrx down` on staging's folder and ports."""
    return run_program(
        [sys.executable, "-m", "hrx.cli", command, "--json"],
        cwd=bench.layout.root,
        timeout_s=timeout_s,
        log=bench.folder / f"staging-{command}.log",
        environment=_environment(bench),
    )


def _environment(bench: Bench) -> Mapping[str, str]:
    settings, layout = bench.settings, bench.layout
    return clean_environment(
        HRX_VAR_DIR=str(find_folder(settings, layout)),
        HRX_TOOLS_DIR=str(layout.tools),
        HRX_READS_ENV_FILE="false",
        HRX_EDGE_PORT=str(settings.staging_port),
        HRX_OPS_PORT=str(settings.staging_port + 1),
        HRX_INNER_PORT_SHIFT=str(settings.staging_port_shift),
        HRX_ENVIRONMENT="staging",
        # Two whole systems share this machine while it starts.
        HRX_READY_TIMEOUT_S=str(_READY_WITHIN_S),
        **({"HRX_SERVICE_USER": layout.user} if layout.user else {}),
    )


def _find_built(bench: Bench, release: Release) -> SlotCode | None:
    """Where its programs lie; None for one that was only recorded, or whose folder is gone."""
    api = release.components.get(Component.API)
    if api is None or REQUIREMENTS not in api.parts:
        return None
    code = find_code(ReleaseStore(bench.settings.var_dir / "releases"), release)
    return code if code.is_there else None


def _has_same_migrations(layout: Layout, code: SlotCode) -> bool:
    """A start migrates by what the checkout has; staging is to stand on the release's own schema."""
    ours, its = (
        {path.name: path.read_bytes() for path in (root / "migrations" / "versions").glob("*.py")}
        for root in (layout.root, code.code)
    )
    return ours == its


def _forget(folder: Path) -> None:
    """Everything but the sign and the ports, so that addresses stay."""
    ports = (folder / _PORTS).read_bytes() if (folder / _PORTS).exists() else None
    shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / _SIGN).touch()
    if ports is not None:
        (folder / _PORTS).parent.mkdir()
        (folder / _PORTS).write_bytes(ports)


def _read_sign(folder: Path) -> str:
    """The release whose data lies there; empty for none."""
    try:
        return (folder / _SIGN).read_text()
    except OSError:
        return ""


def _write(staging: Staging) -> None:
    draft = staging.folder / f"{_RECORD}.new"
    draft.write_bytes(orjson.dumps({"release": staging.release, "url": staging.url}))
    draft.replace(staging.folder / _RECORD)


def _say(ran: Ran) -> str:
    """Its own error in words, else the end of what it said."""
    try:
        return str(orjson.loads(ran.out)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return ran.tail if ran.code is not None else f"no end in time ({ran.log})"
