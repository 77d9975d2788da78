"""Browsers and scripts that talk to the API in tests, the way real ones do."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI

from hrx.app.identity import actions
from hrx.app.platform.db import Database
from hrx.app.platform.tenancy import Role, TenantId, UserId, system_principal

PUBLIC_URL = "http://127.0.0.1:8080"
PASSWORD = "correct-horse-電池-staple"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account that a test made."""

    tenant_id: TenantId
    id: UserId
    email: str
    password: str


async def create_user(
    app: FastAPI,
    database: Database,
    *,
    tenant_id: TenantId,
    roles: frozenset[Role],
    email: str | None = None,
    person_id: int | None = None,
    locale: str = "ja",
    password: str = PASSWORD,
) -> User:
    email = email or f"u-{secrets.token_hex(6)}@example.co.jp"
    new = actions.NewUser(
        email=email,
        display_name="試験 花子",
        roles=roles,
        locale="en" if locale == "en" else "ja",
        person_id=person_id,
        password=password,
    )
    async with database.transaction(system_principal(tenant_id)) as session:
        user_id, _ = await actions.create_user(session, app.state.identity, new=new)
    return User(tenant_id=tenant_id, id=user_id, email=email, password=password)


@dataclass(slots=True, kw_only=True)
class Browser:
    """Keeps cookies, and sends our page's CSRF token and Origin with unsafe requests."""

    http: httpx.AsyncClient
    csrf_token: str | None = None
    user: User | None = None
    headers: dict[str, str] = field(default_factory=dict)

    async def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """`path` without the prefix /api/v1, or starting with one of the health pages."""
        headers = {**self.headers, **options.pop("headers", {})}
        if method not in {"GET", "HEAD"}:
            headers.setdefault("Origin", PUBLIC_URL)
            if self.csrf_token:
                headers.setdefault("X-CSRF-Token", self.csrf_token)
        return await self.http.request(method, f"/api/v1{path}", headers=headers, **options)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.request("GET", path, **options)

    async def post(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return await self.request("POST", path, json=json, **options)

    async def put(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return await self.request("PUT", path, json=json, **options)

    async def delete(self, path: str, **options: Any) -> httpx.Response:
        return await self.request("DELETE", path, **options)

    async def sign_in(self, user: User) -> None:
        answer = await self.post("/auth/login", {"email": user.email, "password": user.password})
        assert answer.status_code == 200, answer.text
        assert answer.json()["state"] == "signed_in"
        await self.remember_session()
        self.user = user

    async def remember_session(self) -> None:
        answer = await self.get("/session")
        assert answer.status_code == 200, answer.text
        self.csrf_token = answer.json()["csrf_token"]


def open_browser(app: FastAPI, *, address: str = "192.0.2.10") -> Browser:
    """A browser without cookies, at a given address."""
    transport = httpx.ASGITransport(app=app, client=(address, 50000), raise_app_exceptions=False)
    return Browser(http=httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL))
