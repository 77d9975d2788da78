"""Versions to release in a drill: the built one again under another name, sound or broken on purpose."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Final

from hrx.kit import clock
from hrx.ops.release.building.building import CODE, PORTAL
from hrx.ops.release.building.contents import FILE
from hrx.ops.release.releases import Component, Release
from hrx.ops.release.store import ReleaseStore

_API: Final = Path("src") / "hrx" / "app" / "api.py"
_START: Final = 'if __name__ == "__main__":'
#: It starts, says that it is ready, and answers every second question of people with an error.
_DAMAGE: Final = """
_create_sound_app = create_app


def create_app(settings, *, registry=None):
    app = _create_sound_app(settings, registry=registry)

    @app.middleware("http")
    async def fail(request, call_next):
        if request.url.path.startswith("/api/v1/people"):
            return Response(status_code=500)
        return await call_next(request)

    return app


"""


def make_version(store: ReleaseStore, base: Release, *, is_broken: bool = False) -> Release:
    """One more release, on record; hard links where the disk has them. `is_broken`: its directory answers
    500. Raises OSError."""
    return store.add_next(lambda name: _copy(store, base, name, is_broken=is_broken))


def _copy(store: ReleaseStore, base: Release, name: str, *, is_broken: bool) -> Release:
    home, source = store.folder / name, store.folder / base.id
    for part in (CODE, PORTAL):
        shutil.copytree(source / part, home / part, symlinks=True, copy_function=_link)
    shutil.copyfile(source / FILE, home / FILE)
    commit = hashlib.sha1(f"{base.commit} drill {name}".encode(), usedforsecurity=False).hexdigest()
    if is_broken:
        _damage(home / CODE / _API)
    api = replace(base.components[Component.API], version=commit[:16], digest=commit)
    return replace(
        base,
        id=name,
        commit=commit,
        built_at=clock.now(),
        components={**base.components, Component.API: api},
    )


def _damage(path: Path) -> None:
    """Never written through: the file is shared with the sound one."""
    sound = path.read_text()
    path.unlink()
    path.write_text(sound.replace(_START, f"{_DAMAGE}{_START}"))


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        # Another disk, or a file of somebody else that may not be linked.
        shutil.copy2(source, target)
    return target
