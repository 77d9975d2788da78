"""OIDC: other people's sign-in pages, and tokens that Supabase or Firebase made.

A provider is configuration (HRX_OIDC_PROVIDERS, JSON), never code:

    {"id": "google", "name": "Google", "issuer": "https://accounts.google.com", "client_id": "…",
     "client_secret": "…"}                                          the code flow, with a button on the page
    {"id": "fb", "name": "Firebase", "preset": "firebase", "project": "my-project"}       POST /auth/token
    {"id": "sb", "name": "Supabase", "preset": "supabase", "url": "https://x.supabase.co"}  POST /auth/token

Nothing a provider sends is believed before its signature, issuer, audience, times and nonce were checked; the
algorithm is chosen from our list, never from the token."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from hrx.app.settings import AppSettings
from hrx.kit import clock
from hrx.kit.errors import Forbidden, Invalid, NotFound, Text, Unavailable

#: Asymmetric only: with HS256 a public key could pass as the secret.
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA", "Ed25519")
#: Clocks of providers and ours may differ by this much.
LEEWAY_S: Final = 60
MAX_TOKEN_CHARACTERS: Final = 16_384
MAX_DOCUMENT_BYTES: Final = 512 * 1024
#: Tokens that were used are remembered until they expire; one that lives longer than this is refused.
MAX_LIFETIME_S: Final = 7 * 86_400
#: An unknown key id fetches the keys again, but not more often than this: anyone can send unknown ids.
REFETCH_PAUSE_S: Final = 10.0


class ProviderUnavailable(Unavailable):
    code = "oidc.provider_unavailable"


class ProviderNotFound(NotFound):
    code = "oidc.provider_not_found"


class TokenRefused(Forbidden):
    """Something about a token was wrong; the log says what, the caller learns only that."""

    code = "oidc.token_refused"


def _private_on_its_way(address: str) -> str:
    """Keys that come over plain HTTP are anybody's; on the loopback nobody is in between."""
    parts = urlsplit(address)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return address
    raise ValueError("https is needed")


Address = Annotated[str, AfterValidator(_private_on_its_way)]
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class ProviderConfig(BaseModel):
    """One entry of HRX_OIDC_PROVIDERS. `tenant` (a slug) limits it to the accounts of one tenant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    name: str
    issuer: Address
    client_id: str
    client_secret: str | None = None
    jwks_uri: Address | None = None
    scopes: str = "openid email profile"
    flow: Literal["code", "token"] = "code"
    tenant: str | None = None
    # Whether a verified e-mail address of the provider finds an account that was never linked before.
    links_by_email: bool = True
    # Providers that verify addresses before they give any token say so here (Supabase).
    trusts_email: bool = False

    @model_validator(mode="before")
    @classmethod
    def _expand_preset(cls, given: Any) -> Any:
        """`Any` because this sees the JSON before it has a type."""
        if not isinstance(given, dict) or "preset" not in given:
            return given
        values = dict(given)
        preset = values.pop("preset")
        if preset == "firebase":
            return _firebase(values)
        if preset == "supabase":
            return _supabase(values)
        raise ValueError(f"unknown preset {preset!r}; firebase and supabase exist")


def _firebase(values: dict[str, Any]) -> dict[str, Any]:
    project = values.pop("project")
    return {
        "issuer": f"https://securetoken.google.com/{project}",
        "client_id": project,
        "jwks_uri": "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com",
        "flow": "token",
        **values,
    }


def _supabase(values: dict[str, Any]) -> dict[str, Any]:
    url = str(values.pop("url")).rstrip("/")
    return {
        "issuer": f"{url}/auth/v1",
        "client_id": "authenticated",
        "jwks_uri": f"{url}/auth/v1/.well-known/jwks.json",
        "flow": "token",
        "trusts_email": True,
        **values,
    }


class _Discovery(BaseModel):
    """What is read of a provider's discovery document."""

    issuer: str
    authorization_endpoint: Address
    token_endpoint: Address
    jwks_uri: Address


class _TokenAnswer(BaseModel):
    id_token: str = Field(max_length=MAX_TOKEN_CHARACTERS)


class _Claims(BaseModel):
    """What is read of an ID token."""

    iss: str
    sub: str = Field(min_length=1, max_length=255)
    aud: str | list[str]
    exp: float
    iat: float
    nbf: float | None = None
    azp: str | None = None
    nonce: str | None = None
    email: str | None = None
    email_verified: bool | str = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalIdentity:
    """Who a provider says somebody is. `verified_email` only where the provider vouches for it."""

    provider: ProviderConfig
    subject: str
    verified_email: str | None
    #: Until then the token it was read from is believed.
    expires_at: datetime


M = TypeVar("M", bound=BaseModel)


@dataclass(slots=True)
class Provider:
    """One provider with what was fetched from it."""

    config: ProviderConfig
    client: httpx.AsyncClient
    jwks_ttl_s: float
    _discovery: _Discovery | None = field(default=None, init=False)
    _keys: KeySet | None = field(default=None, init=False)
    _fetched_at_s: float = field(default=-1e9, init=False)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def discover(self) -> _Discovery:
        """The provider's endpoints. Raises ProviderUnavailable."""
        if self._discovery is None:
            found = await self._fetch(f"{self.config.issuer.rstrip('/')}/.well-known/openid-configuration")
            document = _parse(_Discovery, found)
            if document.issuer.rstrip("/") != self.config.issuer.rstrip("/"):
                raise _unavailable(f"issuer mismatch at {self.config.id}")
            self._discovery = document
        return self._discovery

    async def exchange(self, *, code: str, verifier: str, redirect_uri: str) -> str:
        """The ID token for an authorization code. Raises TokenRefused or ProviderUnavailable."""
        endpoint = (await self.discover()).token_endpoint
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
            "client_id": self.config.client_id,
        }
        if self.config.client_secret:
            form["client_secret"] = self.config.client_secret
        try:
            answer = await self.client.post(endpoint, data=form)
        except httpx.HTTPError as error:
            raise _unavailable(type(error).__name__) from error
        if answer.status_code >= 500:
            raise _unavailable(f"token endpoint answered {answer.status_code}")
        if answer.status_code != 200 or len(answer.content) > MAX_DOCUMENT_BYTES:
            raise refused()
        try:
            return _TokenAnswer.model_validate_json(answer.content).id_token
        except ValidationError as error:
            raise refused() from error

    async def read_id_token(self, token: str, *, nonce: str | None) -> ExternalIdentity:
        """Whom a token names, once everything about it was checked.

        `nonce` None means: not from our own flow (POST /auth/token). Raises TokenRefused."""
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise refused()
        claims = await self._verify_signature(token)
        self._check_claims(claims, nonce=nonce)
        is_verified = claims.email_verified in (True, "true") or self.config.trusts_email
        email = claims.email.strip().lower() if claims.email and is_verified else None
        expires_at = clock.now() + timedelta(seconds=claims.exp - clock.now().timestamp() + LEEWAY_S)
        return ExternalIdentity(
            provider=self.config, subject=claims.sub, verified_email=email, expires_at=expires_at
        )

    async def _verify_signature(self, token: str) -> _Claims:
        try:
            try:
                decoded = jwt.decode(token, await self._key_set(), algorithms=ALGORITHMS)
            except InvalidKeyIdError:
                # The provider may have rotated its keys since they were fetched.
                decoded = jwt.decode(token, await self._key_set(must_be_fresh=True), algorithms=ALGORITHMS)
            return _Claims.model_validate(decoded.claims)
        except (JoseError, ValidationError, ValueError) as error:
            raise refused() from error

    def _check_claims(self, claims: _Claims, *, nonce: str | None) -> None:
        now = clock.now().timestamp()
        audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        is_right = (
            claims.iss == self.config.issuer
            and self.config.client_id in audiences
            and (len(audiences) == 1 or claims.azp == self.config.client_id)
            and now - LEEWAY_S < claims.exp < now + MAX_LIFETIME_S
            and claims.iat < now + LEEWAY_S
            and (claims.nbf is None or claims.nbf < now + LEEWAY_S)
            and (nonce is None or claims.nonce == nonce)
        )
        if not is_right:
            raise refused()

    async def _key_set(self, *, must_be_fresh: bool = False) -> KeySet:
        longest_s = min(REFETCH_PAUSE_S, self.jwks_ttl_s) if must_be_fresh else self.jwks_ttl_s
        if self._keys is not None and clock.monotonic_s() - self._fetched_at_s < longest_s:
            return self._keys
        async with self._lock:
            if self._keys is not None and clock.monotonic_s() - self._fetched_at_s < longest_s:
                return self._keys
            return await self._fetch_keys()

    async def _fetch_keys(self) -> KeySet:
        """The provider's keys; when it is away, those fetched before serve on."""
        try:
            address = self.config.jwks_uri or (await self.discover()).jwks_uri
            document = await self._fetch(address)
            keys = KeySet.import_key_set(document)
        except (ProviderUnavailable, JoseError, ValueError, KeyError) as error:
            if self._keys is not None:
                return self._keys
            raise _unavailable(type(error).__name__) from error
        self._keys = keys
        self._fetched_at_s = clock.monotonic_s()
        return keys

    async def _fetch(self, address: str) -> Any:
        """A JSON document of the provider; `Any` because its type is checked by whoever reads it."""
        try:
            answer = await self.client.get(address)
            answer.raise_for_status()
            if len(answer.content) > MAX_DOCUMENT_BYTES:
                raise _unavailable("document too large")
            return answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise _unavailable(type(error).__name__) from error


@dataclass(frozen=True, slots=True)
class Providers:
    """The configured providers, by id."""

    by_id: Mapping[str, Provider]
    client: httpx.AsyncClient

    def get(self, provider_id: str, *, flow: Literal["code", "token"]) -> Provider:
        """Raises ProviderNotFound. A code provider takes its tokens by POST /auth/token, too."""
        found = self.by_id.get(provider_id)
        if found is None or (flow == "code" and found.config.flow != "code"):
            raise ProviderNotFound(
                Text(ja="このサインイン方法は設定されていません。", en="This way to sign in is not set up.")
            )
        return found

    def with_button(self) -> Sequence[ProviderConfig]:
        return [provider.config for provider in self.by_id.values() if provider.config.flow == "code"]

    async def close(self) -> None:
        await self.client.aclose()


def open_providers(settings: AppSettings) -> Providers:
    """The providers of the settings; nothing is fetched yet. Raises Invalid for wrong configuration."""
    try:
        configs = TypeAdapter(list[ProviderConfig]).validate_json(settings.oidc_providers.get_secret_value())
    except (ValidationError, KeyError) as error:
        raise Invalid(
            Text(
                ja="HRX_OIDC_PROVIDERS の内容に誤りがあります。",
                en="HRX_OIDC_PROVIDERS is not right.",
            ),
            hint=Text(ja="docs/settings.md の例を見てください。", en="See the example in docs/settings.md."),
            code="settings.invalid",
        ) from error
    # Redirects are not followed: a provider's documents stay where its configuration says.
    client = httpx.AsyncClient(timeout=settings.oidc_timeout_s, follow_redirects=False, trust_env=False)
    providers = {
        config.id: Provider(config=config, client=client, jwks_ttl_s=settings.oidc_jwks_ttl_s)
        for config in configs
    }
    return Providers(providers, client)


def _parse(model: type[M], document: object) -> M:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise _unavailable("unexpected document") from error


def refused() -> TokenRefused:
    return TokenRefused(
        Text(ja="外部サインインを確認できませんでした。", en="The external sign-in could not be verified."),
        hint=Text(ja="もう一度サインインしてください。", en="Please sign in again."),
    )


def _unavailable(reason: str) -> ProviderUnavailable:
    error = ProviderUnavailable(
        Text(ja="外部サインインのサーバーが応答しません。", en="The external sign-in does not answer."),
        hint=Text(
            ja="パスワードでサインインするか、後でお試しください。", en="Sign in by password, or try later."
        ),
    )
    error.add_note(reason)
    return error
