"""POST /telemetry/web: what the portal's pages report with `navigator.sendBeacon`.

No sign-in: the sign-in page is measured too, and a page that is being closed cannot wait. Hence a small body,
a short list, a pace for each network, and no way to invent a label. Of an error one line is written, with the
page's own correlation id; its message is cut, and what looks like a secret or a person is masked."""

from __future__ import annotations

import logging
import re
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from hrx.app.platform.edge import EdgeParts, Parts, client_address
from hrx.app.platform.web_figures import Device, VitalName, known_error_type, known_route
from hrx.kit import ids, log
from hrx.kit.errors import Forbidden, Text, TooMany
from hrx.kit.personal import mask_line
from hrx.kit.secrets import MASK

router = APIRouter(tags=["telemetry"])
_logger = logging.getLogger("hrx.web")
#: What one report may weigh; twenty errors with their messages fit.
LIMIT_BYTES: Final = 32 * 1024
_EVENTS_AT_MOST: Final = 40
_MESSAGE_SHOWN: Final = 300
#: Ten minutes: a page that was slower was in a suspended tab.
_SLOWEST_MS: Final = 600_000.0
_LONG_NUMBER: Final = re.compile(r"\d[\d -]{5,}\d")
#: What a message quotes is what somebody typed or is called.
_QUOTED: Final = re.compile(r"([\"'`「『])(?:(?![\"'`」』]).){2,}([\"'`」』])")
_ADDRESS: Final = re.compile(r"\b(https?://[^\s?#)]+)[?#][^\s)]*")

Route = Annotated[str, Field(max_length=200)]


class _Item(BaseModel):
    model_config = ConfigDict(extra="ignore")


class WebVital(_Item):
    """One web vital of one page view."""

    kind: Literal["vital"]
    route: Route
    name: VitalName
    value: Annotated[float, Field(ge=0, le=_SLOWEST_MS, allow_inf_nan=False)]


class WebView(_Item):
    """A page was shown."""

    kind: Literal["view"]
    route: Route


class WebError(_Item):
    """A script failed and nobody caught it."""

    kind: Literal["error"]
    route: Route
    error_type: Annotated[str, Field(max_length=100)]
    message: Annotated[str, Field(max_length=2_000)] = ""
    correlation_id: Annotated[str, Field(max_length=64)] | None = None


class WebBeacon(_Item):
    """One report of one page."""

    device: Device
    events: Annotated[
        list[Annotated[WebVital | WebView | WebError, Field(discriminator="kind")]],
        Field(min_length=1, max_length=_EVENTS_AT_MOST),
    ]


@router.post("/telemetry/web", status_code=204)
async def report_web(beacon: WebBeacon, request: Request, parts: EdgeParts) -> Response:
    """Count what a page of the portal reports."""
    _refuse_foreign(request, parts)
    if not parts.web.pace.may_go(client_address(request)):
        parts.web.limited.inc()
        parts.refusals.note("web_beacons", address=client_address(request))
        raise TooMany(
            Text(ja="計測の報告が多すぎます。", en="Too many reports."),
            code="telemetry.limited",
            retry_after_s=60,
        )
    parts.web.accepted.inc()
    for event in beacon.events:
        _note(parts, event, device=beacon.device)
    return Response(status_code=204)


def _note(parts: Parts, event: WebVital | WebView | WebError, *, device: Device) -> None:
    if isinstance(event, WebVital):
        parts.web.note_vital(event.name, value=event.value, route=event.route, device=device)
    elif isinstance(event, WebView):
        parts.web.note_view(route=event.route)
    else:
        parts.web.note_error(route=event.route, error_type=event.error_type)
        if parts.web.lines.may_go(None):
            _write_line(event)


def _write_line(event: WebError) -> None:
    """One line under the id that the page gave its last request, so that both are found together."""
    token = log.correlation_id.set(ids.accept_correlation_id(event.correlation_id))
    try:
        _logger.warning(
            "Browser error",
            extra={
                "fields": {
                    "route": known_route(event.route),
                    "error_type": known_error_type(event.error_type),
                    "message": mask_message(event.message),
                }
            },
        )
    finally:
        log.correlation_id.reset(token)


def mask_message(message: str) -> str:
    """A browser's message without secrets, addresses, numbers of people, quoted words and query strings."""
    plain = "".join(character if character.isprintable() else " " for character in message)
    plain = _ADDRESS.sub(rf"\1?{MASK}", mask_line(plain))
    plain = _QUOTED.sub(rf"\1{MASK}\2", plain)
    return _LONG_NUMBER.sub(MASK, plain)[:_MESSAGE_SHOWN]


def _refuse_foreign(request: Request, parts: Parts) -> None:
    """Raises Forbidden for a report of another site's page."""
    origin = request.headers.get("origin")
    is_ours = origin is None or origin == parts.settings.public_url.rstrip("/")
    if not is_ours or request.headers.get("sec-fetch-site") == "cross-site":
        parts.refusals.note("forged_form", address=client_address(request))
        raise Forbidden(
            Text(ja="この報告は受け付けません。", en="This report is not accepted."), code="telemetry.foreign"
        )
