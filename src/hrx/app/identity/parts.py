"""What identity keeps for the life of a process: hasher, seal, OIDC providers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from prometheus_client import CollectorRegistry

from hrx.app.identity.gate import Gate
from hrx.app.identity.keys import read_key_ring
from hrx.app.identity.oidc import Providers, open_providers
from hrx.app.identity.passwords import Passwords
from hrx.app.identity.totp import Seal
from hrx.app.settings import AppSettings
from hrx.kit.catalogue import SIGN_INS


class SignInMetrics:
    """How sign-ins end; what alerts on attacks are made from."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.attempts = SIGN_INS.counter(registry)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityParts:
    """Lives on `app.state.identity`."""

    gate: Gate
    passwords: Passwords
    seal: Seal
    providers: Providers
    metrics: SignInMetrics


def build_identity(settings: AppSettings, *, registry: CollectorRegistry) -> IdentityParts:
    return IdentityParts(
        gate=Gate(
            keys=read_key_ring(settings.session_keys, variable="HRX_SESSION_KEYS"),
            origins=frozenset({settings.public_url.rstrip("/")}),
            idle_s=settings.session_idle_s,
        ),
        passwords=Passwords(),
        seal=Seal(read_key_ring(settings.seal_keys, variable="HRX_SEAL_KEYS")),
        providers=open_providers(settings),
        metrics=SignInMetrics(registry),
    )


def _identity_of(request: Request) -> IdentityParts:
    parts: IdentityParts = request.app.state.identity
    return parts


Identity = Annotated[IdentityParts, Depends(_identity_of)]
