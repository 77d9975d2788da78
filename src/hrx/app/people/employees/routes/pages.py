"""Reading: the directory, the page about a person, their history."""

from __future__ import annotations

from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from hrx.app.people.employees.inputs import RefId
from hrx.app.people.employees.queries import directory, history, people
from hrx.app.people.employees.queries.asked import Asked, ask_about
from hrx.app.people.employees.routes.shapes import AsKnown, AsOf, History, PersonDetail, PersonPage
from hrx.app.people.employees.search import MAX_QUERY_LENGTH
from hrx.app.platform import audit
from hrx.app.platform.edge import CursorParam, EdgeParts, Id, LimitParam, Reply, Transaction
from hrx.app.platform.paging import DEFAULT_LIMIT

router = APIRouter(prefix="/people", tags=["people"])

Search = Annotated[
    str | None,
    Query(
        max_length=MAX_QUERY_LENGTH,
        description="Kanji, kana, rōmaji, e-mail or number, in part; words are combined by AND.",
    ),
]


@router.get("", response_model=PersonPage)
async def list_people(
    session: Transaction,
    parts: EdgeParts,
    q: Search = None,
    org_unit_id: Annotated[RefId | None, Query()] = None,
    include_descendants: bool = True,
    status: directory.Status = directory.Status.ACTIVE,
    sort: Literal["number", "kana", "hired_on"] = "kana",
    as_of: AsOf = None,
    as_known: AsKnown = None,
    cursor: CursorParam = None,
    limit: LimitParam = DEFAULT_LIMIT,
) -> Response:
    """The directory on a day: a page of people, in order, with the total of all pages."""
    asked = Asked(as_of=as_of, as_known=as_known)
    listing_name = f"people.{sort}"
    listing = directory.Listing(
        asked=asked,
        q=q,
        org_unit_id=org_unit_id,
        include_descendants=include_descendants,
        status=status,
        sort=sort,
        after=parts.cursors.read(cursor, listing=listing_name) if cursor else None,
        limit=limit,
    )

    async def build() -> bytes:
        await ask_about(session, asked)
        page = await directory.list_people(session, listing)
        next_cursor = page.after and parts.cursors.sign(listing=listing_name, after=page.after)
        return orjson.dumps({"items": page.items, "total": page.total, "next_cursor": next_cursor})

    day, moment = asked.key
    params = {
        "day": day,
        "moment": moment,
        "q": q,
        "unit": org_unit_id,
        "below": include_descendants,
        "status": status.value,
        "sort": sort,
        "cursor": cursor,
        "limit": limit,
        "language": session.info["principal"].locale,
    }
    content = await parts.cache.view(session, name="people.list", params=params, build=build)
    return Response(content, media_type="application/json")


@router.get("/{person_id}", response_model=PersonDetail)
async def get_person(
    person_id: Id, session: Transaction, as_of: AsOf = None, as_known: AsKnown = None
) -> Response:
    """The page about a person on a day. When personal facts are shown, the reading is audited."""
    asked = Asked(as_of=as_of, as_known=as_known)
    await ask_about(session, asked)
    found = await people.get_person(session, person_id=person_id, asked=asked)
    if found["private"] is not None:
        await audit.record(session, action="person.private_read", subject_person_id=person_id)
    return Reply(found)


@router.get("/{person_id}/history", response_model=History)
async def get_history(
    person_id: Id,
    session: Transaction,
    as_of: AsOf = None,
    as_known: AsKnown = None,
    include_superseded: Annotated[
        bool, Query(description="Also what was known once and is known better now.")
    ] = False,
) -> Response:
    """All assignments and spells of employment that the reader may see, newest first."""
    asked = Asked(as_of=as_of, as_known=as_known)
    await ask_about(session, asked)
    return Reply(
        await history.get_history(
            session, person_id=person_id, asked=asked, with_superseded=include_superseded
        )
    )
