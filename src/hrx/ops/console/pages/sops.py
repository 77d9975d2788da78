"""SOPs as people read them, with their checks to be asked at once; and the questions of 10.2."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response

from hrx.kit.errors import Language, NotFound, Text
from hrx.ops.console.desk import Visit, language_of, needs, needs_form
from hrx.ops.console.panels import view_triage
from hrx.ops.operators.roles import Permission
from hrx.ops.run.plane import Plane
from hrx.ops.runbook.faq import search_faq
from hrx.ops.runbook.procedures import get_procedure
from hrx.ops.runbook.sop_text import SECTIONS
from hrx.ops.runbook.sops import Sop, get_sop
from hrx.ops.triage.engine import diagnose, list_questions
from hrx.ops.triage.registry import get_check
from hrx.ops.triage.result import result_to_json

router: Final = APIRouter()
Looker = Annotated[Visit, Depends(needs(Permission.LOOK))]
Asker = Annotated[Visit, Depends(needs_form(Permission.LOOK))]
_NAMED: Final = re.compile(r"`(check|procedure|metric|log|endpoint|action):([^`\s]+)`")


@router.get("/sops")
def show_sops(visit: Looker) -> Response:
    plane = visit.desk.plane
    asked = {sop.id: len(list_questions(plane, sop)) for sop in plane.content.sops}
    return visit.page("sops.html", sops=plane.content.sops, asked=asked)


@router.get("/sops/{sop_id}")
def show_sop(visit: Looker, sop_id: str) -> Response:
    return visit.page("sop.html", **_values(visit, sop_id), values=None)


@router.post("/sops/{sop_id}/asks")
def ask(visit: Asker, sop_id: str) -> Response:
    """Every check of an SOP now; reads only, and nothing of it is kept."""
    plane = visit.desk.plane
    found = diagnose(plane, get_sop(plane.content.sops, sop_id))
    values = view_triage(plane, result_to_json(found), incident=None)
    return visit.page("sop.html", **{**_values(visit, sop_id), "result": found}, values=values)


@router.get("/faq")
def show_faq(visit: Looker, words: Annotated[str, Query(max_length=100)] = "") -> Response:
    found = search_faq(visit.desk.plane.content.faq, words)
    return visit.page("faq.html", words=words, found=found, procedures=visit.desk.plane.content.procedures)


# `Any`: values for a template.
def _values(visit: Visit, sop_id: str) -> dict[str, Any]:
    plane, language = visit.desk.plane, language_of(visit.request)
    sop = get_sop(plane.content.sops, sop_id)
    return {
        "sop": sop,
        "sections": [
            (heading, link_names(plane, sop.text.sections[key], language=language))
            for key, heading in SECTIONS.items()
        ],
        "questions": [(question, get_check(question.probe.check)) for question in list_questions(plane, sop)],
        "procedures": _procedures_of(plane, sop),
        "faq": [one for one in plane.content.faq if sop_id in one.sops],
        "result": None,
    }


def _procedures_of(plane: Plane, sop: Sop) -> list[tuple[str, Text]]:
    names = {proposal.procedure for cause in sop.causes for proposal in cause.proposals}
    names |= sop.text.named.get("procedure", frozenset())
    return [(name, get_procedure(plane.content.procedures, name).name) for name in sorted(names)]


def link_names(plane: Plane, text: Text, *, language: Language) -> str:
    """The Markdown with what it names as words and links instead of `kind:name`."""

    def link(match: re.Match[str]) -> str:
        kind, name = match.groups()
        try:
            if kind == "procedure":
                words = get_procedure(plane.content.procedures, name).name
                return f"[{words.ja if language == 'ja' else words.en}](/procedures/{name})"
            if kind == "check":
                words = get_check(name).title
                return f"[{words.ja if language == 'ja' else words.en}](#check-{name})"
        except NotFound:
            # A test refuses such content; a page at night shows the bare name instead of an error.
            pass
        return f"`{name}`"

    return _NAMED.sub(link, text.ja if language == "ja" else text.en)
