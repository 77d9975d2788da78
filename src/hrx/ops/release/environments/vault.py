"""Settings in HashiCorp Vault's key-value store (version 2), by its published HTTP API.

All names of an environment are one secret: its version's time is the last change of any of them, which is no
age of each. The token needs `read` on `MOUNT/data/PATH` and nothing else; to rotate, `update` too."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

import httpx

from hrx.kit.errors import Text
from hrx.kit.settings import SecretStr
from hrx.ops.release.environments.keeping import Held, moved
from hrx.ops.release.environments.source import Reading, SourceSilent, refuses, silent

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
        return Reading(values=self._read_values(self._get()))

    def read_one(self, name: str) -> Held:
        """One name, with the version of all of them. Raises as `read`."""
        answer = self._get()
        return Held(value=self._read_values(answer).get(name, ""), version=self._read_version(answer))

    def replace(self, name: str, value: str, *, held: Held) -> None:
        """A new version of all names that differs in this one, if the newest is still what was read."""
        answer = self._get()
        if self._read_version(answer) != held.version:
            raise moved(self.says, name)
        values = {**self._read_data(answer)["data"], name: value}
        try:
            said = self._ask("POST", {"options": {"cas": int(held.version)}, "data": values})
        except SourceSilent:
            # It may have been done before the answer was lost.
            if self.read_one(name).value == value:
                return
            raise
        if said.status_code == 400 and "check-and-set" in said.text:
            # An earlier try of ours may be what has changed it.
            if self.read_one(name).value == value:
                return
            raise moved(self.says, name)
        self._refuse(said, needs="update")

    def _get(self) -> httpx.Response:
        answer = self._ask("GET")
        self._refuse(answer, needs="read")
        return answer

    def _refuse(self, answer: httpx.Response, *, needs: str) -> None:
        """Raises SourceRefuses for every answer but a good one."""
        if answer.status_code == 403:
            raise refuses(
                self.says,
                "permission denied",
                hint=Text(
                    ja=f"HRX_VAULT_TOKEN の期限(`vault token lookup`)と、このパスの権限({needs})を"
                    "確かめてから、もう一度実行してください。",
                    en="See that HRX_VAULT_TOKEN has not expired (`vault token lookup`) and may "
                    f"{needs} this path, then run this again.",
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

    def _ask(self, method: str, document: Mapping[str, object] | None = None) -> httpx.Response:
        """The answer, after as many tries as passing trouble deserves. A redirect is not followed: the token
        would go with it."""
        said = ""
        with httpx.Client(timeout=self._limits, trust_env=False, follow_redirects=False) as client:
            for attempt in range(_TRIES):
                try:
                    answer = client.request(method, self._address, headers=self._headers, json=document)
                except httpx.HTTPError as error:
                    raise silent(self.says, type(error).__name__) from error
                if answer.status_code not in _PASSING:
                    return answer
                said = f"HTTP {answer.status_code}{self._say_sealed(answer)}"
                if attempt + 1 < _TRIES:
                    time.sleep(_pause_s(answer, attempt))
        raise silent(self.says, said)

    def _say_sealed(self, answer: httpx.Response) -> str:
        is_sealed = answer.status_code == 503 and "sealed" in answer.text
        return " (sealed: `vault operator unseal`)" if is_sealed else ""

    def _read_version(self, answer: httpx.Response) -> str:
        metadata = self._read_data(answer).get("metadata")
        version = metadata.get("version") if isinstance(metadata, dict) else None
        if not isinstance(version, int):
            raise silent(self.says, "no answer of a key-value store, version 2")
        return str(version)

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
