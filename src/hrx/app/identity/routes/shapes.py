"""Shapes that several doors of identity share."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Literal

from fastapi import Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from hrx.app.identity import gate
from hrx.app.identity.parts import IdentityParts
from hrx.app.identity.sign_in import Caller, SignedIn, SignIn
from hrx.app.platform.characters import has_hidden
from hrx.app.platform.edge import Parts, client_address
from hrx.app.platform.problems import field_error


class Body(BaseModel):
    """A request body: unknown fields are refused, so that a typing error is not silently ignored."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


def _email(value: str) -> str:
    """Lower case, full-width letters made plain; raises for what cannot be an address."""
    normalized = unicodedata.normalize("NFKC", value).strip().lower()
    local, at, domain = normalized.rpartition("@")
    is_odd = has_hidden(normalized) or any(character.isspace() for character in normalized)
    if not (local and at and domain) or is_odd or len(normalized) > 254:
        raise field_error(
            "email_invalid",
            ja="メールアドレスの形式が正しくありません。",
            en="This is not an e-mail address.",
        )
    return normalized


def _visible(value: str) -> str:
    """NFC, trimmed; control characters have no business in names."""
    normalized = unicodedata.normalize("NFC", value).strip()
    if not normalized or has_hidden(normalized):
        raise field_error(
            "text_invalid", ja="使えない文字が含まれています。", en="It holds characters that cannot be used."
        )
    return normalized


Email = Annotated[str, StringConstraints(min_length=3, max_length=320), AfterValidator(_email)]
VisibleText = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_visible)]
#: Taken as typed; its own rules are in identity.passwords.
Password = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Code = Annotated[str, StringConstraints(min_length=6, max_length=12, pattern=r"^[0-9 ]+$")]
LocaleName = Literal["ja", "en"]
RoleName = Literal["owner", "hr", "manager", "employee", "auditor"]


class SignInState(BaseModel):
    """Whether the session is open or waits for the second factor; the token only when `bearer` was asked."""

    state: Literal["signed_in", "totp_required"]
    token: str | None = Field(None, description="Session token for `Authorization: Bearer`, when asked for.")


def sign_in_of(parts: Parts, identity: IdentityParts) -> SignIn:
    return SignIn(settings=parts.settings, database=parts.database, identity=identity)


def caller_of(request: Request) -> Caller:
    return Caller(address=client_address(request), user_agent=request.headers.get("user-agent", ""))


def answer(parts: Parts, response: Response, signed_in: SignedIn, *, as_bearer: bool) -> SignInState:
    """Hand the new session over: as a cookie to browsers, in the body to scripts that asked for it."""
    if not as_bearer:
        set_session_cookie(parts, response, token=signed_in.token)
    return SignInState(
        state="totp_required" if signed_in.needs_totp else "signed_in",
        token=signed_in.token if as_bearer else None,
    )


def set_session_cookie(parts: Parts, response: Response, *, token: str) -> None:
    response.set_cookie(
        gate.COOKIE,
        token,
        max_age=parts.settings.session_lifetime_s,
        path="/",
        secure=parts.settings.public_url.startswith("https://"),
        httponly=True,
        samesite="lax",
    )


def drop_session_cookie(parts: Parts, response: Response) -> None:
    response.delete_cookie(
        gate.COOKIE,
        path="/",
        secure=parts.settings.public_url.startswith("https://"),
        httponly=True,
        samesite="lax",
    )
