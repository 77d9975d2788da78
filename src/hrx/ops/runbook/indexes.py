"""The indexes that the migrations promise: `runbook/database/indexes.yaml`, held to them by a test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hrx.ops.runbook.reading import as_node, read_yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class PromisedIndex:
    """One index: `schema.name`, `schema.table`, and the statement that makes it as PostgreSQL tells it."""

    name: str
    table: str
    definition: str


def load_indexes(folder: Path) -> tuple[PromisedIndex, ...]:
    """Every promised index, by name. Raises ContentWrong."""
    node = as_node(read_yaml(folder / "database" / "indexes.yaml"), place="indexes.yaml")
    found = (
        PromisedIndex(
            name=item.string("name"), table=item.string("table"), definition=item.string("definition")
        )
        for item in node.nodes("indexes")
    )
    return tuple(sorted(found, key=lambda index: index.name))
