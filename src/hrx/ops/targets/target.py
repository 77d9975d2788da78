"""What operations may ask of a place where HRX-AI runs: look at its parts, and start, stop or restart one.

Looking never raises: a part that cannot be asked is UNKNOWN, which is an answer. Changing raises, and
returns only after the new state was observed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from hrx.kit.errors import Text


class PartState(StrEnum):
    """What a supervisor says of one process; whether it also answers is for `seams` to find out."""

    RUNNING = "running"
    STARTING = "starting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartStatus:
    """One part now. `uptime_s` is None unless it runs; `says` is the supervisor's own remark."""

    name: str
    state: PartState
    pid: int | None = None
    uptime_s: float | None = None
    says: str = ""
    affects: Text | None = None


class Target(Protocol):
    """A place where HRX-AI runs."""

    @property
    def name(self) -> str:
        """Short name for messages and the ledger, such as `machine`."""

    def list_parts(self) -> list[PartStatus]:
        """Every part that belongs here, in the order in which they start; never raises."""

    def start_part(self, name: str, *, timeout_s: float) -> PartStatus:
        """Start and wait until it runs. Raises Unavailable when it does not, NotFound for an unknown part."""

    def stop_part(self, name: str, *, timeout_s: float) -> PartStatus:
        """Stop in the part's own orderly way and wait."""

    def restart_part(self, name: str, *, timeout_s: float) -> PartStatus:
        """Stop when running, then start."""

    def tail_log(self, name: str, *, size_bytes: int) -> str:
        """The end of what the part wrote, at most `size_bytes` long."""

    def reopen_logs(self) -> None:
        """Have whoever holds the files of logs open them anew, after one was renamed. Raises Unavailable."""

    def send_to_edge(self, command: str) -> str:
        """One command to the edge's runtime socket, and its answer. Raises Unavailable."""

    def signal_part(self, name: str, signal: str) -> PartStatus:
        """Send a signal (CONT, HUP …) to a part's process. Raises Unavailable, NotFound."""

    def list_suspended(self, name: str) -> tuple[int, ...]:
        """Processes of a part (its own and their children) that a signal has stopped; empty when none is."""

    def resume_part(self, name: str) -> tuple[int, ...]:
        """Let those go on (CONT) and give their ids. Raises NotFound; harmless when none is stopped."""

    def database_url(self, role: str) -> str:
        """The product's database as one of its roles (never the superuser), for the length of one action.

        Raises Unavailable where this place does not hold that role's password."""

    def reset_database_password(self, role: str) -> None:
        """Give the role the password that this place keeps for it. Raises Unavailable."""

    def open_second_login(self, role: str) -> tuple[str, ...]:
        """Have a role's programs sign in by a second login from their next start on; both ways are valid.

        Gives the parts to restart. Safe to repeat: a login that programs have already is kept. Raises
        Unavailable where this place does not keep that role's password."""

    def renew_database_password(self, role: str) -> tuple[str, ...]:
        """Give the role itself a new password and lead its programs back to it from their next start on.

        Gives the parts to restart. The second login stays valid. Raises Unavailable."""

    def lead_back_to_role(self, role: str) -> tuple[str, ...]:
        """Lead the role's programs back to the password on file, and see to it that the role has that one.

        Gives the parts to restart. The second login stays valid. Raises Unavailable."""

    def close_second_login(self, role: str) -> bool:
        """Remove the second login; gives whether there was one. Raises Conflict while it is in use."""

    def has_second_login(self, role: str) -> bool:
        """Whether the second login is there. Raises Unavailable."""

    def list_live(self, service: str) -> tuple[str, ...]:
        """The slots of a service (`api`, `web`) to which the edge gives requests. Raises Unavailable."""

    def find_kept(self, service: str) -> str:
        """The slot that a start of the edge would give a service's requests to, by what stands on the disk;
        never raises."""

    def pass_database_to(self, part: str, *, timeout_s: float) -> None:
        """Have clients of the database reach this part, which was proven to be the writer, now and after
        restarts of whoever passes them on. Harmless where nothing stands in front. Raises Unavailable."""

    def find_database_part(self) -> str:
        """The part that holds the writer, by what stands on the disk; never raises."""

    def switch_to(self, part: str, *, timeout_s: float) -> None:
        """Have the edge give a service's requests to this slot and no other, now and after its restarts.

        Returns when the edge calls the slot up. Raises Unavailable; the former slot is kept then."""

    def renew_secret(self, name: str, *, keeps_former: bool = False) -> tuple[str, ...]:
        """Put a new value in place of a secret of the application; gives the parts that must be restarted.

        With `keeps_former` the one before goes on to be accepted. Raises Unavailable where it is not kept."""

    def drop_former_secret(self, name: str) -> tuple[str, ...]:
        """Accept the newest value of that secret alone; gives the parts that must be restarted."""

    def take_back_secret(self, name: str) -> tuple[str, ...]:
        """Be without the newest value of that secret, unless it is the only one; gives the parts that must be
        restarted."""

    @property
    def env_file(self) -> Path:
        """The file in which a person of this place sets what its programs are given at the next start."""

    def give_variable(self, name: str, value: str) -> tuple[str, ...]:
        """Give programs that have this variable another value from their next start on; gives those programs.

        Raises Unavailable where no program has it."""

    def hand_to_senders(self, name: str, value: str) -> tuple[str, ...]:
        """Have parts that send with this secret, and read it each time, send with this value; gives them.

        None for a secret that no such part has."""

    def list_blocked(self) -> list[str]:
        """The addresses and networks that the edge lets in no more."""

    def change_blocked(self, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        """Change that list, at once and for every later start. Raises Unavailable."""

    def is_blocked(self, address: str) -> bool:
        """Whether the running edge turns this address away now, by its own word. Raises Unavailable."""

    def close_edge(self, *, is_closed: bool) -> None:
        """Close the edge to people (or open it again), now and for its later starts: they read why, programs
        are told when to come again; health and status page stay open. Raises Unavailable."""

    def is_edge_closed(self) -> bool:
        """Whether it is closed so."""
