"""The org tree on a day, whole: small beside the people in it, and needed for every path of names.

Kept in the process for as long as the tenant's data version stands still, so that a page of people does not
walk the tree again."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.employees.names import Locale
from hrx.app.people.employees.queries.asked import Asked
from hrx.app.platform.db import fetch_dicts
from hrx.app.platform.tenancy import Principal

#: Index: org_unit_version_of_tenant.
_TREE: Final = """
SELECT u.id, u.code, v.name_ja, v.name_en, v.parent_id, v.kind, v.head_person_id AS head_id
FROM app.org_unit_version AS v
JOIN app.org_unit AS u ON u.id = v.org_unit_id
WHERE {known:v} AND v.valid @> {day}
ORDER BY u.code, u.id
"""
#: A real chart is some ten levels deep; the database refuses rings, this ends a walk regardless.
_MAX_DEPTH: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """An org unit as it stood on the asked day."""

    id: int
    code: str
    name_ja: str
    name_en: str
    parent_id: int | None
    kind: str
    head_id: int | None

    def name(self, locale: Locale) -> str:
        return self.name_ja if locale == "ja" else self.name_en or self.name_ja


class UnitTree:
    """All units of a day, by id, with paths and descendants."""

    def __init__(self, units: list[Unit]) -> None:
        self.units: Final = {unit.id: unit for unit in units}
        self.children: Final[dict[int | None, list[int]]] = defaultdict(list)
        for unit in units:
            # A unit whose parent the reader may not see stands at the top for them.
            parent_id = unit.parent_id if unit.parent_id in self.units else None
            self.children[parent_id].append(unit.id)
        self._paths: dict[tuple[int, Locale], list[str]] = {}

    @property
    def root_ids(self) -> list[int]:
        return self.children[None]

    def path(self, unit_id: int, locale: Locale) -> list[str]:
        """Names from the top down to the unit itself."""
        found = self._paths.get((unit_id, locale))
        if found is None:
            found = [unit.name(locale) for unit in self._upwards(unit_id)][::-1]
            self._paths[unit_id, locale] = found
        return found

    def within(self, unit_id: int, *, depth: int | None = None) -> list[int]:
        """The unit and everything below it, parents first; `depth` levels below it when given."""
        found, level = [unit_id], [unit_id]
        while level and (depth is None or depth > 0):
            level = [child for parent in level for child in self.children.get(parent, ())]
            found += level
            depth = None if depth is None else depth - 1
        return found

    def bottom_up(self) -> list[int]:
        """Every unit, children before their parents."""
        return [unit_id for root in self.root_ids for unit_id in self.within(root)][::-1]

    def _upwards(self, unit_id: int) -> Iterator[Unit]:
        at: int | None = unit_id
        for _ in range(_MAX_DEPTH):
            unit = self.units.get(at) if at is not None else None
            if unit is None:
                return
            yield unit
            at = unit.parent_id


Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """A few answers, kept by tenant data version and by what the reader may see; newest used stay."""

    def __init__(self, size: int) -> None:
        self._size: Final = size
        self._kept: OrderedDict[Hashable, Value] = OrderedDict()

    def get(self, key: Hashable | None) -> Value | None:
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: Hashable | None, value: Value) -> None:
        if key is None:
            return
        self._kept[key] = value
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)


_trees: Final[Remembered[UnitTree]] = Remembered(64)


def version_key(session: AsyncSession, asked: Asked, *, scope: str) -> tuple[Hashable, ...] | None:
    """What an answer is remembered by; None in transactions that know no data version (jobs, writes)."""
    version = session.info.get("data_version")
    if version is None or session.info.get("wrote_people"):
        return None
    principal: Principal = session.info["principal"]
    return (principal.tenant_id, version, asked.key, scope)


async def get_tree(session: AsyncSession, asked: Asked) -> UnitTree:
    """The org tree on the asked day, as far as the reader may see it."""
    principal: Principal = session.info["principal"]
    key = version_key(session, asked, scope="all" if principal.sees_everyone else "directory")
    found = _trees.get(key)
    if found is not None:
        return found
    rows = await fetch_dicts(session, asked.fill(_TREE), asked.parameters)
    tree = UnitTree([Unit(**row) for row in rows])
    _trees.put(key, tree)
    return tree
