"""`python -m benchmarks [directory person import memory signals paging-crash logs …]`: measure, say.

Everything is measured in one run on one machine, product and floor in turn. Nothing here decides whether
tests pass: exit code 0 means measured, whatever the figures."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import importing, logs, memory, pages, paging_crash, signals, telemetry
from benchmarks.figures import Section, show
from benchmarks.servers import House, running_house

_OTHERS = ("import", "telemetry", "memory", "signals", "paging-crash", "logs")
#: Those that need no running house.
_ALONE = {"memory", "signals", "paging-crash", "logs"}
EMPLOYEES_10K = "HRX_BENCH_EMPLOYEES_10K"


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parse(arguments)
    wanted = given.what or [*pages.NAMES, *_OTHERS]
    sections: list[Section] = []
    if set(wanted) - _ALONE:
        with running_house() as house:
            sections += asyncio.run(_measure(house, wanted, given))
    if "signals" in wanted:
        _say("signals …")
        sections.append(signals.measure_signals())
    if "paging-crash" in wanted:
        _say(f"paging-crash, {given.kills} kills …")
        sections.append(paging_crash.measure_paging_crash(kills=given.kills))
    if "logs" in wanted:
        _say("logs …")
        sections.append(logs.measure_logs(lines=given.log_lines))
    if "memory" in wanted:
        sections += memory.measure_stack(settle_s=given.settle)
    show(sections)
    if given.json:
        given.json.write_text(json.dumps(_document(sections), ensure_ascii=False, indent=1) + "\n")
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", nargs="*", metavar="|".join((*pages.NAMES, *_OTHERS)))
    parser.add_argument("--people", default="10000,100000", help="sizes of the company (%(default)s)")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one round (%(default)s)")
    parser.add_argument("--settle", type=float, default=60.0, help="seconds before memory is read")
    parser.add_argument("--kills", type=int, default=200, help="of paging-crash (%(default)s)")
    parser.add_argument("--log-lines", type=int, default=logs.LINES, help="lines archived (%(default)s)")
    parser.add_argument("--json", type=Path, help="also write every round to this file")
    parser.add_argument(
        "--employees-10k",
        type=Path,
        default=os.environ.get(EMPLOYEES_10K) or None,
        help=f"folder of the official sample, loaded too when given (or {EMPLOYEES_10K})",
    )
    given = parser.parse_args(arguments)
    unknown = set(given.what) - {*pages.NAMES, *_OTHERS}
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    given.people = [int(size) for size in given.people.split(",")]
    return given


async def _measure(house: House, wanted: Sequence[str], given: argparse.Namespace) -> list[Section]:
    sections: list[Section] = []
    names = [name for name in pages.NAMES if name in wanted]
    for people in given.people if names else ():
        _say(f"pages at {people:,} people …")
        sections += await pages.measure_pages(house, people=people, names=names, seconds=given.seconds)
    if "telemetry" in wanted:
        _say("telemetry …")
        sections.append(await telemetry.measure_telemetry(house, seconds=given.seconds))
    if "import" in wanted:
        _say("import …")
        sections.append(await importing.measure_import(house))
        if given.employees_10k:
            sections.append(importing.measure_employees_10k(house, folder=Path(given.employees_10k)))
    return sections


def _document(sections: Sequence[Section]) -> dict[str, object]:
    return {
        "machine": {"cpus": os.cpu_count(), "system": platform.platform(), "python": sys.version.split()[0]},
        "load_average": os.getloadavg(),
        "sections": [section.as_dict() for section in sections],
    }


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
