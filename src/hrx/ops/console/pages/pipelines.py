"""A pipeline on one page: its stages, what waits and why, what is to be approved, the log's last lines.

One button: another operator's word on exactly the plan that is shown. Stages are run from a terminal."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Query, Response

from hrx.kit.errors import HrxError
from hrx.ops.console.desk import Visit, go, needs, needs_form
from hrx.ops.console.pipeline_views import view_progress, view_run
from hrx.ops.operators.roles import Permission
from hrx.ops.run.pipelines import approve_run, find_gate

router: Final = APIRouter()
Looker = Annotated[Visit, Depends(needs(Permission.LOOK))]
Approver = Annotated[Visit, Depends(needs_form(Permission.APPROVE))]


@router.get("/releases/pipelines/{run_id}")
def show_pipeline(visit: Looker, run_id: str) -> Response:
    """Raises NotFound, RunUnreadable."""
    return _show(visit, run_id)


@router.get("/fragments/releases/pipelines/{run_id}")
def show_pipeline_now(
    visit: Looker, run_id: str, seen: Annotated[str, Query(max_length=40)] = ""
) -> Response:
    """Stages and logs alone; the whole page anew when it has to ask for something else.

    Raises NotFound, RunUnreadable."""
    gate = find_gate(visit.desk.plane)
    view = view_progress(gate, gate.runs.get(run_id))
    answer = visit.page("fragments/pipeline_now.html", view=view, is_part=True)
    if seen and seen != view.key:
        answer.headers["HX-Refresh"] = "true"
    return answer


@router.post("/releases/pipelines/{run_id}/approve")
def approve_pipeline(
    visit: Approver, run_id: str, plan_hash: Annotated[str, Form(max_length=64)] = ""
) -> Response:
    """Put the visitor's word on record; whoever drives the run goes on by it."""
    gate = find_gate(visit.desk.plane)
    try:
        approve_run(gate, gate.runs.get(run_id), actor=visit.actor, plan_hash=plan_hash)
    except HrxError as error:
        return _show(visit, run_id, error=error)
    return go(f"/releases/pipelines/{run_id}")


def _show(visit: Visit, run_id: str, *, error: HrxError | None = None) -> Response:
    gate = find_gate(visit.desk.plane)
    run = gate.runs.get(run_id)
    # `Any`: values for a template.
    values: dict[str, Any] = {
        "view": view_run(gate, run, actor=visit.actor),
        "error": error,
        "is_part": False,
    }
    return visit.page("pipeline.html", status=200 if error is None else 409, **values)
