"""Writing the status page: atomically, at once when something changed, and now and then as "still true"."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson

from hrx.kit import clock
from hrx.ops.communication.document import build_document
from hrx.ops.communication.pages import render_files
from hrx.ops.run.plane import Plane
from hrx.ops.settings import OpsSettings

#: A page that says nothing new is written again after this long, so that silence is told from calm.
_AGAIN: Final = timedelta(seconds=30)
_LAST: Final = "status.json"


def public_folder(var_dir: Path) -> Path:
    """Where the page's files are. The status process reads them and nothing else of ours."""
    return var_dir / "status" / "public"


def base_url(settings: OpsSettings) -> str:
    """The page's address as readers see it."""
    return (settings.status_public_url or f"http://127.0.0.1:{settings.status_port}").rstrip("/")


def write_status(plane: Plane) -> bool:
    """Write the page when it says something else than what is written, or that is old; gives whether."""
    with plane.ledger.store.read() as connection:
        document = build_document(plane, connection)
    folder = public_folder(plane.settings.var_dir)
    if not _is_due(document, folder / _LAST):
        return False
    _open_to_the_edge(folder)
    write_files(folder, make_files(plane, document))
    mirror = plane.settings.status_mirror_dir
    if mirror is not None:
        # A host of its own serves these; nothing on it takes requests.
        write_files(mirror, make_files(plane, {**document, "is_subscribable": False}))
    return True


def _open_to_the_edge(folder: Path) -> None:
    """The edge is another user, and serves these files while the page's own process is down."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    # What is beside them stays closed by its own rights; nobody else sees what there is.
    folder.parent.chmod(0o711)


def make_files(plane: Plane, document: Mapping[str, Any]) -> dict[str, bytes]:
    """The files that say this now. `Any`: the document is JSON."""
    return render_files(
        document,
        written_at=clock.now(),
        base_url=base_url(plane.settings),
        zone=plane.content.communication.zone,
    )


def export_status(plane: Plane, folder: Path) -> list[str]:
    """The same files for any static host; gives their names."""
    with plane.ledger.store.read() as connection:
        document = {**build_document(plane, connection), "is_subscribable": False}
    files = make_files(plane, document)
    write_files(folder, files)
    return sorted(files)


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Each file replaced in one step; the JSON last, for it says that the others are complete."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    for name in sorted(files, key=lambda name: name == _LAST):
        draft = folder / f".{name}.{os.getpid()}.new"
        draft.write_bytes(files[name])
        draft.chmod(0o644)
        draft.replace(folder / name)


def _is_due(document: Mapping[str, Any], path: Path) -> bool:
    try:
        known = orjson.loads(path.read_bytes())
        written_at = datetime.fromisoformat(known.pop("written_at"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return True
    # Through JSON, so that both sides have its types.
    return bool(known != orjson.loads(orjson.dumps(document))) or clock.now() - written_at >= _AGAIN
