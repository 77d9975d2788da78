"""Names and codes in a file become the org units and positions they mean on a day, or ones to be created.

Pure: built from all recorded versions once, asked for every row. A name that could mean two units is refused,
never guessed."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Final

from hrx.app.people.employees.importing.timeline import Ref

_SEPARATOR = re.compile(r"\s*[/／>＞]\s*")
_MAX_DEPTH: Final = 30


class ReferenceRefused(Exception):
    """The text names nothing, or more than one thing; `code` and `values` make the sentence."""

    def __init__(self, column: str, code: str, **values: str) -> None:
        super().__init__(code)
        self.column = column
        self.code = code
        self.values = values


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitVersion:
    """An org unit as recorded for some days (half-open; `end` is FOREVER when open)."""

    unit_id: int
    code: str
    name_ja: str
    name_en: str
    parent_id: int | None
    start: date
    end: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionVersion:
    """A position as recorded for some days."""

    position_id: int
    code: str
    title_ja: str
    title_en: str
    start: date
    end: date


@dataclass(slots=True, kw_only=True)
class NewUnit:
    """A unit that the import will create, from the earliest day that a row needs it."""

    key: str
    code: str
    name: str
    parent: Ref | None
    start: date
    name_en: str = ""
    kind: str = "department"
    #: Who heads it when: first day, day after the last one, employee number; in order, without overlaps.
    heads: tuple[tuple[date, date, str], ...] = ()


@dataclass(slots=True, kw_only=True)
class NewPosition:
    """A position that the import will create."""

    key: str
    code: str
    title: str
    start: date
    title_en: str = ""
    #: Order in lists, highest post first.
    rank: int = 1000


@lru_cache(maxsize=4_096)
def fold(name: str) -> str:
    """Names compare without width, case and spaces: 第１営業部 is 第1 営業部."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


@lru_cache(maxsize=4_096)
def split_path(text: str) -> tuple[str, ...]:
    """営業本部/第一営業部 as its names, outermost first."""
    return tuple(part for part in _SEPARATOR.split(text) if part)


def _made_code(prefix: str, text: str) -> str:
    """A code that the same name gets in every import, so that running one twice creates nothing twice."""
    return f"{prefix}-{hashlib.sha256(fold(text).encode()).hexdigest()[:10].upper()}"


@dataclass(slots=True)
class UnitIndex:
    """All recorded org units, found by code, name or path on a day."""

    may_create: bool
    created: dict[str, NewUnit] = field(default_factory=dict)
    _versions: dict[int, list[UnitVersion]] = field(default_factory=lambda: defaultdict(list))
    _by_name: dict[str, list[UnitVersion]] = field(default_factory=lambda: defaultdict(list))
    _by_code: dict[str, int] = field(default_factory=dict)
    _seen: dict[tuple[str | None, str | None, date], Ref] = field(default_factory=dict)

    def add(self, versions: Iterable[UnitVersion]) -> None:
        for version in versions:
            self._versions[version.unit_id].append(version)
            self._by_code[fold(version.code)] = version.unit_id
            for name in {fold(version.name_ja), fold(version.name_en)} - {""}:
                self._by_name[name].append(version)

    def resolve(self, *, text: str | None, code: str | None, on: date) -> Ref:
        """The unit meant on a day. Raises ReferenceRefused."""
        key = (text, code, on)
        if key not in self._seen:
            self._seen[key] = self._find(text, code, on)
        return self._seen[key]

    def label(self, ref: Ref, on: date) -> str:
        """The path of a unit on a day, as a file would write it."""
        names: list[str] = []
        at: Ref | None = ref
        while at is not None and len(names) < _MAX_DEPTH:
            if isinstance(at, str):
                names.append(self.created[at].name)
                at = self.created[at].parent
                continue
            version = self._on(at, on)
            if version is None:
                break
            names.append(version.name_ja)
            at = version.parent_id
        return "/".join(reversed(names))

    def _find(self, text: str | None, code: str | None, on: date) -> Ref:
        if code is not None:
            unit_id = self._by_code.get(fold(code))
            if unit_id is not None:
                return self._check_code(unit_id, code, text, on)
            if not self.may_create:
                raise ReferenceRefused("org_unit_code", "org_unit.unknown", value=code, on=on.isoformat())
            return self._create(split_path(text) if text else (code,), on, code=code)
        text = text or ""
        path = split_path(text)
        found = self._by_path(path, text, on)
        if found is not None:
            return found
        if not self.may_create or not path:
            raise ReferenceRefused("org_unit", "org_unit.unknown", value=text, on=on.isoformat())
        return self._create(path, on, code=None)

    def _check_code(self, unit_id: int, code: str, text: str | None, on: date) -> int:
        version = self._on(unit_id, on)
        if version is None:
            raise ReferenceRefused("org_unit_code", "org_unit.unknown", value=code, on=on.isoformat())
        if text is not None and not self._is_ever_called(unit_id, text):
            raise ReferenceRefused(
                "org_unit_code", "org_unit.disagrees", unit_code=code, name=version.name_ja, value=text
            )
        return unit_id

    def _is_ever_called(self, unit_id: int, text: str) -> bool:
        """Whether a path ends with a name the unit has on any day: exports may carry another day's."""
        folded = fold(text)
        return any(
            folded.endswith(fold(name))
            for version in self._versions[unit_id]
            for name in (version.name_ja, version.name_en)
            if name
        )

    def code_of(self, unit_id: int) -> str:
        """The code of a recorded unit, empty when it cannot be seen."""
        versions = self._versions.get(unit_id)
        return versions[0].code if versions else ""

    def _by_path(self, path: tuple[str, ...], text: str, on: date) -> int | None:
        """The unit whose path ends with these names on that day; a whole path beats a partial one."""
        folded = tuple(fold(name) for name in path)
        if not folded:
            return None
        matches: dict[int, int] = {}
        for version in self._by_name.get(folded[-1], ()):
            if version.start <= on < version.end:
                depth = self._match(version, folded, on)
                if depth is not None:
                    matches[version.unit_id] = depth
        if len(matches) > 1:
            whole = [unit_id for unit_id, depth in matches.items() if depth == len(folded)]
            if len(whole) == 1:
                return whole[0]
            candidates = "、".join(self.label(unit_id, on) for unit_id in list(matches)[:4])
            raise ReferenceRefused("org_unit", "org_unit.ambiguous", value=text, candidates=candidates)
        return next(iter(matches), None)

    def _match(self, version: UnitVersion, folded: tuple[str, ...], on: date) -> int | None:
        """The unit's depth when its ancestors carry the names of the path, else None."""
        at: UnitVersion | None = version
        depth = 0
        while at is not None and depth < _MAX_DEPTH:
            if depth < len(folded):
                wanted = folded[len(folded) - 1 - depth]
                if wanted not in {fold(at.name_ja), fold(at.name_en)}:
                    return None
            depth += 1
            at = self._on(at.parent_id, on) if at.parent_id is not None else None
        return depth if depth >= len(folded) else None

    def _on(self, unit_id: int, day: date) -> UnitVersion | None:
        return next((v for v in self._versions.get(unit_id, ()) if v.start <= day < v.end), None)

    def _create(self, path: tuple[str, ...], on: date, *, code: str | None) -> str:
        """Create the missing end of a path below its longest recorded beginning."""
        key = "/".join(path) if code is None else f"[{code}]"
        unit = self.created.get(key)
        if unit is not None and unit.start <= on:
            # What is above it stands by then, too.
            return key
        parent: Ref | None = None
        if len(path) > 1:
            known = self._by_path(path[:-1], "/".join(path[:-1]), on)
            parent = known if known is not None else self._create(path[:-1], on, code=None)
        if unit is None:
            made = code or _made_code("U", "/".join(path))
            unit = NewUnit(key=key, code=made, name=path[-1], parent=parent, start=on)
            self.created[key] = unit
        unit.start = min(unit.start, on)
        return key


@dataclass(slots=True)
class PositionIndex:
    """All recorded positions, found by title or code on a day."""

    may_create: bool
    created: dict[str, NewPosition] = field(default_factory=dict)
    _by_name: dict[str, list[PositionVersion]] = field(default_factory=lambda: defaultdict(list))
    _titles: dict[int, str] = field(default_factory=dict)
    _seen: dict[tuple[str, date], Ref] = field(default_factory=dict)

    def add(self, versions: Iterable[PositionVersion]) -> None:
        for version in versions:
            self._titles[version.position_id] = version.title_ja
            for name in {fold(version.title_ja), fold(version.title_en), fold(version.code)} - {""}:
                self._by_name[name].append(version)

    def resolve(self, text: str, *, on: date) -> Ref:
        """The position meant on a day. Raises ReferenceRefused."""
        if (text, on) not in self._seen:
            self._seen[text, on] = self._find(text, on)
        return self._seen[text, on]

    def label(self, ref: Ref) -> str:
        return self.created[ref].title if isinstance(ref, str) else self._titles[ref]

    def _find(self, text: str, on: date) -> Ref:
        named = self._by_name.get(fold(text), ())
        matches = {version.position_id for version in named if version.start <= on < version.end}
        # A title from another day is good enough when it can mean one position only: exports carry such.
        matches = matches or {version.position_id for version in named}
        if len(matches) > 1:
            raise ReferenceRefused("position", "position.ambiguous", value=text)
        if matches:
            return matches.pop()
        if not self.may_create:
            raise ReferenceRefused("position", "position.unknown", value=text, on=on.isoformat())
        key = fold(text)
        position = self.created.get(key)
        if position is None:
            position = NewPosition(key=key, code=_made_code("P", text), title=text, start=on)
            self.created[key] = position
        position.start = min(position.start, on)
        return key
