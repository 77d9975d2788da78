"""The page: every message as its reader sees it, newest first and live; a button that calls back as Slack
does; and switches that make a stand-in fail."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import httpx
import orjson
from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool

from hrx.kit import clock
from hrx.kit.errors import Forbidden, HrxError, Text
from hrx.kit.secrets import newest
from hrx.ops.channels.slack import ACKNOWLEDGE_ACTION, sign_like_slack
from hrx.ops.inbox.box import Message, Mood, StandIn
from hrx.ops.inbox.doors import box_of
from hrx.ops.inbox.reading import Seen, see
from hrx.ops.runbook.contacts import Contacts, load_contacts
from hrx.ops.runbook.on_call import OnCallContent, load_on_call
from hrx.ops.settings import OpsSettings

router: Final = APIRouter()
_SHOWN: Final = 100
_COOKIE: Final = "hrx_inbox_language"
_templates: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@router.get("/")
def show(request: Request, only: Annotated[str, Query(max_length=20)] = "") -> Response:
    return _render(request, "inbox.html", only=only)


@router.get("/fragments/messages")
def show_messages(request: Request, only: Annotated[str, Query(max_length=20)] = "") -> Response:
    return _render(request, "messages.html", only=only)


@router.get("/messages.json")
def list_messages(request: Request) -> Response:
    """For tests and drills: everything kept, oldest first."""
    found = [
        {"id": one.id, "at": one.at, "stand_in": one.stand_in, "to": one.to, "key": one.key,
         "title": one.title, "body": one.body}
        for one in reversed(box_of(request).list_newest())
    ]  # fmt: skip
    return JSONResponse({"items": found})


@router.get("/livez")
@router.get("/readyz")
def ready() -> Response:
    return JSONResponse({"status": "ready"})


@router.get("/language/{language}")
def choose_language(language: str) -> Response:
    answer = RedirectResponse("/", status_code=303)
    answer.set_cookie(_COOKIE, "en" if language == "en" else "ja", samesite="lax", httponly=True)
    return answer


@router.post("/moods")
def set_mood(
    request: Request,
    stand_in: Annotated[StandIn, Form()],
    mood: Annotated[Mood, Form()],
) -> Response:
    """Make a stand-in fail, or heal it."""
    _require_own_page(request)
    box_of(request).set_mood(stand_in, mood)
    return RedirectResponse("/", status_code=303)


@router.post("/clear")
def clear(request: Request) -> Response:
    _require_own_page(request)
    box_of(request).clear()
    return RedirectResponse("/", status_code=303)


@router.post("/press")
async def press(
    request: Request,
    incident: Annotated[str, Form(max_length=20)],
    user: Annotated[str, Form(max_length=40)],
    channel: Annotated[str, Form(max_length=60)] = "",
    ts: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Press "Acknowledge" as somebody: calls the console signed, as Slack would."""
    _require_own_page(request)
    said = await run_in_threadpool(
        _call_back, request.app.state.settings, incident=incident, user=user, channel=channel, ts=ts
    )
    return RedirectResponse("/?" + urlencode({"said": said}), status_code=303)


def _call_back(settings: OpsSettings, *, incident: str, user: str, channel: str, ts: str) -> str:
    """What became of it, as one word for the page."""
    if settings.slack_signing_secret is None:
        return "unsigned"
    payload = {
        "type": "block_actions",
        "user": {"id": user},
        "channel": {"id": channel},
        "message": {"ts": ts},
        "actions": [{"action_id": ACKNOWLEDGE_ACTION, "value": incident, "type": "button"}],
    }
    body = urlencode({"payload": orjson.dumps(payload).decode()}).encode()
    at = str(int(clock.now().timestamp()))
    secret = newest(settings.slack_signing_secret.get_secret_value())
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": at,
        "X-Slack-Signature": sign_like_slack(secret, timestamp=at, body=body),
    }
    url = f"http://127.0.0.1:{settings.ops_port}/hooks/slack"
    try:
        answer = httpx.post(url, content=body, headers=headers, timeout=5, trust_env=False)
    except httpx.HTTPError:
        return "unreachable"
    return "taken" if answer.is_success else f"refused-{answer.status_code}"


def _require_own_page(request: Request) -> None:
    """Another site's page must not press our buttons, even on a developer's machine."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden(Text(ja="別のサイトからは押せません", en="Another site may not press this"))


def _language(request: Request) -> str:
    chosen = request.cookies.get(_COOKIE)
    if chosen in ("ja", "en"):
        return chosen
    wish = request.headers.get("accept-language", "")[:2].lower()
    settings: OpsSettings = request.app.state.settings
    return wish if wish in ("ja", "en") else settings.language


def _render(request: Request, template: str, *, only: str) -> HTMLResponse:
    language, box = _language(request), box_of(request)
    contacts, on_call = _people(request.app.state.settings)
    newest = box.list_newest()
    shown = [one for one in newest if only in ("", one.stand_in)][:_SHOWN]

    def tr(ja: str, en: str) -> str:
        return ja if language == "ja" else en

    html = _templates.get_template(template).render(
        language=language,
        tr=tr,
        messages=[_seen(one, contacts, on_call, language) for one in shown],
        counts={stand_in: sum(one.stand_in is stand_in for one in newest) for stand_in in StandIn},
        moods=box.moods(),
        all_moods=list(Mood),
        only=only,
        said=request.query_params.get("said", ""),
        people=_slack_people(contacts, language),
        console_url=request.app.state.settings.ops_public_url
        or f"http://127.0.0.1:{request.app.state.settings.ops_port}",
    )
    return HTMLResponse(html, headers={"Cache-Control": "no-store"})


def _seen(one: Message, contacts: Contacts | None, on_call: OnCallContent | None, language: str) -> Seen:
    return see(one, names=_names(contacts, on_call, language))


def _names(contacts: Contacts | None, on_call: OnCallContent | None, language: str) -> dict[str, str]:
    """Addresses as people know them."""
    names: dict[str, str] = {}
    for person in contacts.people if contacts else ():
        name = person.name.ja if language == "ja" else person.name.en
        names |= {reach.address: name for reach in person.channels if reach.kind != "webhook"}
    for place in on_call.places if on_call else ():
        names[place.reach.address] = place.name
    return names


def _slack_people(contacts: Contacts | None, language: str) -> list[tuple[str, str]]:
    return [
        (reach.address, person.name.ja if language == "ja" else person.name.en)
        for person in (contacts.people if contacts else ())
        for reach in person.channels
        if reach.kind == "slack"
    ]


def _people(settings: OpsSettings) -> tuple[Contacts | None, OnCallContent | None]:
    try:
        return _load_people(str(settings.runbook_dir))
    # The inbox shows messages even when the runbook cannot be read.
    except HrxError:
        return None, None


@lru_cache(maxsize=4)
def _load_people(folder: str) -> tuple[Any, Any]:
    contacts = load_contacts(Path(folder))
    return contacts, load_on_call(Path(folder), contacts)
