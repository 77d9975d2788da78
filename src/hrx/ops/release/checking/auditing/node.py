"""Known holes in the portal's packages: what npm's registry knows, advisories on this disk, or both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from hrx.kit.errors import Text
from hrx.ops.release.checking.auditing.holes import Hole, read_severity
from hrx.ops.release.checking.auditing.judging import Answer, judge
from hrx.ops.release.checking.auditing.offline import ask_disk
from hrx.ops.release.checking.auditing.packages import NPM, list_node
from hrx.ops.release.checking.programs import clean_environment, find_program, run_program
from hrx.ops.release.checking.results import Bench, Checked

_WHO: Final = Text(ja="npm audit", en="npm audit")
_TODO: Final = Text(
    ja="監査に答える npm レジストリに届く所で実行するか、HRX_ADVISORIES_DIR に OSV のアドバイザリを置く",
    en="run it where a registry of npm answers audits, or put OSV's advisories into HRX_ADVISORIES_DIR",
)
#: npm asks again after a failure, each time more patiently; our own limit is the one that counts.
_ASK_ONCE: Final = {"npm_config_fetch_retries": "0", "npm_config_update_notifier": "false"}


def check_audit_node(bench: Bench) -> Checked:
    """The portal's lock file, without the tools of development, against everything that is known here."""
    packages = list_node(bench.tree)
    versions: dict[str, list[str]] = {}
    for one in packages:
        versions.setdefault(one.name, []).append(one.version)
    answers = [
        one
        for one in (ask_disk(bench.settings, packages, ecosystem=NPM), _ask_npm(bench, versions))
        if one is not None
    ]
    return judge(bench, answers, packages=len(packages), todo=_TODO)


def _ask_npm(bench: Bench, versions: Mapping[str, list[str]]) -> Answer:
    program = find_program("npm")
    if program is None:
        return Answer(who=_WHO, unknown=Text(ja="npm がありません", en="there is no npm"))
    within_s = bench.settings.audit_timeout_s
    ran = run_program(
        [program, "audit", "--json", "--omit=dev", "--package-lock-only"],
        cwd=_web(bench.tree),
        timeout_s=within_s,
        log=bench.folder / "npm-audit.log",
        environment=clean_environment(**_ASK_ONCE, npm_config_fetch_timeout=str(int(within_s * 1000))),
    )
    if ran.code is None:
        return Answer(
            who=_WHO,
            unknown=Text(
                ja=f"npm audit が {within_s:g} 秒で答えません",
                en=f"npm audit gave no answer in {within_s:g} s",
            ),
        )
    return _read(ran.out, tail=ran.tail, versions=versions)


def _read(said: str, *, tail: str, versions: Mapping[str, list[str]]) -> Answer:
    try:
        # `Any`: a document of another program.
        document: Any = orjson.loads(said)
        found = document["vulnerabilities"]
        if not isinstance(found, dict) or "metadata" not in document:
            raise ValueError("no report")
        holes = tuple(hole for one in found.values() for hole in _list_holes(one, versions))
    except (ValueError, KeyError, TypeError, AttributeError):
        why = _say_why(said) or (tail.splitlines() or ["-"])[0]
        return Answer(
            who=_WHO,
            unknown=Text(ja=f"npm audit が答えを得られません({why})", en=f"npm audit has no answer ({why})"),
        )
    return Answer(who=_WHO, holes=holes)


def _list_holes(one: Any, versions: Mapping[str, list[str]]) -> Iterator[Hole]:
    better = one.get("fixAvailable")
    fixed = (str(better["version"]),) if isinstance(better, dict) and "version" in better else ()
    for told in one.get("via", ()):
        # A bare name: the hole is another package's, which is listed itself.
        if isinstance(told, dict):
            name = str(told["name"])
            for version in sorted(set(versions.get(name, ["?"]))):
                yield Hole(
                    package=name,
                    version=version,
                    id=str(told.get("url") or told["source"]).rpartition("/")[2],
                    severity=read_severity(told.get("severity")),
                    fixed=fixed,
                    summary=str(told.get("title") or "")[:200],
                )


def _say_why(said: str) -> str:
    try:
        told = orjson.loads(said)
        error = told.get("error") if isinstance(told.get("error"), dict) else {}
        return str(told.get("message") or error.get("summary") or "")[:160]
    except (ValueError, AttributeError):
        return ""


def _web(tree: Path) -> Path:
    return tree / "web"
