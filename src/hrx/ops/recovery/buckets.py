"""A bucket of an object store (S3 and what speaks like it) as a place for copies of backups.

Every object carries its SHA-256 from before it left this machine, and the store checks the digest of what
arrives; so a copy that was damaged on its way or in the store is an error when it is read, without any key.

Rights needed: PutObject, GetObject, ListBucket. DeleteObject only for retention: all works without."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore

from hrx.kit import clock
from hrx.kit.buckets import Patience, connect_bucket
from hrx.kit.errors import Invalid, Text
from hrx.kit.secrets import mask_text
from hrx.kit.settings import SecretStr
from hrx.ops.recovery.places import (
    CopyDamaged,
    Folder,
    Kept,
    Place,
    PlaceUnavailable,
    check_name,
    not_there,
    unavailable,
)

_CHUNK: Final = 1 << 20
#: Parts of a multi-part upload; S3 allows 10,000 of them.
_PART_BYTES: Final = 8 << 20
_PARTS_MAX: Final = 9_000
_SHA256: Final = "sha256"
#: A part of 8 MiB has to be sent in this time: 70 kB/s.
_ANSWERS_WITHIN_S: Final = 120.0


class PlaceRefused(PlaceUnavailable):
    """The location elsewhere answers, and says no: wrong key, no right, no such bucket, wrong clock."""

    code = "recovery.place_refused"


@dataclass(slots=True)
class Pace:
    """The most that may be sent, shared by everybody who sends. `per_s` in bytes; None does not limit."""

    per_s: float | None
    _free_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def spend(self, size_bytes: int) -> None:
        """Wait until this much may be sent."""
        if self.per_s is None:
            return
        with self._lock:
            begins = max(self._free_at, clock.monotonic_s())
            self._free_at = begins + size_bytes / self.per_s
        time.sleep(max(0.0, begins - clock.monotonic_s()))


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket under a prefix of its own."""

    store: ObjectStore
    says: str
    pace: Pace = field(default_factory=lambda: Pace(None))

    def put_file(self, name: str, path: Path) -> None:
        check_name(name)
        try:
            size_bytes = path.stat().st_size
            digest = _digest(path)
            part = max(_PART_BYTES, size_bytes // _PARTS_MAX)
            content = self._paced(path) if size_bytes > part else self._at_once(path)
            obstore.put(
                self.store, name, content, attributes={_SHA256: digest}, chunk_size=part, max_concurrency=2
            )
            arrived = obstore.head(self.store, name)
        except (BaseError, OSError, ValueError) as error:
            raise _refused(self.says, error) from error
        if int(arrived["size"]) != size_bytes:
            raise _damaged(self.says, name)

    def get_file(self, name: str, into: Path) -> None:
        check_name(name)
        digest = hashlib.sha256()
        try:
            found = obstore.get(self.store, name)
            with into.open("wb") as file:
                for chunk in found.stream(min_chunk_size=_CHUNK):
                    digest.update(chunk)
                    file.write(chunk)
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise _refused(self.says, error) from error
            raise not_there(name) from None
        except (BaseError, OSError) as error:
            raise _refused(self.says, error) from error
        if found.attributes.get(_SHA256, digest.hexdigest()) != digest.hexdigest():
            raise _damaged(self.says, name)

    def list_files(self, prefix: str = "") -> Iterator[Kept]:
        try:
            for page in obstore.list(self.store, prefix or None, chunk_size=1000):
                for one in page:
                    yield Kept(
                        name=str(one["path"]), size_bytes=int(one["size"]), changed_at=one["last_modified"]
                    )
        except (BaseError, OSError) as error:
            raise _refused(self.says, error) from error

    def delete(self, name: str) -> None:
        check_name(name)
        try:
            obstore.delete(self.store, name)
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise _refused(self.says, error) from error
        except (BaseError, OSError) as error:
            raise _refused(self.says, error) from error

    def _paced(self, path: Path) -> Iterator[bytes]:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                self.pace.spend(len(chunk))
                yield chunk

    def _at_once(self, path: Path) -> bytes:
        content = path.read_bytes()
        self.pace.spend(len(content))
        return content


def open_place(
    url: str,
    *,
    endpoint: str | None = None,
    region: str = "ap-northeast-1",
    access_key_id: SecretStr | None = None,
    secret_access_key: SecretStr | None = None,
    max_rate_kbytes: int | None = None,
    answers_within_s: float = _ANSWERS_WITHIN_S,
) -> Place:
    """The place at `s3://bucket/prefix` or `file:FOLDER`; asks nobody yet. Raises Invalid for other URLs.

    Without keys the machine's own role is used. A folder is not paced: it is a disk of this machine."""
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path.startswith("/"):
        return Folder(Path(parts.path))
    if parts.scheme != "s3" or not parts.netloc:
        raise Invalid(
            Text(
                ja=f"別の場所の URL として読めません: {mask_text(url)}",
                en=f"Not the URL of a location elsewhere: {mask_text(url)}",
            ),
            hint=Text(
                ja="`s3://バケット/接頭辞` か `file:/フォルダ` の形です。",
                en="It looks like `s3://bucket/prefix` or `file:/FOLDER`.",
            ),
            code="recovery.not_a_place",
        )
    store = connect_bucket(
        parts,
        endpoint=endpoint,
        region=region,
        access_key_id=access_key_id,
        secret_access_key=secret_access_key,
        patience=Patience(
            # Of a whole request; what stalls is ended by the next one.
            answers_within=timedelta(hours=6),
            stalls_after=timedelta(seconds=answers_within_s),
            retries=4,
            retries_within=timedelta(seconds=2 * answers_within_s),
            longest_pause=timedelta(seconds=5),
        ),
        checksum=_SHA256,
    )
    per_s = max_rate_kbytes * 1000.0 if max_rate_kbytes else None
    return Bucket(store=store, says=f"s3://{parts.netloc}{parts.path}", pace=Pace(per_s))


def _damaged(where: str, name: str) -> CopyDamaged:
    return CopyDamaged(
        Text(
            ja=f"{where} の {name} は、送ったものと違います",
            en=f"{name} at {where} is not what was sent there",
        ),
        hint=Text(
            ja="こちらのファイルが無事なら、そこから消すともう一度送られます。",
            en="If the file here is well, delete that copy and it is sent again.",
        ),
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


#: What the store says, and what to do about it. The first that is found decides.
_REASONS: Final = (
    (
        "NoSuchBucket",
        Text(ja="バケットがありません", en="the bucket is not there"),
        Text(
            ja="HRX_OFFSITE_URL を確かめてください。消えたのなら作り直せば、写しは全部送り直されます。",
            en="See to HRX_OFFSITE_URL. If the bucket is gone, make it anew: everything is sent again.",
        ),
    ),
    (
        "RequestTimeTooSkewed",
        Text(
            ja="この機械の時計が、置き場所の時計と 15 分以上ずれています",
            en="this machine's clock differs from the store's by more than 15 minutes",
        ),
        Text(
            ja="時計を合わせてください(`timedatectl`)。",
            en="Set the clock (`timedatectl`).",
        ),
    ),
    (
        ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "401 Unauthorized"),
        Text(ja="鍵が違うか、期限が切れています", en="the key is wrong or has expired"),
        Text(
            ja="HRX_OFFSITE_ACCESS_KEY_ID と HRX_OFFSITE_SECRET_ACCESS_KEY を確かめてください。",
            en="See to HRX_OFFSITE_ACCESS_KEY_ID and HRX_OFFSITE_SECRET_ACCESS_KEY.",
        ),
    ),
    (
        ("AccessDenied", "403 Forbidden"),
        Text(ja="権限がありません", en="the key lacks a right"),
        Text(
            ja="PutObject、GetObject、ListBucket の権限を与えてください。",
            en="Grant it PutObject, GetObject and ListBucket.",
        ),
    ),
)


def _refused(where: str, error: Exception) -> PlaceUnavailable:
    """The store's words, without its dump of the request."""
    said = str(error)
    for codes, why, hint in _REASONS:
        if any(code in said for code in ((codes,) if isinstance(codes, str) else codes)):
            return PlaceRefused(
                Text(
                    ja=f"バックアップの別の置き場所 {where} に断られました。{why.ja}。",
                    en=f"The location {where} refused: {why.en}.",
                ),
                hint=hint,
            )
    first = mask_text(said.split("Debug source:")[0].strip().splitlines()[0] if said.strip() else "-")[:300]
    return unavailable(where, OSError(first))
