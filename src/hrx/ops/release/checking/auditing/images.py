"""Known holes in container images: Trivy, where it is installed and an image was named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson

from hrx.kit.errors import Text
from hrx.ops.release.checking.auditing.holes import Hole, read_severity
from hrx.ops.release.checking.auditing.judging import Answer, judge
from hrx.ops.release.checking.programs import find_program, run_program
from hrx.ops.release.checking.results import Bench, Checked, not_checked

_PROGRAM: Final = "trivy"
_TODO: Final = Text(
    ja="deploy/docker のイメージを作り、HRX_CHECK_IMAGES にその名前を、PATH に trivy を置く",
    en="build the images of deploy/docker, name them in HRX_CHECK_IMAGES, and put trivy on the PATH",
)


def check_images(bench: Bench) -> Checked:
    """Every image of HRX_CHECK_IMAGES. Raises ContentWrong."""
    images = [name for name in (bench.settings.check_images or "").replace(" ", "").split(",") if name]
    program = find_program(_PROGRAM)
    if program is None:
        return not_checked(Text(ja="trivy がありません", en="there is no trivy"), todo=_TODO)
    if not images:
        return not_checked(Text(ja="イメージが指定されていません", en="no image was named"), todo=_TODO)
    answers = [_scan(bench, program, image) for image in images]
    if all(one.unknown is None for one in answers) or any(one.holes for one in answers):
        return judge(bench, answers, packages=len(images), todo=_TODO)
    # One image that was looked at says nothing about another.
    return judge(bench, [one for one in answers if one.unknown], packages=len(images), todo=_TODO)


def _scan(bench: Bench, program: str, image: str) -> Answer:
    within_s = bench.settings.check_timeout_s
    ran = run_program(
        [
            program,
            "image",
            "--quiet",
            "--scanners",
            "vuln",
            "--format",
            "json",
            "--timeout",
            f"{within_s:g}s",
            image,
        ],
        cwd=bench.layout.root,
        timeout_s=within_s,
        log=bench.folder / "trivy.log",
    )
    who = Text(ja=f"trivy: {image}", en=f"trivy: {image}")
    if ran.code is None:
        late = Text(
            ja=f"trivy が {within_s:g} 秒で答えません({image})",
            en=f"trivy gave no answer about {image} in {within_s:g} s",
        )
        return Answer(who=who, unknown=late)
    try:
        # `Any`: a document of another program.
        document: Any = orjson.loads(ran.out)
        return Answer(who=who, holes=tuple(_list_holes(document["Results"])))
    except (ValueError, KeyError, TypeError, AttributeError):
        said = (ran.tail.splitlines() or [f"exit {ran.code}"])[-1]
        return Answer(
            who=who,
            unknown=Text(
                ja=f"trivy が {image} を調べられません({said})", en=f"trivy cannot scan {image} ({said})"
            ),
        )


def _list_holes(results: Any) -> Iterator[Hole]:
    for result in results:
        for told in result.get("Vulnerabilities") or ():
            yield Hole(
                package=str(told["PkgName"]),
                version=str(told.get("InstalledVersion", "?")),
                id=str(told["VulnerabilityID"]),
                severity=read_severity(told.get("Severity")),
                fixed=(str(told["FixedVersion"]),) if told.get("FixedVersion") else (),
                summary=str(told.get("Title") or "")[:200],
            )
