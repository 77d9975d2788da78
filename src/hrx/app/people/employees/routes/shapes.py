"""What the API answers about people, as types: they make the OpenAPI document and the web's client.

Rows leave the database in these shapes already; a test holds real answers against the types."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, Field

from hrx.app.people.employees.inputs import Day

AsOf = Annotated[Day | None, Query(description="True on this day; the tenant's today when it is not given.")]
AsKnown = Annotated[
    AwareDatetime | None,
    Query(description="As it was known at this moment (RFC 3339, with an offset); now when not given."),
]

Access = Literal["full", "line", "directory"]
EmploymentStatus = Literal["active", "left", "future", "none"]
OrderState = Literal["proposed", "reserved", "applied", "rejected", "cancelled"]
OrderKind = Literal[
    "hire",
    "rehire",
    "transfer",
    "concurrent_post",
    "concurrent_end",
    "departure",
    "correction",
    "import",
    "unit_create",
    "unit_rename",
    "unit_move",
    "unit_head",
    "unit_close",
    "position_create",
]


class NamedRef(BaseModel):
    """Something with a name."""

    id: int
    name: str


class PositionRef(BaseModel):
    id: int
    title: str


class UnitRef(BaseModel):
    """An org unit with the names of the units above it, outermost first, its own last."""

    id: int
    name: str
    path: list[str]


class PersonName(BaseModel):
    """`display` follows the reader's language: family name first in Japanese, given name first in English."""

    display: str
    kanji: str
    kana: str
    latin: str


class PersonCard(BaseModel):
    """A person as the directory shows them on the asked day."""

    id: int
    employee_number: str
    name: PersonName
    work_email: str | None
    org_unit: UnitRef | None
    position: PositionRef | None
    manager: NamedRef | None
    employment_status: EmploymentStatus
    is_concurrent_elsewhere: bool


class PersonPage(BaseModel):
    items: list[PersonCard]
    total: int
    next_cursor: str | None


class Assignment(BaseModel):
    """Where somebody works. Days are half-open: `valid_to` is the first day on which it no longer holds.

    For colleagues, grade, working share and the end are null."""

    id: int
    employment_id: int
    kind: Literal["primary", "concurrent"]
    org_unit: NamedRef
    position: PositionRef | None
    manager: NamedRef | None
    grade: str | None
    fte: float | None = Field(description="Working share, 0 to 1.")
    valid_from: date
    valid_to: date | None
    known_from: datetime | None = Field(description="Null in a preview: not recorded yet.")
    known_to: datetime | None
    change_order_id: int | None


class Employment(BaseModel):
    """A spell of employment; `left_on` is its last day."""

    id: int
    kind: str
    hired_on: date
    left_on: date | None


class EmploymentVersion(Employment):
    known_from: datetime
    known_to: datetime | None


class Names(BaseModel):
    family_kanji: str
    given_kanji: str
    family_kana: str
    given_kana: str
    family_latin: str
    given_latin: str


class PostalAddress(BaseModel):
    postal_code: str
    prefecture: str
    city: str
    line1: str
    line2: str
    display: str


class Private(BaseModel):
    """Personal facts; every reading of them is audited."""

    birth_on: date | None
    birth_era: str | None = Field(description="The birth day in the Japanese era: 昭和64年1月7日.")
    gender: str | None
    address: PostalAddress | None
    personal_email: str | None
    personal_phone: str | None


class Report(BaseModel):
    """Somebody who reports to the person."""

    id: int
    name: str
    position_title: str | None
    org_unit: UnitRef
    is_concurrent: bool


class Change(BaseModel):
    """One thing that an order changes, in words."""

    field: str
    before: str | None
    after: str | None


class ChangeOrder(BaseModel):
    """発令: who wants what to change for whom from when, why, and who agreed."""

    id: int
    kind: OrderKind
    state: OrderState
    person: NamedRef | None
    org_unit_id: int | None
    effective_on: date
    reason: str
    requested_by: NamedRef | None
    requested_at: datetime
    approved_by: NamedRef | None
    approved_at: datetime | None
    closed_at: datetime | None
    closing_note: str
    applied_at: datetime | None
    summary: str
    changes: list[Change]


class ChangeOrderPage(BaseModel):
    items: list[ChangeOrder]
    total: int
    next_cursor: str | None


class Doors(BaseModel):
    """What the reader may do with this person."""

    transfer: bool
    terminate: bool
    correct: bool
    edit_private: bool


class PersonDetail(PersonCard):
    """The page about a person. `private` is null when the reader may not see it."""

    names: Names
    employments: list[Employment]
    assignments: list[Assignment]
    private: Private | None
    access: Access
    direct_reports: list[Report]
    reservations: list[ChangeOrder]
    may: Doors


class History(BaseModel):
    """Newest first."""

    items: list[Assignment]
    employments: list[EmploymentVersion]


class WarningNote(BaseModel):
    code: str
    message: str


class Preview(BaseModel):
    """What an order would do: the person's assignments before and after. Planned rows have the id 0."""

    before: list[Assignment]
    after: list[Assignment]
    warnings: list[WarningNote]
