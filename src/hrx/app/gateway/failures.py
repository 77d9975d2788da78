"""How a request to a vendor fails, and what may be done about it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class FailureKind(StrEnum):
    """The values of `error_type`, and the words that procedure 5.2.4 looks for."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    AUTHENTICATION = "authentication"
    INVALID_REQUEST = "invalid_request"
    INVALID_RESPONSE = "invalid_response"


#: Trying another time may help.
PASSING: Final = frozenset(
    {
        FailureKind.TIMEOUT,
        FailureKind.CONNECTION,
        FailureKind.RATE_LIMITED,
        FailureKind.SERVER_ERROR,
        FailureKind.INVALID_RESPONSE,
    }
)


class VendorFailure(Exception):
    """One request failed. `detail` is ours or the vendor's error code, never its text: that may quote us.

    `is_of_target`: only this vendor or model refuses; another may answer the same question."""

    def __init__(
        self,
        kind: FailureKind,
        *,
        detail: str,
        status: int | None = None,
        retry_after_s: float | None = None,
        is_of_target: bool = True,
    ) -> None:
        super().__init__(f"{kind.value}: {detail}")
        self.kind = kind
        self.detail = detail
        self.status = status
        self.retry_after_s = retry_after_s
        self.is_of_target = is_of_target


def malformed(detail: str) -> VendorFailure:
    return VendorFailure(FailureKind.INVALID_RESPONSE, detail=detail)


def cut_short() -> VendorFailure:
    """The answer ended before the vendor said that it ends."""
    return VendorFailure(FailureKind.CONNECTION, detail="cut short")
