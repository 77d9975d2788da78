"""A person decides on what a résumé seems to say; what is accepted goes through the same door as any change.

Facts without a field in the record (schools, jobs, qualifications) stay with the document, as accepted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError
from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from hrx.app.people.documents import queries
from hrx.app.people.documents.extracting.effective_days import read_day
from hrx.app.people.documents.problems import DocumentNotFound
from hrx.app.people.employees.actions.profiles import change_private
from hrx.app.people.employees.inputs import PrivateChange
from hrx.app.platform import audit
from hrx.app.platform.edge import not_allowed
from hrx.app.platform.tenancy import Principal
from hrx.kit.errors import Conflict, Invalid, Text

#: Fields of a proposal that the record of a person has, too.
RECORDED: Final = {"birth_on": "birth_on", "email": "personal_email", "phone": "personal_phone"}
_KEPT: Final = Text(
    ja="人事記録に対応する項目がないため、文書の中に承認済みとして残します。",
    en="The record has no field for it: it stays with the document, as accepted.",
)
_BY_THE_PERSON: Final = Text(
    ja="承認しました。人事記録への反映は人事部が行います。",
    en="Accepted. HR enters it into the record.",
)


class ProposalDecided(Conflict):
    """Somebody decided on it before."""

    code = "proposal.decided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What became of a proposal."""

    state: str
    is_recorded: bool
    note: Text | None


async def accept_proposal(session: AsyncSession, *, document_id: int, proposal_id: int) -> Decision:
    """Accept it, as HR or as the person it is about; HR's acceptance also writes the record where it can.

    Raises DocumentNotFound, Forbidden, ProposalDecided, Invalid."""
    found = await _lock(session, document_id=document_id, proposal_id=proposal_id)
    principal: Principal = session.info["principal"]
    is_recorded, note = False, None
    if found["field"] not in RECORDED:
        note = _KEPT
    elif principal.may_write_people:
        await change_private(session, person_id=found["person_id"], asked=_change(found))
        is_recorded = True
    else:
        note = _BY_THE_PERSON
    await _decide(session, found, state="accepted")
    return Decision(state="accepted", is_recorded=is_recorded, note=note)


async def reject_proposal(session: AsyncSession, *, document_id: int, proposal_id: int) -> Decision:
    """It is wrong, or not wanted. Raises DocumentNotFound, Forbidden, ProposalDecided."""
    found = await _lock(session, document_id=document_id, proposal_id=proposal_id)
    await _decide(session, found, state="rejected")
    return Decision(state="rejected", is_recorded=False, note=None)


async def _lock(session: AsyncSession, *, document_id: int, proposal_id: int) -> RowMapping:
    await queries.get_document(session, document_id=document_id)
    principal: Principal = session.info["principal"]
    found = (
        (
            await session.execute(
                text(
                    "SELECT id, document_id, version_id, person_id, field, value, state"
                    " FROM app.document_proposal WHERE id = :id AND document_id = :document_id"
                ),
                {"id": proposal_id, "document_id": document_id},
            )
        )
        .mappings()
        .one_or_none()
    )
    if found is None:
        raise DocumentNotFound(
            Text(ja="この提案は見つかりません。", en="There is no such proposal."), code="proposal.not_found"
        )
    if not (principal.may_write_people or found["person_id"] == principal.person_id):
        raise not_allowed()
    return found


async def _decide(session: AsyncSession, found: RowMapping, *, state: str) -> None:
    principal: Principal = session.info["principal"]
    decided = await session.execute(
        text(
            "UPDATE app.document_proposal SET state = :state, decided_by = :user, decided_at = now()"
            " WHERE id = :id AND state = 'proposed' RETURNING id"
        ),
        {"state": state, "user": principal.user_id, "id": found["id"]},
    )
    if decided.one_or_none() is None:
        raise ProposalDecided(
            Text(ja="この提案はすでに決定されています。", en="This proposal was decided before."),
            hint=Text(ja="一覧を開き直してください。", en="Reload the list."),
        )
    await audit.record(
        session,
        action=f"document.proposal_{state}",
        subject_person_id=found["person_id"],
        details={"document_id": found["document_id"], "proposal_id": found["id"], "field": found["field"]},
    )


def _change(found: RowMapping) -> PrivateChange:
    value: object = found["value"]
    if found["field"] == "birth_on":
        value = read_day(str(value).removesuffix("生"))
    # An empty value would take away what the record has.
    if value is None:
        raise _wrong_form()
    try:
        return PrivateChange.model_validate({RECORDED[found["field"]]: value})
    except ValidationError as error:
        raise _wrong_form() from error


def _wrong_form() -> Invalid:
    return Invalid(
        Text(
            ja="この値は人事記録の形式に合いません。",
            en="This value does not have the form that the record asks for.",
        ),
        hint=Text(
            ja="個人情報の画面で正しい値を入力し、この提案は却下してください。",
            en="Enter the right value on the person's page and reject this proposal.",
        ),
        code="proposal.form",
    )
