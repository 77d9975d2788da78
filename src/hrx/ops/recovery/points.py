"""Named restore points: a mark in the change records, and a note in the vault of where it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from hrx.kit import clock
from hrx.kit.errors import Conflict, Invalid, NotFound, Text
from hrx.ops.recovery.places import FileNotThere, Folder
from hrx.ops.recovery.wal import format_lsn, parse_lsn
from hrx.ops.seams.sessions import Session

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorePoint:
    """One named point. Retention never takes away what it needs."""

    name: str
    position: int
    made_at: datetime
    made_by: str


def make_point(folder: Folder, session: Session, name: str, *, made_by: str) -> RestorePoint:
    """Mark this moment. The session is of a role that may call pg_create_restore_point.

    Raises Invalid, Conflict when the name is taken, SessionLost, PlaceUnavailable."""
    if not _NAME.fullmatch(name):
        raise Invalid(
            Text(
                ja="名前は英数字と . _ - で 63 字までです",
                en="A name has letters, digits and . _ -, 63 at most",
            ),
            code="recovery.point_name",
        )
    if any(one.name == name for one in list_points(folder)):
        raise Conflict(
            Text(ja=f"復元ポイント {name} はもうあります", en=f"There is a restore point {name} already"),
            hint=Text(ja="別の名前にしてください。", en="Choose another name."),
            code="recovery.point_taken",
        )
    row = session.row("SELECT pg_create_restore_point(%(name)s)::text, clock_timestamp()", {"name": name})
    if row is None:
        raise RuntimeError("pg_create_restore_point gave no row")
    point = RestorePoint(name=name, position=parse_lsn(str(row[0])), made_at=row[1], made_by=made_by)
    with folder.writing(_file(name)) as file:
        told = {"name": name, "position": format_lsn(point.position), "made_by": made_by}
        file.write(orjson.dumps({**told, "made_at": point.made_at, "noted_at": clock.now()}))
    return point


def list_points(folder: Folder) -> list[RestorePoint]:
    """Every named point, oldest first."""
    found = [_read(folder, one.name) for one in folder.list_files("points") if one.name.endswith(".json")]
    return sorted(found, key=lambda one: one.made_at)


def find_point(folder: Folder, name: str) -> RestorePoint:
    """Raises NotFound."""
    try:
        return _read(folder, _file(name))
    except (FileNotThere, ValueError):
        raise NotFound(
            Text(ja=f"復元ポイント {name} はありません", en=f"There is no restore point {name}"),
            hint=Text(ja="`hrx recover moments` で一覧できます。", en="`hrx recover moments` lists them."),
            code="recovery.no_point",
        ) from None


def delete_point(folder: Folder, name: str) -> None:
    """From then on retention may take what only it needed; harmless when there is none."""
    folder.delete(_file(name))


def _file(name: str) -> str:
    return f"points/{name}.json"


def _read(folder: Folder, file_name: str) -> RestorePoint:
    with folder.reading(file_name) as file:
        told: dict[str, Any] = orjson.loads(file.read())
    return RestorePoint(
        name=str(told["name"]),
        position=parse_lsn(str(told["position"])),
        made_at=datetime.fromisoformat(str(told["made_at"])),
        made_by=str(told["made_by"]),
    )
