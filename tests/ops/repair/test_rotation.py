"""The database password is rotated on a real cluster while programs sign in all the time: none is refused.

Programs are threads that hold the address they began with, as the product's processes do."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from hrx.kit import clock
from hrx.kit.errors import Conflict, Text, Unavailable
from hrx.kit.settings import SecretStr
from hrx.ops.ledger.entries import Kind
from hrx.ops.plan import Action, Plan
from hrx.ops.run.acting.keys import LOGIN_CHANGED, list_stale
from hrx.ops.run.actions import perform
from hrx.ops.run.plane import Plane, opened_plane
from hrx.ops.run.planning import make_plan
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.machine import Machine
from hrx.ops.targets.machine.roles import reset_password
from hrx.ops.targets.machine.second_login import close_second_login, open_second_login
from hrx.ops.targets.machine.secrets import read_secrets, renew_secret
from hrx.ops.targets.machine.supervisor_config import read_variable
from hrx.ops.targets.target import PartState, PartStatus
from tests.conftest import _ADMIN_PASSWORD, _PASSWORDS, PostgresServer
from tests.ops.conftest import SmallMachine

pytestmark = pytest.mark.req("R3.6-1")
ALL = ("api-blue", "api-green", "worker")
ROLE = "hrx_app"
LOOK = "SELECT session_user::text, current_user::text, count(*) FROM app.employment"


class Program(threading.Thread):
    """Signs in anew for every look, with the address that it was started with, until it is told to stop."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url, self.began_at = url, clock.now()
        self.looks: list[tuple[str, str]] = []
        self.refused: list[str] = []
        self._told = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._told.is_set():
            try:
                with psycopg.connect(self.url, connect_timeout=5) as session:
                    row = session.execute(LOOK).fetchone()
                    assert row is not None
                    self.looks.append((row[0], row[1]))
            except psycopg.Error as error:
                self.refused.append(str(error))
            self._told.wait(0.01)

    def stop(self) -> None:
        self._told.set()
        self.join(timeout=20)


class MachineWithPrograms(Machine):
    """The machine's own powers over the tests' PostgreSQL, and three programs that use it."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self.layout = layout
        self.live = "api-blue"
        self.running: dict[str, Program] = {}
        self.ended: list[Program] = []
        self.broken: set[str] = set()
        #: How late the next answers are about what runs.
        self.late_s: list[float] = []
        for name in ("api-blue", "worker"):
            self._begin(name)

    def _begin(self, name: str) -> None:
        url = read_variable(self.layout, "HRX_DATABASE_URL")
        assert url is not None
        self.running[name] = Program(url)

    def list_live(self, service: str) -> tuple[str, ...]:
        return (self.live,)

    def switch_to(self, part: str, *, timeout_s: float) -> None:
        assert part in self.running
        self.live = part

    def list_parts(self) -> list[PartStatus]:
        if self.late_s:
            time.sleep(self.late_s.pop())
        now = clock.now()
        return [
            PartStatus(
                name=name,
                state=PartState.RUNNING if name in self.running else PartState.STOPPED,
                uptime_s=_since(self.running[name].began_at, now) if name in self.running else None,
            )
            for name in ALL
        ]

    def start_part(self, name: str, *, timeout_s: float) -> PartStatus:
        if name in self.broken:
            raise Unavailable(Text(ja="起動しません", en="It does not start"), code="machine.not_started")
        if name not in self.running:
            self._begin(name)
        return PartStatus(name=name, state=PartState.RUNNING)

    def stop_part(self, name: str, *, timeout_s: float) -> PartStatus:
        assert name != self.live, "people are using it"
        program = self.running.pop(name, None)
        if program is not None:
            program.stop()
            self.ended.append(program)
        return PartStatus(name=name, state=PartState.STOPPED)

    def restart_part(self, name: str, *, timeout_s: float) -> PartStatus:
        self.stop_part(name, timeout_s=timeout_s)
        return self.start_part(name, timeout_s=timeout_s)

    @property
    def programs(self) -> list[Program]:
        return [*self.ended, *self.running.values()]

    @property
    def refused(self) -> list[str]:
        return [said for program in self.programs for said in program.refused]


def _since(began_at: datetime, now: datetime) -> float:
    return (now - began_at).total_seconds()


@pytest.fixture
def layout(tmp_path: Path, machine: SmallMachine, postgres: PostgresServer) -> Layout:
    """A var folder that knows the tests' PostgreSQL as this machine's own."""
    made = Layout(root=machine.layout.root, var=tmp_path / "var", user=None, tools=tmp_path / "tools")
    (made.run / "env").mkdir(parents=True)
    made.postgres_data.mkdir(parents=True)
    (made.postgres_data / "PG_VERSION").write_text("18\n")
    made.ports_file.write_text(f'{{"postgres": {postgres.cluster.port}}}')
    lines = {f"HRX_POSTGRES_{role[4:].upper()}_PASSWORD": word for role, word in _PASSWORDS.items()}
    lines["HRX_POSTGRES_ADMIN_PASSWORD"] = _ADMIN_PASSWORD
    made.secrets_file.touch(mode=0o600)
    made.secrets_file.write_text("".join(f"{name}={word}\n" for name, word in lines.items()))
    for name in ALL:
        (made.run / "env" / f"{name}.env").write_text(f"HRX_DATABASE_URL={postgres.app_url}\nHRX_SLOT=x\n")
    return made


@pytest.fixture
def rotating(
    settings: OpsSettings, layout: Layout, postgres: PostgresServer
) -> Iterator[tuple[Plane, MachineWithPrograms]]:
    target = MachineWithPrograms(layout)
    seeing = settings.model_copy(
        update={
            "api_blue_url": settings.worker_url,
            "api_green_url": settings.worker_url,
            "ops_database_url": SecretStr(postgres.ops_url),
        }
    )
    with opened_plane(seeing, target=target) as opened:
        yield opened, target
    for program in list(target.running.values()):
        program.stop()
    # Other tests know the password that the cluster began with.
    reset_password(postgres.admin_url, ROLE, _PASSWORDS[ROLE])
    wait_for_no_session(postgres)
    close_second_login(postgres.admin_url, ROLE)


def wait_for_no_session(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.admin_url) as admin:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            row = admin.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE usename = 'hrx_app_spare'"
            ).fetchone()
            if row == (0,):
                return
            admin.rollback()
            time.sleep(0.05)


def plan_rotation(plane: Plane) -> Plan:
    return make_plan(plane, "rotate-database-password", params={"role": ROLE})


def do(plane: Plane, *actions: Action) -> None:
    for action in actions:
        perform(plane, action, timeout_s=20)


def let_everybody_look(target: MachineWithPrograms) -> None:
    """Each running program signs in at least once more."""
    for program in target.running.values():
        seen, deadline = len(program.looks), time.monotonic() + 20
        while len(program.looks) < seen + 2 and not program.refused:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_nobody_is_refused_while_the_password_is_rotated_and_the_old_one_opens_nothing_afterwards(
    rotating: tuple[Plane, MachineWithPrograms], postgres: PostgresServer
) -> None:
    plane, target = rotating
    plan = plan_rotation(plane)
    assert plan.is_irreversible
    for step in plan.steps:
        let_everybody_look(target)
        do(plane, step.action)
    let_everybody_look(target)
    do(plane, *(step.action for step in plan.proofs if step.action.id != "product.prove_ready"))
    assert target.refused == []
    looks = [look for program in target.programs for look in program.looks]
    assert len(looks) > 20
    # By whichever login somebody came, they were the role itself.
    assert set(looks) == {(ROLE, ROLE), ("hrx_app_spare", ROLE)}
    assert (target.live, set(target.running)) == ("api-blue", {"api-blue", "worker"})
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(postgres.app_url)
    on_file = read_secrets(target.layout.secrets_file)["HRX_POSTGRES_APP_PASSWORD"]
    assert on_file != _PASSWORDS[ROLE]
    text = "".join(str(dict(entry.body)) for entry in plane.ledger.list_entries(limit=500))
    assert on_file not in text
    assert _PASSWORDS[ROLE] not in text


@pytest.mark.parametrize("died_after", range(1, 9))
def test_a_rotation_that_died_is_begun_again_and_still_nobody_is_refused(
    rotating: tuple[Plane, MachineWithPrograms], died_after: int
) -> None:
    plane, target = rotating
    steps = [step.action for step in plan_rotation(plane).steps]
    do(plane, *steps[:died_after])
    let_everybody_look(target)
    do(plane, *steps)
    let_everybody_look(target)
    assert target.refused == []
    assert not target.has_second_login(ROLE)
    assert not list((target.layout.var / "second-login").iterdir())
    assert read_secrets(target.layout.secrets_file)["HRX_POSTGRES_APP_PASSWORD"] != _PASSWORDS[ROLE]


def test_a_death_between_the_file_and_the_database_is_mended_by_running_again_or_by_undoing(
    rotating: tuple[Plane, MachineWithPrograms], postgres: PostgresServer
) -> None:
    plane, target = rotating
    plan = plan_rotation(plane)
    steps = [step.action for step in plan.steps]
    lead_back = plan.steps[0].undo
    assert lead_back is not None
    for mending in (steps, [lead_back, *steps[1:3]]):
        do(plane, *steps[:4])
        renew_secret(target.layout.secrets_file, "HRX_POSTGRES_APP_PASSWORD")
        do(plane, *mending)
        let_everybody_look(target)
        assert target.refused == []
        psycopg.connect(target.database_url(ROLE)).close()


def test_a_server_that_is_away_for_a_moment_costs_nobody_the_login_that_they_have(
    rotating: tuple[Plane, MachineWithPrograms],
) -> None:
    plane, target = rotating
    steps = [step.action for step in plan_rotation(plane).steps]
    renews = [step.key for step in plan_rotation(plane).steps].index("renew")
    for done, again in ((renews, 0), (renews + 1, renews)):
        do(plane, *steps[:done])
        let_everybody_look(target)
        on_file = target.layout.secrets_file.read_text()
        with away(target.layout), pytest.raises(Unavailable):
            do(plane, steps[again])
        assert target.layout.secrets_file.read_text() == on_file
        do(plane, steps[again])
        let_everybody_look(target)
        assert target.refused == []
    do(plane, *steps)
    assert target.refused == []


@contextmanager
def away(layout: Layout) -> Iterator[None]:
    """The server cannot be reached, by whatever password: nobody listens at this port."""
    known = layout.ports_file.read_text()
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        layout.ports_file.write_text(f'{{"postgres": {held.getsockname()[1]}}}')
        yield
    layout.ports_file.write_text(known)


def test_when_the_other_slot_does_not_start_everything_is_as_it_was(
    rotating: tuple[Plane, MachineWithPrograms], postgres: PostgresServer
) -> None:
    plane, target = rotating
    opening, over = plan_rotation(plane).steps[:2]
    target.broken = {"api-green"}
    do(plane, opening.action)
    with pytest.raises(Unavailable):
        do(plane, over.action)
    assert opening.undo is not None
    do(plane, opening.undo)
    target.restart_part("worker", timeout_s=5)
    let_everybody_look(target)
    assert target.refused == []
    assert read_variable(target.layout, "HRX_DATABASE_URL") == postgres.app_url.replace(
        "localhost", "127.0.0.1"
    )
    psycopg.connect(postgres.app_url).close()


def test_the_password_is_not_renewed_while_somebody_uses_it(
    rotating: tuple[Plane, MachineWithPrograms], postgres: PostgresServer
) -> None:
    plane, target = rotating
    steps = {step.key: step.action for step in plan_rotation(plane).steps}
    do(plane, steps["open"], steps["over"])
    with pytest.raises(Conflict):
        do(plane, steps["renew"])
    psycopg.connect(postgres.app_url).close()
    assert target.refused == []


def test_who_has_just_begun_with_the_new_key_is_not_taken_for_old_when_the_machine_is_slow_to_tell(
    rotating: tuple[Plane, MachineWithPrograms],
) -> None:
    plane, target = rotating
    body = {"change": LOGIN_CHANGED, "parts": list(ALL)}
    plane.ledger.append(Kind.CONTAINMENT, actor="run", subject="secrets", body=body)
    target.start_part("api-green", timeout_s=5)
    target.late_s = [0.5]
    assert list_stale(plane, ("api-green",)) == []
    target.late_s = [0.5]
    assert list_stale(plane, ("api-blue",)) == ["api-blue"]
    # Never told in time: it counts as old, for a key that goes too early locks it out.
    target.late_s = [0.5] * 50
    assert list_stale(plane, ("api-green",)) == ["api-green"]


def test_a_second_login_in_use_is_not_closed_and_sees_no_more_than_the_role(postgres: PostgresServer) -> None:
    word = "second-way-in-2026"
    open_second_login(postgres.admin_url, ROLE, word)
    open_second_login(postgres.admin_url, ROLE, word)
    url = postgres.app_url.replace(f"{ROLE}:{_PASSWORDS[ROLE]}", f"hrx_app_spare:{word}")
    try:
        with psycopg.connect(url, autocommit=True) as session, psycopg.connect(postgres.app_url) as own:
            bypasses = (
                "SELECT current_user::text, rolbypassrls, rolsuper FROM pg_roles WHERE rolname = current_user"
            )
            assert session.execute(bypasses).fetchone() == own.execute(bypasses).fetchone()
            # What pools do between two users of a session.
            session.execute("DISCARD ALL")
            assert session.execute("SELECT current_user::text").fetchone() == (ROLE,)
            touched = "SELECT xmin::text FROM pg_authid WHERE rolname = 'hrx_app_spare'"
            with psycopg.connect(postgres.admin_url, autocommit=True) as admin:
                before = admin.execute(touched).fetchone()
                with pytest.raises(Conflict):
                    close_second_login(postgres.admin_url, ROLE)
                # Not for an instant: whoever comes anew in that instant would be turned away.
                assert admin.execute(touched).fetchone() == before
            psycopg.connect(url).close()
    finally:
        wait_for_no_session(postgres)
        with suppress(Conflict):
            assert close_second_login(postgres.admin_url, ROLE)
    assert not close_second_login(postgres.admin_url, ROLE)
    with pytest.raises(ValueError, match="hrx_admin"):
        open_second_login(postgres.admin_url, "hrx_admin", word)
