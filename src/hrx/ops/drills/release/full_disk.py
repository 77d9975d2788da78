"""A release is built on a disk that is full: it ends with words, and nothing of half a release stays."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from hrx.kit import clock
from hrx.ops.drills.release.stack import Ground, made_ground, stuck
from hrx.ops.drills.release.watching import Watch, require_done
from hrx.ops.release.store import MANIFEST
from hrx.ops.targets.machine.layout import Layout

#: No file may grow beyond it: a build writes larger ones both of the portal and of the sources' lists.
_LARGEST_KIB: Final = 256
_ENDS_WITHIN_S: Final = 900.0
_CODE: Final = "release.not_written"


def build_on_full_disk(machine: Layout, watch: Watch) -> None:
    """Refused with what to do; once there is room, the same command builds."""
    with made_ground(machine, name="full") as ground:
        began_s = clock.monotonic_s()
        said = ground.start("release", "build", largest_file_kib=_LARGEST_KIB).wait(timeout_s=_ENDS_WITHIN_S)
        watch.note("refusal_s", clock.monotonic_s() - began_s)
        watch.hear(said)
        if said.code == 0 or said.error != _CODE:
            raise stuck(f"the build ended with {said.code} {said.error}: {said.words}")
        watch.note("left_files", len(_list_half_made(ground)))
        watch.left += [f"{path.relative_to(ground.layout.var)} is left" for path in _list_half_made(ground)]
        require_done(ground.start("release", "build").wait(timeout_s=_ENDS_WITHIN_S), "the build with room")


def _list_half_made(ground: Ground) -> list[Path]:
    """Folders of releases without a record, and drafts of portals and environments."""
    var = ground.layout.var
    releases = [one for one in (var / "releases").glob("r*") if not (one / MANIFEST).is_file()]
    drafts = [one for folder in ("web", "web-assets", "releases/_environments")
              for one in (var / folder).glob(".*")]  # fmt: skip
    return [*releases, *drafts]
