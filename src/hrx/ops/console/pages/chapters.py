"""The runbook as people read it: chapters 1 to 10, each section with its live state and its last proof."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Response

from hrx.ops.console.desk import Visit, needs
from hrx.ops.console.pages.overview import group_views
from hrx.ops.console.pages.settings import list_rows
from hrx.ops.console.recovery_views import find_drilled, list_figures
from hrx.ops.console.release_views import find_picture
from hrx.ops.operators.accounts import list_operators
from hrx.ops.operators.roles import Permission
from hrx.ops.recovery.troubles import list_troubles
from hrx.ops.run.proofs import find_last_proof
from hrx.ops.run.rollouts import find_this_machine
from hrx.ops.runbook.chapters import get_chapter
from hrx.ops.runbook.procedures import get_procedure

router: Final = APIRouter()


@router.get("/chapters/{number}")
def show_chapter(visit: Annotated[Visit, Depends(needs(Permission.LOOK))], number: int) -> Response:
    plane = visit.desk.plane
    chapter = get_chapter(plane.content.chapters, number)
    shown = {name for section in chapter.sections for name in section.shows}
    procedures = {
        procedure_id: get_procedure(plane.content.procedures, procedure_id)
        for section in chapter.sections
        for procedure_id in section.procedures
    }
    proofs = {procedure_id: find_last_proof(plane, procedure_id) for procedure_id in procedures}
    return visit.page(
        "chapter.html",
        chapter=chapter,
        procedures=procedures,
        proofs=proofs,
        **_live(visit, shown),
    )


# `Any`: values for a template.
def _live(visit: Visit, shown: set[str]) -> dict[str, Any]:
    """What the sections of this chapter show live, and nothing else."""
    snapshot = visit.desk.snapshot
    standing = visit.desk.standings.find() if "recovery" in shown else None
    return {
        "snapshot": snapshot,
        "groups": group_views(snapshot) if "parts" in shown else [],
        "operators": list_operators(visit.desk.ledger) if "operators" in shown else [],
        "setting_rows": list_rows(visit.desk.plane.settings) if "settings" in shown else [],
        "standing": standing,
        "figures": list_figures(standing) if standing else [],
        "recovery_troubles": list_troubles(standing) if standing else [],
        "drilled": find_drilled(visit.desk.plane) if "recovery" in shown else None,
        "releases_now": find_picture(visit.desk.plane, find_this_machine) if "releases" in shown else None,
        "postgres": snapshot.find_view("postgres"),
    }
