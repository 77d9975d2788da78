"""Tools come from PATH, Debian or a release; what cannot be trusted is not used, what is missing is named."""

from __future__ import annotations

import hashlib
import io
import os
import pwd
import site
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hrx.kit.errors import Refused, Unavailable
from hrx.ops.targets.machine import debian
from hrx.ops.targets.machine.environment import checkout
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.release import fetch_release
from hrx.ops.targets.machine.settings import MachineSettings, ToolRelease
from hrx.ops.targets.machine.toolchain import Toolchain, find_tools
from hrx.ops.targets.machine.tools import read_catalogue, upstream_version

MIRROR = "http://mirror.example/debian"
FAKE_HAPROXY = b"#!/bin/sh\necho 'HAProxy version 2.8.5'\n"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def vendor(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A vendor's download server: its address and its folder."""
    home = tmp_path / "vendor"
    home.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(home)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", home
    server.shutdown()
    server.server_close()
    thread.join()


def make_release(vendor: tuple[str, Path], *, content: bytes = FAKE_HAPROXY) -> ToolRelease:
    url, home = vendor
    with tarfile.open(home / "tool.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("haproxy-2.8/haproxy")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    digest = hashlib.sha256((home / "tool.tar.gz").read_bytes()).hexdigest()
    return ToolRelease(url=f"{url}/tool.tar.gz", sha256=digest, member="haproxy-2.8/haproxy")


def test_a_release_is_used_only_with_the_right_checksum(vendor: tuple[str, Path], tmp_path: Path) -> None:
    release = make_release(vendor)
    path = fetch_release(release, into=tmp_path / "tools", name="haproxy")
    assert path.read_bytes() == FAKE_HAPROXY
    assert path.stat().st_mode & 0o111
    wrong = release.model_copy(update={"sha256": "0" * 64})
    with pytest.raises(Refused):
        fetch_release(wrong, into=tmp_path / "other", name="haproxy")
    assert list((tmp_path / "other").iterdir()) == []


def test_a_release_over_an_unencrypted_address_is_refused_and_an_absent_one_is_said(
    vendor: tuple[str, Path], tmp_path: Path
) -> None:
    release = make_release(vendor)
    with pytest.raises(Refused):
        fetch_release(
            release.model_copy(update={"url": "http://example.com/x"}), into=tmp_path / "t", name="x"
        )
    with pytest.raises(Unavailable):
        fetch_release(
            release.model_copy(update={"url": f"{vendor[0]}/absent"}), into=tmp_path / "t", name="x"
        )
    with pytest.raises(Refused):
        fetch_release(release.model_copy(update={"member": "no/such"}), into=tmp_path / "t", name="x")


@pytest.mark.req("R1-3")
def test_without_debian_a_release_is_used_and_what_is_still_missing_is_named(
    layout: Layout, vendor: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = Layout(root=layout.root, var=layout.var, user=layout.user, tools=layout.var / "own-tools")
    monkeypatch.setenv("PATH", "/nonexistent")
    settings = MachineSettings(tools="path", tools_releases={"haproxy": make_release(vendor)})
    found = find_tools(bare, settings)
    assert found.found["haproxy"].source == "release"
    assert found.found["haproxy"].version == "2.8.5"
    assert "prometheus" in found.missing
    assert found.missing["prometheus"].spec.affects.en == "collecting metrics and evaluating alerts"
    assert not found.missing["prometheus"].spec.is_required


def test_a_program_on_the_path_is_used_when_its_version_is_accepted(
    layout: Layout, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, version in (("haproxy", "2.9.1"), ("promtool", "1.8.0")):
        (folder / name).write_text(f"#!/bin/sh\necho '{name} version {version}'\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    bare = Layout(root=layout.root, var=layout.var, user=layout.user, tools=layout.var / "own-tools")
    found = find_tools(bare, MachineSettings(tools="path"))
    assert found.found["haproxy"].path == folder / "haproxy"
    assert "promtool" in found.missing


def test_the_archives_of_this_machine_are_used_and_others_are_not(tmp_path: Path) -> None:
    etc = tmp_path / "apt"
    (etc / "sources.list.d").mkdir(parents=True)
    (etc / "sources.list").write_text(
        f"# deb {MIRROR} sid main\ndeb [arch=amd64 signed-by=/k.gpg] {MIRROR} bookworm main contrib\n"
        "deb http://third.example/apt cloud-bookworm main\ndeb-src http://x.example bookworm main\n"
    )
    (etc / "sources.list.d" / "security.sources").write_text(
        "Types: deb\nURIs: http://security.example/debian-security\nSuites: bookworm-security\n"
        "Components: main\n\nTypes: deb\nEnabled: no\nURIs: http://off.example\nSuites: bookworm\n"
        "Components: main\n"
    )
    (etc / "sources.list.d" / "old.sources.disabled").write_text("Types: deb\nURIs: http://off.example\n")
    release = tmp_path / "os-release"
    release.write_text('ID=debian\nVERSION_CODENAME="bookworm"\n')
    sources = debian.read_sources(etc, os_release=release)
    assert [(source.uri, source.suite) for source in sources] == [
        (MIRROR, "bookworm"),
        ("http://security.example/debian-security", "bookworm-security"),
        (MIRROR, "trixie"),
    ]
    assert sources[0].line() == f"deb [signed-by=/k.gpg] {MIRROR} bookworm main contrib"
    assert sources[2].keyring == "/k.gpg"
    assert sources[1].keyring == "/usr/share/keyrings/debian-archive-keyring.gpg"


def test_a_package_with_other_bytes_than_the_pinned_ones_is_refused(tmp_path: Path) -> None:
    package = tmp_path / "x.deb"
    package.write_bytes(b"bytes")
    debian.verify_package(package, sha256=hashlib.sha256(b"bytes").hexdigest())
    with pytest.raises(Refused):
        debian.verify_package(package, sha256=hashlib.sha256(b"other").hexdigest())


def test_a_compiled_in_folder_is_replaced_by_a_relative_one_of_the_same_length(tmp_path: Path) -> None:
    for fixed in ("/usr/share/prometheus/alertmanager", "/usr/share/odd/length"):
        program = tmp_path / "program"
        program.write_bytes(b"\x00before" + fixed.encode() + b"/ui/after\xff")
        debian.relocate(program, fixed_share=fixed)
        debian.relocate(program, fixed_share=fixed)
        content = program.read_bytes()
        assert len(content) == len(fixed) + 17
        relative = content[7 : 7 + len(fixed)].decode()
        assert os.path.normpath(relative) == "share"


def test_every_pin_belongs_to_a_version_that_is_accepted() -> None:
    catalogue = read_catalogue(checkout() / "deploy" / "tools.json")
    specs = {spec.package: spec for spec in catalogue.tools}
    for package, version, architecture in catalogue.pins:
        assert architecture in ("amd64", "arm64")
        assert package not in specs or specs[package].accepts_version(version)
    assert upstream_version("1:2.53.3+ds1-2") == "2.53.3"
    assert not specs["haproxy"].accepts_version("2.3.9")
    assert not specs["haproxy"].accepts_version("4.0")


def find_python_open_to(user: str | None) -> str:
    """A Python of our version that `user` may run; ours may live in a closed home folder."""
    minor = f"python3.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/{minor}", f"/usr/local/bin/{minor}"):
        try:
            subprocess.run([candidate, "-V"], user=user, capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return candidate
    pytest.skip("no Python of this version is open to other users")


@pytest.mark.req("R1-1")
@pytest.mark.skipif(not debian.is_possible(), reason="needs a Debian or Ubuntu")
def test_the_edge_can_be_had_without_root_and_runs(folder: Path, tools: Toolchain) -> None:
    """The whole way as an ordinary user: private apt root, download, checksum, unpack, missing libraries."""
    script = (
        "from pathlib import Path\n"
        "from hrx.ops.targets.machine import debian, toolchain\n"
        "from hrx.ops.targets.machine.layout import Layout\n"
        "from hrx.ops.targets.machine.tools import read_catalogue\n"
        f"home, root = Path({str(folder / 'home')!r}), Path({str(checkout())!r})\n"
        "home.mkdir()\n"
        "layout = Layout(root=root, var=home, user=None, tools=home)\n"
        "catalogue = read_catalogue(root / 'deploy' / 'tools.json')\n"
        "wanted = [spec for spec in catalogue.tools if spec.name == 'haproxy']\n"
        "found, reasons = toolchain._fetch_from_debian(wanted, catalogue=catalogue, layout=layout)\n"
        "print(found['haproxy'].version if found else 'REASON ' + reasons['haproxy'].en)\n"
    )
    user = "nobody" if os.geteuid() == 0 else None
    folder.chmod(0o777)
    done = subprocess.run(
        [find_python_open_to(user), "-c", script],
        user=user,
        group=pwd.getpwnam(user).pw_gid if user else None,
        extra_groups=[] if user else None,
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": os.pathsep.join([str(checkout() / "src"), *site.getsitepackages()]),
            "HOME": str(folder),
        },
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    if "Package lists cannot be fetched" in done.stdout:
        pytest.skip("no Debian archive can be reached")
    assert done.stdout.strip().startswith(("2.", "3.")), done.stdout + done.stderr
