"""Settings in AWS Secrets Manager: one secret for each name below a prefix, or one JSON document.

Rights needed: ListSecrets, and GetSecretValue below the prefix. Where each name has its own secret, AWS tells
when each was changed; of a document it tells no more than its last change, which is no age of any name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from hrx.kit.errors import Text
from hrx.ops.release.environments.keeping import Held, SecretMoved, moved
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
#: Its session has ended; the right itself may well be there.
_EXPIRED: Final = frozenset(
    {"ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException", "InvalidClientTokenId"}
)
_RIGHTS: Final = Text(
    ja="リージョンと接頭辞、この機械の権限(ListSecrets、GetSecretValue。交換には PutSecretValue と "
    "UpdateSecretVersionStage も)を確かめてください。",
    en="Check region and prefix, and this machine's rights (ListSecrets, GetSecretValue; to rotate, "
    "PutSecretValue and UpdateSecretVersionStage too).",
)
_SIGN_IN: Final = Text(
    ja="この機械の AWS の認証を新しくし(`aws sts get-caller-identity` で確認)、もう一度実行してください。",
    en="Renew this machine's AWS credentials (see `aws sts get-caller-identity`), then run this again.",
)
_CURRENT: Final = "AWSCURRENT"
#: Where a new version waits until it is made the current one.
_PENDING: Final = "HRXPENDING"


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
        with self._opened() as client:
            listed = self._list(client)
            texts = {str(row["Name"]): self._get(client, str(row["Name"])) for row in listed}
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

    def read_one(self, name: str) -> Held:
        """One name: its own secret, or its place in the document; empty without either. Raises as `read`."""
        with self._opened() as client:
            for secret_id in (f"{self._prefix}/{name}", self._prefix):
                found = self._find(client, secret_id)
                if found is None:
                    continue
                text = str(found.get("SecretString", ""))
                value = text if secret_id != self._prefix else self._read_document(text).get(name, "")
                return Held(value=value, version=f"{secret_id} {found['VersionId']}")
        return Held(value="")

    def replace(self, name: str, value: str, *, held: Held) -> None:
        """A version that is put beside and made the current one only if the one that was read still is.

        A version that never became the current one is nobody's value."""
        secret_id, _, former = held.version.rpartition(" ")
        with self._opened() as client:
            try:
                text = value if secret_id != self._prefix else self._put_into(client, name, value)
                put = client.put_secret_value(
                    SecretId=secret_id,
                    SecretString=text,
                    VersionStages=[_PENDING],
                    ClientRequestToken=str(uuid4()),
                )
                client.update_secret_version_stage(
                    SecretId=secret_id,
                    VersionStage=_CURRENT,
                    MoveToVersionId=put["VersionId"],
                    RemoveFromVersionId=former,
                )
            except (BotoCoreError, ClientError) as error:
                is_moved = isinstance(error, ClientError) and _code_of(error) == "InvalidParameterException"
                said = moved(self.says, name) if is_moved else self._said(error)
                # It may have been done before the answer was lost; asked again, AWS finds that it has moved.
                if isinstance(said, SourceSilent | SecretMoved) and self._has_become(name, value):
                    return
                raise said from error

    def _has_become(self, name: str, value: str) -> bool:
        try:
            return self.read_one(name).value == value
        except (SourceRefuses, SourceSilent):
            return False

    # `Any`: AWS's client.
    def _put_into(self, client: Any, name: str, value: str) -> str:
        """The document with this one value changed."""
        document = json.loads(
            client.get_secret_value(SecretId=self._prefix, VersionStage=_CURRENT)["SecretString"]
        )
        return json.dumps({**document, name: value})

    # `Any`: AWS's client and its answer.
    def _find(self, client: Any, secret_id: str) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = client.get_secret_value(SecretId=secret_id, VersionStage=_CURRENT)
        except ClientError as error:
            if _code_of(error) == "ResourceNotFoundException":
                return None
            raise self._said(error) from error
        except BotoCoreError as error:
            raise self._said(error) from error
        return found

    @contextmanager
    def _opened(self) -> Iterator[Any]:
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
            yield client
        finally:
            client.close()

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
            found = client.get_secret_value(SecretId=name, VersionStage=_CURRENT)
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
            return refuses(self.says, "no credentials", hint=_SIGN_IN)
        if not isinstance(error, ClientError):
            return silent(self.says, type(error).__name__)
        code = _code_of(error)
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in _PASSING or status >= 500 or status == 429:
            return silent(self.says, code)
        return refuses(self.says, code, hint=_SIGN_IN if code in _EXPIRED else _RIGHTS)


def _code_of(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
