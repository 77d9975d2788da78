"""Signing in and out, and the reader's own choices of language and theme."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request, Response

from hrx.kit.errors import Expected, Invalid, Text, TooMany
from hrx.ops.console.desk import (
    LANGUAGE_COOKIE,
    SESSION_COOKIE,
    THEME_COOKIE,
    THEMES,
    Visit,
    desk_of,
    find_visitor,
    go,
    needs_form,
    render_page,
    require_same_site,
    safe_return_path,
)
from hrx.ops.operators.accounts import list_operators
from hrx.ops.operators.roles import Permission
from hrx.ops.operators.sign_in import WrongSignIn, sign_in, sign_out

router: Final = APIRouter()
_A_YEAR_S: Final = 365 * 24 * 3600


@router.get("/sign-in")
def show_sign_in(request: Request, next: str = "/") -> Response:
    if find_visitor(request) is not None:
        return go(safe_return_path(next))
    return _form(request, next_path=safe_return_path(next), error=None, status=200)


@router.post("/sign-in")
def do_sign_in(
    request: Request,
    name: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    code: Annotated[str, Form(max_length=20)] = "",
    next: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    require_same_site(request)
    desk = desk_of(request)
    next_path = safe_return_path(next)
    try:
        token = sign_in(
            desk.ledger,
            desk.plane.settings,
            name=name.strip(),
            password=password,
            code=code,
            address=request.client.host if request.client else "unknown",
        )
    except (WrongSignIn, TooMany) as error:
        status = 429 if isinstance(error, TooMany) else 401
        return _form(request, next_path=next_path, error=error, status=status, name=name)
    response = go(next_path)
    _set_cookie(request, response, SESSION_COOKIE, token, max_age_s=desk.plane.settings.ops_session_max_s)
    return response


@router.post("/sign-out")
def do_sign_out(visit: Annotated[Visit, Depends(needs_form(Permission.LOOK))]) -> Response:
    sign_out(visit.desk.ledger, visit.request.cookies.get(SESSION_COOKIE))
    response = go("/sign-in")
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response


@router.get("/language/{chosen}")
def choose_language(request: Request, chosen: str, next: str = "/") -> Response:
    if chosen not in ("ja", "en"):
        raise Invalid(Text(ja="言語は ja か en です", en="The language is ja or en"))
    response = go(safe_return_path(next))
    _set_cookie(request, response, LANGUAGE_COOKIE, chosen, max_age_s=_A_YEAR_S)
    return response


@router.get("/theme/{chosen}")
def choose_theme(request: Request, chosen: str, next: str = "/") -> Response:
    if chosen not in THEMES:
        raise Invalid(Text(ja="配色は auto、light、dark です", en="The theme is auto, light or dark"))
    response = go(safe_return_path(next))
    _set_cookie(request, response, THEME_COOKIE, chosen, max_age_s=_A_YEAR_S)
    return response


def _form(
    request: Request, *, next_path: str, error: Expected | None, status: int, name: str = ""
) -> Response:
    desk = desk_of(request)
    response = render_page(
        desk,
        request,
        "sign_in.html",
        session=None,
        status=status,
        values={
            "next_path": next_path,
            "error": error,
            "name": name,
            "has_expired": SESSION_COOKIE in request.cookies,
            "has_operators": bool(list_operators(desk.ledger)),
        },
    )
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _set_cookie(request: Request, response: Response, name: str, value: str, *, max_age_s: int) -> None:
    public_url = desk_of(request).plane.settings.ops_public_url or ""
    response.set_cookie(
        name,
        value,
        max_age=max_age_s,
        httponly=True,
        samesite="lax",
        secure=public_url.startswith("https:"),
        path="/",
    )
