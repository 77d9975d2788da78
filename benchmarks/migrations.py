"""The migration gate against labelled migrations: what reading finds, what executing finds, both together.

The labels stand in the corpus: of the first set before any rule was written; of the second before its first
run, which the gate was then mended by; of the held-out set before its first run, and nothing is mended by it.
Executing means: a database with the rows of one customer, readers and writers on its tables, every statement
run, the way down where one is given."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.figures import Aim, Figure, Section
from benchmarks.servers import free_port
from hrx.ops.release.migrations.judging import HazardSeen, judge_way_down
from hrx.ops.release.migrations.linting import lint_revisions, read_schema
from hrx.ops.release.migrations.picture import take_picture
from hrx.ops.release.migrations.rehearsing import try_script
from hrx.ops.release.migrations.running import Patience
from hrx.ops.release.migrations.squawk import ask_about, find_squawk
from hrx.ops.release.migrations.tracing import perform
from hrx.ops.seams.migrating import migrating_session
from hrx.ops.targets.machine import users
from hrx.ops.targets.machine.postgres import SUPERUSER, PostgresCluster
from tests.ops.release.migrations.cases import (
    CORPUS,
    HELD_OUT,
    READS,
    SECOND,
    Case,
    list_cases,
    read_rows,
    read_setup,
)

#: Employees of the rehearsed customer; each has a review too.
PEOPLE: Final = 100_000
RECALL: Final = Aim(bound=95, is_lower_bound=True, unit="%")
FALSE_ALARMS: Final = Aim(bound=5, is_lower_bound=False, unit="%")
_PATIENCE: Final = Patience(tries=3, first_wait_s=0.05)
#: Whether a case is told as dangerous.
Verdicts = dict[str, bool]


def measure_migrations(*, people: int = PEOPLE) -> list[Section]:
    """Every set, read, executed, and read by squawk where it is installed."""
    with _cluster() as cluster_url:
        return [
            _measure("Migration gate: labelled before the rules", list_cases(CORPUS), cluster_url, people),
            _measure(
                "Migration gate: mended by after its first run", list_cases(SECOND), cluster_url, people
            ),
            _measure("Migration gate: held out", list_cases(HELD_OUT), cluster_url, people),
        ]


def lint_case(case: Case) -> set[str]:
    """The rules with an open finding in a case."""
    report = lint_revisions([case.revision], reads=READS, schema=read_schema(read_setup()))
    return {found.rule.id for found in report.open_findings}


def execute_case(case: Case, url: str) -> tuple[HazardSeen, ...]:
    """What executing a case on a filled database showed, with its way down where it has one."""
    tried = try_script(url, case.revision, admin_url=url, reads=READS, patience=_PATIENCE)
    if case.revision.down is None or tried.performance.failure:
        return tried.hazards
    with migrating_session(url, application="hrx-benchmark") as session:
        undone = perform(session, case.revision.down, patience=_PATIENCE)
        assert not undone.failure, (case.name, undone.failure)
        return (*tried.hazards, *judge_way_down(tried.before, take_picture(session)))


@contextmanager
def filled_database(cluster_url: str, *, people: int) -> Iterator[Callable[[], str]]:
    """Gives a function that makes a fresh copy of the filled database and gives its URL."""
    base = cluster_url.rpartition("/")[0]
    template = f"corpus_{secrets.token_hex(4)}"
    made = [template]

    def make() -> str:
        name = f"case_{secrets.token_hex(6)}"
        with migrating_session(cluster_url, application="hrx-benchmark") as session:
            for old in made[1:]:
                session.rows(f"DROP DATABASE IF EXISTS {old} WITH (FORCE)")
            del made[1:]
            session.rows(f"CREATE DATABASE {name} TEMPLATE {template}")
        made.append(name)
        return f"{base}/{name}"

    with migrating_session(cluster_url, application="hrx-benchmark") as session:
        session.rows(f"CREATE DATABASE {template}")
    with migrating_session(f"{base}/{template}", application="hrx-benchmark") as session:
        session.rows(read_setup())
        session.rows(read_rows(people))
        session.rows("VACUUM ANALYZE")
    try:
        yield make
    finally:
        with migrating_session(cluster_url, application="hrx-benchmark") as session:
            for name in reversed(made):
                session.rows(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _measure(name: str, cases: Sequence[Case], cluster_url: str, people: int) -> Section:
    read = {case.name: bool(lint_case(case)) for case in cases}
    named = sum(case.hazard in lint_case(case) for case in cases if case.is_dangerous)
    executed: Verdicts = {}
    with filled_database(cluster_url, people=people) as make:
        for case in cases:
            hazards = execute_case(case, make())
            executed[case.name] = bool(hazards)
            if os.environ.get("HRX_BENCH_SHOW") or case.is_dangerous != bool(hazards):
                _say(case, hazards)
    both = {case.name: read[case.name] or executed[case.name] for case in cases}
    figures = [
        *_figures("lint alone", cases, read, None),
        *_figures("execution alone", cases, executed, None),
        *_figures("both", cases, both, (RECALL, FALSE_ALARMS)),
    ]
    program = find_squawk()
    if program is not None:
        told = {case.name: bool(ask_about(program, case.name, case.revision.up or "")) for case in cases}
        figures += _figures("squawk", cases, told, None)
    dangerous = sum(case.is_dangerous for case in cases)
    return Section(
        name=name,
        notes=(
            f"{dangerous} dangerous, {len(cases) - dangerous} safe; {people:,} employees under readers and"
            f" writers; the lint named the labelled rule in {named} of {dangerous}",
            "squawk without its rules of taste and time-outs"
            if program
            else "squawk: not installed, not asked",
        ),
        figures=figures,
    )


def _figures(who: str, cases: Sequence[Case], told: Verdicts, aims: tuple[Aim, Aim] | None) -> list[Figure]:
    missed = [case.name for case in cases if case.is_dangerous and not told[case.name]]
    alarms = [case.name for case in cases if not case.is_dangerous and told[case.name]]
    dangerous = sum(case.is_dangerous for case in cases)
    return [
        Figure(
            what=f"{who}: dangerous ones caught",
            value=100 * (1 - len(missed) / dangerous),
            unit="%",
            aim=aims[0] if aims else None,
            raw={"missed": missed},
        ),
        Figure(
            what=f"{who}: false alarms",
            value=100 * len(alarms) / (len(cases) - dangerous),
            unit="%",
            aim=aims[1] if aims else None,
            raw={"alarms": alarms},
        ),
    ]


def _say(case: Case, hazards: Sequence[HazardSeen]) -> None:
    label = "dangerous" if case.is_dangerous else "safe"
    said = "; ".join(found.text.en for found in hazards) or "nothing seen"
    sys.stderr.write(f"  {case.name} ({label}), executed: {said}\n")


@contextmanager
def _cluster() -> Iterator[str]:
    """A cluster for the time of the measurement; gives the administrator's URL."""
    run_as = users.choose_service_user(may_create=False)
    folder = Path(tempfile.mkdtemp(prefix="hrx-bench-gate-"))
    folder.chmod(0o711)
    if run_as:
        users.give_to(folder, user=run_as, mode=0o711)
    password = secrets.token_hex(12)
    cluster = PostgresCluster(data_dir=folder / "data", port=free_port(), socket_dir=folder, run_as=run_as)
    try:
        cluster.init(password)
        cluster.start(timeout_s=60)
        yield cluster.url(SUPERUSER, password, "postgres")
    finally:
        cluster.stop(mode="immediate")
        shutil.rmtree(folder, ignore_errors=True)
