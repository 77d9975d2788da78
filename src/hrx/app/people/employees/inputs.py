"""What may be asked of employees' records: bodies of requests, and (the same shapes) stored change orders.

An order that waits for approval keeps its input as JSON and is carried out from exactly that. A field that
was not sent stays as it is; a field sent as null is emptied, hence the look at `model_fields_set`."""

from __future__ import annotations

import unicodedata
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from hrx.app.people.employees.names import Names, compose_kana
from hrx.app.platform.characters import has_hidden
from hrx.app.platform.edge import MAX_ID
from hrx.app.platform.problems import field_error

FIRST_DAY: Final = date(1900, 1, 1)
LAST_DAY: Final = date(2199, 12, 31)


def _on_calendar(day: date) -> date:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise field_error(
            "day_out_of_range",
            ja="1900-01-01 から 2199-12-31 までの日付を入力してください。",
            en="Give a date from 1900-01-01 to 2199-12-31.",
        )
    return day


def printable(text: str) -> str:
    """Refuse control and invisible formatting characters: they make two names look like one."""
    if has_hidden(text):
        raise field_error(
            "text_not_printable",
            ja="改行、制御文字、見えない文字は使えません。",
            en="Line breaks, control characters and invisible characters cannot be used.",
        )
    return text


def _readable(text: str) -> str:
    """The same for text of several lines."""
    if has_hidden(text, allowed="\r\n\t"):
        raise field_error(
            "text_not_printable",
            ja="制御文字や見えない文字は使えません。",
            en="Control characters and invisible characters cannot be used.",
        )
    return text


def _half_width(text: str) -> str:
    """Codes are typed in full width as well (Ａ００１), and mean the same; imports do likewise."""
    return unicodedata.normalize("NFKC", text)


def _email(text: str) -> str:
    local, at, domain = text.rpartition("@")
    is_odd = has_hidden(text) or any(character.isspace() for character in text)
    if not at or not local or "." not in domain or is_odd:
        raise field_error(
            "email_invalid",
            ja="メールアドレスの形式が正しくありません。",
            en="This is not an e-mail address.",
        )
    return text.lower()


_STRIPPED: Final = StringConstraints(strip_whitespace=True)
Day = Annotated[date, AfterValidator(_on_calendar)]
RefId = Annotated[int, Field(ge=1, le=MAX_ID)]
NamePart = Annotated[
    str, _STRIPPED, StringConstraints(max_length=100), AfterValidator(printable), AfterValidator(compose_kana)
]
Number = Annotated[
    str,
    _STRIPPED,
    StringConstraints(min_length=1, max_length=50),
    AfterValidator(printable),
    AfterValidator(_half_width),
    # What was one character in full width may be several in half width (㍿).
    Field(max_length=50),
]
Email = Annotated[str, _STRIPPED, StringConstraints(max_length=254), AfterValidator(_email)]
Grade = Annotated[str, _STRIPPED, StringConstraints(min_length=1, max_length=50), AfterValidator(printable)]
Fte = Annotated[Decimal, Field(ge=0, le=1, decimal_places=3, description="Working share, 0 to 1.")]
Reason = Annotated[str, _STRIPPED, StringConstraints(max_length=2000), AfterValidator(_readable)]
EmploymentKind = Literal["regular", "fixed_term", "part_time", "temporary", "executive", "seconded", "other"]
Gender = Literal["female", "male", "other", "undisclosed"]


class Input(BaseModel):
    """Base: unknown fields are refused, so that a misspelt field is not silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def stored(self) -> dict[str, Any]:
        """As JSON for the order's payload: what was sent, and nothing that was not."""
        return self.model_dump(mode="json", exclude_unset=True)


class NameFields(Input):
    """A name in its scripts; kanji or Latin letters are needed."""

    family_kanji: NamePart = ""
    given_kanji: NamePart = ""
    family_kana: NamePart = ""
    given_kana: NamePart = ""
    family_latin: NamePart = ""
    given_latin: NamePart = ""

    @model_validator(mode="after")
    def _has_a_name(self) -> Self:
        if not self.family_kanji and not self.family_latin:
            raise field_error(
                "name_missing",
                ja="姓を漢字またはローマ字で入力してください。",
                en="Give a family name in kanji or in Latin letters.",
            )
        return self

    def names(self) -> Names:
        return Names(
            family_kanji=self.family_kanji,
            given_kanji=self.given_kanji,
            family_kana=self.family_kana,
            given_kana=self.given_kana,
            family_latin=self.family_latin,
            given_latin=self.given_latin,
        )


class Post(Input):
    """Where somebody works: all of it, for a new assignment."""

    org_unit_id: RefId
    position_id: RefId | None = None
    manager_id: RefId | None = None
    grade: Grade | None = None
    fte: Fte = Decimal(1)


class Hire(NameFields, Post):
    """入社"""

    employee_number: Number
    work_email: Email | None = None
    hired_on: Day
    kind: EmploymentKind = "regular"
    reason: Reason = ""


class Rehire(Post):
    """再入社: a new spell of employment of a person who left."""

    hired_on: Day
    kind: EmploymentKind = "regular"
    reason: Reason = ""


class PostChange(Input):
    """Fields of an assignment that change; those not sent stay."""

    org_unit_id: RefId | None = None
    position_id: RefId | None = None
    manager_id: RefId | None = None
    grade: Grade | None = None
    fte: Fte | None = None

    @model_validator(mode="after")
    def _unit_and_share_stay(self) -> Self:
        for name in ("org_unit_id", "fte"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise field_error(
                    "cannot_be_emptied",
                    ja="所属と勤務割合は空にできません。",
                    en="The org unit and the working share cannot be emptied.",
                )
        return self

    def patch(self) -> dict[str, Any]:
        """What changes, by the names that `record.Segment` uses."""
        return {
            name: getattr(self, name)
            for name in ("org_unit_id", "position_id", "manager_id", "grade", "fte")
            if name in self.model_fields_set
        }


class Transfer(PostChange):
    """異動: the primary assignment changes on a day."""

    effective_on: Day
    reason: Reason = ""


class Correction(PostChange):
    """訂正: what was recorded was wrong. From `valid_from` up to, not including, `valid_to`.

    Without `valid_to`, to the end of the assignment that was valid on `valid_from`. `assignment_id` names a
    concurrent post; without it the primary assignments are meant. `hired_on` moves the spell's first day."""

    valid_from: Day
    valid_to: Day | None = None
    assignment_id: RefId | None = None
    hired_on: Day | None = None
    reason: Reason = ""


class ConcurrentPost(Input):
    """兼務: a second post beside the primary one. `to_on` is its last day."""

    from_on: Day
    to_on: Day | None = None
    org_unit_id: RefId
    position_id: RefId | None = None
    manager_id: RefId | None = None
    grade: Grade | None = None
    fte: Fte = Decimal(0)
    reason: Reason = ""


class ConcurrentPostEnd(Input):
    """兼務解除: `ends_on` is the last day of the post."""

    assignment_id: RefId
    ends_on: Day
    reason: Reason = ""


class Departure(Input):
    """退職: `left_on` is the last day of employment."""

    left_on: Day
    reason: Reason = ""


class NamesChange(NameFields):
    """改姓・訂正. `effective_on`: the day the new name counts from (default today, never in the future).

    `is_correction`: the name was written wrongly; it is put right for all its days. A `work_email` that is
    not sent stays as it is."""

    work_email: Email | None = None
    effective_on: Day | None = None
    is_correction: bool = False


_Line = Annotated[str, _STRIPPED, StringConstraints(max_length=200), AfterValidator(printable)]


class AddressChange(Input):
    postal_code: Annotated[str, _STRIPPED, StringConstraints(max_length=16), AfterValidator(printable)] = ""
    prefecture: Annotated[str, _STRIPPED, StringConstraints(max_length=100), AfterValidator(printable)] = ""
    city: _Line = ""
    line1: _Line = ""
    line2: _Line = ""


class PrivateChange(Input):
    """Personal facts; fields that are not sent stay."""

    birth_on: Annotated[date, Field(ge=date(1868, 1, 25), le=LAST_DAY)] | None = None
    gender: Gender | None = None
    personal_email: Email | None = None
    personal_phone: (
        Annotated[str, _STRIPPED, StringConstraints(max_length=40, pattern=r"^[0-9+()\-. 　]*$")] | None
    ) = None
    address: AddressChange | None = None


class Decision(Input):
    """Why an order is approved, rejected or cancelled."""

    note: Reason = ""
