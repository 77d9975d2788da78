"""Known holes in the Python packages: pip-audit where it is installed, advisories on this disk, or both."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import orjson

from hrx.kit.errors import Text
from hrx.ops.release.building.locks import list_locks, list_python
from hrx.ops.release.checking.auditing.holes import Hole
from hrx.ops.release.checking.auditing.judging import Answer, judge
from hrx.ops.release.checking.auditing.offline import ask_disk
from hrx.ops.release.checking.auditing.packages import PYPI
from hrx.ops.release.checking.programs import find_program, run_program
from hrx.ops.release.checking.results import Bench, Checked

_PROGRAM: Final = "pip-audit"
_WHO: Final = Text(ja="pip-audit", en="pip-audit")
_TODO: Final = Text(
    ja="PyPI か OSV に届く機械に pip-audit を入れるか(`pip install pip-audit`)、"
    "HRX_ADVISORIES_DIR に OSV のアドバイザリを置く",
    en="install pip-audit (`pip install pip-audit`) where it reaches PyPI or OSV, or put OSV's advisories "
    "into HRX_ADVISORIES_DIR",
)


def check_audit_python(bench: Bench) -> Checked:
    """The lock files of the release, against everything that is known here."""
    packages = list_python(bench.tree)
    answers = [
        one
        for one in (ask_disk(bench.settings, packages, ecosystem=PYPI), _ask_pip_audit(bench, bench.tree))
        if one is not None
    ]
    return judge(bench, answers, packages=len(packages), todo=_TODO)


def _ask_pip_audit(bench: Bench, tree: Path) -> Answer | None:
    program = find_program(_PROGRAM, beside=bench.layout.root / ".venv" / "bin")
    if program is None:
        if bench.settings.advisories_dir is not None:
            return None
        return Answer(who=_WHO, unknown=Text(ja="pip-audit がありません", en="there is no pip-audit"))
    locks = [part for lock in list_locks(tree) for part in ("--requirement", lock.name)]
    argv = [
        program, *locks, "--require-hashes", "--disable-pip", "--format", "json",
        "--progress-spinner", "off", "--timeout", "15",
    ]  # fmt: skip
    within_s = bench.settings.audit_timeout_s
    ran = run_program(argv, cwd=tree, timeout_s=within_s, log=bench.folder / "pip-audit.log")
    if ran.code is None:
        return Answer(
            who=_WHO,
            unknown=Text(
                ja=f"pip-audit が {within_s:g} 秒で答えません",
                en=f"pip-audit gave no answer in {within_s:g} s",
            ),
        )
    try:
        return _read(orjson.loads(ran.out))
    except (ValueError, KeyError, TypeError, AttributeError):
        said = ran.tail.splitlines()[-1:] or [f"exit {ran.code}"]
        return Answer(
            who=_WHO,
            unknown=Text(
                ja=f"pip-audit が答えを得られません({said[0]})", en=f"pip-audit has no answer ({said[0]})"
            ),
        )


# `Any`: a document of another program.
def _read(document: Any) -> Answer:
    holes, skipped, answered = [], [], 0
    for one in document["dependencies"]:
        if "skip_reason" in one:
            # It ends well and says that nothing was found when its database knows none of the packages.
            skipped.append(str(one["name"]))
            continue
        answered += 1
        holes += [_to_hole(one, told) for told in one["vulns"]]
    unknown = None
    if skipped or not answered:
        unknown = Text(
            ja=f"pip-audit のデータベースは {len(skipped)} パッケージを知りません",
            en=f"pip-audit's database does not know {len(skipped)} of the packages",
        )
    return Answer(who=_WHO, holes=tuple(holes), unknown=unknown)


def _to_hole(one: Any, told: Any) -> Hole:
    return Hole(
        package=str(one["name"]),
        version=str(one["version"]),
        id=str(told["id"]),
        aliases=frozenset(map(str, told.get("aliases") or ())),
        fixed=tuple(map(str, told.get("fix_versions") or ())),
        summary=str(told.get("description") or "").strip()[:200],
    )
