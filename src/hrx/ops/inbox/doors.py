"""The doors that programs knock at: Slack's Web API, PagerDuty's Events v2, a webhook; and their moods."""

from __future__ import annotations

import asyncio
import hmac
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from hrx.kit import clock
from hrx.kit.secrets import list_accepted
from hrx.ops.channels.webhook import sign
from hrx.ops.inbox.box import Box, Mood, StandIn

router: Final = APIRouter()
#: Longer than any sender waits.
HANG_S: Final = 60.0
_RETRY_AFTER_S: Final = "2"


def box_of(request: Request) -> Box:
    box: Box = request.app.state.box
    return box


@router.post("/slack/api/{method}")
async def slack(request: Request, method: str) -> Response:
    """`chat.postMessage` and `chat.update` as Slack answers them; `auth.test` for checks."""
    box, body = box_of(request), await _body(request)
    moody = await _moody(box, StandIn.SLACK, refusal={"ok": False, "error": "channel_not_found"}, code=200)
    if moody is not None:
        return moody
    token: str | None = request.app.state.slack_token
    if token and request.headers.get("authorization") != f"Bearer {token}":
        return JSONResponse({"ok": False, "error": "invalid_auth"})
    if method == "auth.test":
        return JSONResponse({"ok": True, "user_id": "U0HRXBOT", "team": "inbox"})
    if method not in ("chat.postMessage", "chat.update"):
        return JSONResponse({"ok": False, "error": "unknown_method"})
    if not body.get("channel") or not (body.get("text") or body.get("blocks")):
        return JSONResponse({"ok": False, "error": "no_text" if body.get("channel") else "channel_not_found"})
    ts = f"{clock.now().timestamp():.6f}"
    box.add(
        StandIn.SLACK,
        to=str(body["channel"]),
        key=str(body.get("thread_ts") or ""),
        title=str(body.get("text", "")),
        body={**body, "ts": ts},
    )
    return JSONResponse({"ok": True, "channel": body["channel"], "ts": ts, "message": {"ts": ts}})


@router.post("/pagerduty/v2/enqueue")
async def pagerduty(request: Request) -> Response:
    """Events v2: 202 for a right event, 400 with the reasons for a wrong one."""
    box, body = box_of(request), await _body(request)
    moody = await _moody(box, StandIn.PAGERDUTY, refusal={"status": "invalid event"}, code=400)
    if moody is not None:
        return moody
    errors = _wrong_in_event(body)
    if errors:
        said = {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
        return JSONResponse(said, 400)
    payload = body.get("payload") or {}
    # The key says who we are there; what is kept and shown is only that there was one.
    kept = {**body, "routing_key": "…"}
    box.add(
        StandIn.PAGERDUTY,
        to=str(payload.get("source", "")),
        key=str(body.get("dedup_key", "")),
        title=str(payload.get("summary") or body["event_action"]),
        body=kept,
    )
    return JSONResponse(
        {"status": "success", "message": "Event processed", "dedup_key": body.get("dedup_key")}, 202
    )


@router.post("/webhook")
async def webhook(request: Request) -> Response:
    """Any JSON; whether its signature is right is kept with it."""
    box, raw = box_of(request), await request.body()
    moody = await _moody(box, StandIn.WEBHOOK, refusal={"error": "gone"}, code=410)
    if moody is not None:
        return moody
    body = await _body(request)
    body["signature_is_right"] = _is_signed(request, raw)
    box.add(
        StandIn.WEBHOOK,
        to=str(body.get("to", "")),
        key=request.headers.get("x-hrx-delivery", ""),
        title=str(body.get("title", "")),
        body=body,
    )
    return JSONResponse({"status": "ok"})


# `Any` below: bodies come from elsewhere.
async def _body(request: Request) -> dict[str, Any]:
    try:
        if "json" in request.headers.get("content-type", ""):
            found = await request.json()
            return found if isinstance(found, dict) else {}
        return {str(name): str(value) for name, value in (await request.form()).items()}
    except ValueError:
        return {}


async def _moody(box: Box, stand_in: StandIn, *, refusal: dict[str, Any], code: int) -> Response | None:
    """The answer of a stand-in that is not well; None when it is."""
    match box.mood(stand_in):
        case Mood.WELL:
            return None
        case Mood.FAULT:
            return JSONResponse({"error": "internal_error"}, 500)
        case Mood.THROTTLED:
            return JSONResponse(
                {"ok": False, "error": "ratelimited"}, 429, headers={"Retry-After": _RETRY_AFTER_S}
            )
        case Mood.HANGS:
            await asyncio.sleep(HANG_S)
            return JSONResponse({"error": "timeout"}, 504)
        case Mood.REFUSES:
            return JSONResponse(refusal, code)


def _wrong_in_event(body: dict[str, Any]) -> list[str]:
    errors = []
    if not body.get("routing_key"):
        errors.append("'routing_key' is missing or blank")
    if body.get("event_action") not in ("trigger", "acknowledge", "resolve"):
        errors.append("'event_action' is invalid")
    if body.get("event_action") == "trigger":
        payload = body.get("payload")
        for name in ("summary", "source", "severity"):
            if not isinstance(payload, dict) or not payload.get(name):
                errors.append(f"'payload.{name}' is missing or blank")
    elif not body.get("dedup_key"):
        errors.append("'dedup_key' is missing or blank")
    return errors


def _is_signed(request: Request, raw: bytes) -> bool:
    secret: str | None = request.app.state.webhook_secret
    said = dict(part.partition("=")[::2] for part in request.headers.get("x-hrx-signature", "").split(","))
    if not secret or not said.get("t", "").isdigit():
        return False
    is_recent = abs(clock.now().timestamp() - int(said["t"])) < 300
    return is_recent and any(
        hmac.compare_digest(sign(one, at=said["t"], body=raw), said.get("v1", ""))
        for one in list_accepted(secret)
    )
