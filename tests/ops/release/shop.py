"""Four releases of a small product, as a store would hold them: for reading the planner's words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hrx.ops.release.releases import Build, Component, Environment, Release, Slot
from hrx.ops.release.shapes import ColumnShape, SchemaShape, SchemaUse
from hrx.ops.release.store import ReleaseStore

_TEXT = ColumnShape(type="text")
_ID = ColumnShape(type="bigint", not_null=True, is_generated=True)
_NAME = ColumnShape(type="text", not_null=True)
_BASE = {"app.person.id": _ID, "app.person.name": _NAME, "app.person.kana": _TEXT}
#: r1, r2: the base. r3 adds a nickname (expand). r4 drops the kana (contract).
SHAPES = {
    "0008": SchemaShape(columns=_BASE),
    "0009": SchemaShape(columns={**_BASE, "app.person.nickname": _TEXT}),
    "0010": SchemaShape(
        columns={"app.person.id": _ID, "app.person.name": _NAME, "app.person.nickname": _TEXT}
    ),
}


def make_release(
    number: int,
    revision: str,
    *,
    uses: tuple[str, ...],
    operations: tuple[str, ...] = ("GET /people",),
    jobs: tuple[str, ...] = ("import_people",),
    versions: dict[Component, Build] | None = None,
) -> Release:
    columns = frozenset(f"app.person.{name}" for name in uses)
    offers = frozenset(f"api:{name}()" for name in operations)
    return Release(
        id=f"r{number}",
        version=f"1.{number}.0",
        commit=f"{number}c8f2a61d0b7",
        built_at=datetime(2026, 11, 20, 9, 0, tzinfo=UTC) + timedelta(days=number),
        components={
            Component.WEB: Build(version=f"web-{number}", needs=offers),
            Component.API: Build(version=f"api-{number}", needs=frozenset(), offers=offers),
            Component.SCHEMA: Build(version=revision),
            **(versions or {}),
        },
        use=SchemaUse(
            reads=columns,
            writes=columns - {"app.person.id"},
            inserts={"app.person": columns - {"app.person.id"}},
            tables=frozenset({"app.person"}),
        ),
        shape=SHAPES[revision],
        handles=frozenset(jobs),
    )


R1 = make_release(1, "0008", uses=("id", "name", "kana"))
R2 = make_release(2, "0008", uses=("id", "name"))
R3 = make_release(
    3,
    "0009",
    uses=("id", "name", "nickname"),
    operations=("GET /people", "GET /nicknames"),
    jobs=("import_people", "greet"),
)
R4 = make_release(
    4,
    "0010",
    uses=("id", "name", "nickname"),
    operations=("GET /people", "GET /nicknames"),
    jobs=("import_people", "greet"),
)


def fill_store(
    folder: Path, *, live: Release, environment: Environment = Environment.DEVELOPMENT
) -> ReleaseStore:
    """Every release up to `live` was live in its turn."""
    store = ReleaseStore(folder)
    slots = {Slot.BLUE: None, Slot.GREEN: None}
    held: dict[Slot, str | None] = dict(slots)
    for number, release in enumerate((R1, R2, R3, R4)):
        store.add(release)
        here, there = (Slot.BLUE, Slot.GREEN) if number % 2 == 0 else (Slot.GREEN, Slot.BLUE)
        store.place(environment, here, release.id, weight=100, by="machine:sato", expected=held[here])
        held[here] = release.id
        if held[there] is not None:
            store.place(environment, there, held[there], weight=0, by="machine:sato", expected=held[there])
        if release is live:
            break
    return store
