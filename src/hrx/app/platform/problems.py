"""Errors as RFC 9457 problem documents, in the reader's language.

This is the only place that knows which error is which HTTP status. Slices teach it what a violated
constraint means with `explain_constraint`; they never translate database errors themselves."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic_core import PydanticCustomError
from sqlalchemy.exc import DataError, DBAPIError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from hrx.app.platform.db import DriverDataError, DriverError
from hrx.app.platform.field_messages import describe_field_problem
from hrx.app.platform.sql_states import ASK_FOR_ROOM, BY_STATE, DISK_FULL
from hrx.kit import log
from hrx.kit.errors import (
    LANGUAGES,
    Conflict,
    Expected,
    FieldProblem,
    Forbidden,
    HrxError,
    Invalid,
    Language,
    NotFound,
    NotSignedIn,
    Refused,
    Text,
    TooLarge,
    TooMany,
    Unavailable,
)

#: Key under which the edge leaves the signed-in user's language for the error pages.
LANGUAGE_SCOPE_KEY: Final = "hrx.language"
PROBLEM_TYPE_BASE: Final = "urn:hrx:problem:"
MEDIA_TYPE: Final = "application/problem+json"

#: First match wins, so subclasses come before their parents.
_STATUS: Final[tuple[tuple[type[HrxError], int, Text], ...]] = (
    (Invalid, 422, Text(ja="入力内容に誤りがあります", en="The input is not valid")),
    (NotSignedIn, 401, Text(ja="サインインが必要です", en="Sign-in required")),
    (Forbidden, 403, Text(ja="この操作は許可されていません", en="Not allowed")),
    (NotFound, 404, Text(ja="見つかりません", en="Not found")),
    (Conflict, 409, Text(ja="ほかの変更と競合しています", en="Conflicts with the current state")),
    (TooLarge, 413, Text(ja="データが大きすぎます", en="Too large")),
    (TooMany, 429, Text(ja="回数の上限に達しました", en="Too many attempts")),
    (Unavailable, 503, Text(ja="一時的に利用できません", en="Temporarily unavailable")),
    (Refused, 409, Text(ja="安全のため実行しませんでした", en="Refused for safety")),
    (Expected, 400, Text(ja="要求を処理できません", en="The request cannot be processed")),
)
_BUG: Final = Text(ja="予期しないエラーが発生しました", en="Something went wrong on our side")


# ── what a constraint means ───────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True, kw_only=True)
class ConstraintMeaning:
    """What to tell the caller when a named constraint of the database refuses a row."""

    message: Text
    field: str | None
    error: type[Expected]
    code: str
    hint: Text | None


_constraints: dict[str, ConstraintMeaning] = {}


def explain_constraint(
    name: str,
    *,
    message: Text,
    field: str | None = None,
    error: type[Expected] = Conflict,
    code: str | None = None,
    hint: Text | None = None,
) -> None:
    """Teach the edge what the constraint `name` means; call at import time of the slice's `models`.

    `field` is the name that the API's caller used; `code` defaults to the constraint's name. Works for
    unique, exclusion, check and foreign keys, and for RAISE ... USING CONSTRAINT = 'name'."""
    _constraints[name] = ConstraintMeaning(
        message=message, field=field, error=error, code=code or name, hint=hint
    )


#: Every answer that is not a success, as the OpenAPI document tells it: one shape for all of them.
ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    "default": {
        "description": "A problem document (RFC 9457) in the reader's language",
        "content": {
            MEDIA_TYPE: {
                "schema": {
                    "type": "object",
                    "required": ["type", "title", "status", "code", "detail", "correlation_id"],
                    "properties": {
                        "type": {"type": "string"},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "code": {"type": "string"},
                        "detail": {"type": "string"},
                        "hint": {"type": ["string", "null"]},
                        "errors": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "required": ["field", "code", "message"],
                                "properties": {
                                    "field": {"type": "string"},
                                    "code": {"type": "string"},
                                    "message": {"type": "string"},
                                },
                            },
                        },
                        "correlation_id": {"type": ["string", "null"]},
                    },
                }
            }
        },
    }
}


def field_error(code: str, *, ja: str, en: str) -> PydanticCustomError:
    """What a Pydantic validator raises so that its message reaches people in their language."""
    # The type asks for a literal string because it may hold placeholders; ours has none that matter.
    return PydanticCustomError(code, en.replace("{", "(").replace("}", ")"), {"ja": ja, "en": en})


#: No room, no room for this user, or a file larger than this process may write.
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_TRY_AGAIN: Final = Text(ja="もう一度お試しください。", en="Please try again.")


def explain_database_error(error: DBAPIError | DriverError) -> HrxError | None:
    """The refusal of the database as an error for people; None when it is a bug of ours."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    diagnosis = getattr(cause, "diag", None)
    meaning = _constraints.get(getattr(diagnosis, "constraint_name", None) or "")
    if meaning is not None:
        problem = (
            (FieldProblem(field=meaning.field, code=meaning.code, message=meaning.message),)
            if meaning.field
            else ()
        )
        return meaning.error(meaning.message, hint=meaning.hint, code=meaning.code, fields=problem)
    state = getattr(cause, "sqlstate", None)
    if isinstance(state, str) and state in BY_STATE:
        kind, code, message = BY_STATE[state]
        if message is DISK_FULL:
            return kind(message, hint=ASK_FOR_ROOM, code=code)
        return kind(message, hint=_TRY_AGAIN if kind is not Forbidden else None, code=code)
    # NUL characters fail in the driver, numbers out of range in the server (class 22).
    if isinstance(error, DataError | DriverDataError) or (state or "").startswith("22"):
        return _unstorable()
    return None


#: Values out of range, constraints, limits of the server (too long for an index, too many places).
_ABOUT_DATA: Final = ("22", "23", "54")


def is_about_data(error: DBAPIError | DriverError) -> bool:
    """Whether the database, or its driver, refused the values themselves: they will be refused again."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(cause, "sqlstate", None) or ""
    return isinstance(error, DataError | DriverDataError) or state.startswith(_ABOUT_DATA)


def _unstorable() -> Invalid:
    return Invalid(
        Text(
            ja="保存できない文字または値が含まれています。",
            en="It contains a character or a value that cannot be stored.",
        ),
        code="unstorable_value",
    )


# ── the document ──────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem document before it is put into a language."""

    status: int
    title: Text
    code: str
    detail: Text
    hint: Text | None = None
    fields: Sequence[FieldProblem] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


def problem_of(error: HrxError) -> Problem:
    """The problem document of a raised error."""
    status, title = next(
        ((status, title) for kind, status, title in _STATUS if isinstance(error, kind)), (500, _BUG)
    )
    headers = {}
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.retry_after_s)
    elif isinstance(error, Unavailable):
        headers["Retry-After"] = "2"
    elif isinstance(error, NotSignedIn):
        headers["WWW-Authenticate"] = 'Bearer realm="hrx"'
    return Problem(
        status=status,
        title=title,
        code=error.stable_code,
        detail=error.message,
        hint=error.hint,
        fields=error.fields,
        headers=headers,
    )


BUG: Final = Problem(
    status=500,
    title=_BUG,
    code="bug",
    detail=Text(
        ja="お手数ですが、下の番号を管理者にお伝えください。",
        en="Please give the number below to your administrator.",
    ),
)


def render(problem: Problem, *, language: Language) -> Response:
    """The document in one language, with the correlation id that finds it in the logs."""
    body = {
        "type": PROBLEM_TYPE_BASE + problem.code,
        "title": problem.title.in_language(language),
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail.in_language(language),
        "hint": problem.hint.in_language(language) if problem.hint else None,
        "errors": [
            {"field": item.field, "code": item.code, "message": item.message.in_language(language)}
            for item in problem.fields
        ],
        "correlation_id": log.correlation_id.get(),
    }
    headers = {**problem.headers, "Cache-Control": "no-store", "Content-Language": language}
    return Response(orjson.dumps(body), status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)


def language_of(scope: Mapping[str, Any]) -> Language:
    """The signed-in user's language, else what Accept-Language prefers of ja and en, else ja."""
    known = scope.get(LANGUAGE_SCOPE_KEY)
    for language in LANGUAGES:
        if known == language:
            return language
    for name, value in scope.get("headers", ()):
        if name == b"accept-language":
            return preferred_of(value.decode("latin-1")) or "ja"
    return "ja"


def preferred_of(accept_language: str) -> Language | None:
    """The best of ja and en by weight; None where neither is named or nothing can be read."""
    best: tuple[float, Language | None] = (0.0, None)
    for part in accept_language[:256].split(","):
        tag, _, parameters = part.strip().partition(";")
        weight = _weight(parameters)
        for language in LANGUAGES:
            if tag.lower().split("-")[0] == language and weight > best[0]:
                best = (weight, language)
    return best[1]


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0


# ── handlers ──────────────────────────────────────────────────────────────────────────────────────────
_HTTP_ERRORS: Final[Mapping[int, tuple[str, Text]]] = {
    400: ("unreadable_body", Text(ja="要求の本文を読み取れません。", en="The request body cannot be read.")),
    404: ("not_found", Text(ja="このアドレスには何もありません。", en="There is nothing at this address.")),
    405: (
        "method_not_allowed",
        Text(ja="このアドレスではこの操作はできません。", en="This address does not take this method."),
    ),
    413: (
        "too_large",
        Text(ja="送信されたデータが上限を超えています。", en="The body is larger than the limit."),
    ),
    415: ("unsupported_media_type", Text(ja="この形式は扱えません。", en="This media type is not taken.")),
}


def install(app: FastAPI) -> None:
    """Let every error of `app` leave as a problem document."""
    app.exception_handler(HrxError)(_on_hrx_error)
    app.exception_handler(RequestValidationError)(_on_invalid_request)
    app.exception_handler(HTTPException)(_on_http_error)
    app.exception_handler(DBAPIError)(_on_database_error)
    app.exception_handler(DriverError)(_on_database_error)
    app.exception_handler(UnicodeEncodeError)(_on_half_a_character)
    app.exception_handler(OSError)(_on_system_error)


async def _on_hrx_error(request: Request, error: HrxError) -> Response:
    return render(problem_of(error), language=language_of(request.scope))


async def _on_invalid_request(request: Request, error: RequestValidationError) -> Response:
    fields = tuple(describe_field_problem(item) for item in error.errors()[:100])
    invalid = Invalid(
        Text(ja=f"{len(fields)} 項目を直してください。", en=f"{len(fields)} field(s) need correction."),
        fields=fields,
    )
    return render(problem_of(invalid), language=language_of(request.scope))


async def _on_http_error(request: Request, error: HTTPException) -> Response:
    if _is_out_of_room(error.__cause__):
        # The framework calls every failure to take in an upload the sender's fault; a full disk is ours.
        return _tell_no_room(request)
    code, detail = _HTTP_ERRORS.get(
        error.status_code, (f"http_{error.status_code}", Text(ja=str(error.detail), en=str(error.detail)))
    )
    problem = Problem(
        status=error.status_code, title=detail, code=code, detail=detail, headers=error.headers or {}
    )
    return render(problem, language=language_of(request.scope))


async def _on_database_error(request: Request, error: DBAPIError | DriverError) -> Response:
    explained = explain_database_error(error)
    if explained is None:
        raise error
    return render(problem_of(explained), language=language_of(request.scope))


async def _on_system_error(request: Request, error: OSError) -> Response:
    if not _is_out_of_room(error):
        raise error
    return _tell_no_room(request)


def _is_out_of_room(error: BaseException | None) -> bool:
    return isinstance(error, OSError) and error.errno in _NO_ROOM


def _tell_no_room(request: Request) -> Response:
    error = Unavailable(DISK_FULL, hint=ASK_FOR_ROOM, code="disk.full")
    return render(problem_of(error), language=language_of(request.scope))


async def _on_half_a_character(request: Request, error: UnicodeEncodeError) -> Response:
    """A lone surrogate from JSON reached the driver or our own encoder: no text that anyone typed."""
    return render(problem_of(_unstorable()), language=language_of(request.scope))
