"""What the planner is told of the world: who serves, who waits, which tables there are, what was written.

Every fact is given; none is looked up here. What is not given is not known, and counts as the worse case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hrx.ops.release.graph import ReleaseGraph
from hrx.ops.release.releases import Component
from hrx.ops.release.shapes import SchemaShape


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaState:
    """The database as it stands. `shape` None: as the releases of this revision recorded it."""

    revision: str
    shape: SchemaShape | None = None

    def find_shape(self, graph: ReleaseGraph) -> SchemaShape | None:
        return self.shape if self.shape is not None else graph.find_shape(self.revision)


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackFacts:
    """Who is involved, by release id, and what has happened since.

    `serving`: APIs that get requests; `warm`: those that run in a slot, with requests or without; `workers`:
    those whose worker takes jobs; `tabs`: those whose pages are open in browsers.
    `queued` and `scheduled`: jobs by kind that wait for a worker (None: not counted), or for a later moment.
    `kept`: releases whose builds are still at hand.
    `rows`: by column, how many values were written since the target went away; 0 is told, absent is unknown.
    `breaking`: by rule (or column, for NOT NULL), rows that break what the older schema demands.
    `documents_since`: documents that the target's search index lacks; None is unknown.
    `in_code`: components that are files of the API's code, and so move with it and never alone.
    `at_once`: those whose pointers can change in one moment."""

    serving: frozenset[str] = frozenset()
    warm: frozenset[str] = frozenset()
    workers: frozenset[str] = frozenset()
    tabs: frozenset[str] = frozenset()
    queued: Mapping[str, int] | None = None
    scheduled: Mapping[str, int] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()
    rows: Mapping[str, int] = field(default_factory=dict)
    breaking: Mapping[str, int] = field(default_factory=dict)
    documents_since: int | None = None
    has_fresh_backup: bool = False
    in_code: frozenset[Component] = frozenset()
    at_once: frozenset[Component] = frozenset({Component.MODEL, Component.PROMPT, Component.INDEX})


def facts_to_json(facts: RollbackFacts) -> dict[str, object]:
    """The facts as plain values, for the plan's hash."""
    return {
        "serving": sorted(facts.serving),
        "warm": sorted(facts.warm),
        "workers": sorted(facts.workers),
        "tabs": sorted(facts.tabs),
        "queued": dict(sorted(facts.queued.items())) if facts.queued is not None else None,
        "scheduled": dict(sorted(facts.scheduled.items())),
        "kept": sorted(facts.kept),
        "rows": dict(sorted(facts.rows.items())),
        "breaking": dict(sorted(facts.breaking.items())),
        "documents_since": facts.documents_since,
        "has_fresh_backup": facts.has_fresh_backup,
        "in_code": sorted(facts.in_code),
        "at_once": sorted(facts.at_once),
    }
