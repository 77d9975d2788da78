"""The door to the object store: objects that are made once and never overwritten.

Create-if-absent is the one guarded write that folders, S3, GCS and Azure all have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import LocalStore, ObjectStore

from hrx.kit.buckets import Patience, connect_bucket
from hrx.kit.errors import Text
from hrx.kit.models.records import ModelInvalid, ModelNotTrusted, RegistryUnavailable
from hrx.kit.secrets import mask_text
from hrx.kit.settings import SecretStr

#: Nothing larger is read into memory.
LARGEST_BYTES: Final = 512 * 1024 * 1024
_PATIENCE: Final = Patience(
    answers_within=timedelta(seconds=60),
    retries=2,
    retries_within=timedelta(seconds=60),
    longest_pause=timedelta(seconds=2),
)


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder or a bucket. Every method raises RegistryUnavailable when the store does not answer."""

    store: ObjectStore
    says: str

    def put_new(self, key: str, content: bytes) -> bool:
        """Make an object; gives False, and changes nothing, when there is one of this name already."""
        with self._asking():
            try:
                obstore.put(self.store, key, content, mode="create", use_multipart=False)
            except (AlreadyExistsError, PreconditionError):
                return False
            return True

    def find(self, key: str) -> bytes | None:
        """An object's content; None when there is none. Raises ModelNotTrusted when it is absurdly large."""
        with self._asking():
            try:
                found = obstore.get(self.store, key)
            except FileNotFoundError as error:
                if "NoSuchBucket" in str(error):
                    raise
                return None
            if int(found.meta["size"]) > LARGEST_BYTES:
                raise ModelNotTrusted(
                    Text(ja=f"{key} は大きすぎます", en=f"{key} is larger than any model may be")
                )
            return bytes(found.bytes())

    def list_keys(self, prefix: str) -> list[str]:
        """Every key below a prefix, in order."""
        with self._asking():
            return sorted(
                str(one["path"]) for page in obstore.list(self.store, prefix, chunk_size=1000) for one in page
            )

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError) as error:
            said = mask_text(str(error).split("Debug source:")[0].strip())[:300]
            raise RegistryUnavailable(
                Text(
                    ja=f"モデルの保管場所 {self.says} が使えません: {said}",
                    en=f"The store of models at {self.says} cannot be used: {said}",
                ),
                hint=Text(ja="HRX_MODEL_STORE_URL を確かめてください。", en="See to HRX_MODEL_STORE_URL."),
            ) from error


def open_shelf(
    url: str,
    *,
    endpoint: str | None = None,
    region: str = "ap-northeast-1",
    access_key_id: SecretStr | None = None,
    secret_access_key: SecretStr | None = None,
) -> Shelf:
    """The shelf at `file:/FOLDER` or `s3://bucket/prefix`; asks nobody yet.

    Without keys the machine's own role is used. Raises ModelInvalid for other URLs."""
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path.startswith("/"):
        folder = Path(parts.path)
        folder.mkdir(parents=True, exist_ok=True)
        return Shelf(LocalStore(folder), url)
    if parts.scheme != "s3" or not parts.netloc:
        raise ModelInvalid(
            Text(
                ja=f"保管場所の URL として読めません: {mask_text(url)}",
                en=f"Not a store's URL: {mask_text(url)}",
            ),
            hint=Text(
                ja="HRX_MODEL_STORE_URL は file:/フォルダ か s3://バケット/接頭辞 の形です。",
                en="HRX_MODEL_STORE_URL looks like file:/FOLDER or s3://bucket/prefix.",
            ),
        )
    store = connect_bucket(
        parts,
        endpoint=endpoint,
        region=region,
        access_key_id=access_key_id,
        secret_access_key=secret_access_key,
        patience=_PATIENCE,
    )
    return Shelf(store, f"s3://{parts.netloc}{parts.path}")
