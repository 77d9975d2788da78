"""Settings in HashiCorp Vault's key-value store (version 2), by its published HTTP API.

All names of an environment are one secret: its version's time is the last change of any of them, which is no
age of each. The token needs `read` on `MOUNT/data/PATH` and nothing else."""

from __future__ import annotations

import time
from typing import Any, Final

import httpx

from hrx.kit.errors import Text
from hrx.kit.settings import SecretStr
from hrx.ops.release.environments.source import Reading, refuses, silent

#: Asked again: a standby that is behind, too many requests, and a server that is sealed or in trouble.
_PASSING: Final = frozenset({412, 429, 500, 502, 503, 504})
_TRIES: Final = 3
_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 2.0


class VaultSource:
    """The secret at `mount`/`path` of one Vault."""

    def __init__(
        self,
        mount: str,
        path: str,
        *,
        url: str,
        token: SecretStr,
        timeout_s: float,
        namespace: str | None = None,
    ) -> None:
        self.says = f"Vault {mount}/{path}"
        self._address = f"{url.rstrip('/')}/v1/{mount}/data/{path}"
        headers = {"X-Vault-Token": token.get_secret_value(), "X-Vault-Request": "true"}
        if namespace:
            headers["X-Vault-Namespace"] = namespace
        self._headers = headers
        self._limits = httpx.Timeout(timeout_s)

    def read(self) -> Reading:
        """All of it. Raises SourceRefuses, SourceSilent."""
        answer = self._ask()
        if answer.status_code == 403:
            raise refuses(
                self.says,
                "permission denied",
                hint=Text(
                    ja="HRX_VAULT_TOKEN の期限と、このパスを読む権限を確かめてください。",
                    en="Check that HRX_VAULT_TOKEN has not expired and may read this path.",
                ),
            )
        if answer.status_code == 404:
            raise refuses(
                self.says,
                "deleted" if self._tells_version(answer) else "nothing is kept there",
                hint=Text(
                    ja="マウントとパス、版が削除されていないかを確かめてください。",
                    en="Check mount and path, and whether its version was deleted.",
                ),
            )
        if answer.status_code != 200:
            raise refuses(
                self.says,
                f"HTTP {answer.status_code}",
                hint=Text(ja="HRX_VAULT_URL を確かめてください。", en="Check HRX_VAULT_URL."),
            )
        return Reading(values=self._read_values(answer))

    def _ask(self) -> httpx.Response:
        """The answer, after as many tries as passing trouble deserves. A redirect is not followed: the token
        would go with it."""
        said = ""
        with httpx.Client(timeout=self._limits, trust_env=False, follow_redirects=False) as client:
            for attempt in range(_TRIES):
                try:
                    answer = client.get(self._address, headers=self._headers)
                except httpx.HTTPError as error:
                    raise silent(self.says, type(error).__name__) from error
                if answer.status_code not in _PASSING:
                    return answer
                said = f"HTTP {answer.status_code}"
                if attempt + 1 < _TRIES:
                    time.sleep(_pause_s(answer, attempt))
        raise silent(self.says, said)

    # `Any`: the answer is JSON.
    def _read_data(self, answer: httpx.Response) -> dict[str, Any]:
        try:
            found = answer.json()["data"]
        except (ValueError, KeyError, TypeError):
            found = None
        if not isinstance(found, dict):
            raise silent(self.says, "no answer of a key-value store, version 2")
        return found

    def _tells_version(self, answer: httpx.Response) -> bool:
        """A deleted version is answered 404 with its metadata; a path that never was, without."""
        try:
            return isinstance(answer.json().get("data"), dict)
        except (ValueError, AttributeError):
            return False

    def _read_values(self, answer: httpx.Response) -> dict[str, str]:
        values = self._read_data(answer).get("data")
        if not isinstance(values, dict) or not all(isinstance(one, str | int) for one in values.values()):
            raise refuses(
                self.says,
                "a value is no text",
                hint=Text(ja="値は文字列で保管してください。", en="Keep every value as text."),
            )
        return {str(name): str(value) for name, value in values.items()}


def _pause_s(answer: httpx.Response, attempt: int) -> float:
    asked = answer.headers.get("Retry-After", "")
    wanted_s = float(asked) if asked.isdigit() else _PAUSE_S * 2**attempt
    return min(wanted_s, _LONGEST_PAUSE_S)
