"""The door at which Slack knocks when somebody presses a button under a message.

Believed only with Slack's signature and only for minutes. Who may no longer sign in may no longer press."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qs

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from hrx.kit.errors import Forbidden, HrxError, Invalid, Text
from hrx.ops.channels.channel import ChannelKind
from hrx.ops.channels.slack import ACKNOWLEDGE_ACTION, is_from_slack
from hrx.ops.console.desk import Desk, desk_of
from hrx.ops.incidents.actions.responding import acknowledge
from hrx.ops.ledger.incidents import find_root
from hrx.ops.operators.accounts import find_operator
from hrx.ops.operators.roles import Actor, Role
from hrx.ops.runbook.contacts import Contact

router: Final = APIRouter()


@router.post("/hooks/slack")
async def take_press(request: Request) -> JSONResponse:
    """Acknowledge an incident for whoever pressed the button; answers with words for that person."""
    desk, body = desk_of(request), await request.body()
    _require_signature(desk, request, body)
    user, incident_id = _read(body)
    person = _find_person(desk, user)
    if person is None:
        raise Forbidden(
            Text(ja="連絡先にいない人です", en="Nobody among the contacts"),
            hint=Text(
                ja="runbook/respond/contacts.yaml に Slack の ID を加えてください。",
                en="Add the Slack id to runbook/respond/contacts.yaml.",
            ),
            code="slack.unknown_person",
        )
    try:
        await run_in_threadpool(_acknowledge, desk, person, incident_id)
    except HrxError as error:
        return JSONResponse({"text": error.message.in_language(person.language), "done": False})
    done = Text(ja="受領しました。対応をお願いします。", en="Acknowledged; it is yours.")
    return JSONResponse({"text": done.in_language(person.language), "done": True})


def _acknowledge(desk: Desk, person: Contact, incident_id: int) -> None:
    """In the name under which they act in the console; a button of what was merged means what took it in."""
    operator = find_operator(desk.ledger, person.operator) if person.operator else None
    if operator is not None and not operator.is_enabled:
        raise Forbidden(
            Text(ja=f"運用者 {operator.name} は停止中です", en=f"Operator {operator.name} is disabled"),
            code="slack.disabled_operator",
        )
    # A contact answers pages; that is what being a contact with a Slack id is for, and all it allows.
    name = operator.name if operator is not None else person.id
    actor = Actor(name=name, role=Role.RESPONDER, is_operator=True)
    with desk.ledger.store.read() as connection:
        root = find_root(connection, incident_id)
    acknowledge(desk.plane, root.id if root is not None else incident_id, actor=actor)


def _require_signature(desk: Desk, request: Request, body: bytes) -> None:
    secret = desk.plane.settings.slack_signing_secret
    if secret is None or not is_from_slack(
        secret.get_secret_value(),
        timestamp=request.headers.get("x-slack-request-timestamp", ""),
        signature=request.headers.get("x-slack-signature", ""),
        body=body,
    ):
        raise Forbidden(
            Text(ja="署名が違うか、古すぎます", en="The signature is wrong or too old"),
            hint=Text(
                ja="HRX_SLACK_SIGNING_SECRET と時計を確かめてください。",
                en="Check HRX_SLACK_SIGNING_SECRET and the clock.",
            ),
            code="slack.wrong_signature",
        )


def _read(body: bytes) -> tuple[str, int]:
    """Who pressed, and for which incident. Raises Invalid for anything else."""
    try:
        # `Any`: Slack's interaction payload, judged by taking what is needed.
        payload: Any = orjson.loads(parse_qs(body.decode())["payload"][0])
        press = next(one for one in payload["actions"] if one["action_id"] == ACKNOWLEDGE_ACTION)
        return str(payload["user"]["id"]), int(press["value"])
    except (ValueError, KeyError, IndexError, TypeError, StopIteration) as error:
        raise Invalid(
            Text(ja="受領ボタンの呼び出しではありません", en="This is no press of the acknowledge button"),
            code="slack.no_press",
        ) from error


def _find_person(desk: Desk, user: str) -> Contact | None:
    for person in desk.plane.content.contacts.people:
        if any(one.kind is ChannelKind.SLACK and one.address == user for one in person.channels):
            return person
    return None
