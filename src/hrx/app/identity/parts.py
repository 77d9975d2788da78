"""What identity keeps for the life of a process: hasher, seal, OIDC providers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from fastapi import Depends, Request
from prometheus_client import CollectorRegistry

from hrx.app.identity.gate import Gate
from hrx.app.identity.keys import read_key_ring
from hrx.app.identity.oidc import Providers, open_providers
from hrx.app.identity.passwords import Passwords
from hrx.app.identity.totp import Seal
from hrx.app.platform.refusals import Refusals
from hrx.app.settings import AppSettings
from hrx.kit.catalogue import AUTH_ATTEMPTS

Method = Literal["password", "totp", "oidc"]
#: Every way a step can end, and what that means. Known to Prometheus from the start: a series that is born
#: with its first failure has no rate until the second.
REASONS: Final[Mapping[str, tuple[str, tuple[Method, ...]]]] = {
    "none": ("success", ("password", "totp", "oidc")),
    "totp_required": ("challenge", ("password", "oidc")),
    "tenant_needed": ("challenge", ("password", "oidc")),
    "wrong_password": ("failure", ("password",)),
    "wrong_code": ("failure", ("totp",)),
    "no_account": ("failure", ("oidc",)),
    "token_refused": ("failure", ("oidc",)),
    "too_many": ("failure", ("password", "totp", "oidc")),
}


class SignInMetrics:
    """How sign-ins end; what alerts on attacks are made from."""

    def __init__(self, registry: CollectorRegistry) -> None:
        attempts = AUTH_ATTEMPTS.counter(registry)
        self._steps = {
            (method, reason): attempts.labels(method, outcome, reason)
            for reason, (outcome, methods) in REASONS.items()
            for method in methods
        }

    def count(self, method: Method, reason: str) -> None:
        """One step that ended; `reason` is one of REASONS that this method can end with."""
        self._steps[method, reason].inc()


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityParts:
    """Lives on `app.state.identity`."""

    gate: Gate
    passwords: Passwords
    seal: Seal
    providers: Providers
    metrics: SignInMetrics
    refusals: Refusals


def build_identity(settings: AppSettings, *, registry: CollectorRegistry) -> IdentityParts:
    refusals = Refusals(registry)
    return IdentityParts(
        gate=Gate(
            keys=read_key_ring(settings.session_keys, variable="HRX_SESSION_KEYS"),
            origins=frozenset({settings.public_url.rstrip("/")}),
            idle_s=settings.session_idle_s,
            refusals=refusals,
        ),
        passwords=Passwords(),
        seal=Seal(read_key_ring(settings.seal_keys, variable="HRX_SEAL_KEYS")),
        providers=open_providers(settings),
        metrics=SignInMetrics(registry),
        refusals=refusals,
    )


def _identity_of(request: Request) -> IdentityParts:
    parts: IdentityParts = request.app.state.identity
    return parts


Identity = Annotated[IdentityParts, Depends(_identity_of)]
