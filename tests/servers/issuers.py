"""Stripe, OpenAI, Anthropic, Google and a compatible server, as far as a key is judged: on one socket.

Forms and statuses are those of their published references: Stripe answers 401 to an unknown key and 403 to a
restricted one without the right; Google answers 400 with the reason API_KEY_INVALID."""

from __future__ import annotations

from typing import Any

from tests.servers.vendor import Reply, Request, VendorServer


class IssuersServer(VendorServer):
    """`valid` are keys by issuer; `restricted` lack the right to the call that is made."""

    def __init__(self) -> None:
        super().__init__()
        self.valid: dict[str, set[str]] = {name: set() for name in _BY_PATH.values()}
        self.restricted: set[str] = set()
        self.forwards_to: str | None = None
        self.seen: list[Request] = []

    def judge(self, request: Request) -> str:
        return _BY_PATH.get(request.path, "unknown")

    def is_allowed(self, request: Request) -> bool:
        return True

    def answer(self, request: Request, what: str) -> Reply:
        self.seen.append(request)
        if self.forwards_to is not None:
            return Reply(status=307, headers={"Location": self.forwards_to})
        if what == "unknown":
            return self.refuse(404, "not_found", "Unrecognized request URL")
        key = _key_of(request, what)
        if key not in self.valid[what]:
            return _refusal(what)
        if key in self.restricted:
            return self.refuse(403, "permission_error", "The provided key does not have the required rights")
        return Reply(body={"object": "list", "data": []})

    def refuse(self, status: int, code: str, message: str) -> Reply:
        return Reply(status=status, body={"error": {"type": code, "message": message}})


_BY_PATH = {
    "/v1/balance": "stripe",
    "/openai/v1/models": "openai",
    "/v1/models": "anthropic",
    "/v1beta/models": "google",
    "/llm/v1/models": "llm",
}


def _key_of(request: Request, what: str) -> str:
    if what == "anthropic":
        # Without the version it answers 400, whatever the key.
        assert request.headers["anthropic-version"]
        return request.headers.get("x-api-key", "")
    if what == "google":
        return request.headers.get("x-goog-api-key", "")
    return request.headers.get("authorization", "").removeprefix("Bearer ")


def _refusal(what: str) -> Reply:
    if what == "google":
        details: list[dict[str, Any]] = [
            {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
        ]
        return Reply(
            status=400, body={"error": {"code": 400, "status": "INVALID_ARGUMENT", "details": details}}
        )
    return Reply(status=401, body={"error": {"type": "authentication_error", "message": "invalid key"}})
