"""What the console's page says of requests is what the edge does with them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hrx.ops.console.release_views import Picture, look
from hrx.ops.run.plane import Plane
from tests.ops.release.strategies.place import Place

pytestmark = pytest.mark.req("R3.1-2")


def percents(picture: Picture) -> dict[str, list[int | None]]:
    return {one.slot.value: [share.percent for share in one.shares] for one in picture.slots}


def test_shares_are_told_as_the_edge_gives_them_and_not_when_it_is_away(place: Place, plane: Plane) -> None:
    watched = replace(plane, settings=plane.settings.model_copy(update={"var_dir": place.var}))
    seen = look(watched, lambda: place.slots)
    assert percents(seen) == {"blue": [100, 100], "green": [0, 0]}
    assert [one.look for one in seen.slots] == ["ok", "resting"]
    place.slots.wake("api", "green")
    place.slots.edge.share("api", new="green", percent=25)
    seen = look(watched, lambda: place.slots)
    assert percents(seen) == {"blue": [75, 100], "green": [25, 0]}
    assert [one.look for one in seen.slots] == ["degraded", "degraded"]
    place.slots.edge.keep("api", "green")
    place.kill_edge()
    seen = look(watched, lambda: place.slots)
    assert percents(seen) == {"blue": [None, None], "green": [None, None]}
    assert seen.edge_problem is not None
    kept = {one.slot.value: [share.is_kept for share in one.shares] for one in seen.slots}
    assert kept == {"blue": [False, True], "green": [True, False]}
