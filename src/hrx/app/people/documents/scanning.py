"""A virus scan by ClamAV's daemon, where one is set up; the file is sent through its socket (INSTREAM).

Without a daemon nothing is scanned, and every version says so."""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress
from pathlib import Path
from typing import Final

from hrx.app.people.documents.problems import FileUnreadable
from hrx.kit.errors import Text, Unavailable

_CHUNK_BYTES: Final = 256 * 1024
TIMEOUT_S: Final = 60.0


class ScannerUnavailable(Unavailable):
    """The daemon does not answer; the file waits, for it must not be read unscanned."""

    code = "document.scanner_unavailable"


async def scan(path: Path, *, address: str | None) -> bool:
    """Whether the file was scanned. Raises FileUnreadable when a virus was found, ScannerUnavailable.

    `address` is the path of a socket, or host:port."""
    if not address:
        return False
    try:
        async with asyncio.timeout(TIMEOUT_S):
            answer = await _ask(path, address)
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        raise _unavailable() from error
    if answer.endswith("FOUND"):
        raise FileUnreadable("file.virus", name=answer.removeprefix("stream:").removesuffix("FOUND").strip())
    if not answer.endswith("OK"):
        raise _unavailable()
    return True


async def _ask(path: Path, address: str) -> str:
    if "/" in address:
        reader, writer = await asyncio.open_unix_connection(address)
    else:
        host, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(b"zINSTREAM\0")
        with path.open("rb") as stream:
            while chunk := await asyncio.to_thread(stream.read, _CHUNK_BYTES):
                writer.write(struct.pack("!I", len(chunk)) + chunk)
                await writer.drain()
        writer.write(struct.pack("!I", 0))
        await writer.drain()
        answer = await reader.readuntil(b"\0")
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    return answer.rstrip(b"\0").decode("utf-8", "replace").strip()


def _unavailable() -> ScannerUnavailable:
    return ScannerUnavailable(
        Text(ja="ウイルス検査の応答がありません。", en="The virus scanner does not answer."),
        hint=Text(
            ja="HRX_CLAMD_ADDRESS の clamd が動いているか確認してください。",
            en="See whether the clamd at HRX_CLAMD_ADDRESS is running.",
        ),
    )
