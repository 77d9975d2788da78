"""Getting the programs that are no package of Python or Node: PATH, else Debian, else a vendor's release.

What is missing in the end is an answer, not an exception: an optional tool costs a named feature, and only
whoever starts the stack knows whether it can go on without."""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from hrx.kit.errors import HrxError, Refused, Text
from hrx.ops.targets.machine import debian, users
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.release import fetch_release
from hrx.ops.targets.machine.settings import MachineSettings
from hrx.ops.targets.machine.tools import (
    Catalogue,
    Missing,
    Tool,
    ToolSpec,
    read_catalogue,
    upstream_version,
)

_VERSION_TIMEOUT_S: Final = 20
#: Libraries of libraries of libraries: deeper than that nothing known goes.
_LIBRARY_ROUNDS: Final = 3
#: Where distributions put servers; not on the PATH of ordinary users.
_EXTRA_PATH: Final = ("/usr/sbin", "/usr/local/sbin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """What there is and what there is not."""

    found: Mapping[str, Tool]
    missing: Mapping[str, Missing]


def find_tools(layout: Layout, settings: MachineSettings, *, may_fetch: bool = True) -> Toolchain:
    """Every known tool, fetched when missing and allowed; remembered, so that the next call costs nothing."""
    catalogue = read_catalogue(layout.root / "deploy" / "tools.json")
    layout.tools.mkdir(parents=True, exist_ok=True)
    with (layout.tools / ".lock").open("w") as lock:
        # Two stacks may share one folder of tools; the second waits for what the first fetches.
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _find_tools(layout, settings, catalogue=catalogue, may_fetch=may_fetch)


def _find_tools(
    layout: Layout, settings: MachineSettings, *, catalogue: Catalogue, may_fetch: bool
) -> Toolchain:
    found = _remembered(layout, catalogue)
    for spec in catalogue.tools:
        on_path = None if spec.name in found else _find_on_path(spec, user=layout.user)
        if on_path is not None:
            found[spec.name] = on_path
    wanted = [spec for spec in catalogue.tools if spec.name not in found]
    missing: dict[str, Missing] = {}
    if wanted and may_fetch:
        fetched, missing = _fetch(wanted, catalogue=catalogue, layout=layout, settings=settings)
        found |= fetched
    elif wanted:
        missing = {spec.name: Missing(spec=spec, reason=_NOT_INSTALLED) for spec in wanted}
    _remember(layout, found.values())
    return Toolchain(found=found, missing=missing)


_NOT_INSTALLED: Final = Text(ja="インストールされていません", en="not installed")


def _find_on_path(spec: ToolSpec, *, user: str | None) -> Tool | None:
    search = os.pathsep.join([os.environ.get("PATH", os.defpath), *_EXTRA_PATH])
    for name in spec.path_names:
        path = shutil.which(name, path=search)
        if path is None or not users.can_reach(Path(path).resolve(), user=user):
            continue
        version = _read_version(Path(path), spec)
        if version is not None and spec.accepts_version(version):
            return Tool(name=spec.name, path=Path(path), version=version, source="path")
    return None


def _read_version(path: Path, spec: ToolSpec, *, library_dir: Path | None = None) -> str | None:
    """The version that the program itself states; None when it does not run."""
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
    if library_dir is not None:
        environment["LD_LIBRARY_PATH"] = str(library_dir)
    try:
        done = subprocess.run(
            [str(path), spec.version_argument],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_VERSION_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"(?:version|Exporter) (\d+(?:\.\d+)+)", done.stdout + done.stderr)
    return match.group(1) if done.returncode == 0 and match else None


def _fetch(
    wanted: list[ToolSpec], *, catalogue: Catalogue, layout: Layout, settings: MachineSettings
) -> tuple[dict[str, Tool], dict[str, Missing]]:
    found: dict[str, Tool] = {}
    reasons: dict[str, Text] = {}
    if settings.tools == "auto" and debian.is_possible():
        found, reasons = _fetch_from_debian(wanted, catalogue=catalogue, layout=layout)
    for spec in wanted:
        if spec.name in found or spec.name not in settings.tools_releases:
            continue
        try:
            found[spec.name] = _fetch_from_vendor(spec, layout=layout, settings=settings)
        except HrxError as error:
            reasons[spec.name] = error.message
    missing = {
        spec.name: Missing(spec=spec, reason=reasons.get(spec.name, _NOT_INSTALLED))
        for spec in wanted
        if spec.name not in found
    }
    return found, missing


def _fetch_from_vendor(spec: ToolSpec, *, layout: Layout, settings: MachineSettings) -> Tool:
    release = settings.tools_releases[spec.name]
    path = fetch_release(release, into=layout.tools / "release", name=spec.name)
    version = _read_version(path, spec)
    if version is None or not spec.accepts_version(version):
        raise Refused(
            Text(
                ja=f"{spec.name} の版 {version} は使えません。",
                en=f"{spec.name} has version {version}, which is not accepted.",
            ),
            code="tools.wrong_version",
        )
    return Tool(name=spec.name, path=path, version=version, source="release")


def _fetch_from_debian(
    wanted: list[ToolSpec], *, catalogue: Catalogue, layout: Layout
) -> tuple[dict[str, Tool], dict[str, Text]]:
    sources = debian.read_sources()
    apt = debian.AptRoot(layout.tools / f"apt.{secrets.token_hex(4)}", sources=sources)
    found: dict[str, Tool] = {}
    reasons: dict[str, Text] = {}
    try:
        apt.update()
        unpacked: dict[str, tuple[Path, debian.Candidate]] = {}
        for spec in wanted:
            try:
                found[spec.name] = _install(
                    spec, apt=apt, catalogue=catalogue, layout=layout, unpacked=unpacked
                )
            except HrxError as error:
                reasons[spec.name] = error.message
    except HrxError as error:
        reasons = {spec.name: error.message for spec in wanted}
    finally:
        apt.remove()
    return found, reasons


def _install(
    spec: ToolSpec,
    *,
    apt: debian.AptRoot,
    catalogue: Catalogue,
    layout: Layout,
    unpacked: dict[str, tuple[Path, debian.Candidate]],
) -> Tool:
    """Unpack the package that holds this tool (once) with the libraries it lacks, and see the tool run."""
    if spec.package not in unpacked:
        candidate = _choose(spec, apt=apt, catalogue=catalogue)
        folder = layout.tools / f"{candidate.package}-{candidate.version}".replace(":", "%3a")
        unpacked[spec.package] = (_unpack(candidate, into=folder, apt=apt, catalogue=catalogue), candidate)
    folder, candidate = unpacked[spec.package]
    program = folder / spec.program
    if spec.fixed_share:
        debian.relocate(program, fixed_share=spec.fixed_share)
    library_dir = _add_libraries(program, folder=folder, suite=candidate.suite, apt=apt, catalogue=catalogue)
    version = _read_version(program, spec, library_dir=library_dir)
    if version is None:
        raise Refused(
            Text(
                ja=f"{candidate.package} {candidate.version} がこの機械で動きません。",
                en=f"{candidate.package} {candidate.version} does not run on this machine.",
            ),
            code="tools.does_not_run",
        )
    return Tool(
        name=spec.name,
        path=program,
        version=version,
        source="debian",
        library_dir=library_dir,
        share_dir=folder / spec.fixed_share.lstrip("/") if spec.fixed_share else None,
        remark=_remark(candidate, catalogue=catalogue, architecture=apt.architecture()),
    )


def _choose(spec: ToolSpec, *, apt: debian.AptRoot, catalogue: Catalogue) -> debian.Candidate:
    """The best version on offer: suites in the tool's order, a tested version before an untested one."""
    architecture = apt.architecture()
    for suite in spec.suites:
        for package in filter(None, (spec.package, spec.also_in)):
            offered = [
                candidate
                for candidate in apt.list_candidates(package)
                if (candidate.suite == "trixie") == (suite == "trixie")
                and spec.accepts_version(candidate.version)
            ]
            # Newest first: a security update beats the version that was tested.
            if offered:
                return offered[0]
    raise Refused(
        Text(
            ja=f"{spec.package} の使える版が見つかりません({architecture})。",
            en=f"No accepted version of {spec.package} is on offer ({architecture}).",
        ),
        code="tools.no_candidate",
    )


def _unpack(candidate: debian.Candidate, *, into: Path, apt: debian.AptRoot, catalogue: Catalogue) -> Path:
    file = apt.download(candidate)
    pin = catalogue.pins.get((candidate.package, candidate.version, apt.architecture()))
    if pin is not None:
        debian.verify_package(file, sha256=pin)
    into.mkdir(parents=True, exist_ok=True)
    into.chmod(0o755)
    debian.unpack(file, into=into)
    return into


def _add_libraries(
    program: Path, *, folder: Path, suite: str, apt: debian.AptRoot, catalogue: Catalogue
) -> Path | None:
    """Unpack what the loader does not find, from the same suite; the folder to search, None when unneeded."""
    library_dir = folder / "libraries"
    for _ in range(_LIBRARY_ROUNDS):
        lacking = debian.missing_libraries(program, library_dir=library_dir)
        if not lacking:
            break
        for soname in lacking:
            _add_library(soname, into=library_dir, suite=suite, apt=apt, catalogue=catalogue)
    return library_dir if library_dir.exists() else None


def _add_library(soname: str, *, into: Path, suite: str, apt: debian.AptRoot, catalogue: Catalogue) -> None:
    for package in catalogue.libraries.get(soname, ()):
        for candidate in apt.list_candidates(package):
            if (candidate.suite == "trixie") != (suite == "trixie"):
                continue
            staging = _unpack(
                candidate, into=into.with_name(f"unpack-{package}"), apt=apt, catalogue=catalogue
            )
            into.mkdir(mode=0o755, exist_ok=True)
            for library in staging.rglob("*.so*"):
                shutil.copy2(library, into / library.name, follow_symlinks=False)
            shutil.rmtree(staging)
            return
    raise Refused(
        Text(ja=f"ライブラリ {soname} が見つかりません。", en=f"The library {soname} is not to be had."),
        code="tools.no_library",
    )


def _remark(candidate: debian.Candidate, *, catalogue: Catalogue, architecture: str) -> Text | None:
    if (candidate.package, candidate.version, architecture) in catalogue.pins:
        return None
    return Text(
        ja=f"{candidate.version} は試験済みの版ではありません(配布元の署名は確認済み)",
        en=f"{candidate.version} is not a version we tested (its distribution's signature was checked)",
    )


def _remembered(layout: Layout, catalogue: Catalogue) -> dict[str, Tool]:
    """Tools found earlier that are still there and still accepted."""
    try:
        entries = json.loads((layout.tools / "found.json").read_text())
    except (OSError, ValueError):
        return {}
    specs = {spec.name: spec for spec in catalogue.tools}
    found: dict[str, Tool] = {}
    for entry in entries:
        path, library_dir = Path(entry["path"]), entry["library_dir"]
        spec = specs.get(entry["name"])
        if spec is None or not path.is_file() or not spec.accepts_version(upstream_version(entry["version"])):
            continue
        found[spec.name] = Tool(
            name=spec.name,
            path=path,
            version=entry["version"],
            source=entry["source"],
            library_dir=Path(library_dir) if library_dir else None,
            share_dir=Path(entry["share_dir"]) if entry.get("share_dir") else None,
            remark=Text(**entry["remark"]) if entry["remark"] else None,
        )
    return found


def _remember(layout: Layout, tools: Iterable[Tool]) -> None:
    entries = [asdict(tool) for tool in tools]
    draft = layout.tools / "found.json.new"
    draft.write_text(json.dumps(entries, default=str, ensure_ascii=False, indent=1) + "\n")
    draft.replace(layout.tools / "found.json")
