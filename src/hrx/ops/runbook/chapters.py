"""Chapters 1 to 10: a short file of facts per chapter, and its text in ja and en beside it.

The text of a section stands under a heading `## <id>`; the facts say whether the section is built, which
requirements live there and which procedures and pages it shows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from hrx.kit.errors import NotFound, Text
from hrx.ops.runbook.reading import Node, as_node, read_yaml, wrong

_HEADING: Final = re.compile(r"^## (\d+(?:\.\d+)*)\s*$", re.M)


class Built(StrEnum):
    """How much of a section works."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section. What is not built says so plainly, with the requirements that will live there.

    `shows` names live views (parts, alerts, settings, ledger, operators, releases) shown beside the text."""

    id: str
    title: Text
    body: Text
    requirements: tuple[str, ...]
    built: Built
    procedures: tuple[str, ...]
    shows: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One chapter, `lead` being its text before the first section."""

    number: int
    title: Text
    lead: Text
    sections: tuple[Section, ...]

    @property
    def built(self) -> Built:
        """YES when every section works, NO when none does anything yet."""
        found = {section.built for section in self.sections}
        return found.pop() if len(found) == 1 else Built.PARTLY


def load_chapters(folder: Path) -> tuple[Chapter, ...]:
    """Every chapter by number. Raises ContentWrong, also when a section lacks its text in a language."""
    paths = sorted((folder / "chapters").glob("*.yaml"))
    return tuple(sorted((_read(path) for path in paths), key=lambda chapter: chapter.number))


def get_chapter(chapters: tuple[Chapter, ...], number: int) -> Chapter:
    """The chapter with this number. Raises NotFound."""
    for chapter in chapters:
        if chapter.number == number:
            return chapter
    raise NotFound(
        Text(ja=f"第 {number} 章はありません", en=f"There is no chapter {number}"),
        hint=Text(ja="`hrx runbook list` で一覧できます。", en="`hrx runbook list` shows them."),
        code="chapter.not_found",
    )


def _read(path: Path) -> Chapter:
    node = as_node(read_yaml(path), place=path.name)
    bodies = {language: _read_bodies(path.with_suffix(f".{language}.md")) for language in ("ja", "en")}
    number = node.values.get("number")
    if not isinstance(number, int):
        raise wrong(path.name, "has no number")
    sections = tuple(_read_section(item, bodies) for item in node.nodes("sections"))
    written = set(bodies["ja"]) | set(bodies["en"])
    unknown = written - {section.id for section in sections} - {""}
    if unknown:
        raise wrong(path.name, f"has text for unknown sections {', '.join(sorted(unknown))}")
    return Chapter(
        number=number,
        title=node.text("title"),
        lead=Text(ja=bodies["ja"].get("", ""), en=bodies["en"].get("", "")),
        sections=sections,
    )


def _read_section(node: Node, bodies: dict[str, dict[str, str]]) -> Section:
    section_id = node.string("id")
    for language in ("ja", "en"):
        if section_id not in bodies[language]:
            raise wrong(f"{node.place} ({section_id})", f"has no text in {language}")
    return Section(
        id=section_id,
        title=node.text("title"),
        body=Text(ja=bodies["ja"][section_id], en=bodies["en"][section_id]),
        requirements=node.strings("requirements"),
        built=_how_built(node),
        procedures=node.strings("procedures"),
        shows=node.strings("shows"),
    )


def _how_built(node: Node) -> Built:
    if node.flag("built"):
        return Built.YES
    # Unfinished, but something of it already runs or shows live.
    return Built.PARTLY if node.strings("procedures") or node.strings("shows") else Built.NO


def _read_bodies(path: Path) -> dict[str, str]:
    try:
        pieces = _HEADING.split(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise wrong(path.name, "is missing") from error
    bodies = {"": pieces[0].strip()}
    for at in range(1, len(pieces), 2):
        bodies[pieces[at]] = pieces[at + 1].strip()
    return bodies
