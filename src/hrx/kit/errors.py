"""One family of errors for both planes.

HrxError
├── Expected              the caller's affair; shown as is, never paged
│   ├── Invalid           422  the input breaks a rule; may name several fields
│   ├── NotSignedIn       401  no session, or one that ended
│   ├── Forbidden         403  signed in, but not allowed
│   ├── NotFound          404  absent, or not visible to the caller: both look the same
│   ├── Conflict          409  the world changed underneath, or the row exists already
│   ├── TooLarge          413  more bytes or rows than the limit that the message names
│   └── TooMany           429  rate limit; carries retry_after_s
├── Unavailable           503  a dependency is down or late: retryable, counted, not paged
└── Refused               409  a safety rule said no; exit code 4

Anything else that is raised is a bug, and pages. The kit does not know HTTP nor exit codes: the figures
above are written down in `app.platform.edge` and `cli.output` and repeated here only for the reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

Language = Literal["ja", "en"]
LANGUAGES: tuple[Language, ...] = ("ja", "en")


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence in both languages of the product."""

    ja: str
    en: str

    def in_language(self, language: Language) -> str:
        return self.ja if language == "ja" else self.en


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldProblem:
    """One thing wrong with one field; `field` is the name that the caller used (dots for nesting)."""

    field: str
    code: str
    message: Text


class HrxError(Exception):
    """Base of everything raised on purpose: what happened, and what to do next.

    `code` is stable and belongs to the class or the call; `message` says what happened; `hint` names the
    next thing to do, with the command to type where there is one."""

    code: ClassVar[str] = "hrx.error"

    def __init__(
        self,
        message: Text,
        *,
        hint: Text | None = None,
        code: str | None = None,
        fields: tuple[FieldProblem, ...] = (),
    ) -> None:
        super().__init__(message.en)
        self.message = message
        self.hint = hint
        self.stable_code = code or type(self).code
        self.fields = fields


class Expected(HrxError):
    """The caller's affair."""

    code = "expected"


class Invalid(Expected):
    code = "invalid"


class NotSignedIn(Expected):
    code = "not_signed_in"


class Forbidden(Expected):
    code = "forbidden"


class NotFound(Expected):
    code = "not_found"


class Conflict(Expected):
    code = "conflict"


class TooLarge(Expected):
    code = "too_large"


class TooMany(Expected):
    """Asked too often; try again after `retry_after_s` seconds."""

    code = "too_many"

    def __init__(
        self, message: Text, *, retry_after_s: int, hint: Text | None = None, code: str | None = None
    ) -> None:
        super().__init__(message, hint=hint, code=code)
        self.retry_after_s = retry_after_s


class Unavailable(HrxError):
    """A dependency did not answer in time; trying again later is right."""

    code = "unavailable"


class Refused(HrxError):
    """A safety rule said no; trying again unchanged gives the same answer."""

    code = "refused"
