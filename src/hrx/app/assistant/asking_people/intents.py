"""The questions about people that can be asked: closed types, each with its query. No other is run."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hrx.app.people.employees.inputs import Day, RefId

MOST_UNITS: Final = 50


class Kind(StrEnum):
    """What is asked. Each names what it needs beside it."""

    #: How many work here, or in units, on a day; and who.
    STAFF = "staff"
    #: Who began, or left, within a period.
    JOINED = "joined"
    LEFT = "left"
    #: Who leads units on a day.
    HEAD = "head"
    #: Who can do something, by the résumés that the asker may see.
    SKILLED = "skilled"


class PeopleQuestion(BaseModel):
    """A question about people as it was understood; kept with the answer and asked again when it is shown.

    `on`: the day of units and posts, None for today. `since`, `until`: the period, both days within."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    unit_ids: Annotated[tuple[RefId, ...], Field(max_length=MOST_UNITS)] = ()
    on: Day | None = None
    since: Day | None = None
    until: Day | None = None
    skill: Annotated[str, Field(min_length=1, max_length=60)] | None = None

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if self.kind in (Kind.JOINED, Kind.LEFT) and (self.since is None or self.until is None):
            raise ValueError("needs a period")
        if self.kind is Kind.HEAD and not self.unit_ids:
            raise ValueError("needs a unit")
        if self.kind is Kind.SKILLED and self.skill is None:
            raise ValueError("needs a skill")
        return self


def first_of(one: date | None, other: date) -> date:
    """The earlier day; nobody has joined or left in the future."""
    return other if one is None else min(one, other)
