"""One way to a bucket of S3 and of what speaks like it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import SplitResult

from obstore.store import S3Store

from hrx.kit.settings import SecretStr

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

_CONNECTS_WITHIN: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a request may take as a whole, or (`stalls_after`) without a byte; how often it is tried
    again, within which time, and with pauses of which length at most."""

    answers_within: timedelta
    stalls_after: timedelta | None = None
    retries: int
    retries_within: timedelta
    longest_pause: timedelta

    def client_options(self) -> ClientConfig:
        options: ClientConfig = {
            "allow_http": True,
            "connect_timeout": _CONNECTS_WITHIN,
            "timeout": self.answers_within,
        }
        if self.stalls_after is not None:
            options["read_timeout"] = self.stalls_after
        return options

    def retry_config(self) -> RetryConfig:
        return {
            "max_retries": self.retries,
            "retry_timeout": self.retries_within,
            "backoff": {
                "init_backoff": timedelta(milliseconds=100),
                "max_backoff": self.longest_pause,
                "base": 2,
            },
        }


def connect_bucket(
    parts: SplitResult,
    *,
    endpoint: str | None,
    region: str,
    access_key_id: SecretStr | None,
    secret_access_key: SecretStr | None,
    patience: Patience,
    checksum: str | None = None,
) -> S3Store:
    """The store at `s3://bucket/prefix`, read into its parts; asks nobody yet.

    Without keys the machine's own role is used. `checksum`: what the store is to check uploads by."""
    # `Any`: the library's own types name every option that it has.
    known: dict[str, Any] = {
        "access_key_id": access_key_id.get_secret_value() if access_key_id else None,
        "secret_access_key": secret_access_key.get_secret_value() if secret_access_key else None,
        "endpoint": endpoint,
        "checksum_algorithm": checksum,
    }
    config = {
        "region": region,
        # Servers of one's own answer under one name; the store at AWS takes both ways.
        "virtual_hosted_style_request": endpoint is None,
        **{name: value for name, value in known.items() if value},
    }
    return S3Store(
        parts.netloc,
        prefix=parts.path.strip("/") or None,
        config=cast("Any", config),
        client_options=patience.client_options(),
        retry_config=patience.retry_config(),
    )
