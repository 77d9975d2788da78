"""One's own password and second factor."""

from __future__ import annotations

import io
from typing import Annotated, Final

import pyotp
import segno
from fastapi import APIRouter, Depends, Form, Response
from markupsafe import Markup

from hrx.kit import clock
from hrx.kit.errors import Expected, Invalid, NotSignedIn, Text
from hrx.ops.console.desk import Visit, go, needs, needs_form
from hrx.ops.operators.accounts import set_password, set_totp
from hrx.ops.operators.roles import Permission
from hrx.ops.operators.sign_in import authenticate

router: Final = APIRouter()
Self = Annotated[Visit, Depends(needs_form(Permission.LOOK))]


@router.get("/account")
def show_account(visit: Annotated[Visit, Depends(needs(Permission.LOOK))]) -> Response:
    return _page(visit)


@router.post("/account/password")
def change_password(
    visit: Self,
    password: Annotated[str, Form(max_length=1000)] = "",
    code: Annotated[str, Form(max_length=20)] = "",
    new_password: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Needs the present password: an unattended browser must not be enough. Ends every session."""
    try:
        _prove(visit, password=password, code=code)
        set_password(visit.desk.ledger, visit.actor.name, password=new_password, by=visit.actor.name)
    except Expected as error:
        return _page(visit, error=error)
    return go("/sign-in")


@router.post("/account/second-factor")
def start_second_factor(visit: Self) -> Response:
    """Show a new secret once; it counts only after a code made with it came back."""
    return _page(visit, secret=pyotp.random_base32())


@router.post("/account/second-factor/confirm")
def confirm_second_factor(
    visit: Self,
    secret: Annotated[str, Form(pattern=r"^[A-Z2-7]{32}$")],
    code: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    if not pyotp.TOTP(secret).verify(code.replace(" ", ""), for_time=clock.now(), valid_window=1):
        wrong = Invalid(Text(ja="確認コードが違います", en="The code is wrong"), code="account.wrong_code")
        return _page(visit, secret=secret, error=wrong)
    set_totp(visit.desk.ledger, visit.actor.name, secret=secret, by=visit.actor.name)
    return go("/account")


@router.post("/account/second-factor/remove")
def remove_second_factor(
    visit: Self,
    password: Annotated[str, Form(max_length=1000)] = "",
    code: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    try:
        _prove(visit, password=password, code=code)
    except Expected as error:
        return _page(visit, error=error)
    set_totp(visit.desk.ledger, visit.actor.name, secret=None, by=visit.actor.name)
    return go("/account")


def _prove(visit: Visit, *, password: str, code: str) -> None:
    """Counts as a sign-in attempt, so that an open session cannot be used to guess the password."""
    client = visit.request.client
    try:
        authenticate(
            visit.desk.ledger,
            visit.desk.plane.settings,
            name=visit.actor.name,
            password=password,
            code=code,
            address=client.host if client else "unknown",
        )
    except NotSignedIn as error:
        raise Invalid(error.message, code="account.wrong_password") from error


def _page(visit: Visit, *, secret: str | None = None, error: Expected | None = None) -> Response:
    return visit.page(
        "account.html",
        status=422 if error else 200,
        operator=visit.session.operator,
        secret=secret,
        qr=_qr(visit.actor.name, secret) if secret else None,
        error=error,
    )


def _qr(name: str, secret: str) -> Markup:
    uri = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name="HRX-AI Ops")
    out = io.BytesIO()
    segno.make(uri, micro=False).save(
        out, kind="svg", scale=4, border=2, xmldecl=False, svgns=True, svgclass="qr", lineclass=None
    )
    # Made by the library from our own text.
    return Markup(out.getvalue().decode())  # noqa: S704
