"""Where a drill happens: the plane, the machine under it, and the keys that only a drill may use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hrx.kit.settings import load
from hrx.ops.run.plane import Plane
from hrx.ops.targets.machine.layout import Layout, find_layout
from hrx.ops.targets.machine.ports import read_remembered
from hrx.ops.targets.machine.secrets import parse_env
from hrx.ops.targets.machine.settings import MachineSettings
from hrx.ops.targets.machine.supervisor import Supervisor


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The opened plane with its machine."""

    plane: Plane
    layout: Layout

    @property
    def drills_dir(self) -> Path:
        """The experiments stand beside the runbook."""
        return self.plane.settings.runbook_dir.parent / "drills"

    @property
    def edge_url(self) -> str:
        return self.plane.settings.edge_url.rstrip("/")

    @property
    def supervisor(self) -> Supervisor:
        return Supervisor(self.layout.supervisor_socket)

    def secret(self, name: str) -> str:
        """One of the machine's own secrets. Raises KeyError when it has none of this name."""
        return parse_env(self.layout.secrets_file.read_text())[name]

    def port(self, name: str) -> int:
        """A port of this stack as its last start chose it. Raises KeyError."""
        return read_remembered(self.layout.ports_file)[name]

    def database_url(self, role: str, *, secret: str) -> str:
        """The product's database as one of its roles."""
        return f"postgresql://{role}:{self.secret(secret)}@127.0.0.1:{self.port('postgres')}/hrx"

    @property
    def admin_url(self) -> str:
        return self.database_url("hrx_admin", secret="HRX_POSTGRES_ADMIN_PASSWORD")  # noqa: S106


def open_ground(plane: Plane) -> Ground:
    """The ground of this machine."""
    return Ground(plane=plane, layout=find_layout(load(MachineSettings)))
