"""Dashboards: which there are, and one of them over a stretch of time; drawn here, without a script."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response

from hrx.kit import clock
from hrx.ops.console.boards import PanelState, PanelView, end_around, view_panels
from hrx.ops.console.desk import Visit, language_of, needs
from hrx.ops.ledger.incidents import Incident
from hrx.ops.observe.dashboards.marks import list_marks
from hrx.ops.observe.dashboards.spans import DEFAULT, SPANS, Span, get_span, make_grid
from hrx.ops.operators.roles import Permission
from hrx.ops.runbook.graph import make_graph
from hrx.ops.runbook.watch.dashboards import Dashboard, Panel, PanelKind, get_dashboard, get_panel

router: Final = APIRouter()
Looker = Annotated[Visit, Depends(needs(Permission.LOOK))]
SpanKey = Annotated[str, Query(alias="span", max_length=4)]
#: A page opens within a second: what is late by then comes by itself.
_OPEN_WITHIN_S: Final = 0.6
#: A fragment nobody waits for with an empty screen.
_REFRESH_WITHIN_S: Final = 3.0
_LATE_WITHIN_S: Final = 4.5
#: The page of an incident asks every two seconds and must not be held up.
_INCIDENT_WITHIN_S: Final = 0.4
_INCIDENT_PANELS: Final = 4
_GOLDEN: Final = "golden-signals"


@router.get("/dashboards")
def show_dashboards(visit: Looker) -> Response:
    watch = visit.desk.plane.content.watch
    firing = {alert.name for alert in visit.desk.snapshot.troubles or ()}
    return visit.page(
        "dashboards.html",
        dashboards=watch.dashboards,
        firing={
            dashboard.id: sorted({name for panel in dashboard.panels for name in panel.rules} & firing)
            for dashboard in watch.dashboards
        },
    )


@router.get("/dashboards/{dashboard_id}")
def show_dashboard(visit: Looker, dashboard_id: str, span_key: SpanKey = "") -> Response:
    values = _values(visit, dashboard_id, get_span(span_key), within_s=_OPEN_WITHIN_S)
    return visit.page("dashboard.html", **values)


@router.get("/fragments/dashboards/{dashboard_id}")
def show_dashboard_now(visit: Looker, dashboard_id: str, span_key: SpanKey = "") -> Response:
    values = _values(visit, dashboard_id, get_span(span_key), within_s=_REFRESH_WITHIN_S)
    return visit.page("fragments/dashboard.html", **values)


@router.get("/fragments/dashboards/{dashboard_id}/{panel_id}")
def show_panel(visit: Looker, dashboard_id: str, panel_id: str, span_key: SpanKey = "") -> Response:
    """One panel that was late when its page opened; after this it is no longer waited for."""
    dashboard = get_dashboard(visit.desk.plane.content.watch.dashboards, dashboard_id)
    span = get_span(span_key)
    (view,) = _view(visit, (get_panel(dashboard, panel_id),), span, within_s=_LATE_WITHIN_S)
    return visit.page(
        "fragments/dashboard_panel.html", view=view, dashboard=dashboard, span=span, is_last_try=True
    )


# `Any`: values for a template.
def _values(visit: Visit, dashboard_id: str, span: Span, *, within_s: float) -> dict[str, Any]:
    plane = visit.desk.plane
    dashboard = get_dashboard(plane.content.watch.dashboards, dashboard_id)
    views = _view(visit, dashboard.panels, span, within_s=within_s)
    silent = next((view.says for view in views if view.state is PanelState.SILENT), None)
    grid = make_grid(span, PanelKind.LINE, end=clock.now())
    return {
        "dashboard": dashboard,
        "dashboards": plane.content.watch.dashboards,
        "views": views,
        "marks": list_marks(plane.ledger, plane.content, grid=grid),
        "span": span,
        "spans": SPANS,
        "silent": silent,
        "is_last_try": False,
    }


def _view(visit: Visit, panels: tuple[Panel, ...], span: Span, *, within_s: float) -> list[PanelView]:
    plane = visit.desk.plane
    grid = make_grid(span, PanelKind.LINE, end=clock.now())
    return view_panels(
        visit.desk.asker,
        plane.content.watch,
        panels,
        span=span,
        marks=list_marks(plane.ledger, plane.content, grid=grid),
        within_s=within_s,
        language=language_of(visit.request),
    )


# `Any`: values for a template.
def show_around_incident(visit: Visit, incident: Incident) -> dict[str, Any]:
    """For the page of an incident: the hour around it, on the dashboard of the part it is about."""
    plane = visit.desk.plane
    dashboard = find_dashboard_of(visit, incident)
    panels = tuple(panel for panel in dashboard.panels if panel.kind in (PanelKind.LINE, PanelKind.BAR))
    end = end_around(incident.opened_at, DEFAULT)
    grid = make_grid(DEFAULT, PanelKind.LINE, end=end)
    views = view_panels(
        visit.desk.asker,
        plane.content.watch,
        panels[:_INCIDENT_PANELS],
        span=DEFAULT,
        end=end,
        marks=list_marks(plane.ledger, plane.content, grid=grid),
        within_s=_INCIDENT_WITHIN_S,
        language=language_of(visit.request),
    )
    silent = next((view.says for view in views if view.state is PanelState.SILENT), None)
    return {"dashboard": dashboard, "views": views, "silent": silent, "span": DEFAULT, "is_last_try": True}


def find_dashboard_of(visit: Visit, incident: Incident) -> Dashboard:
    """The dashboard of the service that an incident is about; the golden signals when it has none."""
    content = visit.desk.plane.content
    graph = make_graph(content.parts, aliases=content.respond.grouping.aliases)
    service = graph.service_of(incident.part)
    dashboards = content.watch.dashboards
    return next(
        (dashboard for dashboard in dashboards if service in dashboard.services),
        get_dashboard(dashboards, _GOLDEN),
    )
