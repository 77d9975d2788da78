"""Programs out of Debian packages, without root: a private apt root, `apt-get download`, `dpkg -x`.

The archive's address is always the one this machine already uses; only the suite may be another. What apt
fetched is vouched for by the distribution's signature and, when pinned, by our own SHA-256 as well."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.kit.errors import Refused, Text, Unavailable

_UPDATE_TIMEOUT_S: Final = 180
_DOWNLOAD_TIMEOUT_S: Final = 300
_QUERY_TIMEOUT_S: Final = 30
_KEYRINGS: Final[Mapping[str, str]] = {
    "debian": "/usr/share/keyrings/debian-archive-keyring.gpg",
    "ubuntu": "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One archive of the machine: where, which suite, which components, whose signature."""

    uri: str
    suite: str
    components: tuple[str, ...]
    keyring: str | None

    def line(self) -> str:
        options = f"[signed-by={self.keyring}] " if self.keyring else ""
        return f"deb {options}{self.uri} {self.suite} {' '.join(self.components)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A package version that an archive offers."""

    package: str
    version: str
    suite: str


def is_possible() -> bool:
    """Whether this machine has the programs that fetching and unpacking need."""
    return all(shutil.which(program) for program in ("apt-get", "apt-cache", "dpkg"))


def read_sources(etc: Path = Path("/etc/apt"), *, os_release: Path = Path("/etc/os-release")) -> list[Source]:
    """The distribution's own archives as this machine is configured, plus trixie beside a Debian suite."""
    release = _read_os_release(os_release)
    codename, distribution = release.get("VERSION_CODENAME", ""), release.get("ID", "")
    own = {codename, f"{codename}-updates", f"{codename}-security"}
    keyring = _KEYRINGS.get(distribution)
    found = [source for source in _all_sources(etc) if source.suite in own and "main" in source.components]
    found = [source if source.keyring else _with_keyring(source, keyring) for source in found]
    base = next((source for source in found if source.suite == codename), None)
    if base is not None and distribution == "debian" and codename != "trixie":
        found.append(
            Source(uri=base.uri, suite="trixie", components=("main",), keyring=base.keyring or keyring)
        )
    return found


class AptRoot:
    """A private apt state below one folder; nothing of the system's is read but its addresses and keys."""

    def __init__(self, folder: Path, *, sources: Sequence[Source]) -> None:
        self.folder = folder
        self.sources = sources

    def update(self) -> None:
        """Fetch the package lists. Raises Unavailable when no archive answers."""
        self._write()
        done = self._apt("apt-get", "-q", "update", timeout_s=_UPDATE_TIMEOUT_S)
        lists = list((self.folder / "lists").glob("*_Packages*"))
        if not lists:
            raise Unavailable(
                Text(
                    ja=f"パッケージの一覧を取得できません: {_last_error(done)}",
                    en=f"Package lists cannot be fetched: {_last_error(done)}",
                ),
                code="tools.no_lists",
            )

    def list_candidates(self, package: str) -> list[Candidate]:
        """Versions on offer, newest first, with the suite of each."""
        done = self._apt("apt-cache", "madison", package, timeout_s=_QUERY_TIMEOUT_S)
        candidates = []
        for line in done.stdout.splitlines():
            name, version, place = (part.strip() for part in line.split("|", 2))
            suite = place.split(" ")[1].partition("/")[0]
            candidates.append(Candidate(package=name, version=version, suite=suite))
        return candidates

    def download(self, candidate: Candidate) -> Path:
        """Fetch one package. Raises Unavailable when it does not arrive."""
        archives = self.folder / "archives"
        archives.mkdir(exist_ok=True)
        wanted = f"{candidate.package}={candidate.version}"
        done = self._apt("apt-get", "-q", "download", wanted, timeout_s=_DOWNLOAD_TIMEOUT_S, cwd=archives)
        escaped = candidate.version.replace(":", "%3a")
        found = list(archives.glob(f"{candidate.package}_{escaped}_*.deb"))
        if done.returncode != 0 or not found:
            raise Unavailable(
                Text(
                    ja=f"{wanted} を取得できません: {_last_error(done)}",
                    en=f"{wanted} cannot be fetched: {_last_error(done)}",
                ),
                code="tools.download_failed",
            )
        return found[0]

    def architecture(self) -> str:
        done = subprocess.run(
            ["dpkg", "--print-architecture"], capture_output=True, text=True, timeout=10, check=True
        )
        return done.stdout.strip()

    def remove(self) -> None:
        """Drop lists and packages (100 MB) once what they gave is unpacked."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self) -> None:
        for name in (
            "lists/partial",
            "cache/archives/partial",
            "apt.conf.d",
            "preferences.d",
            "trusted.gpg.d",
        ):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        (self.folder / "sources.list").write_text("".join(f"{source.line()}\n" for source in self.sources))
        (self.folder / "apt.conf").write_text(_configuration(self.folder))

    def _apt(self, *argv: str, timeout_s: float, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "APT_CONFIG": str(self.folder / "apt.conf"), "LC_ALL": "C"}
        try:
            return subprocess.run(
                list(argv),
                env=environment,
                cwd=cwd or self.folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise Unavailable(
                Text(
                    ja=f"{argv[0]} が {timeout_s:g} 秒以内に終わりませんでした。",
                    en=f"{argv[0]} did not finish within {timeout_s:g} s.",
                ),
                code="tools.apt_timeout",
            ) from error


def verify_package(file: Path, *, sha256: str) -> None:
    """Raises Refused when the bytes are not the pinned ones."""
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != sha256:
        raise Refused(
            Text(
                ja=f"{file.name} のチェックサムが記録と違います。使いません。",
                en=f"{file.name} does not have the pinned checksum; it is not used.",
            ),
            code="tools.wrong_checksum",
        )


def unpack(file: Path, *, into: Path) -> None:
    """Unpack a package's files; none of its scripts run."""
    subprocess.run(["dpkg", "-x", str(file), str(into)], check=True, timeout=120, capture_output=True)


def relocate(program: Path, *, fixed_share: str) -> None:
    """Make a program that insists on an absolute folder look for `share` in its working directory instead.

    The path is overwritten by a relative one of the very same length (`./././share`), as package managers
    without root have long done; nothing else in the file moves. Harmless when done already."""
    wanted = fixed_share.encode()
    padding, odd = divmod(len(wanted) - len(b"share"), 2)
    relative = b"./" * padding + b"share" if not odd else b"./" * (padding - 1) + b".//share"
    content = program.read_bytes()
    if wanted not in content:
        return
    draft = program.with_name(program.name + ".new")
    draft.write_bytes(content.replace(wanted, relative))
    draft.chmod(0o755)
    draft.replace(program)


def missing_libraries(program: Path, *, library_dir: Path) -> list[str]:
    """Sonames that the loader cannot find for `program`, with `library_dir` searched as well."""
    done = subprocess.run(
        ["ldd", str(program)],
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "LD_LIBRARY_PATH": str(library_dir)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return sorted(set(re.findall(r"^\s*(\S+) => not found", done.stdout, re.M)))


def _configuration(folder: Path) -> str:
    lines = [
        f'Dir::State "{folder}";',
        f'Dir::State::lists "{folder}/lists";',
        f'Dir::State::status "{folder}/status";',
        f'Dir::Cache "{folder}/cache";',
        f'Dir::Etc "{folder}";',
        f'Dir::Etc::sourcelist "{folder}/sources.list";',
        'Dir::Etc::sourceparts "/dev/null";',
        'Acquire::Languages "none";',
        'Acquire::Retries "2";',
        'APT::Sandbox::User "root";',
    ]
    return "\n".join([*lines, *_system_proxies()]) + "\n"


def _system_proxies() -> list[str]:
    """The proxy lines of the machine's own apt, without which a company network is unreachable."""
    done = subprocess.run(
        ["apt-config", "dump", "Acquire"], capture_output=True, text=True, timeout=10, check=False
    )
    return [line for line in done.stdout.splitlines() if re.match(r"Acquire::https?::.*[Pp]roxy", line)]


def _read_os_release(path: Path) -> dict[str, str]:
    values: dict[str, str] = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        name, _, value = line.partition("=")
        values[name] = "".join(shlex.split(value))
    return values


def _all_sources(etc: Path) -> Iterable[Source]:
    for file in [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*"))]:
        if file.suffix == ".list" and file.is_file():
            yield from _one_line_sources(file.read_text())
        elif file.suffix == ".sources" and file.is_file():
            yield from _stanza_sources(file.read_text())


def _one_line_sources(text: str) -> Iterable[Source]:
    for line in text.splitlines():
        match = re.match(r"deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<rest>\S.*)", line.split("#")[0].strip())
        parts = match.group("rest").split() if match else []
        if match is None or len(parts) < 3:
            continue
        signed = re.search(r"signed-by=(\S+)", match.group("options") or "")
        yield Source(
            uri=parts[0],
            suite=parts[1],
            components=tuple(parts[2:]),
            keyring=signed.group(1) if signed else None,
        )


def _stanza_sources(text: str) -> Iterable[Source]:
    for stanza in re.split(r"\n\s*\n", text):
        fields = {
            name.strip().lower(): value.strip()
            for name, separator, value in (
                line.partition(":") for line in stanza.splitlines() if not line.startswith(("#", " "))
            )
            if separator
        }
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() == "no":
            continue
        keyring = fields.get("signed-by") or None
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                components = tuple(fields.get("components", "").split())
                yield Source(uri=uri, suite=suite, components=components, keyring=keyring)


def _with_keyring(source: Source, keyring: str | None) -> Source:
    return Source(uri=source.uri, suite=source.suite, components=source.components, keyring=keyring)


def _last_error(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in done.stderr.splitlines() if line.startswith(("E:", "W:"))]
    return " ".join(lines[-2:])[:300] or f"exit {done.returncode}"
