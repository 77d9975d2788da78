"""`hrx status`: the state of every part; works with everything down."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated

import typer

from hrx.cli import output
from hrx.cli.machine import open_machine
from hrx.cli.options import AsJson
from hrx.kit.errors import Text, Unavailable
from hrx.ops.targets.machine import ports as machine_ports
from hrx.ops.targets.machine.blueprint import list_doors
from hrx.ops.targets.machine.layout import Layout
from hrx.ops.targets.machine.live import SERVICES, find_live_part, find_resting
from hrx.ops.targets.machine.machine import Machine
from hrx.ops.targets.machine.memory import PartMemory, measure_memory
from hrx.ops.targets.machine.ports import INNER_DEFAULTS, Ports
from hrx.ops.targets.machine.readiness import Answer, ask
from hrx.ops.targets.machine.supervisor import Supervisor
from hrx.ops.targets.target import PartState, PartStatus

_MIB = 1024 * 1024
_RESTING = Text(ja="待機", en="resting")


def register(app: typer.Typer) -> None:
    """Add `hrx status`."""
    app.command("status")(status)


def status(
    as_json: AsJson = False,
    memory: Annotated[bool, typer.Option("--memory", help="Also how much memory each part takes.")] = False,
) -> None:
    """Every part: does it run, does it answer. Exit code 0 when all that should run does."""
    layout, settings = open_machine()
    parts = Machine(layout).list_parts()
    answers = _ask_doors(layout, parts, edge=settings.edge_port, ops=settings.ops_port)
    sizes = {item.part: item for item in _measure(layout, parts)} if memory else {}
    resting = find_resting(layout)
    is_well = all(_is_well(part, answers.get(part.name), resting=resting) for part in parts)
    if as_json:
        output.show_json(_describe(parts, answers, sizes, is_well=is_well))
    else:
        _show(parts, answers, sizes, resting=resting)
    if not is_well:
        raise typer.Exit(output.FAILED)


def _ask_doors(layout: Layout, parts: Sequence[PartStatus], *, edge: int, ops: int) -> dict[str, Answer]:
    """What each running part says over its door, keyed by the part's own name."""
    remembered = machine_ports.read_remembered(layout.ports_file)
    inner = {name: remembered.get(name, default) for name, default in INNER_DEFAULTS.items()}
    ports = Ports(edge=remembered.get("edge", edge), ops=remembered.get("ops", ops), inner=inner)
    running = [part.name for part in parts if part.state is PartState.RUNNING]
    doors = list_doors(ports, names=running)
    named = {service: find_live_part(layout, service) for service in SERVICES}
    return {named.get(door.part, door.part): ask(door.url) for door in doors}


def _measure(layout: Layout, parts: Sequence[PartStatus]) -> list[PartMemory]:
    pids = {part.name: part.pid for part in parts if part.pid is not None}
    try:
        pids["supervisord"] = Supervisor(layout.supervisor_socket).pid()
    except Unavailable:
        return []
    return measure_memory(pids)


def _is_well(part: PartStatus, answer: Answer | None, *, resting: Collection[str]) -> bool:
    if part.name in resting:
        return True
    return part.state is PartState.RUNNING and (answer is None or answer.is_ready)


def _show(
    parts: Sequence[PartStatus],
    answers: dict[str, Answer],
    sizes: dict[str, PartMemory],
    *,
    resting: Collection[str],
) -> None:
    columns = [
        Text(ja="部品", en="Part"),
        Text(ja="状態", en="State"),
        Text(ja="応答", en="Answers"),
        Text(ja="稼働時間", en="Up for"),
        Text(ja="PID", en="PID"),
        Text(ja="これがないと失われるもの", en="Without it"),
    ]
    if sizes:
        columns.insert(5, Text(ja="メモリー", en="Memory"))
    rows = []
    for part in parts:
        row = [
            part.name,
            _say_state(part, resting=resting),
            _say_answer(answers.get(part.name)),
            _say_duration(part.uptime_s),
            str(part.pid or ""),
            output.say(part.affects) if part.affects else "",
        ]
        if sizes:
            row.insert(5, _say_size(sizes.get(part.name)))
        rows.append(row)
    output.show_table(columns, rows)
    for part in parts:
        if part.state is PartState.FAILED:
            print(f"✗ {part.name}: {part.says}  → make logs PART={part.name}")
    if sizes:
        total = sum(item.size_bytes for item in sizes.values()) / _MIB
        print(output.say(Text(ja=f"\n合計 {total:.0f} MiB(PSS)", en=f"\nTogether {total:.0f} MiB (PSS)")))
    if all(part.state is PartState.ABSENT for part in parts):
        print(
            output.say(Text(ja="\n何も動いていません。起動: make up", en="\nNothing runs. Start it: make up"))
        )


def _say_state(part: PartStatus, *, resting: Collection[str]) -> str:
    is_resting = part.name in resting and not part.pid
    return output.say(_RESTING) if is_resting else output.word("process", part.state)


def _say_answer(answer: Answer | None) -> str:
    if answer is None:
        return ""
    if answer.is_ready and answer.degraded:
        return output.say(Text(ja="低下: ", en="degraded: ")) + ", ".join(answer.degraded)
    if answer.is_ready:
        return output.say(Text(ja="正常", en="ready"))
    return f"HTTP {answer.status}" if answer.status else output.say(Text(ja="応答なし", en="no answer"))


def _say_duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def _say_size(item: PartMemory | None) -> str:
    if item is None:
        return ""
    return f"{'' if item.is_exact else '≤ '}{item.size_bytes / _MIB:.0f} MiB"


def _describe(
    parts: Sequence[PartStatus], answers: dict[str, Answer], sizes: dict[str, PartMemory], *, is_well: bool
) -> dict[str, object]:
    return {
        "is_well": is_well,
        "memory_bytes": sum(item.size_bytes for item in sizes.values()) if sizes else None,
        "parts": [
            {
                "name": part.name,
                "state": part.state.value,
                "pid": part.pid,
                "uptime_s": part.uptime_s,
                "says": part.says,
                "is_ready": answers[part.name].is_ready if part.name in answers else None,
                "degraded": answers[part.name].degraded if part.name in answers else [],
                "memory_bytes": sizes[part.name].size_bytes if part.name in sizes else None,
            }
            for part in parts
        ],
    }
