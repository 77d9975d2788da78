"""This machine as a ground of the suite: a real supervisord, a real HAProxy, real processes in the slots, and
people who ask all the time. The processes are shared; each test has records and releases of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from hrx.ops.release.building.building import REQUIREMENTS
from hrx.ops.release.deploying import Place
from hrx.ops.release.releases import Build as Part
from hrx.ops.release.releases import Component
from hrx.ops.release.this_machine import Gate, ThisMachine
from hrx.ops.settings import OpsSettings
from hrx.ops.targets.releasing import Build, Folder
from tests.ops.release.deployers.site import API, QUICK, Site, keep_built
from tests.ops.release.shop import make_release
from tests.ops.targets.grounds import Ground

#: A whole rollout takes some 5 s on a machine that is free.
WAIT_S = 120.0
_SPEAKING = (
    "import os, sys\nfor number in range(30):\n    print(f'line {number}', flush=True)\n"
    # What the server says of visitors that go away is no line of the suite's.
    "sys.stderr = open(os.devnull, 'w')\n" + API
)
_SICK = API.replace("send_response(200)", "send_response(503)")
#: Half of all answers may be slow or fail: the suite asks what a target does, not how the gate judges.
_POLICY = replace(
    QUICK, tolerated_errors=0.5, tolerated_slow=0.9, harm_budget=100, decide_within_s=60, ready_within_s=20
)


def open_target(site: Site, place: Place) -> ThisMachine:
    """As the next run of a command has it; no database stands beside, so no model follows."""
    return ThisMachine(
        place,
        site.hands,
        ledger=site.ledger,
        by="sato",
        owner_url=None,
        tables_url=None,
        follow=lambda _progress: None,
        gate=Gate(policy=_POLICY, drain_within_s=1),
    )


def keep_release(
    site: Site, place: Place, version: str, *, api: str = _SPEAKING, schema: str = "0008"
) -> Folder:
    """One more release as `hrx release build` leaves it."""
    site.number += 1
    parts = {Component.API: Part(version=f"api-{site.number}", parts={REQUIREMENTS: "one"})}
    release = make_release(site.number, schema, uses=("id", "name"), versions=parts)
    # No jobs: where no database stands none could be kept.
    keep_built(place.store, replace(release, version=version, handles=frozenset()), api=api)
    return Folder(path=place.store.folder / release.id)


def make_builder(site: Site, place: Place, sick: set[str]) -> Callable[[str], Build]:
    """Gives the folder of a release of that version, built once."""
    made: dict[str, Folder] = {}

    def build(version: str) -> Build:
        if version not in made:
            site.be_known()
            api = _SICK if version in sick else _SPEAKING
            made[version] = keep_release(site, place, version, api=api)
        return made[version]

    return build


def make_place(site: Site) -> Place:
    """The processes of the site with records of its own, in a folder that the service user may enter."""
    var = Path(tempfile.mkdtemp(prefix="t-", dir=site.layout.var.parent))
    var.chmod(0o755)
    return Place(layout=site.layout, settings=OpsSettings(var_dir=var))


@contextmanager
def machine_ground(site: Site) -> Iterator[Ground]:
    place = make_place(site)
    sick: set[str] = set()

    def read_variables() -> dict[str, str]:
        raise AssertionError("this machine keeps no copy of settings")

    with site.visited():
        yield Ground(
            open=lambda: open_target(site, place),
            build=make_builder(site, place, sick),
            variables=read_variables,
            made=lambda: len({one.run for one in place.store.list_placements(place.environment)}),
            make_sick=sick.add,
            wait_s=WAIT_S,
            sick_s=WAIT_S,
        )
