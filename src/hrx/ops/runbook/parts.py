"""The parts of the running system as described in `runbook/parts.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from hrx.kit.errors import NotFound, Text
from hrx.ops.plan import Risk
from hrx.ops.runbook.reading import Node, as_node, read_yaml, wrong


class LookKind(StrEnum):
    """How a part is looked at from outside."""

    READINESS = "readiness"
    PAGE = "page"
    POSTGRES = "postgres"
    REDIS = "redis"
    #: Asked of the database: whether it sends its change records to the receiver.
    RECEIVER = "receiver"
    #: The plane looks at itself: answering is the proof.
    ITSELF = "itself"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartInfo:
    """One part: what it is, what people lose without it, and what restarting it means.

    `url_setting` names the field of the operations settings that holds its address; `rests` says that being
    stopped is its normal state (the idle slot); `through` are paths that
    must answer when asked through it. `depends_on` names the services it cannot work without, `uses` those
    it works worse without; a service is a part without its slot (`api` for `api-blue`)."""

    name: str
    group: str
    slot: str | None
    rests: bool
    required: bool
    title: Text
    what: Text
    lost: Text
    look: LookKind
    url_setting: str | None
    path: str
    version_path: str | None
    through: tuple[str, ...]
    restart_risk: Risk
    restart_impact: Text
    restart_loses: Text | None
    depends_on: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()

    @property
    def service(self) -> str:
        """The part without its slot."""
        return self.name.removesuffix(f"-{self.slot}") if self.slot else self.name


def load_parts(folder: Path) -> tuple[PartInfo, ...]:
    """Every part in the order of the file. Raises ContentWrong."""
    path = folder / "parts.yaml"
    found = read_yaml(path)
    if not isinstance(found, list):
        raise wrong(str(path), "must be a list")
    parts = tuple(_read(as_node(item, place=f"parts.yaml[{at}]")) for at, item in enumerate(found))
    if len({part.name for part in parts}) != len(parts):
        raise wrong(str(path), "names a part twice")
    services = {part.service for part in parts}
    for part in parts:
        for missing in sorted({*part.depends_on, *part.uses} - services):
            raise wrong(f"parts.yaml {part.name}", f"needs an unknown service {missing}")
    return parts


def get_part(parts: tuple[PartInfo, ...], name: str) -> PartInfo:
    """The part of this name. Raises NotFound naming those that exist."""
    for part in parts:
        if part.name == name:
            return part
    names = " ".join(part.name for part in parts)
    raise NotFound(
        Text(ja=f"部品 {name} はありません", en=f"There is no part {name}"),
        hint=Text(ja=f"次のいずれかです: {names}", en=f"One of: {names}"),
        code="part.not_found",
    )


def _read(node: Node) -> PartInfo:
    look, restart = node.node("look"), node.node("restart")
    return PartInfo(
        name=node.string("name"),
        group=node.string("group"),
        slot=node.find_string("slot"),
        rests=node.flag("rests"),
        required=node.flag("required"),
        title=node.text("title"),
        what=node.text("what"),
        lost=node.text("lost"),
        look=LookKind(look.string("kind")),
        url_setting=look.find_string("url"),
        path=look.find_string("path") or "",
        version_path=look.find_string("version_path"),
        through=look.strings("through"),
        restart_risk=Risk(restart.string("risk")),
        restart_impact=restart.text("impact"),
        restart_loses=restart.find_text("loses"),
        depends_on=node.strings("depends_on"),
        uses=node.strings("uses"),
    )
