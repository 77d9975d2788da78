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

from benchmarks import (
    importing,
    ingesting,
    leaks,
    logs,
    memory,
    migrations,
    pages,
    paging_crash,
    signals,
    telemetry,
)
from benchmarks.answers import measure_answers
from benchmarks.failover import measure_failover
from benchmarks.figures import Section, show
from benchmarks.llm_gateway import measure_llm_gateway
from benchmarks.recovery.elsewhere import measure_elsewhere
from benchmarks.recovery.looking import measure_looking
from benchmarks.recovery.measuring import measure_recovery
from benchmarks.recovery.vectors import measure_vectors
from benchmarks.releasing.canary import measure_canary
from benchmarks.releasing.deploys import measure_deploys
from benchmarks.releasing.model_switch import measure_model_switch
from benchmarks.releasing.rollback_plans import measure_rollback_plans
from benchmarks.retrieval.filters import measure_passage_filter
from benchmarks.retrieval.oracle import measure_passage_access
from benchmarks.retrieval.questions import measure_retrieval
from benchmarks.servers import ROOT, House, running_house

_OTHERS = (
    "import",
    "ingest",
    "telemetry",
    "memory",
    "signals",
    "paging-crash",
    "logs",
    "recovery",
    "vectors",
    "elsewhere",
    "failover",
    "looking",
    "leaks",
    "canary",
    "deploys",
    "migrations",
    "rollback_plans",
    "model_switch",
    "llm_gateway",
    "retrieval",
    "passage_access",
    "passage_filter",
    "answers",
)
#: Those that need no running house.
_HOUSED = {"import", "ingest", "telemetry", "retrieval", "passage_access", "passage_filter", "answers"}
_ALONE = set(_OTHERS) - _HOUSED
JSQUAD = ROOT.parent / "shared" / "data" / "jsquad" / "test-v1.3.json"
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
    if "recovery" in wanted:
        _say(f"recovery at {given.gib:g} GiB …")
        sections += measure_recovery(gib=given.gib, rounds=given.rounds, cache=given.peers)
    if "vectors" in wanted:
        _say("vectors …")
        sections.append(measure_vectors(rounds=given.rounds))
    if "failover" in wanted:
        _say("failover …")
        sections.append(measure_failover(gib=min(given.gib, 0.5), rounds=max(given.rounds, 5)))
    if "elsewhere" in wanted:
        _say("elsewhere …")
        sections.append(measure_elsewhere())
    if "looking" in wanted:
        _say("looking …")
        sections.append(measure_looking())
    if "leaks" in wanted:
        _say("leaks …")
        sections.append(leaks.measure_leaks())
    if "canary" in wanted:
        _say(f"canary, {given.releases} simulated and {given.real_releases} real releases each …")
        sections += measure_canary(trials=given.releases, real=given.real_releases)
    if "deploys" in wanted:
        _say(f"deploys, {given.deploys} releases and ways back …")
        sections += measure_deploys(rounds=given.deploys)
    if "migrations" in wanted:
        _say("migrations …")
        sections += migrations.measure_migrations()
    if "rollback_plans" in wanted:
        _say(f"rollback_plans, {given.companies} companies …")
        sections += measure_rollback_plans(companies=given.companies)
    if "model_switch" in wanted:
        _say("model_switch …")
        sections.append(measure_model_switch(rounds=given.rounds))
    if "llm_gateway" in wanted:
        _say("llm_gateway …")
        sections += measure_llm_gateway(litellm=given.litellm)
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
    parser.add_argument("--gib", type=float, default=1.6, help="of recovery: size asked for (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of recovery (%(default)s)")
    parser.add_argument("--companies", type=int, default=12, help="of rollback_plans (%(default)s)")
    parser.add_argument("--releases", type=int, default=100, help="of canary, simulated (%(default)s)")
    parser.add_argument("--real-releases", type=int, default=2, help="of canary, real (%(default)s)")
    parser.add_argument("--deploys", type=int, default=25, help="of deploys, and back (%(default)s)")
    parser.add_argument(
        "--peers", type=Path, default=ROOT / "var" / "peers", help="where peers are unpacked (%(default)s)"
    )
    parser.add_argument(
        "--squad",
        type=Path,
        nargs="*",
        default=[JSQUAD],
        help="of retrieval: files of questions (%(default)s)",
    )
    parser.add_argument("--questions", type=int, default=5000, help="of retrieval, a file (%(default)s)")
    parser.add_argument("--each", type=int, default=500, help="of passage_access: questions of each asker")
    parser.add_argument("--passages", type=int, default=100_000, help="of passage_filter (%(default)s)")
    parser.add_argument("--litellm", type=Path, help="of llm_gateway: a Python that has LiteLLM")
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
    if "ingest" in wanted:
        _say("ingest …")
        sections.append(await ingesting.measure_ingest(house))
    if "retrieval" in wanted:
        files = {path.stem: path for path in given.squad if path.exists()}
        _say(f"retrieval, {', '.join(files) or 'no file of questions found'} …")
        sections.append(await measure_retrieval(house, files=files, most=given.questions))
    if "passage_access" in wanted:
        _say(f"passage_access, {given.each} questions an asker …")
        sections.append(await measure_passage_access(house, each=given.each))
    if "passage_filter" in wanted:
        _say(f"passage_filter, {given.passages:,} passages …")
        sections.append(
            await measure_passage_filter(house, passages=given.passages, questions=min(given.questions, 200))
        )
    if "answers" in wanted:
        for path in (path for path in given.squad if path.exists()):
            _say(f"answers, {path.stem} …")
            sections.append(await measure_answers(house, path=path, most=min(given.questions, 300)))
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
