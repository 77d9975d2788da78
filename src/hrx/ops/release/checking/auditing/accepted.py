"""Holes that were looked at and are lived with until a day, with the reason that a reviewer read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.release.checking.auditing.holes import Hole
from hrx.ops.runbook.reading import Node, as_node, read_yaml, wrong

FILE: Final = "audit.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """`id` may be any of the advisory's names; the last day that it counts is `until`."""

    id: str
    package: str
    reason: Text
    until: date


def load_accepted(runbook: Path) -> tuple[Accepted, ...]:
    """The list; empty without a file. Raises ContentWrong for an entry without a reason or a day."""
    path = runbook / FILE
    if not path.exists():
        return ()
    root = as_node(read_yaml(path), place=str(path))
    return tuple(_read(one) for one in root.nodes("accepted"))


def find_accepted(hole: Hole, accepted: Sequence[Accepted], *, on: date) -> Accepted | None:
    """The entry that still lets this pass; None when none does, or no longer."""
    return next(
        (one for one in accepted if one.id in hole.names and one.package == hole.package and on <= one.until),
        None,
    )


def _read(node: Node) -> Accepted:
    until = node.values.get("until")
    # YAML reads a day as a date; a moment would be a datetime, which is one, too.
    if type(until) is not date:
        raise wrong(f"{node.place}.until", "must be a day such as 2027-03-31")
    return Accepted(
        id=node.string("id"), package=node.string("package"), reason=node.text("reason"), until=until
    )
