"""Which component rests on which: the parts of runbook/parts.yaml with their slots folded into one.

Root causes come before their symptoms because of this graph, not because of the order in a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from hrx.ops.runbook.parts import PartInfo

#: Things that are no parts of ours but that parts rest on: every part runs on a machine, some call outside.
_OUTSIDE: Final = {
    "api": ("machine", "outside", "release"),
    "web": ("machine", "release"),
    "worker": ("machine", "outside", "release"),
    "postgres": ("machine",),
    "redis": ("machine",),
    "haproxy": ("machine", "network"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """The graph; `needs` names what each component directly rests on."""

    needs: Mapping[str, frozenset[str]]

    def rests_on(self, upper: str, lower: str) -> bool:
        """Whether `upper` cannot be well without `lower`, directly or through others."""
        return upper != lower and lower in self._below(upper)

    def depth(self, component: str) -> int:
        """How many components are above it: what carries more is more likely a root."""
        return sum(self.rests_on(other, component) for other in self.needs)

    def _below(self, component: str) -> set[str]:
        found: set[str] = set()
        waiting = [component]
        while waiting:
            for name in self.needs.get(waiting.pop(), frozenset()):
                if name not in found:
                    found.add(name)
                    waiting.append(name)
        return found


def fold(name: str) -> str:
    """The component of a part: `api` for `api-blue`."""
    return name.removesuffix("-blue").removesuffix("-green")


def read_components(parts: Iterable[PartInfo]) -> Components:
    """The graph of the runbook's parts."""
    needs: dict[str, set[str]] = {name: set(lower) for name, lower in _OUTSIDE.items()}
    for part in parts:
        mine = needs.setdefault(fold(part.name), set())
        below = (*getattr(part, "depends_on", ()), *getattr(part, "uses", ()))
        mine |= {fold(name) for name in below} - {fold(part.name)}
    return Components(needs={name: frozenset(lower) for name, lower in needs.items()})
