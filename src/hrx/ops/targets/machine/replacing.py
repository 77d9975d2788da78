"""A small file with a secret in it, written anew whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def replace_file(path: Path, content: str) -> None:
    """Its owner stays, and nobody else may read it. Raises OSError, and then nothing changed."""
    was = path.stat()
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if os.geteuid() == 0:
            os.chown(draft, was.st_uid, was.st_gid)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
