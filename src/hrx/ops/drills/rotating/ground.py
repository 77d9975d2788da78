"""The scratch ground of a rehearsal: a database of its own, files of secrets of its own, programs that are
stand-ins. Nothing of the living stack is read or written."""

from __future__ import annotations

import json
import secrets
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from hrx.kit.settings import SecretStr
from hrx.ops.drills.recovery.scratch import end_below, find_free_port, make_home
from hrx.ops.drills.rotating.programs import Doors, ScratchMachine, come_by_url, come_to_copy
from hrx.ops.drills.rotating.standing_in import StandIn, running_stand_in
from hrx.ops.drills.rotating.visiting import Visitor, wait_for_everybody
from hrx.ops.run.plane import Plane, opened_plane
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.backups import BackupDoor
from hrx.ops.targets.machine.database import DATABASE
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.native import reach_programs
from hrx.ops.targets.machine.postgres import SUPERUSER, PostgresCluster
from hrx.ops.targets.machine.roles import BACKUP_ROLE, LOGIN_ROLES, create_roles_and_database
from hrx.ops.targets.machine.secrets import ensure_secrets, read_secrets

#: Roles that only commands use, for the length of one action.
BY_COMMANDS = ("hrx_owner", "hrx_repair", "hrx_restore")
_STARTS_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """A ground on which everything that is rotated is in use. `commands`: who asks for an address anew."""

    plane: Plane
    machine: ScratchMachine
    stand_in: StandIn
    layout: Layout
    cluster: PostgresCluster
    commands: Mapping[str, Visitor]

    @property
    def visitors(self) -> list[Visitor]:
        return [*self.machine.visitors, *self.commands.values()]

    def read_password(self, role: str) -> str:
        """The role's own, as it is on file."""
        return read_secrets(self.layout.secrets_file)[f"HRX_POSTGRES_{role[4:].upper()}_PASSWORD"]

    def wait_for_everybody(self) -> None:
        """Until each of them came once more. Raises Unavailable."""
        wait_for_everybody([*self.machine.present, *self.commands.values()])


@contextmanager
def opened_rehearsal(machine: Layout, *, settings: OpsSettings) -> Iterator[Rehearsal]:
    """Made, given, and taken away whatever happens. `machine`: whose checkout, tools and user are used.

    Costs one initdb and one start of PostgreSQL: some seconds."""
    home = make_home()
    try:
        layout = replace(machine, root=home, var=home / "var")
        layout.make_folders()
        words = ensure_secrets(layout.secrets_file)
        cluster = _make_cluster(layout)
        try:
            _start(cluster, layout, words)
            with running_stand_in() as stand_in:
                _write_programs(layout, cluster, words, stand_in)
                target = ScratchMachine(layout, doors=_list_doors(layout, cluster, stand_in))
                with opened_plane(
                    _settings_of(settings, layout, cluster, words, stand_in), target=target
                ) as plane:
                    yield from _inhabited(plane, target, layout, cluster, stand_in)
        finally:
            cluster.stop(mode="immediate")
    finally:
        # Whoever was ended while the server came up has had no moment to stop it.
        end_below(home)
        shutil.rmtree(home, ignore_errors=True)


def _inhabited(
    plane: Plane, machine: ScratchMachine, layout: Layout, cluster: PostgresCluster, stand_in: StandIn
) -> Iterator[Rehearsal]:
    commands: dict[str, Visitor] = {}
    try:
        for part in ("api-blue", "worker", "ops", "backup"):
            machine.start_part(part, timeout_s=_STARTS_S)
        for role in BY_COMMANDS:
            commands[role] = Visitor(role, lambda role=role: come_by_url(machine.database_url(role)))  # type: ignore[misc]
        rehearsal = Rehearsal(
            plane=plane,
            machine=machine,
            stand_in=stand_in,
            layout=layout,
            cluster=cluster,
            commands=commands,
        )
        rehearsal.wait_for_everybody()
        yield rehearsal
    finally:
        for visitor in commands.values():
            visitor.stop()
        machine.stop_all()


def _make_cluster(layout: Layout) -> PostgresCluster:
    """Where it will be; nothing runs yet."""
    return PostgresCluster(
        data_dir=layout.postgres_data,
        port=find_free_port(),
        socket_dir=layout.var / "postgres",
        run_as=layout.user,
        install_dir=reach_programs(layout).postgres_dir,
    )


def _start(cluster: PostgresCluster, layout: Layout, words: Mapping[str, str]) -> None:
    cluster.init(words["HRX_POSTGRES_ADMIN_PASSWORD"])
    cluster.start()
    passwords = {role: words[f"HRX_POSTGRES_{role[4:].upper()}_PASSWORD"] for role in LOGIN_ROLES}
    admin = cluster.url(SUPERUSER, words["HRX_POSTGRES_ADMIN_PASSWORD"], "postgres")
    create_roles_and_database(admin, passwords, database=DATABASE)
    layout.ports_file.write_text(json.dumps({"postgres": cluster.port}))


def _write_programs(
    layout: Layout, cluster: PostgresCluster, words: Mapping[str, str], stand_in: StandIn
) -> None:
    door = _door(layout, cluster)
    door.recovery.mkdir(mode=0o711, exist_ok=True)
    door.received.mkdir(exist_ok=True)
    door.prepare_receiver(cluster, password=words[f"HRX_POSTGRES_{BACKUP_ROLE[4:].upper()}_PASSWORD"])
    keys = stand_in.make_keys()
    env_file = layout.root / ".env"
    env_file.touch(mode=0o600)
    told = {**keys, **stand_in.addresses(), "HRX_OPS_HOOK_TOKEN": words["HRX_OPS_HOOK_TOKEN"]}
    env_file.write_text("".join(f"{name}={value}\n" for name, value in told.items()))
    app = {
        "HRX_DATABASE_URL": cluster.url("hrx_app", words["HRX_POSTGRES_APP_PASSWORD"], DATABASE),
        **{name: value for name, value in keys.items() if name in stand_in.issued},
        **stand_in.addresses(),
    }
    backup = {"HRX_BACKUP_CONNINFO": door.conninfo, "HRX_BACKUP_PASSFILE": str(door.passfile)}
    ops = {
        **backup,
        "HRX_OPS_DATABASE_URL": cluster.url("hrx_ops", words["HRX_POSTGRES_OPS_PASSWORD"], DATABASE),
        "HRX_OPS_HOOK_TOKEN": words["HRX_OPS_HOOK_TOKEN"],
        **{name: value for name, value in keys.items() if name not in stand_in.issued},
    }
    for name, variables in {
        "api-blue": app,
        "api-green": app,
        "worker": app,
        "ops": ops,
        "backup": backup,
    }.items():
        path = layout.run / "env" / f"{name}.env"
        path.touch(mode=0o600)
        path.write_text("".join(f"{key}={shlex.quote(value)}\n" for key, value in variables.items()))
    token = layout.var / "alertmanager" / "hook-token"
    token.touch(mode=0o600)
    token.write_text(words["HRX_OPS_HOOK_TOKEN"])


def _door(layout: Layout, cluster: PostgresCluster) -> BackupDoor:
    return BackupDoor(run=layout.run, recovery=layout.recovery, port=cluster.port, user=layout.user)


def _list_doors(layout: Layout, cluster: PostgresCluster, stand_in: StandIn) -> Doors:
    passfile = _door(layout, cluster).passfile
    receiver = cluster.program("pg_receivewal")
    return {
        "HRX_DATABASE_URL": lambda known: come_by_url(known["HRX_DATABASE_URL"]),
        "HRX_OPS_DATABASE_URL": lambda known: come_by_url(known["HRX_OPS_DATABASE_URL"]),
        "HRX_BACKUP_CONNINFO": lambda known: come_to_copy(receiver, known, passfile=passfile),
        **stand_in.doors(token_file=layout.var / "alertmanager" / "hook-token"),
    }


def _settings_of(
    settings: OpsSettings,
    layout: Layout,
    cluster: PostgresCluster,
    words: Mapping[str, str],
    stand_in: StandIn,
) -> OpsSettings:
    return OpsSettings.model_validate(
        {
            "var_dir": layout.var,
            "runbook_dir": settings.runbook_dir,
            "language": settings.language,
            # What a person set in the shell must not reach the stand-ins' keys.
            "settings_development": f"env-file:{layout.root / '.env'}",
            "rotation_overlap_s": 0,
            "ledger_url": SecretStr(f"sqlite:///{layout.var / 'ops' / f'{secrets.token_hex(4)}.sqlite3'}"),
            "api_blue_url": stand_in.url,
            "api_green_url": stand_in.url,
            "worker_url": stand_in.url,
            "edge_url": stand_in.url,
            "ops_database_url": SecretStr(
                cluster.url("hrx_ops", words["HRX_POSTGRES_OPS_PASSWORD"], DATABASE)
            ),
        }
    )
