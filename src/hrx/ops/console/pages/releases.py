"""Releases: slots and what they hold, the rollout with its comparison, the way back, and the list.

Two buttons, where one press is enough: back, and on with a rollout that asks. A press is put on record and
done by whoever is at work on the rollout. Nothing is deployed from here."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Query, Response

from hrx.kit import clock
from hrx.kit.errors import HrxError, Refused
from hrx.ops.console import release_views as views
from hrx.ops.console.desk import Visit, go, needs, needs_form
from hrx.ops.console.pipeline_views import list_runs
from hrx.ops.operators.roles import Permission
from hrx.ops.release.releases import Environment
from hrx.ops.release.results import ResultShelf
from hrx.ops.release.returning import WayBack, find_way_back
from hrx.ops.release.rollback.plans import RollbackRefused
from hrx.ops.release.strategies.storing import RolloutStore, rollout_folder
from hrx.ops.release.wording import OUTCOMES, show_history, show_plan, show_refusal
from hrx.ops.run.rollouts import ask_back, ask_on, find_this_machine
from hrx.ops.settings import HOME

router: Final = APIRouter()
Looker = Annotated[Visit, Depends(needs(Permission.LOOK))]
Doer = Annotated[Visit, Depends(needs_form(Permission.PLAN_AND_RUN))]
RolloutId = Annotated[str, Form(max_length=120)]
_PLACEMENTS: Final = 30
_RELEASES: Final = 30
#: A backup that is to stand in for what a way down loses must not be older (as `hrx release plan` has it).
_BACKUP_IS_FRESH: Final = timedelta(hours=1)


class PressIsNotEnough(Refused):
    """Going back is more than moving requests, or nothing shows that it is safe."""

    code = "release.press_not_enough"


@router.get("/releases")
def show_releases(visit: Looker) -> Response:
    return _show(visit)


@router.get("/fragments/releases")
def show_releases_now(visit: Looker, seen: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Slots and rollout alone, asked for every two seconds; the whole page anew when other buttons belong
    on it."""
    try:
        picture = views.look(visit.desk.plane, find_this_machine)
    except HrxError as error:
        return visit.page("fragments/releases_live.html", error=error, picture=None)
    answer = visit.page("fragments/releases_live.html", error=None, picture=picture, **_words())
    if seen and seen != picture.key:
        answer.headers["HX-Refresh"] = "true"
    return answer


@router.get("/fragments/releases/pointers")
def show_pointers(visit: Looker) -> Response:
    """Models and search indexes. Asks a store and a database, so they are fetched apart and less often."""
    models, indexes = visit.desk.pointers.look()
    return visit.page("fragments/releases_pointers.html", models=models, indexes=indexes)


@router.post("/releases/back")
def go_back(visit: Doer, rollout: RolloutId = "") -> Response:
    """The version before gets all requests; done in the background."""
    plane = visit.desk.plane
    try:
        way = _find_way(visit)
        if way.why_not is not None:
            raise PressIsNotEnough(way.why_not)
        ask_back(plane, rollout, actor=visit.actor.name)
    except HrxError as error:
        return _show(visit, error=error)
    return go("/releases")


@router.post("/releases/on")
def go_on(visit: Doer, rollout: RolloutId = "") -> Response:
    """A rollout that asks goes on; done in the background."""
    try:
        ask_on(visit.desk.plane, rollout, actor=visit.actor.name)
    except HrxError as error:
        return _show(visit, error=error)
    return go("/releases")


def _show(visit: Visit, *, error: HrxError | None = None) -> Response:
    plane = visit.desk.plane
    here = Environment(plane.settings.environment)
    # `Any`: values for a template.
    values: dict[str, Any] = {
        "picture": None,
        "way": None,
        "plan": None,
        "refusal": None,
        "releases": (),
        "pipelines": (),
    }
    broken = None
    try:
        store = views.open_releases(plane)
        picture = views.look(plane, find_this_machine)
        releases, standing = store.list_all(), store.look(here)
        values["picture"] = picture
        values["pipelines"] = list_runs(plane)
        shelf = ResultShelf(store.folder)
        values["releases"] = [shelf.show_with(one) for one in reversed(releases[-_RELEASES:])]
        values["history"] = show_history(store.list_placements(here), standing, releases)[:_PLACEMENTS]
        values["environments"] = views.list_environments(store, here=here)
        if picture.rollout is not None or standing.live is not None:
            values |= _say_way(_find_way(visit))
    except HrxError as found:
        broken = found
    return visit.page(
        "releases.html",
        status=200 if error is None else 409,
        error=error,
        broken=broken,
        **values,
        **_words(),
    )


# `Any`: values for a template.
def _say_way(way: WayBack) -> dict[str, Any]:
    refused = way.refused
    return {
        "way": way,
        "plan": show_plan(way.plan) if way.plan is not None else None,
        "refusal": show_refusal(refused) if isinstance(refused, RollbackRefused) else None,
    }


def _find_way(visit: Visit) -> WayBack:
    settings = visit.desk.plane.settings
    url = settings.ops_database_url
    standing = visit.desk.standings.find()
    proven_at = standing.newest_proven_at if standing is not None else None
    return find_way_back(
        RolloutStore(rollout_folder(settings.var_dir)).find(),
        views.open_releases(visit.desk.plane),
        Environment(settings.environment),
        migrations=HOME / "migrations",
        database_url=url.get_secret_value() if url else None,
        has_fresh_backup=proven_at is not None and clock.now() - proven_at <= _BACKUP_IS_FRESH,
    )


# `Any`: values for a template.
def _words() -> dict[str, Any]:
    return {
        "headings": views.headings(),
        "cells_of": views.cells_of,
        "components_of": views.list_components,
        "outcomes": OUTCOMES,
        "name_check": views.name_check,
    }
