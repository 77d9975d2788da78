"""The edge of this machine for a release: HAProxy's weights, drain and counters over its runtime socket.

Who takes requests after a start of HAProxy stands on disk (`keep`); shares do not, so an edge that is killed
in the middle of a comparison comes back with the old version alone."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from hrx.kit.errors import Invalid, Text, Unavailable
from hrx.ops.targets.edge import ServerLook
from hrx.ops.targets.machine.haproxy import LAST, keep_live, read_live, say_state

SLOTS: Final = ("blue", "green")
#: deploy/edge/haproxy.cfg says so; the edge's own word when nobody ever switched.
_FIRST: Final = "blue"
_WHOLE: Final = 100
_GOOD: Final = ("hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_other")
_BAD: Final = ("hrsp_5xx", "econ", "eresp")
_PASSED: Final = "L7OK"
_LATE: Final = frozenset({"L4TOUT", "L6TOUT", "L7TOUT"})
_CELL: Final = re.compile(r"\bkey=(?P<server>[a-z]+-[a-z]+)/(?P<low>\d+) .*\bgpc0=(?P<number>\d+)")


class MachineEdge:
    """HAProxy over its runtime socket. Implements `edge.SlotEdge`. `folder` holds its configuration."""

    def __init__(self, *, send: Callable[[str], str], folder: Path) -> None:
        self._send = send
        self._folder = folder

    def look(self, service: str) -> Mapping[str, ServerLook]:
        said = self._send("show stat").removeprefix("# ")
        took = _read_took(self._send("show table took"))
        rows = {(row["pxname"], row["svname"]): row for row in csv.DictReader(io.StringIO(said))}
        return {
            slot: _read_server(
                rows[service, name], took.get(name, {}), last=rows.get((f"{service}{LAST}", name), {})
            )
            for slot in SLOTS
            if (service, (name := f"{service}-{slot}")) in rows
        }

    def check_on(self, service: str, slot: str) -> None:
        """Drained it is checked, and no request comes to it."""
        self._tell(say_state(service, _part(service, slot), "drain"))

    def share(self, service: str, *, new: str, percent: int) -> None:
        if not 1 <= percent <= _WHOLE - 1:
            raise Invalid(
                Text(
                    ja=f"割合は 1〜99 % です: {percent}",
                    en=f"A share is 1 to 99 %: {percent}",
                ),
                code="edge.bad_share",
            )
        to, other = _part(service, new), _part(service, _other(new))
        self._tell(
            f"set server {service}/{other} weight {_WHOLE - percent}; {say_state(service, other, 'ready')}; "
            f"set server {service}/{to} weight {percent}; {say_state(service, to, 'ready')}"
        )

    def send_all(self, choices: Sequence[tuple[str, str]]) -> None:
        # The one that takes over first: in between both take requests, never nobody.
        self._tell("; ".join(_switch(service, slot) for service, slot in choices))

    def rest(self, service: str, slot: str) -> None:
        part = _part(service, slot)
        self._tell(f"{say_state(service, part, 'maint')}; set server {service}/{part} weight {_WHOLE}")

    def keep(self, service: str, slot: str) -> None:
        if self.kept(service) != slot:
            keep_live(self._folder, service, slot)

    def kept(self, service: str) -> str:
        return read_live(self._folder).get(service, _FIRST)

    def _tell(self, commands: str) -> None:
        """HAProxy answers nothing when it obeys."""
        said = self._send(commands).strip()
        if said:
            raise Unavailable(
                Text(ja=f"入口(HAProxy)が命令を断りました: {said}", en=f"The edge refuses: {said}"),
                code="edge.refuses",
            )


def _switch(service: str, slot: str) -> str:
    """Both get their whole weight, so that whoever makes either ready later, by hand too, need not know of
    shares."""
    to, other = _part(service, slot), _part(service, _other(slot))
    return (
        f"set server {service}/{to} weight {_WHOLE}; {say_state(service, to, 'ready')}; "
        f"{say_state(service, other, 'drain')}; set server {service}/{other} weight {_WHOLE}"
    )


def _part(service: str, slot: str) -> str:
    if slot not in SLOTS or not re.fullmatch(r"[a-z]+", service):
        raise Invalid(
            Text(ja=f"スロット {service}-{slot} はありません", en=f"There is no slot {service}-{slot}"),
            code="edge.no_slot",
        )
    return f"{service}-{slot}"


def _other(slot: str) -> str:
    return "green" if slot == "blue" else "blue"


def _read_server(row: Mapping[str, str], took: Mapping[int, int], *, last: Mapping[str, str]) -> ServerLook:
    """`last`: what it answers while nobody is in time for the check."""

    def add(*names: str) -> int:
        return sum(_int(one.get(name)) for one in (row, last) for name in names)

    status = row["status"]
    checked = read_check(row)
    is_taking = not status.startswith(("MAINT", "DRAIN", "NOLB")) and _int(row["weight"]) > 0
    return ServerLook(
        # In DRAIN the check's own word tells; a check that has not run since the slot was woken says nothing.
        is_up=status.startswith(("UP", "DRAIN")) and checked == _PASSED,
        is_late=not status.startswith("MAINT") and checked in _LATE,
        is_taking=is_taking,
        weight=_int(row["weight"]),
        in_use=add("scur", "qcur"),
        begun=add("stot"),
        answered=add(*_GOOD),
        failed=add(*_BAD),
        aborted=add("cli_abrt"),
        took=took,
    )


def read_check(row: Mapping[str, str]) -> str:
    """How the newest check ended that has ended. While the next one is under way, which on a busy machine is
    most of the time, HAProxy puts a star before it (`stats.c`)."""
    return row["check_status"].removeprefix("* ")


def _read_took(said: str) -> dict[str, dict[int, int]]:
    found: dict[str, dict[int, int]] = {}
    for cell in _CELL.finditer(said):
        found.setdefault(cell["server"], {})[int(cell["low"])] = int(cell["number"])
    return found


def _int(value: str | None) -> int:
    return int(value) if value else 0
