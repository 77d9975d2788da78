"""What only this machine can do to a release: die in the middle, have another schema, be asked for too little
time."""

from __future__ import annotations

import signal

import pytest

from hrx.kit.errors import Invalid, Refused, Unavailable
from hrx.ops.release.releases import Slot
from tests.ops.release.deployers.site import Site, in_child, kill_when_written
from tests.ops.release.shop import make_release
from tests.ops.targets.grounds import Ground
from tests.ops.targets.releases import live_version, release
from tests.ops.targets.this_machine import keep_release, make_place, open_target

pytestmark = [pytest.mark.req("R3.2-1"), pytest.mark.req("R3.3-1"), pytest.mark.timeout(600)]


@pytest.mark.parametrize(
    ("name", "time_of"), [("current.json", 1), ("supervisord.conf", 1), ("live.json", 1), ("live.json", 2)]
)
def test_whoever_is_killed_in_the_middle_is_gone_on_from_and_nothing_is_made_twice(
    site: Site, reader: Ground, name: str, time_of: int
) -> None:
    release(reader, "1.0.0")
    reader.build("1.1.0")

    def deploy() -> None:
        kill_when_written(None, name, time_of=time_of)
        release(reader, "1.1.0")

    assert in_child(deploy) == -signal.SIGKILL
    assert release(reader, "1.1.0").is_live
    assert live_version(reader.open()) == "1.1.0"
    assert reader.made() == 2
    commit = make_release(site.number, "0008", uses=()).commit[:12]
    assert (site.ask("api"), site.ask("web")) == (commit, commit), "people are on it"


def test_waiting_ends_when_the_time_is_over_and_the_next_run_goes_on(reader: Ground) -> None:
    target = reader.open()
    made = target.deploy(target.prepare(reader.build("1.0.0")), version="1.0.0", key="slow")
    with pytest.raises(Unavailable) as told:
        target.wait_until_healthy(made.id, timeout_s=0.0)
    assert told.value.stable_code == "target.still_waiting"
    assert reader.open().wait_until_healthy(made.id, timeout_s=reader.wait_s).is_live


def test_a_build_under_another_version_or_for_another_schema_is_not_put_into_a_slot(site: Site) -> None:
    place = make_place(site)
    target = open_target(site, place)
    first = target.prepare(keep_release(site, place, "1.0.0"))
    with pytest.raises(Invalid) as told:
        target.deploy(first, version="2.0.0", key="one")
    assert told.value.stable_code == "target.other_version"
    place.store.place(
        place.environment,
        Slot(site.hands.edge.kept("api")),
        first.build.path.name,  # type: ignore[union-attr]
        weight=100,
        by="test",
        expected=None,
    )
    second = target.prepare(keep_release(site, place, "1.1.0", schema="0009"))
    with pytest.raises(Refused) as refused:
        target.deploy(second, version="1.1.0", key="two")
    assert refused.value.stable_code == "target.other_schema"
    assert [one.version for one in target.list_deployments()] == ["1.0.0"]
