"""A small OpenID Connect provider on a socket: discovery, keys, authorization code with PKCE, ID tokens.

It plays by the book unless a test asks for one particular fault. Written against OpenID Connect Core 1.0 and
RFC 7636; it knows nothing of our client."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT_ID = "hrx-test-client"
CLIENT_SECRET = "hrx-test-secret"


@dataclass(slots=True)
class Grant:
    """What was agreed on at the authorization endpoint, waiting for its code to be exchanged."""

    nonce: str
    challenge: str
    redirect_uri: str
    claims: dict[str, Any]


#: Making an RSA key takes a while; one serves all servers of a test process.
_FIRST_KEY = RSAKey.generate_key(2048, {"kid": "key-1"})


@dataclass(slots=True)
class OidcServer:
    """The provider's state; tests set `person` and `fault`."""

    issuer: str = ""
    key: RSAKey = field(default_factory=lambda: _FIRST_KEY)
    #: Keys that /jwks shows; normally the one that signs.
    published: list[RSAKey] = field(default_factory=list)
    algorithm: str = "RS256"
    person: dict[str, Any] = field(
        default_factory=lambda: {"sub": "subject-1", "email": "p@example.co.jp", "email_verified": True}
    )
    #: Claims that replace those of an honest token; a value of None leaves the claim out.
    wrong_claims: dict[str, Any] = field(default_factory=dict)
    #: Replaces the whole signed token (alg=none, garbage …).
    forge: Any = None
    is_down: bool = False
    grants: dict[str, Grant] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.published = [self.key]

    # ── what a person's browser does ──────────────────────────────────────────────────────────────
    def authorize(self, url: str) -> str:
        """Agree to sign in; gives the address the browser is sent back to."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert query["client_id"] == CLIENT_ID
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = secrets.token_urlsafe(16)
        self.grants[code] = Grant(
            nonce=query["nonce"],
            challenge=query["code_challenge"],
            redirect_uri=query["redirect_uri"],
            claims=dict(self.person),
        )
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    # ── tokens ────────────────────────────────────────────────────────────────────────────────────
    def id_token(self, *, nonce: str | None = None, **claims: Any) -> str:
        """A token for `person`, with the faults that were asked for."""
        now = int(time.time())
        content: dict[str, Any] = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            **self.person,
            **({"nonce": nonce} if nonce else {}),
            **claims,
            **self.wrong_claims,
        }
        content = {name: value for name, value in content.items() if value is not None}
        if self.forge is not None:
            forged: str = self.forge(content)
            return forged
        return jwt.encode(
            {"alg": self.algorithm, "kid": self.key.kid}, content, self.key, algorithms=[self.algorithm]
        )

    def rotate_key(self) -> None:
        """Sign with a new key, and publish it, from now on."""
        self.key = RSAKey.generate_key(2048, {"kid": f"key-{secrets.token_hex(4)}"})
        self.published = [self.key]

    def exchange(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        grant = self.grants.pop(form.get("code", ""), None)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        is_right = (
            grant is not None
            and form.get("client_secret") == CLIENT_SECRET
            and form.get("redirect_uri") == grant.redirect_uri
            and challenge == grant.challenge
        )
        if not is_right or grant is None:
            return 400, {"error": "invalid_grant"}
        token = self.id_token(nonce=grant.nonce, **grant.claims)
        return 200, {"access_token": "unused", "token_type": "Bearer", "id_token": token}

    def document(self, path: str) -> dict[str, Any] | None:
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
            }
        if path == "/jwks":
            return dict(KeySet(list(self.published)).as_dict(private=False))
        return None


def unsigned(claims: dict[str, Any]) -> str:
    """A token that says of itself that it needs no signature."""
    parts = [json.dumps({"alg": "none", "typ": "JWT"}).encode(), json.dumps(claims).encode()]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def signed_by_somebody_else(claims: dict[str, Any]) -> str:
    """A token with the right key id and another key's signature."""
    key = RSAKey.generate_key(2048, {"kid": "key-1"})
    return jwt.encode({"alg": "RS256", "kid": "key-1"}, claims, key)


def signed_with_public_key(claims: dict[str, Any], *, key: RSAKey) -> str:
    """A token whose HMAC is keyed with the provider's public key, by hand: libraries refuse to make one."""
    header = {"alg": "HS256", "typ": "JWT", "kid": "key-1"}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    mac = hmac.digest(key.as_pem(private=False), b".".join(parts), "sha256")
    return b".".join([*parts, base64.urlsafe_b64encode(mac).rstrip(b"=")]).decode()


@contextmanager
def running_oidc_server() -> Iterator[OidcServer]:
    """The provider on a free port of the loopback, until the block ends."""
    state = OidcServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.requests.append(self.path)
            document = None if state.is_down else state.document(urlsplit(self.path).path)
            self._answer(503 if state.is_down else 200 if document else 404, document or {})

        def do_POST(self) -> None:
            state.requests.append(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            if state.is_down:
                self._answer(503, {})
            else:
                self._answer(*state.exchange(form))

        def _answer(self, status: int, document: dict[str, Any]) -> None:
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Tests print what they need."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
