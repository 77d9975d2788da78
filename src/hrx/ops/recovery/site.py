"""Everything of recovery on this machine, opened from the settings: folders, keys, vault, the server."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hrx.kit.errors import Refused, Text
from hrx.kit.settings import load
from hrx.ops.recovery.basebackup import Source
from hrx.ops.recovery.keys import Keyring, load_keyring
from hrx.ops.recovery.places import Folder
from hrx.ops.recovery.vault import Vault
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.machine.layout import Layout, find_layout
from hrx.ops.targets.machine.native import reach_programs
from hrx.ops.targets.machine.postgres import PostgresCluster
from hrx.ops.targets.machine.settings import MachineSettings


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where this machine's copies are and how they are opened."""

    settings: OpsSettings
    layout: Layout

    @property
    def backup_dir(self) -> Path:
        return self.settings.backup_dir or self.layout.var / "backups"

    @property
    def key_file(self) -> Path:
        return self.settings.backup_key_file or self.layout.var / "backup.key"

    @property
    def recovery_dir(self) -> Path:
        """Restored copies (`copies/`), data before a switch (`kept/`); on a disk with room for them."""
        return self.settings.restore_dir or self.layout.recovery

    @property
    def proving_dir(self) -> Path:
        """Where a backup is restored to prove it; thrown away afterwards."""
        return self.settings.restore_dir / "proving" if self.settings.restore_dir else self.layout.proving

    @property
    def received_dir(self) -> Path:
        """Change records as the receiver writes them; plain, until they are shipped."""
        return self.layout.recovery / "received"

    @property
    def archived_dir(self) -> Path:
        """The second way of change records: what the server itself handed over."""
        return self.layout.recovery / "archived"

    @property
    def position_file(self) -> Path:
        """What was last known of the living database; outside every data directory."""
        return self.layout.recovery / "position.json"

    @property
    def files_dir(self) -> Path:
        """The product's own files."""
        return self.settings.backup_files_dir or self.layout.var / "storage"

    @property
    def folder(self) -> Folder:
        return Folder(self.backup_dir)

    @cached_property
    def keyring(self) -> Keyring:
        """Raises KeyFileUnreadable."""
        return load_keyring(self.key_file)

    @property
    def vault(self) -> Vault:
        """Raises KeyFileUnreadable."""
        return Vault(folder=self.folder, keyring=self.keyring)

    @property
    def catalogue(self) -> Vault:
        """The vault for whoever reads names and facts only: it needs no key, and can open nothing."""
        return Vault(folder=self.folder, keyring=Keyring(identities=()))

    @property
    def source(self) -> Source:
        """The living server for a base backup. Raises Refused where none is configured."""
        settings = self.settings
        if settings.backup_conninfo is None:
            raise no_database()
        passfile = settings.backup_passfile
        return Source(
            program=self.program("pg_basebackup"),
            conninfo=settings.backup_conninfo,
            environment={"PGPASSFILE": str(passfile)} if passfile else {},
            max_rate_kbytes=settings.backup_max_rate_kbytes,
        )

    def program(self, name: str) -> str:
        """One of PostgreSQL's own programs, as this machine runs them."""
        return self.cluster_at(self.layout.postgres_data, port=0).program(name)

    def cluster_at(self, data_dir: Path, *, port: int) -> PostgresCluster:
        """A server of this machine on some data directory."""
        return PostgresCluster(
            data_dir=data_dir,
            port=port,
            socket_dir=self.layout.sockets,
            run_as=self.layout.user,
            install_dir=reach_programs(self.layout).postgres_dir,
        )


def open_site(settings: OpsSettings) -> Site:
    """The site of this machine; creates and opens nothing yet."""
    return Site(settings=settings, layout=find_layout(load(MachineSettings)))


def no_database() -> Refused:
    return Refused(
        Text(
            ja="バックアップの役割 hrx_backup の接続先がありません(HRX_BACKUP_CONNINFO)。",
            en="Nobody has said where role hrx_backup finds the database (HRX_BACKUP_CONNINFO).",
        ),
        hint=Text(
            ja="手元のデータベースなら `make up` が設定します。",
            en="For a database of this machine `make up` sets it.",
        ),
        code="recovery.no_database",
    )
