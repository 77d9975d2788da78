"""The whole stack up and down on this machine. Safe to repeat: what is right already is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from hrx.kit.errors import HrxError, Refused, Text, Unavailable
from hrx.kit.secrets import newest
from hrx.ops.targets.machine import database, environment
from hrx.ops.targets.machine.blueprint import (
    build_parts,
    find_backup_door,
    find_cluster,
    find_database_port,
    find_endpoints,
    find_standby,
    list_doors,
    list_scraped,
    wants_standby,
)
from hrx.ops.targets.machine.disk import require_free_space
from hrx.ops.targets.machine.environment import Endpoints
from hrx.ops.targets.machine.halt import alone, end_leftovers, take_down
from hrx.ops.targets.machine.haproxy import pass_database_to
from hrx.ops.targets.machine.homes import FIRST, SECOND, bring_home, find_writer
from hrx.ops.targets.machine.identity import Control, Memory
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.live import SERVICES, find_live_part, find_resting
from hrx.ops.targets.machine.native import reach_programs
from hrx.ops.targets.machine.ports import Ports, choose_ports
from hrx.ops.targets.machine.postgres import PostgresCluster
from hrx.ops.targets.machine.programs import list_programs
from hrx.ops.targets.machine.progress import Report, silent, step
from hrx.ops.targets.machine.readiness import Answer, ask_degraded_again, wait_until_ready
from hrx.ops.targets.machine.secrets import ensure_secrets
from hrx.ops.targets.machine.settings import MachineSettings
from hrx.ops.targets.machine.supervisor import Supervisor
from hrx.ops.targets.machine.supervisor_config import Program, write_config
from hrx.ops.targets.machine.toolchain import Toolchain, find_tools
from hrx.ops.targets.rising import rising
from hrx.ops.targets.target import PartState

_PART_START_S: Final = 60.0
_SUPERVISOR_START_S: Final = 20.0
_PAGES: Final = ("ops", "status", "inbox")
#: The keeper of the backups is among them: a first backup must not slow down the start.
_WATCHERS: Final = ("prometheus", "alertmanager", "probe", "backup", "scoring")


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What is up: where it is, what is missing, what the parts said of themselves."""

    layout: Layout
    ports: Ports
    endpoints: Endpoints
    secrets: Mapping[str, str]
    public_url: str
    degraded: tuple[Text, ...]
    answers: Mapping[str, Answer]
    control: Control | None

    @property
    def system_identifier(self) -> str | None:
        """Which database it is; None for one elsewhere."""
        return self.control.system_identifier if self.control else None

    @property
    def ops_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.ops}"

    @property
    def inbox_url(self) -> str | None:
        """Where pages can be read; None outside development, where they go to real channels."""
        return f"http://127.0.0.1:{self.ports['inbox']}" if environment.has_inbox() else None


def bring_up(
    layout: Layout, settings: MachineSettings, *, memory: Memory, report: Report = silent
) -> Running:
    """Start what is not running, restart what changed, wait until it answers from outside.

    `memory` knows the database that was here: nothing else than that one is started.

    Raises Refused before anything was started when a safety rule or the machine says no, Unavailable
    when a part does not come up; what runs by then keeps running."""
    require_free_space(layout.var, min_free_bytes=settings.min_free_disk_bytes)
    layout.make_folders()
    with alone(layout), rising(layout.var):
        return _Rise(layout, settings, memory=memory, report=report).run()


class _Rise:
    """One `bring_up`: its steps share what the earlier ones found out."""

    def __init__(self, layout: Layout, settings: MachineSettings, *, memory: Memory, report: Report) -> None:
        self.layout = layout
        self.settings = settings
        self.memory = memory
        self.report = report
        self.supervisor = Supervisor(layout.supervisor_socket)
        self.secrets = ensure_secrets(layout.secrets_file)
        self.was_up = self.supervisor.is_answering()

    def run(self) -> Running:
        if not self.was_up:
            end_leftovers(self.layout)
        with step(self.report, ja="ポートと秘密", en="ports and secrets"):
            self.ports = choose_ports(
                self.settings,
                remembered_in=self.layout.ports_file,
                stack_mark=self.layout.stack_mark,
            )
        self._prepare_in_parallel()
        with step(self.report, ja="プロセス管理", en="supervisor") as ongoing:
            programs = self._configure()
            if not self._apply(programs) and self.was_up:
                ongoing.unchanged()
        self._start_database()
        answers = self._start_rest(programs)
        return Running(
            layout=self.layout,
            ports=self.ports,
            endpoints=self.endpoints,
            secrets=self.secrets,
            public_url=self.settings.public_url or f"http://127.0.0.1:{self.ports.edge}",
            degraded=tuple(self._list_degraded(answers)),
            answers=answers,
            control=self.cluster.control() if self.cluster else None,
        )

    # ── before anything starts ─────────────────────────────────────────────────────────────────────
    def _prepare_in_parallel(self) -> None:
        """Tools come over the network while initdb keeps the disk busy."""
        self.native = reach_programs(self.layout)
        with ThreadPoolExecutor(max_workers=2) as workers:
            tools = workers.submit(self._find_tools)
            cluster = workers.submit(self._prepare_postgres)
            self.tools, self.cluster = tools.result(), cluster.result()
        self.endpoints = find_endpoints(
            self.cluster,
            redis_port=self.ports["redis"],
            secrets=self.secrets,
            backup=find_backup_door(self.layout, self.ports) if self.cluster else None,
            database_port=find_database_port(self.ports),
            standby=find_standby(self.layout, self.ports, native=self.native)
            if self.cluster and wants_standby()
            else None,
        )

    def _find_tools(self) -> Toolchain:
        with step(
            self.report, ja="道具(HAProxy、Prometheus ほか)", en="tools (HAProxy, Prometheus …)"
        ) as ongoing:
            tools = find_tools(self.layout, self.settings)
            lost = [missing for missing in tools.missing.values() if missing.spec.is_required]
            if lost:
                raise Refused(
                    Text(
                        ja=f"{lost[0].spec.name} がありません: {lost[0].reason.ja}",
                        en=f"{lost[0].spec.name} is missing: {lost[0].reason.en}",
                    ),
                    hint=Text(
                        ja=f"root で `apt-get install {lost[0].spec.package}` を実行し、`make up` を"
                        "やり直してください。Debian 以外では HRX_TOOLS_RELEASES を設定します。",
                        en=f"As root run `apt-get install {lost[0].spec.package}`, then `make up` again. "
                        "Elsewhere than Debian set HRX_TOOLS_RELEASES (docs/settings.md).",
                    ),
                    code="tools.required_missing",
                )
            for missing in tools.missing.values():
                ongoing.degraded(
                    Text(
                        ja=f"{missing.spec.name}: {missing.reason.ja}",
                        en=f"{missing.spec.name}: {missing.reason.en}",
                    )
                )
            ongoing.notes += [tool.remark for tool in tools.found.values() if tool.remark]
        return tools

    def _prepare_postgres(self) -> PostgresCluster | None:
        if "HRX_DATABASE_URL" in os.environ:
            return None
        cluster = find_cluster(self.layout, self.ports, native=self.native)
        self._bring_writer_home(cluster)
        with step(self.report, ja="データベースの用意", en="database files") as ongoing:
            if cluster.marker.exists():
                ongoing.unchanged()
            cluster.init(self.secrets["HRX_POSTGRES_ADMIN_PASSWORD"], memory=self.memory)
            backup = find_backup_door(self.layout, self.ports)
            backup.prepare_spool()
            cluster.prepare()
            backup.prepare_receiver(cluster, password=self.secrets["HRX_POSTGRES_BACKUP_PASSWORD"])
        return cluster

    def _bring_writer_home(self, cluster: PostgresCluster) -> None:
        """A take-over that nobody finished ends here: the part `postgres` is the writer again."""
        layout = self.layout
        if find_writer(layout.postgres_data, layout.standby_data) == SECOND and self.was_up:
            self.supervisor.stop(SECOND, timeout_s=_PART_START_S + 15)
        if bring_home(cluster, find_standby(layout, self.ports, native=self.native)):
            # An edge that does not run reads it at its start.
            with suppress(Unavailable):
                pass_database_to(layout.run / "edge", layout.haproxy_socket, FIRST)
            with step(
                self.report,
                ja="書き込みを引き継いだ待機系を主系の場所へ",
                en="the standby that took over is given the primary's place",
            ):
                pass

    def _configure(self) -> list[Program]:
        """Write every part's configuration and the supervisor's; gives the programs in order."""
        parts = build_parts(
            self.layout,
            self.settings,
            ports=self.ports,
            tools=self.tools.found,
            native=self.native,
            cluster=self.cluster,
            endpoints=self.endpoints,
        )
        if parts.redis is not None:
            parts.redis.prepare(password=self.secrets["HRX_REDIS_PASSWORD"])
        parts.edge.prepare()
        if parts.prometheus is not None:
            resting = find_resting(self.layout)
            parts.prometheus.prepare(scraped=list_scraped(self.ports, parts, resting=resting))
        if parts.alertmanager is not None:
            parts.alertmanager.prepare(
                hook_token=newest(self.secrets["HRX_OPS_HOOK_TOKEN"]), direct=environment.direct_secrets()
            )
        if parts.postgres_exporter is not None:
            parts.postgres_exporter.prepare()
        programs = list_programs(
            self.layout,
            self.settings,
            ports=self.ports,
            endpoints=self.endpoints,
            secrets=self.secrets,
            parts=parts,
        )
        write_config(self.layout, programs)
        return programs

    # ── starting ───────────────────────────────────────────────────────────────────────────────────
    def _apply(self, programs: Sequence[Program]) -> bool:
        """A supervisor with this configuration; gives whether anything changed."""
        if not self.was_up:
            _start_supervisor(self.layout, self.supervisor)
            return True
        change = self.supervisor.reload_config()
        for name in (*change.changed, *change.removed):
            self.supervisor.drop(name, timeout_s=_PART_START_S + 15)
        for name in (*change.changed, *change.added):
            self.supervisor.adopt(name)
        return bool(change.added or change.changed or change.removed)

    def _start_database(self) -> None:
        if self.cluster is not None:
            with step(self.report, ja="PostgreSQL", en="PostgreSQL") as ongoing:
                if self.supervisor.get_part("postgres").state is PartState.RUNNING:
                    ongoing.unchanged()
                self.supervisor.request_start("postgres")
                admin = self.cluster.url("hrx_admin", self.secrets["HRX_POSTGRES_ADMIN_PASSWORD"], "postgres")
                database.wait_for_connections(admin, timeout_s=_PART_START_S)
                lets_go = database.let_go_of_absent_standby(admin)
                database.ensure_roles(self.cluster, secrets=self.secrets)
            if lets_go:
                with step(
                    self.report,
                    ja="待機系が追いつくまで書き込みは待ちません",
                    en="writes go on until the standby follows",
                ):
                    pass
        if self.endpoints.owner_database is None:
            return
        with step(self.report, ja="データベースの移行", en="database schema") as ongoing:
            identity = self.cluster.system_identifier() if self.cluster else "external"
            if not database.migrate(self.layout, owner_url=self.endpoints.owner_database, identity=identity):
                ongoing.unchanged()

    def _start_rest(self, programs: Sequence[Program]) -> dict[str, Answer]:
        """Start in waves: who watches starts when what it watches stands, else each start is an alarm."""
        answers: dict[str, Answer] = {}
        problem: HrxError | None = None
        with step(self.report, ja="すべての部品の応答", en="every part answers"):
            # Whichever slot people are on; the other one stays as it is, warm or cold.
            resting = find_resting(self.layout)
            wanted = [program.name for program in programs if program.name not in resting]
            for wave in _to_waves(wanted):
                for name in wave:
                    self.supervisor.request_start(name)
                try:
                    answers |= self._await_readiness(wave)
                # What watches has to run all the more when the product does not come up.
                except HrxError as error:
                    problem = problem or error
            if problem is not None:
                raise problem
            return ask_degraded_again(list_doors(self.ports, names=wanted), answers)

    def _await_readiness(self, names: Sequence[str]) -> dict[str, Answer]:
        answers = wait_until_ready(
            list_doors(self.ports, names=names),
            timeout_s=self.settings.ready_timeout_s,
            is_hopeless=self._has_given_up,
        )
        # What has no door of its own (Redis, the edge) must at least stay up by the supervisor's word.
        for name in names:
            self.supervisor.start(name, timeout_s=_PART_START_S)
        return answers

    def _has_given_up(self, part: str) -> bool:
        name = find_live_part(self.layout, part) if part in SERVICES else part
        return self.supervisor.get_part(name).state is PartState.FAILED

    def _list_degraded(self, answers: Mapping[str, Answer]) -> Iterator[Text]:
        for missing in self.tools.missing.values():
            yield Text(
                ja=f"{missing.spec.affects.ja}({missing.spec.name} なし: {missing.reason.ja})",
                en=f"{missing.spec.affects.en} (no {missing.spec.name}: {missing.reason.en})",
            )
        for part, answer in answers.items():
            for lost in answer.degraded:
                yield Text(ja=f"{part}: {lost}", en=f"{part}: {lost}")


def _to_waves(names: Sequence[str]) -> list[list[str]]:
    """The product, then the plane's own pages, then who watches them all."""
    later = (*_PAGES, *_WATCHERS)
    waves = [
        [name for name in names if name not in later],
        [name for name in names if name in _PAGES],
        [name for name in names if name in _WATCHERS],
    ]
    return [wave for wave in waves if wave]


def _start_supervisor(layout: Layout, supervisor: Supervisor) -> None:
    """Start supervisord detached, with as little environment as possible: its children inherit it."""
    done = subprocess.run(
        [sys.executable, "-m", "supervisor.supervisord", "-c", str(layout.run / "supervisord.conf")],
        cwd=layout.run,
        env=environment.base_environment(layout),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SUPERVISOR_START_S,
        check=False,
    )
    deadline = time.monotonic() + _SUPERVISOR_START_S
    while done.returncode == 0 and time.monotonic() < deadline:
        if supervisor.is_answering():
            return
        time.sleep(0.05)
    raise Unavailable(
        Text(
            ja=f"プロセス管理(supervisord)が起動しません: {(done.stderr or done.stdout).strip()[-400:]}",
            en=f"The supervisor does not start: {(done.stderr or done.stdout).strip()[-400:]}",
        ),
        hint=Text(
            ja=f"{layout.log / 'supervisord.log'} を見てください。",
            en=f"See {layout.log / 'supervisord.log'}.",
        ),
        code="supervisor.not_started",
    )


__all__ = ["Running", "bring_up", "take_down"]
