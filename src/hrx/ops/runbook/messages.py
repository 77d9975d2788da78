"""Words as content: templates of messages, and what may not be in words. Judging them is done elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.kit.errors import NotFound, Text
from hrx.ops.runbook.reading import Node, as_node, read_yaml, wrong

AUDIENCES: Final = ("customers", "internal")
KINDS: Final = ("first", "update", "resolution", "report", "maintenance")


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageTemplate:
    """One message of `runbook/respond/messages/`. `title` and `text` are templates over facts, ja and en."""

    id: str
    audience: str
    kind: str
    name: Text
    title: Text
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakRule:
    """One kind of thing that must not be said. `level` is `error` or `warning`."""

    id: str
    level: str
    audiences: tuple[str, ...]
    patterns: tuple[re.Pattern[str], ...]
    why: Text
    instead: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRule:
    """How something is claimed that needs the ledger's support."""

    patterns: tuple[re.Pattern[str], ...]
    why: Text
    instead: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakRules:
    """`runbook/respond/leaks.yaml`. `claims` has `cause` and `recovery`."""

    words_max: int
    rules: tuple[LeakRule, ...]
    claims: Mapping[str, ClaimRule]


def load_messages(folder: Path) -> dict[str, MessageTemplate]:
    """Every template by its id, which is its file's name. Raises ContentWrong."""
    paths = sorted((folder / "respond" / "messages").glob("*.yaml"))
    found = {path.stem: _template(path) for path in paths}
    for audience, kind in (("customers", "first"), ("customers", "update"), ("customers", "resolution")):
        if not any((one.audience, one.kind) == (audience, kind) for one in found.values()):
            raise wrong("respond/messages", f"has no template of kind {kind} for {audience}")
    return found


def load_leaks(folder: Path) -> LeakRules:
    """Raises ContentWrong, naming a pattern that is none."""
    node = as_node(read_yaml(folder / "respond" / "leaks.yaml"), place="leaks.yaml")
    rules = tuple(_rule(one) for one in node.nodes("rules"))
    if len({rule.id for rule in rules}) != len(rules):
        raise wrong(node.place, "names a rule twice")
    claims = node.node("claims")
    if set(claims.values) != {"cause", "recovery"}:
        raise wrong(claims.place, "needs exactly `cause` and `recovery`")
    return LeakRules(
        words_max=int(node.seconds("words_max")),
        rules=rules,
        claims={name: _claim(claims.node(name)) for name in claims.values},
    )


def find_template(templates: Mapping[str, MessageTemplate], *, audience: str, kind: str) -> MessageTemplate:
    """The template for this audience and kind; inside, one serves for all. Raises NotFound."""
    ours = [one for one in templates.values() if one.audience == audience]
    found = next((one for one in ours if one.kind == kind), None) or (
        ours[0] if ours and audience == "internal" else None
    )
    if found is None:
        names = " ".join(sorted(templates))
        raise NotFound(
            Text(
                ja=f"{audience} 向けの {kind} のひな形はありません",
                en=f"There is no template of kind {kind} for {audience}",
            ),
            hint=Text(ja=f"次があります: {names}", en=f"There are: {names}"),
            code="communication.no_template",
        )
    return found


def as_whole_word(name: str) -> str:
    """A pattern for a name that stands by itself, also between Japanese characters."""
    return rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])"


def _template(path: Path) -> MessageTemplate:
    node = as_node(read_yaml(path), place=f"messages/{path.name}")
    audience, kind = node.string("audience"), node.string("kind")
    if audience not in AUDIENCES:
        raise wrong(f"{node.place}.audience", f"must be one of {' '.join(AUDIENCES)}")
    if kind not in KINDS:
        raise wrong(f"{node.place}.kind", f"must be one of {' '.join(KINDS)}")
    return MessageTemplate(
        id=path.stem,
        audience=audience,
        kind=kind,
        name=node.text("name"),
        title=node.text("title"),
        text=node.text("text"),
    )


def _rule(node: Node) -> LeakRule:
    level, audiences = node.string("level"), node.strings("audiences")
    if level not in ("error", "warning"):
        raise wrong(f"{node.place}.level", "must be error or warning")
    if not audiences or set(audiences) - set(AUDIENCES):
        raise wrong(f"{node.place}.audiences", f"must name some of {' '.join(AUDIENCES)}")
    names = [as_whole_word(name) for name in node.strings("names")]
    return LeakRule(
        id=node.string("id"),
        level=level,
        audiences=audiences,
        patterns=_patterns(node, [*node.strings("patterns"), *names]),
        why=node.text("why"),
        instead=node.text("instead"),
    )


def _claim(node: Node) -> ClaimRule:
    return ClaimRule(
        patterns=_patterns(node, node.strings("patterns")), why=node.text("why"), instead=node.text("instead")
    )


def _patterns(node: Node, sources: list[str] | tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    if not sources:
        raise wrong(node.place, "needs `patterns` or `names`")
    found = []
    for source in sources:
        try:
            found.append(re.compile(source, re.IGNORECASE))
        except re.error as error:
            raise wrong(node.place, f"has a pattern that is none: {source}: {error}") from error
    return tuple(found)
