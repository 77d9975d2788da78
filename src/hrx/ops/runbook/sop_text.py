"""The text of an SOP: Markdown that reads as prose, with the same seven sections in ja and en.

What the text names in code spans (`check:postgres.locks`, `action:part.restart`, `metric:…`) is collected:
both languages must name the same, and each name must exist."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hrx.kit.errors import Text
from hrx.ops.runbook.reading import wrong

#: The sections that chapter 5.2 asks of every SOP, in its order, with the headings of the files.
SECTIONS: Final[Mapping[str, Text]] = {
    "detection": Text(ja="兆候と検知", en="Symptoms and detection"),
    "scope": Text(ja="影響範囲の見極め", en="Scope of the impact"),
    "causes": Text(ja="考えられる原因", en="Probable causes"),
    "triage": Text(ja="一次切り分け", en="First triage"),
    "recovery": Text(ja="復旧(暫定・恒久)", en="Recovery: temporary and permanent"),
    "escalation": Text(ja="エスカレーションと連絡先", en="Escalation and contacts"),
    "evidence": Text(ja="見るべきログとメトリクス", en="Logs and metrics to look at"),
}
_HEADING: Final = re.compile(r"^## (.+?)\s*$", re.M)
_NAMED: Final = re.compile(r"`(check|action|procedure|metric|log|endpoint):([^`\s]+)`")


@dataclass(frozen=True, slots=True, kw_only=True)
class SopText:
    """Sections by key, and what the text names, by kind (`check`, `action`, …)."""

    sections: Mapping[str, Text]
    named: Mapping[str, frozenset[str]]


def read_sop_text(facts: Path) -> SopText:
    """The text beside a file of facts. Raises ContentWrong when a section or a language lacks something."""
    ja, en = (_read_sections(facts, language) for language in ("ja", "en"))
    named = _names_in(" ".join(ja.values()))
    english = _names_in(" ".join(en.values()))
    for kind in sorted(set(named) | set(english)):
        odd = named.get(kind, frozenset()) ^ english.get(kind, frozenset())
        if odd:
            raise wrong(facts.stem, f"names {kind}:{sorted(odd)[0]} in one language only")
    return SopText(sections={key: Text(ja=ja[key], en=en[key]) for key in SECTIONS}, named=named)


def _names_in(text: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for kind, name in _NAMED.findall(text):
        found.setdefault(kind, set()).add(name)
    return {kind: frozenset(names) for kind, names in found.items()}


def _read_sections(facts: Path, language: str) -> dict[str, str]:
    path = facts.with_name(f"{facts.stem}.{language}.md")
    try:
        pieces = _HEADING.split(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise wrong(path.name, "is missing") from error
    keys = {text.ja if language == "ja" else text.en: key for key, text in SECTIONS.items()}
    found: dict[str, str] = {}
    for heading, body in zip(pieces[1::2], pieces[2::2], strict=True):
        if heading not in keys:
            raise wrong(path.name, f"has an unknown section {heading!r}")
        found[keys[heading]] = body.strip()
    for key, heading_text in SECTIONS.items():
        if not found.get(key):
            raise wrong(
                path.name, f"has no section {heading_text.ja if language == 'ja' else heading_text.en}"
            )
    return found
