"""A vendor's own release archive, where there is no Debian: address and SHA-256 come from settings.

No address is built in, and nothing without a checksum is ever unpacked."""

from __future__ import annotations

import hashlib
import tarfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from hrx.kit.errors import Refused, Text, Unavailable
from hrx.ops.targets.machine.settings import ToolRelease

_TIMEOUT_S: Final = 60
_LIMIT_BYTES: Final = 512 * 1024 * 1024
_CHUNK_BYTES: Final = 1024 * 1024
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def fetch_release(release: ToolRelease, *, into: Path, name: str) -> Path:
    """The program, verified and executable, as `into/name`.

    Raises Refused on a wrong checksum or an unencrypted address, Unavailable when it cannot be fetched."""
    into.mkdir(parents=True, exist_ok=True)
    archive = into / f"{name}.download"
    try:
        found = _download(release.url, archive)
        if found != release.sha256.lower():
            raise Refused(
                Text(
                    ja=f"{release.url} のチェックサムが設定と違います。使いません。",
                    en=f"{release.url} does not have the configured checksum; it is not used.",
                ),
                code="tools.wrong_checksum",
            )
        return _extract(archive, member=release.member, to=into / name)
    finally:
        archive.unlink(missing_ok=True)


def _download(url: str, to: Path) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise Refused(
            Text(
                ja=f"暗号化されない取得元は使えません: {url}", en=f"An unencrypted source is refused: {url}"
            ),
            code="tools.unencrypted_source",
        )
    digest, size = hashlib.sha256(), 0
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer, to.open("wb") as file:  # noqa: S310
            while chunk := answer.read(_CHUNK_BYTES):
                size += len(chunk)
                if size > _LIMIT_BYTES:
                    raise Refused(
                        Text(ja=f"{url} が大きすぎます。", en=f"{url} is too large."), code="tools.too_large"
                    )
                digest.update(chunk)
                file.write(chunk)
    except (urllib.error.URLError, TimeoutError) as error:
        raise Unavailable(
            Text(ja=f"{url} を取得できません: {error}", en=f"{url} cannot be fetched: {error}"),
            code="tools.download_failed",
        ) from error
    return digest.hexdigest()


def _extract(archive: Path, *, member: str, to: Path) -> Path:
    with tarfile.open(archive) as opened:
        try:
            source = opened.extractfile(member)
        except KeyError:
            source = None
        if source is None:
            raise Refused(
                Text(ja=f"{member} が配布物の中にありません。", en=f"{member} is not in the release."),
                code="tools.no_such_member",
            )
        draft = to.with_name(to.name + ".new")
        draft.write_bytes(source.read())
    draft.chmod(0o755)
    draft.replace(to)
    return to
