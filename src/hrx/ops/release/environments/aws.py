"""Settings in AWS Secrets Manager: one secret for each name below a prefix, or one JSON document.

Rights needed: ListSecrets, and GetSecretValue below the prefix. Where each name has its own secret, AWS tells
when each was changed; of a document it tells no more than its last change, which is no age of any name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from hrx.kit.errors import Text
from hrx.ops.release.environments.source import Reading, SourceRefuses, SourceSilent, refuses, silent

#: Codes after which asking again is right; every other one needs a person.
_PASSING: Final = frozenset(
    {
        "ThrottlingException",
        "Throttling",
        "TooManyRequestsException",
        "InternalServiceError",
        "ServiceUnavailable",
        "RequestTimeout",
    }
)
_RIGHTS: Final = Text(
    ja="リージョンと接頭辞、この機械の権限(ListSecrets、GetSecretValue)を確かめてください。",
    en="Check region and prefix, and this machine's rights (ListSecrets, GetSecretValue).",
)


class AwsSource:
    """Secrets `prefix/HRX_…`, or the one secret named `prefix`. Credentials are the machine's own."""

    def __init__(self, prefix: str, *, region: str, timeout_s: float, endpoint: str | None = None) -> None:
        self.says = f"AWS {region} {prefix}"
        self._prefix = prefix.strip("/")
        self._region, self._endpoint = region, endpoint
        self._limits = Config(
            connect_timeout=timeout_s, read_timeout=timeout_s, retries={"total_max_attempts": 2}
        )

    def read(self) -> Reading:
        """All of it. Raises SourceRefuses, SourceSilent."""
        values: dict[str, str] = {}
        changed_at: dict[str, datetime] = {}
        try:
            # `Any`: the library makes its classes at run time. Making one already looks for credentials.
            client: Any = boto3.client(
                "secretsmanager",
                region_name=self._region,
                endpoint_url=self._endpoint,
                config=self._limits,
            )
        except BotoCoreError as error:
            raise self._said(error) from error
        try:
            listed = self._list(client)
            texts = {str(row["Name"]): self._get(client, str(row["Name"])) for row in listed}
        finally:
            client.close()
        for row in listed:
            name = str(row["Name"])
            text = texts[name]
            if name == self._prefix:
                values |= self._read_document(text)
            else:
                own = name.removeprefix(f"{self._prefix}/")
                values[own] = text
                if "LastChangedDate" in row:
                    changed_at[own] = row["LastChangedDate"].astimezone(UTC)
        if not listed:
            raise refuses(self.says, "no secret of that name or below it", hint=_RIGHTS)
        return Reading(values=values, changed_at=changed_at)

    # `Any`: AWS's client and its rows.
    def _list(self, client: Any) -> list[Mapping[str, Any]]:
        try:
            pages = client.get_paginator("list_secrets").paginate(
                Filters=[{"Key": "name", "Values": [self._prefix]}]
            )
            rows = [row for page in pages for row in page["SecretList"]]
        except (BotoCoreError, ClientError) as error:
            raise self._said(error) from error
        # The filter takes any beginning: `hrx/prod` also lists `hrx/production-2`.
        return [
            row for row in rows if row["Name"] == self._prefix or row["Name"].startswith(f"{self._prefix}/")
        ]

    def _get(self, client: Any, name: str) -> str:
        try:
            found = client.get_secret_value(SecretId=name)
        except (BotoCoreError, ClientError) as error:
            raise self._said(error) from error
        text = found.get("SecretString")
        if text is None:
            raise refuses(self.says, f"{name} holds bytes, not text", hint=_RIGHTS)
        return str(text)

    def _read_document(self, text: str) -> dict[str, str]:
        try:
            document = json.loads(text)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise refuses(
                self.says,
                f"{self._prefix} is no JSON object",
                hint=Text(
                    ja='{"HRX_名前": "値"} の形で保管してください。', en='Keep it as {"HRX_NAME": "value"}.'
                ),
            )
        return {str(name): str(value) for name, value in document.items()}

    def _said(self, error: BotoCoreError | ClientError) -> SourceRefuses | SourceSilent:
        if isinstance(error, NoCredentialsError):
            return refuses(self.says, "no credentials", hint=_RIGHTS)
        if not isinstance(error, ClientError):
            return silent(self.says, type(error).__name__)
        code = str(error.response["Error"]["Code"])
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in _PASSING or status >= 500 or status == 429:
            return silent(self.says, code)
        return refuses(self.says, code, hint=_RIGHTS)
