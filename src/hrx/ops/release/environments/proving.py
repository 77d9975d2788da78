"""Whether an issuer still lets a key in: asked of the issuer itself, with the cheapest call that only reads.

No key goes anywhere but to its issuer's address; a redirect is not followed, for the key would go with it. No
answer is kept: only what it means for the key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import httpx

from hrx.kit.errors import NotFound, Text
from hrx.kit.secrets import list_accepted
from hrx.kit.settings import SecretStr
from hrx.ops.release.environments.schema import KnownSetting
from hrx.ops.release.releases import Environment


class Standing(StrEnum):
    """What the issuer thinks of a key."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    #: It did not answer, or not in a way that says anything about the key.
    SILENT = "silent"
    #: No key is set: what needs it is off.
    OFF = "off"


class Remark(StrEnum):
    """What is worth knowing of a key that is accepted."""

    ALL_RIGHTS = "all_rights"
    TEST_KEY = "test_key"
    LIVE_KEY = "live_key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One key of one setting. `place` counts from 1, the newest; `said` is the issuer's status, no text."""

    name: str
    place: int
    standing: Standing
    said: str = ""
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Issuer:
    """Where a key is presented, and how. `refusal` are the statuses by which it says that a key is wrong."""

    url_name: str
    path: str
    headers: Callable[[str], dict[str, str]]
    refusal: frozenset[int] = frozenset({401})
    #: What the body of a refusal says, where its status alone does not tell a wrong key from a wrong call.
    refusal_says: str = ""


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


_ISSUERS: Final[Mapping[str, _Issuer]] = {
    "HRX_STRIPE_API_KEY": _Issuer(url_name="HRX_STRIPE_URL", path="/v1/balance", headers=_bearer),
    "HRX_OPENAI_API_KEY": _Issuer(url_name="HRX_OPENAI_URL", path="/models", headers=_bearer),
    "HRX_ANTHROPIC_API_KEY": _Issuer(
        url_name="HRX_ANTHROPIC_URL",
        path="/v1/models?limit=1",
        headers=lambda key: {"x-api-key": key, "anthropic-version": "2023-06-01"},
    ),
    "HRX_GOOGLE_API_KEY": _Issuer(
        url_name="HRX_GOOGLE_URL",
        path="/v1beta/models?pageSize=1",
        headers=lambda key: {"x-goog-api-key": key},
        # A wrong key is a wrong argument there, by the reason in its details.
        refusal=frozenset({400, 401}),
        refusal_says="API_KEY_INVALID",
    ),
    "HRX_LLM_API_KEY": _Issuer(url_name="HRX_LLM_URL", path="/models", headers=_bearer),
}


def list_provable() -> tuple[str, ...]:
    """Names whose issuer can be asked."""
    return tuple(_ISSUERS)


def prove_setting(
    name: str,
    values: Mapping[str, str],
    *,
    known: Mapping[str, KnownSetting],
    environment: Environment,
    timeout_s: float,
) -> tuple[Proof, ...]:
    """How each key of this setting stands, newest first; one proof that says OFF when none is set.

    Costs one call for each key. Raises NotFound for a name whose issuer cannot be asked."""
    keys = list_accepted(values.get(name, ""))
    if not keys:
        _get_issuer(name)
        return (Proof(name=name, place=1, standing=Standing.OFF),)
    return tuple(
        prove_key(
            name,
            SecretStr(key),
            values=values,
            known=known,
            environment=environment,
            timeout_s=timeout_s,
            place=place,
        )
        for place, key in enumerate(keys, start=1)
    )


def prove_key(
    name: str,
    key: SecretStr,
    *,
    values: Mapping[str, str],
    known: Mapping[str, KnownSetting],
    environment: Environment,
    timeout_s: float,
    place: int = 1,
) -> Proof:
    """How one key stands with its issuer, whose address is among `values` or is the setting's default.

    Raises NotFound for a name whose issuer cannot be asked."""
    issuer = _get_issuer(name)
    setting = known.get(issuer.url_name)
    url = values.get(issuer.url_name) or (setting.default if setting else None)
    if not url:
        return Proof(name=name, place=place, standing=Standing.SILENT, said=f"{issuer.url_name} = -")
    standing, said = _ask(issuer, url, key.get_secret_value(), timeout_s=timeout_s)
    return Proof(
        name=name,
        place=place,
        standing=standing,
        said=said,
        remarks=_list_remarks(name, key.get_secret_value(), environment),
    )


def _get_issuer(name: str) -> _Issuer:
    issuer = _ISSUERS.get(name)
    if issuer is None:
        names = " ".join(_ISSUERS)
        raise NotFound(
            Text(ja=f"{name} を発行者に確かめる方法はありません", en=f"No issuer can be asked about {name}"),
            hint=Text(ja=f"確かめられるもの: {names}", en=f"These can be proved: {names}"),
            code="settings.no_proof",
        )
    return issuer


def _ask(issuer: _Issuer, url: str, key: str, *, timeout_s: float) -> tuple[Standing, str]:
    try:
        with httpx.Client(timeout=timeout_s, trust_env=False, follow_redirects=False) as client:
            answer = client.get(url.rstrip("/") + issuer.path, headers=issuer.headers(key))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Standing.SILENT, type(error).__name__
    except ValueError:
        # It is no text that a header can hold: no issuer made it.
        return Standing.REFUSED, "malformed"
    said = f"HTTP {answer.status_code}"
    if answer.status_code in issuer.refusal and issuer.refusal_says in answer.text:
        return Standing.REFUSED, said
    # 403 is a key that is known and lacks the right to this very call: a restricted one may.
    return (Standing.ACCEPTED if answer.is_success or answer.status_code == 403 else Standing.SILENT), said


def _list_remarks(name: str, key: str, environment: Environment) -> tuple[Remark, ...]:
    """Stripe's keys say in their beginning what they may do, and with whose money."""
    if name != "HRX_STRIPE_API_KEY":
        return ()
    found = []
    if key.startswith("sk_"):
        found.append(Remark.ALL_RIGHTS)
    if "_test_" in key[:9] and environment is Environment.PRODUCTION:
        found.append(Remark.TEST_KEY)
    if "_live_" in key[:9] and environment is not Environment.PRODUCTION:
        found.append(Remark.LIVE_KEY)
    return tuple(found)
