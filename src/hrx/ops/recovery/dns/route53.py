"""A zone at Route 53.

A change names the record that goes away in full, beside the one that comes, in one batch: it is refused
when the record is not what the plan saw. No health check is made, changed or disabled: a disabled one
counts as healthy."""

from __future__ import annotations

from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from hrx.kit.errors import Text
from hrx.kit.settings import SecretStr
from hrx.ops.recovery.dns.records import (
    Kind,
    Record,
    changed,
    not_switchable,
    refused,
    tidy_name,
    unavailable,
)

_LIMITS: Final = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 2})
#: The service has one endpoint for all regions, and signs for this one.
_REGION: Final = "us-east-1"


class Route53:
    """`zone` is the hosted zone's id. Without keys the machine's own role is used. Rights needed:
    ListResourceRecordSets, ChangeResourceRecordSets, GetChange."""

    def __init__(
        self,
        zone: str,
        *,
        endpoint: str | None = None,
        access_key_id: SecretStr | None = None,
        secret_access_key: SecretStr | None = None,
    ) -> None:
        self.says = f"Route 53 {zone}"
        self._zone = zone
        # `Any`: the library makes its classes at run time.
        self._client: Any = boto3.client(
            "route53",
            region_name=_REGION,
            endpoint_url=endpoint,
            aws_access_key_id=access_key_id.get_secret_value() if access_key_id else None,
            aws_secret_access_key=secret_access_key.get_secret_value() if secret_access_key else None,
            config=_LIMITS,
        )

    def read(self, name: str, kind: Kind) -> Record | None:
        found = self._call(
            "list_resource_record_sets", StartRecordName=name, StartRecordType=kind, MaxItems="1"
        )["ResourceRecordSets"]
        if not found or tidy_name(found[0]["Name"]) != tidy_name(name) or found[0]["Type"] != kind:
            return None
        one = found[0]
        if "AliasTarget" in one:
            raise not_switchable(name, Text(ja="別名(Alias)です", en="it is an alias"))
        if "SetIdentifier" in one:
            raise not_switchable(name, Text(ja="振り分けの規則が付いています", en="it has a routing policy"))
        return Record(
            name=tidy_name(name),
            kind=kind,
            ttl_s=int(one["TTL"]),
            values=tuple(value["Value"] for value in one["ResourceRecords"]),
        )

    def replace(self, before: Record, after: Record) -> str:
        # The batch is refused by the service when they differ; stand-ins of it are not so exact.
        if self.read(before.name, before.kind) != before:
            raise changed(before.name)
        try:
            done = self._call(
                "change_resource_record_sets",
                ChangeBatch={
                    "Comment": "hrx recover dns",
                    "Changes": [
                        {"Action": "DELETE", "ResourceRecordSet": _told(before)},
                        {"Action": "CREATE", "ResourceRecordSet": _told(after)},
                    ],
                },
            )
        except _InvalidBatch:
            raise changed(before.name) from None
        return str(done["ChangeInfo"]["Id"])

    def is_everywhere(self, change: str) -> bool:
        try:
            told = self._client.get_change(Id=change)
        except (ClientError, BotoCoreError) as error:
            raise self._meaning(error) from error
        return bool(told["ChangeInfo"]["Status"] == "INSYNC")

    def _call(self, name: str, **arguments: object) -> Any:
        try:
            return getattr(self._client, name)(HostedZoneId=self._zone, **arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] == "InvalidChangeBatch":
                raise _InvalidBatch from error
            raise self._meaning(error) from error
        except BotoCoreError as error:
            raise self._meaning(error) from error

    def _meaning(self, error: Exception) -> Exception:
        """Ours; the library's words carry the request, its code does not."""
        if isinstance(error, ClientError):
            code = str(error.response["Error"]["Code"])
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
            is_busy = status >= 500 or code in {"Throttling", "PriorRequestNotComplete"}
            return unavailable(self.says, code) if is_busy else refused(self.says, code)
        return unavailable(self.says, type(error).__name__)


class _InvalidBatch(Exception):
    """The record that should go away is not there as told."""


def _told(record: Record) -> dict[str, object]:
    return {
        "Name": record.name,
        "Type": record.kind,
        "TTL": record.ttl_s,
        "ResourceRecords": [{"Value": value} for value in record.values],
    }
