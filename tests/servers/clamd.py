"""A stand-in for ClamAV's daemon: takes INSTREAM on a socket, as clamd's manual describes it."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(slots=True)
class Clamd:
    """What was sent last, and where to send it."""

    VIRUS: ClassVar[bytes] = b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE"
    address: str = ""
    received: bytes = b""
    _lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def clamd() -> Iterator[Clamd]:
    """A daemon while the block runs."""
    server = Clamd()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server.address = f"127.0.0.1:{listening.getsockname()[1]}"
        thread = threading.Thread(target=_serve, args=(server, listening), daemon=True)
        thread.start()
        yield server
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(timeout=5)


def _serve(server: Clamd, listening: socket.socket) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        with connection, connection.makefile("rb") as stream:
            assert stream.read(10) == b"zINSTREAM\0"
            content = b""
            while size := struct.unpack("!I", stream.read(4))[0]:
                content += stream.read(size)
            with server._lock:
                server.received = content
            found = Clamd.VIRUS in content
            connection.sendall(b"stream: Eicar-Test-Signature FOUND\0" if found else b"stream: OK\0")
