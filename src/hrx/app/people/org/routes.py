"""The doors of the organisation: the chart at any day, units and positions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from hrx.app.people.employees.inputs import RefId
from hrx.app.people.employees.queries.asked import Asked, ask_about
from hrx.app.people.employees.queries.orders import get_order
from hrx.app.people.employees.routes.shapes import AsKnown, AsOf, ChangeOrder, NamedRef
from hrx.app.people.org import actions, inputs
from hrx.app.people.org.queries.chart import ChartQuestion, get_chart, list_units
from hrx.app.people.org.queries.chart import list_positions as list_positions_on
from hrx.app.platform.cache import Param
from hrx.app.platform.edge import EdgeParts, Id, Parts, Reply, Transaction
from hrx.app.platform.tenancy import Principal

router = APIRouter(tags=["organisation"])


class OrgUnit(BaseModel):
    """A unit on the asked day. `headcount` counts primary assignments that the reader may see."""

    id: int
    code: str
    name: str
    parent_id: int | None
    kind: inputs.UnitKind
    head: NamedRef | None
    headcount: int


class OrgUnits(BaseModel):
    items: list[OrgUnit]
    total: int
    next_cursor: None = None


class Member(BaseModel):
    id: int
    name: str
    position_title: str | None
    manager_id: int | None
    is_concurrent: bool


class ChartNode(BaseModel):
    """A unit of the chart. `headcount_total` counts the units below too, shown or not."""

    id: int
    name: str
    parent_id: int | None
    kind: inputs.UnitKind
    head: NamedRef | None
    headcount: int
    headcount_total: int
    people: list[Member]


class OrgChart(BaseModel):
    """Parents stand before their children."""

    as_of: date
    as_known: datetime | None
    root_ids: list[int]
    nodes: list[ChartNode]


class Position(BaseModel):
    id: int
    code: str
    title: str
    title_ja: str
    title_en: str
    rank: int


class Positions(BaseModel):
    items: list[Position]
    total: int
    next_cursor: None = None


@router.get("/org-units", response_model=OrgUnits)
async def list_org_units(
    session: Transaction, parts: EdgeParts, as_of: AsOf = None, as_known: AsKnown = None
) -> Response:
    """All units of a day, by code."""
    asked = Asked(as_of=as_of, as_known=as_known)

    async def build() -> bytes:
        await ask_about(session, asked)
        items = await list_units(session, asked)
        return orjson.dumps({"items": items, "total": len(items), "next_cursor": None})

    return await _view(session, parts, name="org.units", params=_params(session, asked), build=build)


@router.get("/org-chart", response_model=OrgChart)
async def get_org_chart(
    session: Transaction,
    parts: EdgeParts,
    as_of: AsOf = None,
    as_known: AsKnown = None,
    root_id: Annotated[RefId | None, Query()] = None,
    depth: Annotated[int | None, Query(ge=0, le=50, description="Levels below the root.")] = None,
    people: Annotated[bool, Query(description="Also who works in each unit.")] = False,
) -> Response:
    """The chart on a day, as known at a moment."""
    asked = Asked(as_of=as_of, as_known=as_known)
    question = ChartQuestion(asked=asked, root_id=root_id, depth=depth, with_people=people)

    async def build() -> bytes:
        await ask_about(session, asked)
        return orjson.dumps(await get_chart(session, question))

    params = {**_params(session, asked), "root": root_id, "depth": depth, "people": people}
    return await _view(session, parts, name="org.chart", params=params, build=build)


@router.post("/org-units", status_code=201, response_model=ChangeOrder)
async def create_org_unit(body: inputs.UnitCreation, session: Transaction) -> Response:
    """A new unit from a day on; the order names it."""
    return await _order(session, await actions.create_unit(session, body))


@router.post("/org-units/{org_unit_id}/renames", status_code=201, response_model=ChangeOrder)
async def rename_org_unit(org_unit_id: Id, body: inputs.UnitRename, session: Transaction) -> Response:
    """Another name from a day on; charts of earlier days keep the earlier one."""
    return await _order(session, await actions.change_unit(session, org_unit_id=org_unit_id, asked=body))


@router.post("/org-units/{org_unit_id}/moves", status_code=201, response_model=ChangeOrder)
async def move_org_unit(org_unit_id: Id, body: inputs.UnitMove, session: Transaction) -> Response:
    """Another parent from a day on."""
    return await _order(session, await actions.change_unit(session, org_unit_id=org_unit_id, asked=body))


@router.post("/org-units/{org_unit_id}/heads", status_code=201, response_model=ChangeOrder)
async def appoint_head(org_unit_id: Id, body: inputs.UnitHead, session: Transaction) -> Response:
    """Another head from a day on."""
    return await _order(session, await actions.change_unit(session, org_unit_id=org_unit_id, asked=body))


@router.post("/org-units/{org_unit_id}/closures", status_code=201, response_model=ChangeOrder)
async def close_org_unit(org_unit_id: Id, body: inputs.UnitClosure, session: Transaction) -> Response:
    """The unit is gone from a day on; nobody may be assigned to it then."""
    return await _order(session, await actions.change_unit(session, org_unit_id=org_unit_id, asked=body))


@router.get("/positions", response_model=Positions)
async def list_positions(session: Transaction, as_of: AsOf = None, as_known: AsKnown = None) -> Response:
    """All positions of a day, the highest first."""
    asked = Asked(as_of=as_of, as_known=as_known)
    await ask_about(session, asked)
    items = await list_positions_on(session, asked)
    return Reply({"items": items, "total": len(items), "next_cursor": None})


@router.post("/positions", status_code=201, response_model=ChangeOrder)
async def create_position(body: inputs.PositionCreation, session: Transaction) -> Response:
    """A new position from a day on."""
    return await _order(session, await actions.create_position(session, body))


async def _order(session: Transaction, order_id: int) -> Response:
    return Reply(await get_order(session, order_id), status_code=201)


def _params(session: AsyncSession, asked: Asked) -> dict[str, Param]:
    principal: Principal = session.info["principal"]
    day, moment = asked.key
    return {"day": day, "moment": moment, "language": principal.locale}


async def _view(
    session: AsyncSession,
    parts: Parts,
    *,
    name: str,
    params: dict[str, Param],
    build: Callable[[], Awaitable[bytes]],
) -> Response:
    content = await parts.cache.view(session, name=name, params=params, build=build)
    return Response(content, media_type="application/json")
