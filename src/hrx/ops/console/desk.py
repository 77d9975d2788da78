"""What every page needs from a request: who asks, in which language, and the plane behind it all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, cast
from urllib.parse import urlsplit

from fastapi import Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment

from hrx.kit.errors import Forbidden, Language, NotSignedIn, Text, Unavailable
from hrx.ops.console import rendering
from hrx.ops.console.pointer_watch import PointerWatch
from hrx.ops.console.standings import Standings
from hrx.ops.ledger.entries import Ledger
from hrx.ops.observe.blindness.watching import RuleWatch
from hrx.ops.observe.dashboards.asking import Asker
from hrx.ops.observe.watching import Snapshot, Watcher
from hrx.ops.operators.roles import Actor, Permission, require
from hrx.ops.operators.sign_in import Session, find_session, is_same_token
from hrx.ops.run.plane import Plane
from hrx.ops.targets.rising import is_rising

SESSION_COOKIE: Final = "hrx_ops_session"
LANGUAGE_COOKIE: Final = "hrx_ops_language"
THEME_COOKIE: Final = "hrx_ops_theme"
THEMES: Final = ("auto", "light", "dark")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The opened plane with its watchers and templates; one for the life of the console."""

    plane: Plane
    watcher: Watcher
    rules: RuleWatch
    templates: Environment
    asker: Asker
    standings: Standings
    pointers: PointerWatch

    @property
    def ledger(self) -> Ledger:
        return self.plane.ledger

    @property
    def snapshot(self) -> Snapshot:
        return self.watcher.snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request by a signed-in operator."""

    desk: Desk
    request: Request
    session: Session

    @property
    def actor(self) -> Actor:
        return self.session.actor

    def page(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """A page in the visitor's language. `Any`: each template has its own values."""
        return render_page(
            self.desk, self.request, template, session=self.session, status=status, values=values
        )


def desk_of(request: Request) -> Desk:
    return cast("Desk", request.app.state.desk)


def refuse_while_rising(desk: Desk) -> None:
    """Raises Unavailable while the whole place is being brought up: our own watch tells it again
    afterwards."""
    if is_rising(desk.plane.settings.var_dir):
        raise Unavailable(
            Text(ja="全体を起動している途中です", en="The whole stack is being brought up"),
            hint=Text(ja="数秒後にもう一度送ってください。", en="Send it again in a few seconds."),
            code="plane.rising",
        )


def language_of(request: Request) -> Language:
    """The reader's choice, else the browser's first known language, else the settings'."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in ("ja", "en"):
        return "ja" if chosen == "ja" else "en"
    for wish in request.headers.get("accept-language", "").split(","):
        name = wish.strip()[:2].lower()
        if name in ("ja", "en"):
            return "ja" if name == "ja" else "en"
    return desk_of(request).plane.settings.language


def theme_of(request: Request) -> str:
    chosen = request.cookies.get(THEME_COOKIE, "auto")
    return chosen if chosen in THEMES else "auto"


def find_visitor(request: Request) -> Session | None:
    """The session of this browser, or None."""
    desk = desk_of(request)
    return find_session(desk.ledger, desk.plane.settings, request.cookies.get(SESSION_COOKIE))


def needs(permission: Permission) -> Callable[..., Visit]:
    """A dependency that lets in operators with this permission. Raises NotSignedIn or Forbidden."""

    def enter(request: Request) -> Visit:
        session = find_visitor(request)
        if session is None:
            raise NotSignedIn(
                Text(ja="サインインしてください", en="Please sign in"), code="console.not_signed_in"
            )
        request.scope["hrx.operator"] = session.operator.name
        require(session.actor, permission)
        return Visit(desk=desk_of(request), request=request, session=session)

    # Read back by the test that walks every route.
    enter.permission = permission  # type: ignore[attr-defined]
    return enter


def needs_form(permission: Permission) -> Callable[..., Visit]:
    """The same for a form that changes something: it must carry the session's token, from our own pages."""
    enter = needs(permission)

    def enter_form(request: Request, csrf_token: Annotated[str, Form()] = "") -> Visit:
        visit = enter(request)
        require_same_site(request)
        if not is_same_token(csrf_token, visit.session.csrf_token):
            raise _forged()
        return visit

    enter_form.permission = permission  # type: ignore[attr-defined]
    return enter_form


def require_same_site(request: Request) -> None:
    """Raises Forbidden for a form that another site sent."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise _forged()
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise _forged()


def _forged() -> Forbidden:
    return Forbidden(
        Text(
            ja="このフォームは受け付けられません(ページが古いか、別のサイトから送られました)",
            en="This form is not accepted: the page is old, or another site sent it",
        ),
        hint=Text(ja="ページを開き直してください。", en="Open the page again."),
        code="console.forged_form",
    )


def render_page(
    desk: Desk,
    request: Request,
    template: str,
    *,
    session: Session | None,
    status: int,
    values: dict[str, Any],
) -> HTMLResponse:
    """Any page, signed in or not. `Any`: each template has its own values."""
    settings = desk.plane.settings
    html = rendering.render(
        desk.templates,
        template,
        {
            "language": language_of(request),
            "theme": theme_of(request),
            "path": request.url.path,
            "session": session,
            "actor": session.actor if session else None,
            "chapters": desk.plane.content.chapters,
            "environment": settings.environment,
            "part_titles": {part.name: part.title for part in desk.plane.content.parts},
            "people_names": desk.plane.content.contacts.names,
            "calendar_zone": desk.plane.content.respond.calendar.zone,
            "overall": desk.snapshot.status.value,
            "Permission": Permission,
            **values,
        },
    )
    return HTMLResponse(html, status_code=status)


def go(path: str) -> RedirectResponse:
    """After a form: show the result under an address that can be reloaded."""
    return RedirectResponse(path, status_code=303)


def safe_return_path(offered: str | None) -> str:
    """A path of this console, or the overview; never another site."""
    parts = urlsplit(offered or "")
    is_ours = not parts.scheme and not parts.netloc and parts.path.startswith("/")
    if not is_ours or parts.path.startswith(("//", "/\\")):
        return "/"
    return parts.path + (f"?{parts.query}" if parts.query else "")
