"""Who needs whom: the parts of parts.yaml as a graph of services, so that a symptom finds its cause. Pure.

A service is a part without its slot: `api-blue` and `api-green` are `api`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hrx.ops.runbook.parts import PartInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Services and what each needs, directly. `aliases` are other names that signals use."""

    needs: Mapping[str, frozenset[str]]
    uses: Mapping[str, frozenset[str]]
    services: Mapping[str, str]
    aliases: Mapping[str, str] = field(default_factory=dict)

    def service_of(self, name: str | None) -> str | None:
        """The service of a part, slot or alias; the name itself when nobody knows it; None for None."""
        if not name:
            return None
        known = self.aliases.get(name, name)
        return self.services.get(known, known)

    def depends(self, symptom: str, cause: str, *, optional: bool = True) -> bool:
        """Whether `symptom` needs `cause`, directly or through others; with `optional`, also what it uses."""
        seen, waiting = {symptom}, [symptom]
        while waiting:
            current = waiting.pop()
            found = self.needs.get(current, frozenset())
            if optional:
                found |= self.uses.get(current, frozenset())
            if cause in found:
                return True
            waiting += [name for name in found if name not in seen]
            seen |= found
        return False

    def list_causes(self, service: str) -> tuple[str, ...]:
        """Everything this service needs or uses, at any distance, in alphabetical order."""
        return tuple(sorted(name for name in self._all if name != service and self.depends(service, name)))

    def list_symptoms(self, service: str) -> tuple[str, ...]:
        """Everything that fails or suffers when this service fails."""
        return tuple(sorted(name for name in self._all if name != service and self.depends(name, service)))

    @property
    def _all(self) -> frozenset[str]:
        return frozenset(self.services.values())


def make_graph(parts: tuple[PartInfo, ...], *, aliases: Mapping[str, str]) -> Graph:
    """The graph of these parts."""
    needs: dict[str, frozenset[str]] = {}
    uses: dict[str, frozenset[str]] = {}
    for part in parts:
        needs[part.service] = needs.get(part.service, frozenset()) | frozenset(part.depends_on)
        uses[part.service] = uses.get(part.service, frozenset()) | frozenset(part.uses)
    services = {part.name: part.service for part in parts} | {part.service: part.service for part in parts}
    return Graph(needs=needs, uses=uses, services=services, aliases=aliases)
